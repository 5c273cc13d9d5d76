"""Whether the orders that are to protect an account still do: what rests at the venue against what is believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.alerts.desk import IncidentDesk
from bot.alerts.event_codec import event_from
from bot.alerts.findings import Finding
from bot.roster import Roster
from risk.decisions.incidents import Cause, CauseKind, Incident
from risk.decisions.tiers import Tier
from risk.errors import CannotAssess
from risk.fleet import Fleet, FleetView
from risk.liquidation_monitor import finite_prices
from risk.margin.book import FleetBook
from risk.margin.liquidation import liquidation_prices
from risk.margin.snapshot import snapshot_of
from risk.model.account import OpenOrder, Side
from risk.model.event_kinds import EventKind
from risk.model.events import OrderEvent
from risk.model.protection import StopFault, StopFinding
from risk.model.trading import BASE_UNITS, OrderTerms, PlacedOrder
from risk.ports import Clock
from risk.protection.stop_check import (
    ExpectedStop,
    check_stops,
    is_crossed,
    matching,
    open_triggers,
    reducible_base,
)
from storage import Events, Incidents, Resting, RestingEnd, RestingOrder

log = structlog.get_logger()

STOPS_EVERY_S = 5.0
# What became of an order is told by events of the same reading; these may be written a moment later.
_TOLD_WITHIN = timedelta(seconds=20)
_ENDS = {
    EventKind.ORDER_FILLED: RestingEnd.FILLED,
    EventKind.ORDER_CANCELLED: RestingEnd.CANCELLED,
    EventKind.ORDER_REJECTED: RestingEnd.CANCELLED,
    EventKind.ORDER_EXPIRED: RestingEnd.EXPIRED,
    EventKind.ORDER_ENDED: RestingEnd.VANISHED,
}
_ALL_BUT_DUST = 0.99
_FAULTS = {
    StopFault.MISSING: "missing",
    StopFault.CANCELLED: "cancelled",
    StopFault.OVERSIZED: "too large",
    StopFault.NOT_TRIGGERED: "has not fired",
    StopFault.BEYOND_LIQUIDATION: "beyond liquidation",
}
_GONE = (StopFault.MISSING, StopFault.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """What tells incidents of one account apart.

    Attributes:
        order: The venue's number, or ours where it has none.
    """

    fault: StopFault
    market: str
    side: Side
    above: bool
    order: str

    @property
    def text(self) -> str:
        return "/".join((self.fault, self.market, self.side, "above" if self.above else "below", self.order))

    @classmethod
    def of(cls, text: str) -> "_Subject":
        fault, market, side, above, order = text.split("/")
        return cls(fault=StopFault(fault), market=market, side=Side(side), above=above == "above", order=order)


class StopWatch:
    """Runs on the schedule. A protective order that does not protect is an incident until it does, or until there is
    nothing left to protect; an order that rests no more is noted with what became of it.

    Nothing is said on a reading that cannot be trusted, or that is older than the order.
    """

    def __init__(
        self, *, fleet: Fleet, roster: Roster, resting: Resting, events: Events, incidents: Incidents,
        desk: IncidentDesk, clock: Clock,
    ) -> None:  # fmt: skip
        self._fleet, self._roster, self._resting, self._events = fleet, roster, resting, events
        self._incidents, self._desk, self._clock = incidents, desk, clock
        self._crossed: dict[int, datetime] = {}
        self._gone: dict[int, datetime] = {}
        self._held: dict[int, float] = {}

    async def look(self) -> None:
        """One look at every account. Raises: StorageError."""
        view = self._fleet.latest
        if view is None:
            return
        believed: dict[str, list[RestingOrder]] = {}
        for order in await self._resting.standing():
            believed.setdefault(order.account_id, []).append(order)
        open_now = [one for one in await self._incidents.open_incidents() if one.cause.kind is CauseKind.PROTECTION]
        findings: list[Finding] = []
        for account_id in {*believed, *(one.cause.account_id for one in open_now)}:
            if account_id not in view or self._fleet.problems(account_id):
                continue
            own = [one for one in open_now if one.cause.account_id == account_id]
            findings += await self._account(view, account_id, believed.get(account_id, ()), own)
        kept = {one.row_id for orders in believed.values() for one in orders}
        self._crossed = {row: since for row, since in self._crossed.items() if row in kept}
        self._gone = {row: since for row, since in self._gone.items() if row in kept}
        self._held = {row: base for row, base in self._held.items() if row in kept}
        if findings:
            await self._desk.settle(findings)

    async def _account(
        self, view: FleetView, account_id: str, believed: Sequence[RestingOrder], standing: Sequence[Incident]
    ) -> list[Finding]:
        book = view.single(account_id).book
        if book.orders is None:
            return []
        snapshot = snapshot_of(book, account_id)
        there = {one.order_id: one for one in snapshot.open_orders}
        expected: dict[int, ExpectedStop] = {}
        for order in believed:
            if order.placed_at >= book.observed_at:
                continue
            found = _found(order, there, book)
            if found is not None:
                self._gone.pop(order.row_id, None)
                self._held[order.row_id] = reducible_base(book, order.terms)
                await self._seen(order, found)
                if _protects(order.terms):
                    expected[order.row_id] = self._expected(order, book)
                continue
            how = await self._how(order, book)
            if how is None:
                continue  # what became of it may be told in a moment
            await self._ended(order, how)
            if _protects(order.terms) and how is not RestingEnd.FILLED:
                cancelled = how is not RestingEnd.VANISHED
                expected[order.row_id] = ExpectedStop(
                    order_id=order.order_id, terms=order.terms, purpose=order.purpose, placed_at=order.placed_at,
                    cancelled=cancelled,
                )  # fmt: skip
        by_order = {(one.order_id, one.terms.market): (row, one.terms) for row, one in expected.items()}
        stops = check_stops(tuple(expected.values()), book, _liquidation_usd(view, account_id), self._clock.now())
        found_now = [_finding(account_id, one, by_order) for one in stops]
        causes = {one.cause for one in found_now}
        return found_now + [
            over for one in standing if one.cause not in causes and (over := _over(one, book, believed)) is not None
        ]

    def _expected(self, order: RestingOrder, book: FleetBook) -> ExpectedStop:
        if is_crossed(order.terms, book):
            self._crossed.setdefault(order.row_id, self._clock.now())
        else:
            self._crossed.pop(order.row_id, None)
        return ExpectedStop(
            order_id=order.order_id, terms=order.terms, purpose=order.purpose, placed_at=order.placed_at,
            crossed_since=self._crossed.get(order.row_id),
        )  # fmt: skip

    async def _seen(self, order: RestingOrder, found: OpenOrder) -> None:
        filled = max(order.terms.size_raw_1e9 - round(found.size_base * BASE_UNITS), 0)
        if filled != order.filled_raw_1e9 or order.order_id is None:
            placed = PlacedOrder(order_id=found.order_id, filled_raw_1e9=filled, open=True)
            await self._resting.seen(order.row_id, placed)

    async def _how(self, order: RestingOrder, book: FleetBook) -> RestingEnd | None:
        """What the log says of its end. Where it says nothing for a while, what the position says: FILLED where it has
        shrunk by as much, else VANISHED. None before."""
        now = self._clock.now()
        since = self._gone.setdefault(order.row_id, now)
        for logged in reversed(
            await self._events.events_between(order.account_id, order.placed_at, now + _TOLD_WITHIN)
        ):
            event = event_from(logged.body_json)
            if isinstance(event, OrderEvent) and event.order_id == order.order_id and event.kind in _ENDS:
                return _ENDS[event.kind]
        if now - since < _TOLD_WITHIN:
            return None
        before = self._held.get(order.row_id, 0.0)
        rest = (order.terms.size_raw_1e9 - order.filled_raw_1e9) / BASE_UNITS
        shrank = before - reducible_base(book, order.terms)
        filled = order.terms.reduce_only and before > 0 and shrank >= _ALL_BUT_DUST * min(rest, before)
        return RestingEnd.FILLED if filled else RestingEnd.VANISHED

    async def _ended(self, order: RestingOrder, how: RestingEnd) -> None:
        placed = None
        if how is RestingEnd.FILLED:
            size = order.terms.size_raw_1e9
            placed = PlacedOrder(order_id=order.order_id, filled_raw_1e9=size, open=False)
        reason = "" if how is RestingEnd.FILLED else "it rests at the venue no more"
        await self._resting.ended(order.row_id, how, self._clock.now(), reason, placed)
        log.info(
            "stop.ended", account=self._roster.label(order.account_id), proposal_id=order.proposal_id,
            order_id=order.order_id, how=how.value,
        )  # fmt: skip


def _protects(terms: OrderTerms) -> bool:
    return terms.reduce_only and terms.style.is_trigger


def _found(order: RestingOrder, there: Mapping[int, OpenOrder], book: FleetBook) -> OpenOrder | None:
    """By its number; a trigger whose number is not known by what it says."""
    if order.order_id is not None:
        return there.get(order.order_id)
    stop = ExpectedStop(order_id=None, terms=order.terms, purpose=order.purpose, placed_at=order.placed_at)
    match = matching(stop, open_triggers(book))
    return None if match is None else there.get(match.order_id)


def _liquidation_usd(view: FleetView, account_id: str) -> Mapping[str, float]:
    try:
        return finite_prices(liquidation_prices(view.single(account_id)))
    except CannotAssess:
        return {}  # the incident of its data says so


def _finding(
    account_id: str, one: StopFinding, by_order: Mapping[tuple[int | None, str], tuple[int, OrderTerms]]
) -> Finding:
    row, terms = by_order[one.order_id, one.market]
    subject = _Subject(
        fault=one.fault, market=one.market, side=one.side, above=bool(terms.triggers_above),
        order=f"row {row}" if one.order_id is None else str(one.order_id),
    )  # fmt: skip
    fact, _, remedy = one.says.partition("; ")
    what = "stop" if bool(terms.triggers_above) is (terms.side is Side.BUY) else "take-profit"
    return Finding(
        cause=Cause(kind=CauseKind.PROTECTION, account_id=account_id, subject=subject.text), tier=Tier.HIGH,
        fact=f"{one.market} {what} {_FAULTS[one.fault]}: {fact}", market=one.market,
        remedy=f"{remedy[:1].upper()}{remedy[1:]}." if remedy else "",
    )  # fmt: skip


def _over(incident: Incident, book: FleetBook, believed: Sequence[RestingOrder]) -> Finding | None:
    """That what was wrong is not any more; None where it still is."""
    subject = _Subject.of(incident.cause.subject)
    held = _held(book, subject)
    if subject.fault in _GONE:
        if held and not _replaced(book, subject):
            return None
        fact = "it has been placed again" if held else "nothing is left to protect"
    elif any(str(one.order_id) == subject.order or f"row {one.row_id}" == subject.order for one in believed):
        fact = "the order is as it should be"
    else:
        fact = "the order rests no more"
    return Finding(cause=incident.cause, tier=Tier.OK, fact=f"{subject.market}: {fact}", market=subject.market)


def _held(book: FleetBook, subject: _Subject) -> bool:
    """Whether there is a position that an order of its side would reduce."""
    if subject.market not in book.perp_markets.names:
        return False
    account = snapshot_of(book, book.accounts.ids[0])
    sizes = [
        one.size_base for one in account.perp_positions if account.perp_markets[one.market_index].name == subject.market
    ]
    return any(size > 0 if subject.side is Side.SELL else size < 0 for size in sizes)


def _replaced(book: FleetBook, subject: _Subject) -> bool:
    """Whether another trigger of the same kind rests, whoever placed it."""
    at = book.perp_markets.names.index(subject.market)
    price = float(book.oracles.price_1e6[book.perp_markets.oracle[at]]) / 1e6
    return any(
        one.market == subject.market and one.side is subject.side and (one.trigger_usd > price) is subject.above
        for one in open_triggers(book)
    )
