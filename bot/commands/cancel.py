"""/cancel: resting orders taken off the venue, after a look at what they were there for."""

from bot.commands.orders import open_orders, said
from bot.commands.proposing import Ask, asked, propose
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Message
from bot.text.clean import name
from risk.model.account import OpenOrder
from risk.model.proposal import Purpose, TradePlan
from storage import Role

_ALL = "all"
_LONGEST_ID = 19


async def run(services: Services, request: Request) -> Message:
    return await asked(services, request, _cancel)


async def _cancel(ask: Ask) -> Message:
    view = await ask.view()
    there = open_orders(view, ask.account_id)
    chosen = parsed(ask.words, {order.order_id: order for _, order in there})
    notes = [
        f"{name(market)}: order {order.order_id} only reduces, and may be what protects the position"
        for market, order in there
        if order.order_id in chosen and order.reduce_only
    ]
    number = len(chosen)
    plan = TradePlan(
        account_id=ask.account_id, purpose=Purpose.CANCEL, trades=(), cancels=chosen,
        title=f"Cancel {number} order{'' if number == 1 else 's'}",
        notes=(*(said(market, order) for market, order in there if order.order_id in chosen), *notes),
    )  # fmt: skip
    return await propose(ask, plan)


def parsed(words: tuple[str, ...], there: dict[int, OpenOrder]) -> tuple[int, ...]:
    """Ids of the orders that are meant. Raises: Usage, naming those there are."""
    known = ", ".join(str(one) for one in sorted(there)) or "none"
    if not there:
        raise Usage("No order rests at the venue for this account; there is nothing to cancel.")
    if not words:
        raise Usage(f"Say which order, or all. There is {known}; /orders shows them.")
    if [word.lower() for word in words] == [_ALL]:
        return tuple(sorted(there))
    found: dict[int, None] = {}
    for word in words:
        digits = word.strip("#,")
        if not (digits.isascii() and digits.isdigit() and len(digits) < _LONGEST_ID and int(digits) in there):
            raise Usage(f"No order {name(word)} rests here. There is {known}; /orders shows them.")
        found[int(digits)] = None
    return tuple(found)


COMMAND = Command(
    name="cancel", usage="/cancel [account] ORDER|all", summary="cancel resting orders", run=run, role=Role.TRADER,
    per_account=True,
)  # fmt: skip
