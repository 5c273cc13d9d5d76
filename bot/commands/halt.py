"""/halt: everything stops at once, and nobody is asked. What is not understood is complained of after that."""

import difflib
from collections.abc import Sequence

from bot.commands.spec import Command, Denied, Request, Services
from bot.config import VenueName
from bot.messages import Block, Line, Message, Tone
from bot.text.clean import name, sentence
from bot.trading.cards import orders as order_words
from bot.trading.cards.presses import OFF
from bot.trading.halt import Halted
from storage import Role

_KEEP, _ALL = "keep", "all"
_LIKE_KEEP = 0.6
_MARKS = "!.,"
_SHOWN = 8


async def run(services: Services, request: Request) -> Message:
    trading = services.trading
    if trading is None or request.person is None:
        raise Denied(OFF)
    keep, strange = understood(request.args)
    who = name(request.person.display_name or request.person.user_id)
    halted = await trading.halting.halt(by=request.person.person_id, reason=f"{who} sent /halt", keep_protection=keep)
    trading.keeper.wake()
    kept = [one for one in await trading.resting.standing() if one.terms.style.is_trigger] if keep else []
    blocks = _blocks(services, halted, keep=keep, kept=len(kept))
    if halted.left and trading.signer is not None and trading.signer.trouble:
        blocks.insert(1, Line(unsigned(trading.signer.trouble, any_cancelled=bool(halted.cancelled)), strong=True))
    if strange:
        blocks.append(Line(f"! Not understood: {', '.join(map(name, strange[:_SHOWN]))}. {_ALL_OF_IT}"))
    return Message(blocks=tuple(blocks), tone=Tone.URGENT if halted.left else Tone.NORMAL)


def understood(words: Sequence[str]) -> tuple[bool, tuple[str, ...]]:
    """(whether stops are to stay, words that mean nothing). A word that is nearly ``keep`` is one: a stop that was
    cancelled by a slip of the thumb protects nobody, and one that was kept can be cancelled.

    >>> understood(["keep"]), understood(["kep!"]), understood(["now"]), understood(["all"])
    ((True, ()), (True, ()), (False, ('now',)), (False, ()))
    """
    keep, strange = False, []
    for word in words:
        bare = word.lower().strip(_MARKS)
        if difflib.get_close_matches(bare, [_KEEP], cutoff=_LIKE_KEEP):
            keep = True
        elif bare not in (_ALL, ""):
            strange.append(word)
    return keep, tuple(strange)


def unsigned(trouble: str, *, any_cancelled: bool) -> str:
    """What a halt cannot do while nobody signs.

    >>> unsigned("the signer refused: locked", any_cancelled=False)
    '! Nothing could be cancelled: the signer refused: locked.'
    """
    what = "Not everything" if any_cancelled else "Nothing"
    return f"! {what} could be cancelled: {sentence(trouble)}."


def by_hand(services: Services) -> str:
    """What people can do where Keel cannot; paper money lives inside Keel, and has no page of its own."""
    trading = services.trading
    if trading is None or trading.gateway_name == VenueName.PAPER.value:
        return ""
    return " Who cannot wait cancels at the venue's own page, with the owner's wallet."


def _blocks(services: Services, halted: Halted, *, keep: bool, kept: int) -> list[Block]:
    begun = halted.executing or halted.stopped
    blocks: list[Block] = [Line("HALTED: no order goes out from now on", strong=True)]
    seen = services.roster.account_ids
    if halted.proposals:
        blocks.append(Line(f"Taken back: {', '.join(halted.proposals)}."))
    if halted.executing:
        what = ", ".join(halted.executing)
        blocks.append(
            Line(f"! Already with the venue: {what}. What was sent may still fill; nothing more of it is sent.")
        )
    if halted.stopped:
        blocks.append(Line(f"Stopped, with nothing of it on its way: {', '.join(halted.stopped)}."))
    cancelled = [one for one in halted.cancelled if one.account_id in seen]
    blocks += [
        Line(f"Cancelled at the venue: {services.roster.label(one.account_id)} {order_words.in_full(one.terms)}.")
        for one in cancelled[:_SHOWN]
    ]
    if any(one.terms.style.is_trigger for one in cancelled):
        blocks.append(Line("! Nothing protects those positions now; /halt keep would have left stops resting."))
    if len(halted.cancelled) > min(_SHOWN, len(cancelled)):
        blocks.append(Line(f"{len(halted.cancelled)} resting orders were cancelled in all."))
    blocks += [
        Line(f"! Still resting: {order_words.order(order.terms)}: {sentence(why)}.")
        if order.account_id in seen else Line(f"! An order still rests: {sentence(why)}.")
        for order, why in halted.left
    ]  # fmt: skip
    if halted.left:
        blocks.append(Line(f"Cancelling it is tried again until it is gone, or until /resume.{by_hand(services)}"))
    if not halted.proposals and not halted.cancelled and not halted.left and not begun and not kept:
        blocks.append(Line("Nothing waited, and no order of mine rested at the venue."))
    if kept:
        what = "1 order that protects a position was" if kept == 1 else f"{kept} orders that protect positions were"
        blocks.append(Line(f"{what} left resting, as you said."))
    blocks.append(Line("Positions stay as they are; warnings go on. /resume lets orders go out again."))
    return blocks


_ALL_OF_IT = "A halt is always of everything; /halt keep leaves stops resting."

COMMAND = Command(
    name="halt", usage="/halt [all|keep]", summary="stop all trading at once, cancel my resting orders", run=run,
    role=Role.TRADER, per_account=True,
)  # fmt: skip
