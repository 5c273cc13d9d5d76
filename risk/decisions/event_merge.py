"""What two readings show and what the venue's program records of the same stretch of time, told once. Pure.

Records win: they know price, fee and reason. Of what the readings show only what no record says is left. Both need not
arrive together: a record may be late, because a node lists it late or answers nothing for a while, and a reading may
be, because a stream tells the slot before the account. So three questions are asked apart:

- ``merge``: what is left of the readings' events beside these records, and whether both sides agree by now. While they
  do not, whoever asks may wait and compare the same earlier reading with a later one,
- ``late``: which records of a stretch that was told already, from the readings alone, still say something new,
- ``with_remains``: what a liquidation left, which its record does not know and the readings do.

A record counts as told by the readings where these told the same thing in the same direction and stretch of time: a
position that was told to have grown by 5 is not told again as two fills of 3 and 2, but the sale in between, which
the sum hides, is.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from risk.decisions.order_events import market_name, negligible
from risk.model.account import AccountSnapshot, MarketKind
from risk.model.events import (
    AccountEvent,
    EventKind,
    FlowEvent,
    GapEvent,
    LiquidationEvent,
    LiquidationForm,
    LiquidityEvent,
    OrderEvent,
    PositionEvent,
    SettlementEvent,
)

_ENDS = frozenset({EventKind.ORDER_ENDED, EventKind.ORDER_CANCELLED, EventKind.ORDER_EXPIRED, EventKind.ORDER_REJECTED})
_IN = frozenset({EventKind.DEPOSIT, EventKind.TRANSFER_IN})
_OUT = frozenset({EventKind.WITHDRAWAL, EventKind.TRANSFER_OUT})
_UNIT_USD = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The readings' part of the news.

    Attributes:
        events: What only the readings say. A position's event stays, for it says where the fills have led; how much of
            its change is recorded stands in it.
        agrees: Whether records and readings say the same. Where they do not, one of them may not have arrived.
    """

    events: tuple[AccountEvent, ...]
    agrees: bool


def merge(
    previous: AccountSnapshot,
    current: AccountSnapshot,
    seen: Sequence[AccountEvent],
    records: Sequence[AccountEvent],
) -> Merged:
    """What is left of ``diff(previous, current)`` beside records of the same stretch, oldest first."""
    paths = _Paths(previous, records)
    rests = {name: size - paths.position(name) for name, size in _perp_sizes(current).items()}
    rests |= {name: -paths.position(name) for name in paths.markets if name not in rests}
    flow_rest, flow_agrees = _flow_rest(seen, records)
    resting = {order.order_id for order in current.open_orders}
    guesses = _Guesses(rests, [e for e in seen if isinstance(e, OrderEvent) and e.is_fill], paths, resting)
    left: list[AccountEvent] = []
    for event in seen:
        match event:
            case PositionEvent():
                left.append(replace(event, recorded_base=paths.recorded(event.market)))
            case OrderEvent():
                left += _order_rest(event, paths, guesses)
            case FlowEvent():
                left += flow_rest
            case LiquidationEvent(kind=EventKind.LIQUIDATION_TAKEN):
                left += _taken_rest(event, records)
            case _ if event.kind is EventKind.BANKRUPT and any(r.kind is EventKind.BANKRUPT for r in records):
                pass
            case _:
                left.append(event)
    moves_agree = all(negligible(rest, *paths.scales(name)) for name, rest in rests.items())
    agrees = moves_agree and flow_agrees and paths.open_orders == resting
    # What a transaction of which something is missing did can never be accounted for: nothing is worth waiting for.
    return Merged(events=tuple(left), agrees=agrees or any(isinstance(record, GapEvent) for record in records))


def late(records: Iterable[AccountEvent], told: Sequence[AccountEvent]) -> tuple[AccountEvent, ...]:
    """The records that say something new, where readings were told on their own before these arrived."""
    windows = [event for event in told if not event.recorded and event.after_slot is not None]
    return tuple(record for record in records if not any(_covers(event, record) for event in windows))


