"""/halt: everything stops at once, and nobody is asked."""

from bot.commands.spec import Command, Denied, Request, Services, Usage
from bot.messages import Block, Line, Message, Tone
from bot.text.clean import name, sentence
from bot.trading import order_words
from bot.trading.halt import Halted
from bot.trading.presses import OFF
from storage import Role

_KEEP, _ALL = "keep", "all"
_SHOWN = 8


async def run(services: Services, request: Request) -> Message:
    trading = services.trading
    if trading is None or request.person is None:
        raise Denied(OFF)
    if request.args and (len(request.args) > 1 or request.args[0].lower() not in (_KEEP, _ALL)):
        raise Usage("Nothing was halted: say /halt, or /halt keep to leave stops resting that only protect.")
    keep = bool(request.args) and request.args[0].lower() == _KEEP
    who = name(request.person.display_name or request.person.user_id)
    halted = await trading.halting.halt(by=request.person.person_id, reason=f"{who} sent /halt", keep_protection=keep)
    trading.keeper.wake()
    return Message(blocks=tuple(_blocks(services, halted, keep=keep)), tone=Tone.URGENT if halted.left else Tone.NORMAL)


def _blocks(services: Services, halted: Halted, *, keep: bool) -> list[Block]:
    blocks: list[Block] = [Line("HALTED: no order goes out from now on", strong=True)]
    seen = services.roster.account_ids
    if halted.proposals:
        blocks.append(Line(f"Taken back: {', '.join(halted.proposals)}."))
    if halted.executing:
        what = ", ".join(halted.executing)
        blocks.append(
            Line(f"! Already with the venue: {what}. What was sent may still fill; nothing more of it is sent.")
        )
    cancelled = [one for one in halted.cancelled if one.account_id in seen]
    blocks += [
        Line(f"Cancelled at the venue: {services.roster.label(one.account_id)} {order_words.in_a_headline(one.terms)}.")
        for one in cancelled[:_SHOWN]
    ]
    if any(one.terms.style.is_trigger for one in cancelled):
        blocks.append(Line("! Nothing protects those positions now; /halt keep would have left stops resting."))
    if len(halted.cancelled) > min(_SHOWN, len(cancelled)):
        blocks.append(Line(f"{len(halted.cancelled)} resting orders were cancelled in all."))
    blocks += [
        Line(f"! Still resting: {order_words.order(order.terms)}: {sentence(why)}. Cancel it at the venue.")
        if order.account_id in seen else Line(f"! An order still rests: {sentence(why)}. Cancel it at the venue.")
        for order, why in halted.left
    ]  # fmt: skip
    if not halted.proposals and not halted.cancelled and not halted.left and not halted.executing:
        blocks.append(Line("Nothing waited, and no order of mine rested at the venue."))
    if keep:
        blocks.append(Line("Stops that only protect a position were left resting, as you said."))
    blocks.append(Line("Positions stay as they are; warnings go on. /resume lets orders go out again."))
    return blocks


COMMAND = Command(
    name="halt", usage="/halt [all|keep]", summary="stop all trading at once, cancel my resting orders", run=run,
    role=Role.TRADER, per_account=True,
)  # fmt: skip
