"""What events that are told together say, in one sentence or a few. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from bot.alerts import money_words as money
from bot.alerts.event_groups import Family, Group, market_of
from bot.alerts.event_words import move, order_name, told
from bot.text import numbers
from bot.text.ages import day_and_moment, moment
from bot.text.clean import name
from risk.model.account import Side
from risk.model.event_kinds import EventKind
from risk.model.events import AccountEvent, FundingPaidEvent, OrderEvent, PositionEvent

K = EventKind
_LONG_AGO = timedelta(minutes=5)
_FEW = 3


def words(group: Group, now: datetime) -> str:
    """What a group says, without a full stop."""
    events = [one.event for one in group.members]
    text = _WORDS[group.key[0]](events)
    happened = max(one.happened_at for one in group.members)
    if group.key[0] in (Family.INTEREST, Family.FUNDING):
        return text
    if now - happened > _LONG_AGO:
        return f"{text}, {day_and_moment(happened)}"
    # Two takings may be of one size, and are two all the same.
    return f"{text}, {moment(happened)}" if group.key[0] is Family.LIQUIDATION else text


def _alone(events: Sequence[AccountEvent]) -> str:
    return told(events[0])


def _each(events: Sequence[AccountEvent]) -> str:
    texts = [told(event) for event in events[:_FEW]]
    more = len(events) - _FEW
    return "; ".join([*texts, f"and {more} more like these"] if more > 0 else texts)


def _orders(events: Sequence[AccountEvent]) -> str:
    if len(events) <= _FEW:
        return _each(events)
    ids = sorted({event.order_id for event in events if isinstance(event, OrderEvent)})
    shown = ", ".join(f"#{number}" for number in ids[:_FEW])
    what = {
        K.ORDER_PLACED: "placed", K.ORDER_CHANGED: "changed", K.ORDER_TRIGGERED: "triggered",
        K.ORDER_EXPIRED: "expired", K.ORDER_REJECTED: "refused", K.ORDER_CANCELLED: "cancelled",
    }.get(events[0].kind, "ended")  # fmt: skip
    return f"{len(events)} {name(market_of(events[0]))} orders {what}: {shown} and {len(ids) - _FEW} more"


def _trades(events: Sequence[AccountEvent]) -> str:
    fills = [event for event in events if isinstance(event, OrderEvent)]
    moves = [event for event in events if isinstance(event, PositionEvent)]
    if not moves:
        return _fills_alone(fills)
    said = _fills_behind(fills)
    unknown = moves[-1].after_base - moves[0].before_base - sum(one.recorded_base for one in moves)
    if fills and abs(unknown) > 1e-9 * max(1.0, abs(moves[0].before_base), abs(moves[-1].after_base)):
        said += f"; {numbers.size(abs(unknown))} of it without a record"
    return f"{move(_whole(moves))}{said}"


def _whole(moves: Sequence[PositionEvent]) -> PositionEvent:
    """Several changes of one position as one."""
    first, last = moves[0], moves[-1]
    if len(moves) == 1:
        return first
    before, after = first.before_base, last.after_base
    if not before:
        kind = K.POSITION_OPENED
    elif not after:
        kind = K.POSITION_CLOSED
    else:
        kind = K.POSITION_FLIPPED if before * after < 0 else K.POSITION_CHANGED
    ours = {one.by_keel for one in moves}
    return PositionEvent(
        kind=kind, account_id=last.account_id, slot=last.slot, observed_at=last.observed_at, market=last.market,
        before_base=before, after_base=after, by_orders_base=sum(one.by_orders_base for one in moves),
        recorded_base=sum(one.recorded_base for one in moves), by_keel=ours.pop() if len(ours) == 1 else None,
    )  # fmt: skip


def _fills_behind(fills: Sequence[OrderEvent]) -> str:
    """The fills behind a move, as the end of its sentence."""
    if not fills:
        return ""
    if len(fills) == 1:
        return f", fill{money.at_price(fills[0].fill_price_usd)}{money.fee(fills[0].fee_usd)}"
    return f", {len(fills)} fills{_prices(fills)}{money.fee(_fees(fills))}"


def _fills_alone(fills: Sequence[OrderEvent]) -> str:
    """Fills that have led nowhere, or whose reading has not come."""
    if len(fills) == 1:
        return told(fills[0])
    orders = sorted({fill.order_id for fill in fills})
    which = order_name(fills[0]) if len(orders) == 1 else f"{name(fills[0].market)}, {len(orders)} orders"
    sides = []
    for side, done in ((Side.BUY, "bought"), (Side.SELL, "sold")):
        own = [fill for fill in fills if fill.side is side]
        if own:
            sides.append(f"{done} {numbers.size(math.fsum(fill.size_base for fill in own))}{_prices(own)}")
    rest = f", {numbers.size(fills[-1].rest_base)} rests" if len(orders) == 1 and fills[-1].rest_base else ""
    return f"{which}: {' and '.join(sides)} in {len(fills)} fills{money.fee(_fees(fills))}{rest}"


def _prices(fills: Sequence[OrderEvent]) -> str:
    known = [(fill.fill_price_usd, fill.size_base) for fill in fills if fill.fill_price_usd is not None]
    size = math.fsum(base for _, base in known)
    if not known or not size:
        return ""
    average = math.fsum(price * base for price, base in known) / size
    low, high = (numbers.price(pick(price for price, _ in known)) for pick in (min, max))
    span = "" if low == high else f" on average ({low} to {high})"
    return f"{money.at_price(average)}{span}"


def _fees(fills: Sequence[OrderEvent]) -> float | None:
    known = [fill.fee_usd for fill in fills if fill.fee_usd is not None]
    return math.fsum(known) if known else None


def _funding(events: Sequence[AccountEvent]) -> str:
    payments = [event for event in events if isinstance(event, FundingPaidEvent)]
    return money.paid(payments[0].market, math.fsum(one.amount_usd for one in payments), len(payments))


_WORDS: Mapping[Family, Callable[[Sequence[AccountEvent]], str]] = {
    Family.TRADES: _trades,
    Family.ORDERS: _orders,
    Family.LIQUIDATION: _each,
    Family.FLAG: _each,
    Family.INTEREST: _each,
    Family.FUNDING: _funding,
    Family.ALIKE: _each,
    Family.ALONE: _alone,
}
