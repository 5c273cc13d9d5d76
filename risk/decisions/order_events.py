"""What became of resting orders between two readings.

A reading shows the unfilled rest of every open order, and nothing of those that are gone. So:

- a rest that shrank was filled by that much; venues of this kind give a changed order a new number,
- an order that is gone was filled as far as the position moved its way and no other fill explains the move. Where
  several are gone, those the price has passed furthest explain first. What then remains of it ended unfilled: expired
  where its time was up, else cancelled or refused, which two readings cannot tell apart,
- during a liquidation the venue cancels orders before it takes, so a gone order ended then and explains nothing,
- a trigger order says itself that it has triggered, once. Where a venue's orders do not say so, one that was filled
  must have triggered, and each fill says it again.

Not seen at all: an order that came and went between the readings, and fills on both sides that cancel out, which look
like two orders that ended. A gone spot order counts as filled when the balance moved by all of it and no money came or
went, because interest and deposits move a balance too.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from risk.model.account import AccountSnapshot, MarketKind, OpenOrder, OrderKind, Side, SpotBalance
from risk.model.events import EndReason, EventKind, OrderEvent

_UNIT_BASE = 1e-9
_WHOLE_FRAC = 0.99  # of a spot order: interest of the same gap hides the rest
_TRIGGERS = frozenset({OrderKind.TRIGGER_MARKET, OrderKind.TRIGGER_LIMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOutcome:
    """Events of orders, by order id, and by perp market index what fills of theirs moved, > 0 bought."""

    events: tuple[OrderEvent, ...]
    filled_base: Mapping[int, float]


def negligible(amount_base: float, *scales: float) -> bool:
    """Whether a size is nothing but what float arithmetic left over of these larger ones."""
    return abs(amount_base) <= max(_UNIT_BASE / 2, *(abs(scale) * 1e-12 for scale in scales), 0.0)


def order_events(
    previous: AccountSnapshot, current: AccountSnapshot, ours: Collection[int] | None = None
) -> OrderOutcome:
    """What became of the orders of both readings, which must both have been read with orders.

    Args:
        ours: Ids of orders that Keel placed; None where nobody knows.
    """
    before = {order.order_id: order for order in previous.open_orders}
    after = {order.order_id: order for order in current.open_orders}
    told = _Teller(previous, current, ours)
    filled: dict[tuple[MarketKind, int], float] = {}
    for order_id in before.keys() & after.keys():
        old, new = before[order_id], after[order_id]
        shrank = old.size_base - new.size_base
        if shrank > 0 and not negligible(shrank, old.size_base):
            key = (old.market_kind, old.market_index)
            filled[key] = filled.get(key, 0.0) + _signed(old, shrank)
        told.kept(old, new)
    for order_id in after.keys() - before.keys():
        new = after[order_id]
        told.tell(EventKind.ORDER_PLACED, new, size=new.size_base, rest=new.size_base)
    gone: dict[tuple[MarketKind, int], list[OpenOrder]] = {}
    for order_id in before.keys() - after.keys():
        gone.setdefault((before[order_id].market_kind, before[order_id].market_index), []).append(before[order_id])
    for (kind, market_index), orders in gone.items():
        explained = filled.get((kind, market_index), 0.0)
        move = moved(previous, current, kind, market_index) - explained
        taken = _explained_by(orders, move, _price(previous, current, kind, market_index))
        whole_only = kind is MarketKind.SPOT
        liquidated = liquidating(previous, current, market_index if kind is MarketKind.PERP else None)
        if liquidated or (whole_only and previous.net_deposits_usd != current.net_deposits_usd):
            taken = {}
        for order in orders:
            size = taken.get(order.order_id, 0.0)
            if whole_only:
                size = order.size_base if size >= order.size_base * _WHOLE_FRAC else 0.0
            told.gone(order, size, liquidated=liquidated)
            explained += _signed(order, size)
        filled[(kind, market_index)] = explained
    perps = {index: base for (kind, index), base in filled.items() if kind is MarketKind.PERP}
    return OrderOutcome(events=told.events, filled_base=perps)


def moved(previous: AccountSnapshot, current: AccountSnapshot, kind: MarketKind, market_index: int) -> float:
    """What a position or balance grew by, signed; without interest where the venue keeps it apart."""
    if kind is MarketKind.SPOT:
        before, now = _balance(previous, market_index), _balance(current, market_index)
        if before and now and before.shares and now.shares and (before.shares < 0) == (now.shares < 0):
            return (now.shares - before.shares) * (now.amount_tokens / now.shares)
    return _held(current, kind, market_index) - _held(previous, kind, market_index)


def _balance(snapshot: AccountSnapshot, market_index: int) -> SpotBalance | None:
    return next((one for one in snapshot.spot_balances if one.market_index == market_index), None)


def liquidating(previous: AccountSnapshot, current: AccountSnapshot, perp_index: int | None) -> bool:
    """Whether the cross account, or the isolated position in a perp market, was flagged in either reading."""
    readings = (previous, current)
    own = [p for s in readings for p in s.perp_positions if p.market_index == perp_index and p.isolated]
    if own:
        return any(position.being_liquidated for position in own)
    return any(snapshot.being_liquidated or snapshot.bankrupt for snapshot in readings)


def market_name(kind: MarketKind, market_index: int, *snapshots: AccountSnapshot) -> str:
    """Name of a market that any of the readings brings; a closed position takes its market along."""
    for snapshot in snapshots:
        markets = snapshot.perp_markets if kind is MarketKind.PERP else snapshot.spot_markets
        if market_index in markets:
            return markets[market_index].name
    return f"{kind.value} market {market_index}"


def _held(snapshot: AccountSnapshot, kind: MarketKind, market_index: int) -> float:
    if kind is MarketKind.PERP:
        return sum(p.size_base for p in snapshot.perp_positions if p.market_index == market_index)
    return sum(b.amount_tokens for b in snapshot.spot_balances if b.market_index == market_index)


def _price(previous: AccountSnapshot, current: AccountSnapshot, kind: MarketKind, market_index: int) -> float:
    """The newest price of a market; NaN where neither reading has one."""
    for snapshot in (current, previous):
        markets = snapshot.perp_markets if kind is MarketKind.PERP else snapshot.spot_markets
        market = markets.get(market_index)
        reading = snapshot.oracles.get(market.oracle_id) if market else None
        if reading is not None and not math.isnan(reading.price_usd):
            return reading.price_usd
    return math.nan


def _signed(order: OpenOrder, size: float) -> float:
    return size if order.side is Side.BUY else -size


def _explained_by(orders: Iterable[OpenOrder], move: float, price_usd: float) -> dict[int, float]:
    """How much of a move each gone order accounts for, the likeliest first; by order id."""
    side, left = (Side.BUY if move > 0 else Side.SELL), abs(move)
    shares: dict[int, float] = {}
    for order in sorted((o for o in orders if o.side is side), key=_likeliest(price_usd)):
        share = min(left, order.size_base)
        if negligible(share, move, order.size_base):
            continue
        if negligible(order.size_base - share, order.size_base, move):
            share = order.size_base
        shares[order.order_id] = share
        left = max(0.0, left - share)
    return shares


def _likeliest(price_usd: float) -> Callable[[OpenOrder], tuple[float, int]]:
    """Sort key: orders without a price, then those the price has passed furthest or come nearest to."""

    def key(order: OpenOrder) -> tuple[float, int]:
        if order.kind in _TRIGGERS and order.trigger_price_usd is not None and not order.triggered:
            passed = price_usd - order.trigger_price_usd
            if order.triggers_above is None:
                passed = -abs(passed)
            elif not order.triggers_above:
                passed = -passed
        elif order.price_usd is None:
            passed = math.inf
        else:
            passed = _signed(order, order.price_usd - price_usd)
        return (0.0 if math.isnan(passed) else -passed, order.order_id)

    return key


class _Teller:
    """Collects the events of one pair of readings."""

    def __init__(
        self, previous: AccountSnapshot, current: AccountSnapshot, ours: Collection[int] | None = None
    ) -> None:
        self._previous, self._current, self._ours = previous, current, ours
        self._events: list[OrderEvent] = []

    @property
    def events(self) -> tuple[OrderEvent, ...]:
        return tuple(sorted(self._events, key=lambda event: event.order_id))  # stable: one order's stay in their order

    def tell(
        self, kind: EventKind, order: OpenOrder, *, size: float, rest: float, reason: EndReason = EndReason.UNKNOWN
    ) -> None:
        now = self._current
        self._events.append(
            OrderEvent(
                kind=kind, account_id=now.account_id, slot=now.slot, observed_at=now.observed_at,
                market=market_name(order.market_kind, order.market_index, now, self._previous),
                market_kind=order.market_kind, order_id=order.order_id, side=order.side, order_kind=order.kind,
                size_base=size, rest_base=rest, price_usd=order.price_usd, trigger_price_usd=order.trigger_price_usd,
                reduce_only=order.reduce_only, reason=reason,
                by_keel=None if self._ours is None else order.order_id in self._ours,
            )
        )  # fmt: skip

    def kept(self, old: OpenOrder, new: OpenOrder) -> None:
        """An order of both readings."""
        shrank = old.size_base - new.size_base
        filled = shrank > 0 and not negligible(shrank, old.size_base)
        grew = shrank < 0 and not negligible(shrank, new.size_base)
        if _has_triggered(old, new, filled=filled):
            self.tell(EventKind.ORDER_TRIGGERED, new, size=old.size_base, rest=old.size_base)
        terms = [(o.side, o.price_usd, o.trigger_price_usd, o.reduce_only) for o in (old, new)]
        if grew or terms[0] != terms[1]:
            self.tell(EventKind.ORDER_CHANGED, new, size=new.size_base, rest=new.size_base)
        if filled:
            self.tell(EventKind.ORDER_PARTIALLY_FILLED, new, size=shrank, rest=new.size_base)

    def gone(self, order: OpenOrder, filled: float, *, liquidated: bool) -> None:
        """An order that only the earlier reading has, and how much of it was filled."""
        rest = order.size_base - filled
        if filled and order.kind in _TRIGGERS and not order.triggered:
            self.tell(EventKind.ORDER_TRIGGERED, order, size=order.size_base, rest=order.size_base)
        if not rest:
            self.tell(EventKind.ORDER_FILLED, order, size=filled, rest=0.0)
            return
        if filled:
            self.tell(EventKind.ORDER_PARTIALLY_FILLED, order, size=filled, rest=rest)
        if order.expires_at is not None and order.expires_at <= self._current.observed_at and not liquidated:
            self.tell(EventKind.ORDER_EXPIRED, order, size=rest, rest=0.0, reason=EndReason.EXPIRED)
            return
        reason = EndReason.LIQUIDATION if liquidated else EndReason.UNKNOWN
        self.tell(EventKind.ORDER_ENDED, order, size=rest, rest=0.0, reason=reason)


def _has_triggered(old: OpenOrder, new: OpenOrder, *, filled: bool) -> bool:
    """Whether an order of both readings was triggered between them."""
    if old.kind not in _TRIGGERS or old.triggered:
        return False
    return bool(new.triggered) or new.kind not in _TRIGGERS or (filled and new.triggered is None)
