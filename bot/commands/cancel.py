"""/cancel: resting orders taken off the venue, after a look at what they were there for."""

from collections.abc import Mapping

from bot.commands.orders import open_orders, said
from bot.commands.proposing import Ask, asked, propose
from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Message
from bot.text.clean import name
from risk.model.account import OpenOrder, PerpPosition, Side
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
    meant = [(market, order) for market, order in there if order.order_id in chosen]
    held = await ask.positions()
    notes = [note for market, order in meant if (note := await _lost(ask, held, market, order))]
    number = len(chosen)
    title = f"Cancel order {said(*meant[0])}" if number == 1 else f"Cancel {number} orders"
    plan = TradePlan(
        account_id=ask.account_id, purpose=Purpose.CANCEL, trades=(), cancels=chosen, title=title,
        notes=(*(() if number == 1 else (f"order {said(*one)}" for one in meant)), *notes),
    )  # fmt: skip
    return await propose(ask, plan)


async def _lost(ask: Ask, held: Mapping[str, PerpPosition], market: str, order: OpenOrder) -> str:
    """What the position is without from then on; empty where an order protects nothing."""
    at = order.trigger_price_usd if order.trigger_price_usd is not None else order.price_usd
    position = held.get(market)
    if not order.reduce_only or position is None or at is None:
        return ""
    long = position.size_base > 0
    if (order.side is Side.SELL) is not long:
        return ""
    if (at < await ask.price(market)) is long:
        return f"! order {order.order_id} is a stop: nothing of it protects the {name(market)} position any more"
    return f"order {order.order_id} takes a profit; stops stay as they are"


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
