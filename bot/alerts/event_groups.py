"""Which events are told together, when, and in which words. Pure.

What trades of one market have led to is one message: the position, and the fills behind it. An order that is filled in
parts is waited for, but not for more than a minute; so are the takings of a liquidation that goes on, once the first
was told. Interest and funding are told once a day. Everything else is told at once, alike things together.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from bot.alerts import money_words as money
from bot.alerts.event_words import move, order_name, told
from bot.text import numbers
from bot.text.ages import day_and_moment
from bot.text.clean import name
from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier
from risk.model.account import Side
from risk.model.event_kinds import EventKind
from risk.model.events import (
    AccountEvent,
    FundingPaidEvent,
    InterestEvent,
    LiquidationEvent,
    OrderEvent,
    PositionEvent,
)

K = EventKind
TOGETHER = timedelta(seconds=60)
_SETTLING = timedelta(seconds=3)  # how long fills wait for the reading that shows where they led
_LONG_AGO = timedelta(minutes=5)
_FEW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An event that is to be told."""

    event_id: int
    event: AccountEvent
    tier: Tier
    happened_at: datetime
    logged_at: datetime


class _Family(Enum):
    """What is told together."""

    TRADES = auto()
    ORDERS = auto()
    LIQUIDATION = auto()
    INTEREST = auto()
    FUNDING = auto()
    ALIKE = auto()
    ALONE = auto()


Key = tuple[_Family, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Events of one message, in the order they were logged.

    Attributes:
        due_at: When it is to be told.
    """

    key: Key
    members: tuple[Waiting, ...]
    due_at: datetime

    @property
    def event_ids(self) -> tuple[int, ...]:
        return tuple(one.event_id for one in self.members)

    @property
    def account_id(self) -> str:
        return self.members[0].event.account_id

    @property
    def tier(self) -> Tier:
        """That of the loudest."""
        return self._loudest.tier

    @property
    def kind(self) -> EventKind:
        """The kind that the message is about."""
        return self._loudest.event.kind

    @property
    def market(self) -> str:
        return market_of(self.members[0].event)

    @property
    def goes_on(self) -> bool:
        """Whether what it tells may be told again while it goes on, so that one incident is enough for all of it."""
        return self.key[0] is _Family.LIQUIDATION

    @property
    def _loudest(self) -> Waiting:
        # Of equals the last: a position stands behind the fills that led to it.
        return max(reversed(self.members), key=lambda one: severity(one.tier))


def market_of(event: AccountEvent) -> str:
    """The market an event is about, for those who do not want to hear of it; empty for everything else."""
    return str(getattr(event, "market", "") or getattr(event, "token", ""))


def groups(waiting: Sequence[Waiting], last_taken: Mapping[str, datetime]) -> tuple[Group, ...]:
    """What is told together, the first logged first.

    Args:
        last_taken: When a taking was told last, by account.
    """
    found: dict[Key, list[Waiting]] = {}
    for one in waiting:
        found.setdefault(_key(one), []).append(one)
    return tuple(
        Group(key=key, members=tuple(members), due_at=_due_at(key, members, last_taken))
        for key, members in found.items()
    )


def _key(one: Waiting) -> Key:
    event = one.event
    account, market = event.account_id, market_of(event)
    match event:
        case PositionEvent():
            return _Family.TRADES, account, market, ""
        case OrderEvent() if event.is_fill:
            return _Family.TRADES, account, market, ""
        case OrderEvent():
            return _Family.ORDERS, account, market, event.kind.value
        case LiquidationEvent(kind=K.LIQUIDATION_TAKEN):
            return _Family.LIQUIDATION, account, "", ""
        case InterestEvent():
            return _Family.INTEREST, account, market, ""
        case FundingPaidEvent():
            return _Family.FUNDING, account, market, ""
        case _ if severity(one.tier) < severity(Tier.HIGH):
            return _Family.ALIKE, account, market, event.kind.value
        case _:
            return _Family.ALONE, account, market, str(one.event_id)


def _due_at(key: Key, members: Sequence[Waiting], last_taken: Mapping[str, datetime]) -> datetime:
    first = members[0].logged_at
    match key[0]:
        case _Family.TRADES:
            return first + _trades_wait(members)
        case _Family.LIQUIDATION:
            last = last_taken.get(key[1])
            return first if last is None else max(first, last + TOGETHER)
        case _Family.INTEREST | _Family.FUNDING:
            day = min(one.happened_at for one in members).astimezone(UTC)
            return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        case _:
            return first


def _trades_wait(members: Sequence[Waiting]) -> timedelta:
    rests: dict[int, float] = {}
    for one in members:
        if isinstance(one.event, OrderEvent):
            rests[one.event.order_id] = one.event.rest_base
    if any(rests.values()):
        return TOGETHER
    shown = any(isinstance(one.event, PositionEvent) for one in members)
    return timedelta() if shown or not rests else _SETTLING


def words(group: Group, now: datetime) -> str:
    """What a group says, without a full stop."""
    events = [one.event for one in group.members]
    text = _WORDS[group.key[0]](events)
    happened = max(one.happened_at for one in group.members)
    if group.key[0] not in (_Family.INTEREST, _Family.FUNDING) and now - happened > _LONG_AGO:
        text = f"{text}, {day_and_moment(happened)}"
    return text


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


_WORDS: Mapping[_Family, Callable[[Sequence[AccountEvent]], str]] = {
    _Family.TRADES: _trades,
    _Family.ORDERS: _orders,
    _Family.LIQUIDATION: _each,
    _Family.INTEREST: _each,
    _Family.FUNDING: _funding,
    _Family.ALIKE: _each,
    _Family.ALONE: _alone,
}
