"""What a venue does to all accounts, told once: markets that close, pauses, and that they are over."""

from functools import cache

import structlog
from pydantic import TypeAdapter

from bot.alerts.event_groups import Waiting
from bot.alerts.event_ledger import EventLedger
from risk.decisions.venue_events import VenueState, venue_events, venue_state
from risk.margin.book import FleetBook
from risk.ports import Clock
from storage import Events

log = structlog.get_logger()


class VenueFollower:
    """Compares what a venue allows with what it allowed when it was looked at last, by whatever process."""

    def __init__(self, *, venue: str, events: Events, ledger: EventLedger, clock: Clock) -> None:
        self._venue, self._events, self._ledger, self._clock = venue, events, ledger, clock
        self._state: VenueState | None = None

    async def load(self) -> None:
        """Take up what an earlier process saw."""
        text = await self._events.venue_state(self._venue)
        try:
            self._state = None if text is None else state_from(text)
        except ValueError as exc:
            log.error("events.unreadable_venue", venue=self._venue, error=type(exc).__name__)

    async def look(self, book: FleetBook) -> tuple[Waiting, ...]:
        """What is new, to be told. At the first look nothing is."""
        before = self._state
        state = venue_state(book, before)
        if state == before:
            return ()
        news = () if before is None else venue_events(before, book)
        waiting = await self._ledger.enter_of_venue(self._venue, state_json(state), news, self._clock.now())
        self._state = state
        return waiting


@cache
def _states() -> TypeAdapter[VenueState]:
    return TypeAdapter(VenueState)


def state_json(state: VenueState) -> str:
    """What a venue allows, as text."""
    return _states().dump_json(state).decode()


def state_from(text: str) -> VenueState:
    """Back again. Raises: ValueError for a text this version does not understand."""
    return _states().validate_json(text)
