"""/orders: what rests at the venue for an account, whoever placed it, and which of it is the bot's own."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.commands.common import cannot, only_account, seen, sight
from bot.commands.spec import Command, Request, Services
from bot.messages import Block, Line, Message
from bot.text import numbers
from bot.text.ages import age, day_and_moment
from bot.text.clean import name
from bot.trading.cards.headline import PURPOSES
from bot.trading.cards.resting import became, looked_up
from risk.errors import CannotAssess, ReadFailed
from risk.fleet import FleetView
from risk.margin.snapshot import snapshot_of
from risk.model.account import MarketKind, OpenOrder
from risk.protection.stop_check import is_crossed
from storage import RestingOrder

_SHOWN = 20
_ENDED_SHOWN = 5
_LOOKED_BACK = 50
_LATELY = timedelta(hours=24)


async def run(services: Services, request: Request) -> Message:
    watched = only_account(services, request.args)
    try:
        known = await sight(services, watched)
    except (CannotAssess, ReadFailed) as exc:
        return cannot(services, watched, exc)
    there = open_orders(known.view, watched.account_id)
    trading = services.trading
    resting = await trading.resting.standing(watched.account_id) if trading is not None else ()
    own = {one.order_id: one for one in resting if one.order_id is not None}
    blocks: list[Block] = [Line(known.first(_headline(there, own)), strong=True)]
    for market, order in there[:_SHOWN]:
        ours = own.get(order.order_id)
        whose = f"; {_ours(services, ours)}" if ours is not None else ""
        blocks.append(Line(f"{said(market, order)}{whose}"))
    if len(there) > _SHOWN:
        blocks.append(Line(f"and {len(there) - _SHOWN} more"))
    book = known.view.single(watched.account_id).book
    gone = [one for one in resting if one.order_id not in {order.order_id for _, order in there}]
    blocks += [
        Line(f"! {_ours(services, one)}: {looked_up(one.terms, crossed=is_crossed(one.terms, book))}.")
        for one in gone
        if one.placed_at < known.view.book.observed_at
    ]
    blocks += [Line(f"{_from(one)}, {became(one)}") for one in await _lately(services, watched.account_id)]
    if there:
        blocks.append(Line("/cancel ORDER takes one off, after a Confirm."))
    return seen(services, known, *blocks)


async def _lately(services: Services, account_id: str) -> list[RestingOrder]:
    """Of ours, those that ended within a day, the newest first."""
    if services.trading is None:
        return []
    since = services.clock.now() - _LATELY
    recent = await services.trading.resting.recent(account_id, _LOOKED_BACK)
    found = [one for one in recent if one.ended_at is not None and one.ended_at >= since]
    return sorted(found, key=lambda one: one.ended_at or since, reverse=True)[:_ENDED_SHOWN]


def open_orders(view: FleetView, account_id: str) -> tuple[tuple[str, OpenOrder], ...]:
    """Everything that rests for an account, each with its market, by market and number. Raises: UnknownAccount."""
    account = snapshot_of(view.book, account_id)
    found = []
    for order in account.open_orders:
        market = (account.perp_markets if order.market_kind is MarketKind.PERP else account.spot_markets).get(
            order.market_index
        )
        found.append((market.name if market is not None else f"market {order.market_index}", order))
    return tuple(sorted(found, key=lambda one: (one[0], one[1].order_id)))


def said(market: str, order: OpenOrder) -> str:
    """An order in a line: ``31 sell 12.5 SOL-PERP below $140.00, reduce-only``."""
    parts = [f"{order.order_id} {order.side.value} {numbers.size(order.size_base)} {name(market)}"]
    if order.trigger_price_usd is not None:
        way = "at" if order.triggers_above is None else "above" if order.triggers_above else "below"
        parts[0] += f" {way} ${numbers.price(order.trigger_price_usd)}"
        if order.price_usd is not None:
            parts.append(f"worst ${numbers.price(order.price_usd)}")
        if order.triggered:
            parts.append("triggered")
    elif order.price_usd is not None:
        parts[0] += f" at ${numbers.price(order.price_usd)}"
    if order.reduce_only:
        parts.append("reduce-only")
    if order.expires_at is not None:
        parts.append(f"until {day_and_moment(order.expires_at)}")
    return ", ".join(parts)


def _headline(there: Sequence[tuple[str, OpenOrder]], own: Mapping[int, RestingOrder]) -> str:
    if not there:
        return "no order rests at the venue"
    mine = sum(order.order_id in own for _, order in there)
    return f"{len(there)} resting order{'' if len(there) == 1 else 's'}, {mine} of them by Keel"


def _ours(services: Services, one: RestingOrder) -> str:
    old = age((services.clock.now() - one.placed_at).total_seconds())
    return f"{_from(one)}, {old} ago"


def _from(one: RestingOrder) -> str:
    return f"by Keel, {one.proposal_id} {PURPOSES[one.purpose].lower()}"


COMMAND = Command(
    name="orders", usage="/orders [account]", summary="orders that rest at the venue, and which are mine", run=run
)
