"""Whether the orders that are to protect an account still do: what rests at the venue against what is believed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from bot.alerts.desk import IncidentDesk
from bot.alerts.event_codec import event_from
from bot.alerts.findings import Finding
from bot.roster import Roster
from bot.trading.stops.ends import ALL_BUT_DUST, Ending, Held, fills_of, held_of, reduces_at_most, shrunk_by
from bot.trading.stops.findings import finding, key_of, what_is_over
from risk.decisions.incidents import CauseKind, Incident
from risk.errors import CannotAssess
from risk.fleet import Fleet, FleetView
from risk.liquidation_monitor import finite_prices
from risk.margin.book import FleetBook
from risk.margin.liquidation import liquidation_prices
from risk.margin.snapshot import snapshot_of
from risk.model.account import OpenOrder
from risk.model.events import OrderEvent
from risk.model.trading import BASE_UNITS, PRICE_UNITS, OrderTerms, PlacedOrder
from risk.ports import Clock
from risk.protection.stop_check import (
    ExpectedStop,
    check_stops,
    is_crossed,
    matching,
    open_triggers,
)
from storage import Events, Incidents, Resting, RestingEnd, RestingOrder

log = structlog.get_logger()

STOPS_EVERY_S = 5.0
# What became of an order is told by events of the same reading; these may be written a moment later.
_TOLD_WITHIN = timedelta(seconds=20)


class StopWatch:
    """Runs on the schedule. A protective order that does not protect is an incident until it does, or until there is
    nothing left to protect; an order that rests no more is noted with what became of it.

    Nothing is said on a reading that cannot be trusted, or that is older than the order.

    Args:
        changed: Called when an order ended: its card says what became of it.
    """

    def __init__(
        self, *, fleet: Fleet, roster: Roster, resting: Resting, events: Events, incidents: Incidents,
        desk: IncidentDesk, clock: Clock, changed: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._changed = changed
        self._fleet, self._roster, self._resting, self._events = fleet, roster, resting, events
        self._incidents, self._desk, self._clock = incidents, desk, clock
        self._crossed: dict[int, datetime] = {}
        self._gone: dict[int, datetime] = {}
        self._held: dict[int, Held] = {}
        self._over: list[tuple[RestingOrder, Ending]] = []
        self._fired: set[int] = set()

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
        self._over = []
        for account_id in {*believed, *(one.cause.account_id for one in open_now)}:
            if account_id not in view or self._fleet.problems(account_id):
                continue
            own = [one for one in open_now if one.cause.account_id == account_id]
            findings += await self._account(view, account_id, believed.get(account_id, ()), own)
        kept = {one.row_id for orders in believed.values() for one in orders}
        self._crossed = {row: since for row, since in self._crossed.items() if row in kept}
        self._gone = {row: since for row, since in self._gone.items() if row in kept}
        self._held = {row: held for row, held in self._held.items() if row in kept}
        self._fired &= kept
        if findings:
            await self._desk.settle(findings)
        # Told first, noted then: what is noted is looked at no more, and an alert not stored would be lost.
        for order, end in self._over:
            await self._ended(order, end)

    async def _account(
        self, view: FleetView, account_id: str, believed: Sequence[RestingOrder], standing: Sequence[Incident]
    ) -> list[Finding]:
        book = view.single(account_id).book
        if book.orders is None:
            return []
        snapshot = snapshot_of(book, account_id)
        there = {one.order_id: one for one in snapshot.open_orders}
        expected: dict[int, ExpectedStop] = {}
        ends: dict[str, Ending | None] = {}
        for order in believed:
            if order.placed_at >= book.observed_at:
                continue
            found = _found(order, there, book)
            if found is not None:
                self._gone.pop(order.row_id, None)
                self._held[order.row_id] = held_of(book, order.terms)
                await self._seen(order, found)
                if _protects(order.terms):
                    expected[order.row_id] = self._expected(order, book)
                continue
            end = ends[key_of(order)] = await self._how(order, book)
            if end is None:
                continue  # what became of it may be told in a moment
            self._over.append((order, end))
            if _protects(order.terms) and end.how is not RestingEnd.FILLED:
                cancelled = end.how is not RestingEnd.VANISHED
                expected[order.row_id] = ExpectedStop(
                    order_id=order.order_id, terms=order.terms, purpose=order.purpose, placed_at=order.placed_at,
                    cancelled=cancelled,
                )  # fmt: skip
        by_order = {(one.order_id, one.terms.market): (row, one.terms) for row, one in expected.items()}
        stops = check_stops(tuple(expected.values()), book, _liquidation_usd(view, account_id), self._clock.now())
        label = self._roster.label(account_id) if len(self._roster) > 1 else ""
        found_now = [finding(account_id, one, by_order, label) for one in stops]
        causes = {one.cause for one in found_now}
        return found_now + [
            over
            for one in standing
            if one.cause not in causes and (over := what_is_over(one, book, believed, ends)) is not None
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
        if found.triggered:
            self._fired.add(order.row_id)
        filled = max(order.terms.size_raw_1e9 - round(found.size_base * BASE_UNITS), 0)
        if filled != order.filled_raw_1e9 or order.order_id is None:
            placed = PlacedOrder(order_id=found.order_id, filled_raw_1e9=filled, open=True)
            await self._resting.seen(order.row_id, placed)

    async def _how(self, order: RestingOrder, book: FleetBook) -> Ending | None:
        """What the log says of its end. Where it says nothing for a while, what the position says: FILLED where it has
        shrunk by as much, at once where the price was crossed, else VANISHED. None before."""
        now = self._clock.now()
        since = self._gone.setdefault(order.row_id, now)
        before = self._held.get(order.row_id)
        told = fills_of(order, await self._told(order, now + _TOLD_WITHIN))
        shrank = shrunk_by(order, before, book)
        size = max(told.size_base, order.filled_raw_1e9 / BASE_UNITS)
        if size > 0 and size >= ALL_BUT_DUST * reduces_at_most(order, before):
            return Ending(how=RestingEnd.FILLED, size_base=size, price_usd=told.price_usd)
        if told.how is not None:
            return Ending(how=told.how, size_base=size, price_usd=told.price_usd)
        crossed = order.row_id in self._crossed or order.row_id in self._fired or is_crossed(order.terms, book)
        if now - since < _TOLD_WITHIN and not (crossed and shrank is not None):
            return None
        return shrank or Ending(how=RestingEnd.VANISHED, size_base=size, price_usd=told.price_usd)

    async def _told(self, order: RestingOrder, until: datetime) -> list[OrderEvent]:
        """Events of one order, oldest first."""
        logged = await self._events.events_between(order.account_id, order.placed_at, until)
        events = [event_from(one.body_json) for one in logged]
        return [one for one in events if isinstance(one, OrderEvent) and one.order_id == order.order_id]

    async def _ended(self, order: RestingOrder, end: Ending) -> None:
        placed = PlacedOrder(
            order_id=order.order_id, filled_raw_1e9=round(end.size_base * BASE_UNITS), open=False,
            quote_raw_1e6=None if end.price_usd is None else round(end.size_base * end.price_usd * PRICE_UNITS),
        )  # fmt: skip
        await self._resting.ended(order.row_id, end.how, self._clock.now(), end.reason(order.terms), placed)
        log.info(
            "stop.ended", account=self._roster.label(order.account_id), proposal_id=order.proposal_id,
            order_id=order.order_id, how=end.how.value,
        )  # fmt: skip
        self._changed()


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
