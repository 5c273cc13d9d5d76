"""Asking a venue what happened to an account: how far it was read, how much at a time, and what silence means."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from risk.decisions.event_following import NO_HISTORY, Heard
from risk.model.events import AccountEvent
from risk.ports import EventHistory
from venues.errors import VenueRejected, VenueUnavailable

log = structlog.get_logger()

_PAGES = 10  # of one question
_BEHIND_SLOTS = 32  # what a node lists late it mostly lists within these: about 13 s
_LATE_SLOTS = 150  # and surely within these
_REJECTED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the history, and the slot the readings had come to when it was read up to there."""

    cursor: str
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far an account's history was read.

    Attributes:
        places: Oldest first. It is read again from the first, a little behind the last, so that what a node lists late
            is found as well. Empty where it was never read.
        begins: Slot from which on it is of interest, as long as it was never read.
        read_on: Where a history too long for one question is read on; empty where it was read to its end.
    """

    places: tuple[Place, ...] = ()
    begins: int = 0
    read_on: str = ""

    @classmethod
    def from_stored(cls, cursor: str, heard_slot: int) -> "Reach":
        """As ``cursor`` and ``heard_slot`` said."""
        if not cursor:
            return cls(begins=heard_slot)
        return cls(places=(Place(cursor=cursor, slot=heard_slot + _LATE_SLOTS),))

    @property
    def cursor(self) -> str:
        """Where it may be read again from; empty where it was never read."""
        return self.places[0].cursor if self.places else ""

    def next_cursor(self, slot: int) -> str:
        """Where to read from when the readings have come to a slot."""
        return self.read_on or self.places[self._behind(slot)].cursor

    @property
    def heard_slot(self) -> int:
        """What happened before this slot does not come again."""
        return max(0, self.places[0].slot - _LATE_SLOTS) if self.places else self.begins

    def read_to_its_end(self, place: Place) -> "Reach":
        """It was read up to a place, behind which there is nothing yet."""
        # Where it was long, all that is read once more is its last page.
        before = (Place(cursor=self.read_on, slot=place.slot),) if self.read_on else self.places
        found = Reach(places=(*before, place))
        return Reach(places=found.places[found._behind(place.slot) :])

    def _behind(self, slot: int) -> int:
        """The last place far enough behind a slot, else the first."""
        passed = [number for number, one in enumerate(self.places) if one.slot <= slot - _BEHIND_SLOTS]
        return passed[-1] if passed else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listened:
    """What the history said.

    Attributes:
        more: Whether it went on, and there is more to read at once.
    """

    heard: Heard
    reach: Reach
    more: bool = False


class EventListener:
    """Asks a venue's history.

    Args:
        history: None where the venue keeps none.
    """

    def __init__(self, history: EventHistory | None) -> None:
        self._history = history
        self._rejected_until: datetime | None = None

    def asks(self, now: datetime) -> bool:
        """Whether there is anybody to ask."""
        return self._history is not None and (self._rejected_until is None or now >= self._rejected_until)

    async def listen(self, account_id: str, reach: Reach, up_to_slot: int, now: datetime) -> Listened:
        """What happened since it was asked last, up to the slot of a reading."""
        if self._history is None or not self.asks(now):
            return Listened(heard=NO_HISTORY, reach=reach)
        anew = Reach(begins=reach.heard_slot)  # what was read of it already comes again, and is known
        for start in (reach, anew) if reach.cursor else (reach,):
            try:
                return await self._ask(self._history, account_id, start, up_to_slot)
            except VenueRejected as exc:
                log.warning("events.history_rejected", account_id=account_id, error=str(exc), cursor=start.cursor)
        self._rejected_until = now + _REJECTED_FOR
        return Listened(heard=NO_HISTORY, reach=anew)

    async def _ask(self, history: EventHistory, account_id: str, reach: Reach, up_to_slot: int) -> Listened:
        """Page by page. Raises: VenueRejected."""
        events: list[AccountEvent] = []
        progressed = complete = False
        try:
            if not reach.places:
                # With all of that slot: a reading may have come before something else was done in its own.
                begin = await history.events_since(account_id, "", up_to_slot=max(0, reach.begins - 1))
                reach = Reach(places=(Place(cursor=begin.cursor, slot=reach.begins),))
            for _ in range(_PAGES):
                cursor = reach.next_cursor(up_to_slot)
                page = await history.events_since(account_id, cursor, up_to_slot=up_to_slot)
                events += page.events
                progressed |= page.cursor != cursor
                complete = page.complete
                if complete:
                    reach = reach.read_to_its_end(Place(cursor=page.cursor, slot=up_to_slot))
                    break
                reach = replace(reach, read_on=page.cursor)
        except VenueUnavailable as exc:
            log.info("events.history_unavailable", account_id=account_id, error=str(exc))
        heard = Heard(events=tuple(events), complete=complete)
        return Listened(heard=heard, reach=reach, more=progressed and not complete)