def with_remains(
    previous: AccountSnapshot, current: AccountSnapshot, records: Sequence[AccountEvent], known: int = 0
) -> tuple[AccountEvent, ...]:
    """Records of one stretch, the first ``known`` of which need no more detail, with what each liquidation left."""
    path = _Paths(previous, records[:known])
    found: list[AccountEvent] = []
    for record in records[known:]:
        path.follow(record)
        if isinstance(record, LiquidationEvent) and record.remaining_base is None:
            found.append(replace(record, remaining_base=_remains(record, path, current)))
        else:
            found.append(record)
    return tuple(found)


def _remains(record: LiquidationEvent, path: "_Paths", current: AccountSnapshot) -> float | None:
    if record.market_kind is MarketKind.PERP:
        return path.position(record.market) if record.form is LiquidationForm.POSITION else None
    held = [b for b in current.spot_balances if market_name(MarketKind.SPOT, b.market_index, current) == record.market]
    return held[0].amount_tokens if held else 0.0


def _perp_sizes(snapshot: AccountSnapshot) -> dict[str, float]:
    return {market_name(MarketKind.PERP, p.market_index, snapshot): p.size_base for p in snapshot.perp_positions}


class _Paths:
    """Where records lead from a reading: positions by market, and the orders that rest."""

    def __init__(self, previous: AccountSnapshot, records: Iterable[AccountEvent]) -> None:
        self._start = _perp_sizes(previous)
        self._at = dict(self._start)
        self._largest = {name: abs(size) for name, size in self._start.items()}
        self.open_orders = {order.order_id for order in previous.open_orders}
        self.orders: dict[int, list[OrderEvent]] = {}
        for record in records:
            self.follow(record)

    @property
    def markets(self) -> Iterable[str]:
        return self._at.keys()

    def position(self, market: str) -> float:
        return self._at.get(market, 0.0)

    def recorded(self, market: str) -> float:
        """What records moved a position by, signed."""
        return self.position(market) - self._start.get(market, 0.0)

    def scales(self, market: str) -> tuple[float, ...]:
        return (self._largest.get(market, 0.0),)

    def follow(self, record: AccountEvent) -> None:
        match record:
            case OrderEvent():
                self._follow_order(record)
            case LiquidationEvent(
                kind=EventKind.LIQUIDATION_TAKEN, market_kind=MarketKind.PERP, form=LiquidationForm.POSITION
            ):
                held = self.position(record.market)
                self._move(record.market, -math.copysign(record.taken_base, held))
            case LiquidityEvent():
                self._move(record.market, record.position_base)
            case SettlementEvent(expired=True):
                self._move(record.market, -self.position(record.market))

    def _move(self, market: str, base: float) -> None:
        self._at[market] = self.position(market) + base
        self._largest[market] = max(self._largest.get(market, 0.0), abs(self._at[market]), abs(base))

    def _follow_order(self, record: OrderEvent) -> None:
        self.orders.setdefault(record.order_id, []).append(record)
        if record.kind is EventKind.ORDER_PLACED:
            self.open_orders.add(record.order_id)
        if record.is_fill and record.market_kind is MarketKind.PERP:
            self._move(record.market, record.signed_base)
        if record.kind in _ENDS or record.kind is EventKind.ORDER_FILLED:
            self.open_orders.discard(record.order_id)


class _Guesses:
    """Which fills that readings only guess at are possible, given what records leave of every position's move.

    A rest that shrank is a fill for certain. Which of the orders that are gone was filled is a guess.
    """

    def __init__(
        self, rests: Mapping[str, float], fills: Iterable[OrderEvent], paths: _Paths, resting: Collection[int]
    ) -> None:
        self._rests, self._paths, self._resting = dict(rests), paths, resting
        for event in fills:
            if event.order_id in resting:
                self._use(event, self.unrecorded(event))

    def unrecorded(self, event: OrderEvent) -> float:
        """How much of a fill no record says."""
        records = self._paths.orders.get(event.order_id, ())
        size = event.size_base - sum(record.size_base for record in records if record.is_fill)
        return 0.0 if size <= 0 or negligible(size, event.size_base) else size

    def possible(self, event: OrderEvent, size: float) -> bool:
        """Whether a fill of that size explains something that nothing else does; it is then used up."""
        if event.market_kind is not MarketKind.PERP or event.order_id in self._resting:
            return True
        left = self._rests.get(event.market, 0.0) * math.copysign(1.0, event.signed_base)
        if left < size and not negligible(size - left, size):
            return False
        self._use(event, size)
        return True

    def _use(self, event: OrderEvent, size: float) -> None:
        if event.market_kind is MarketKind.PERP:
            used = math.copysign(size, event.signed_base)
            self._rests[event.market] = self._rests.get(event.market, 0.0) - used


def _order_rest(event: OrderEvent, paths: _Paths, guesses: _Guesses) -> list[OrderEvent]:
    """What an event of an order still says beside the records."""
    records = paths.orders.get(event.order_id, [])
    if any(record.kind in _ENDS or record.kind is EventKind.ORDER_FILLED for record in records):
        return []
    if event.is_fill:
        size = guesses.unrecorded(event)
        if not size:
            return []
        if guesses.possible(event, size):
            return [replace(event, size_base=size)]
        # Records explain the move without it, so it ended without being filled.
        gone = event.kind is EventKind.ORDER_FILLED
        return [replace(event, kind=EventKind.ORDER_ENDED, rest_base=0.0)] if gone else []
    if event.kind in (EventKind.ORDER_PLACED, EventKind.ORDER_TRIGGERED):
        return [] if any(record.kind is event.kind for record in records) else [event]
    return [event]


def _signed_flow(event: FlowEvent) -> float:
    return event.amount_usd if event.kind in _IN else -event.amount_usd


def _flow_rest(seen: Iterable[AccountEvent], records: Iterable[AccountEvent]) -> tuple[list[FlowEvent], bool]:
    """(what readings show of money beyond the records, whether both agree)."""
    shown = next((event for event in seen if isinstance(event, FlowEvent)), None)
    recorded = [record for record in records if isinstance(record, FlowEvent)]
    total = 0.0 if shown is None else _signed_flow(shown)
    rest = total - math.fsum(_signed_flow(record) for record in recorded)
    largest = max([abs(total), *(record.amount_usd for record in recorded)])
    # The program rounds each amount to its unit.
    if abs(rest) <= _UNIT_USD * (len(recorded) + 1.5) + 1e-9 * largest and (recorded or shown is None):
        return [], True
    if shown is None:
        return [], not recorded
    kind = EventKind.DEPOSIT if rest > 0 else EventKind.WITHDRAWAL
    return [replace(shown, kind=kind, amount_usd=abs(rest))], False


def _taken_rest(event: LiquidationEvent, records: Iterable[AccountEvent]) -> list[LiquidationEvent]:
    same = [
        record.taken_base
        for record in records
        if isinstance(record, LiquidationEvent)
        and (record.kind, record.market, record.market_kind) == (event.kind, event.market, event.market_kind)
        and record.form is not LiquidationForm.PNL_FOR_BORROW
    ]
    rest = event.taken_base - math.fsum(same)
    return [] if rest <= 0 or negligible(rest, event.taken_base, *same) else [replace(event, taken_base=rest)]


def _covers(told: AccountEvent, record: AccountEvent) -> bool:
    """Whether what was told from readings includes what a record says."""
    if told.after_slot is None or not told.after_slot < record.slot <= told.slot:
        return False
    match told, record:
        case PositionEvent(), OrderEvent() if record.is_fill and record.market_kind is MarketKind.PERP:
            return told.market == record.market and _unrecorded(told) * record.signed_base > 0
        case PositionEvent(), LiquidityEvent():
            return told.market == record.market and _unrecorded(told) * record.position_base > 0
        case OrderEvent(), OrderEvent():
            return told.order_id == record.order_id and _act(told.kind) == _act(record.kind)
        case FlowEvent(), FlowEvent():
            return (told.kind in _IN) == (record.kind in _IN)
        case LiquidationEvent(), LiquidationEvent():
            return (told.kind, told.market, told.market_kind) == (record.kind, record.market, record.market_kind)
        case _:
            return told.kind is record.kind is EventKind.BANKRUPT


def _unrecorded(event: PositionEvent) -> float:
    rest = event.change_base - event.recorded_base
    return 0.0 if negligible(rest, event.before_base, event.after_base) else rest


def _act(kind: EventKind) -> EventKind:
    """What an order did, whatever is known of it."""
    if kind in _ENDS:
        return EventKind.ORDER_ENDED
    return EventKind.ORDER_FILLED if kind is EventKind.ORDER_PARTIALLY_FILLED else kind
