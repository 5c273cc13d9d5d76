"""Everything that follows events, wired."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from bot.alerts.desk import IncidentDesk
from bot.alerts.event_followers import EventFollowers
from bot.alerts.event_history import EventListener
from bot.alerts.event_ledger import EventLedger
from bot.alerts.event_owners import LOOK_EVERY_S, OwnersWatch
from bot.alerts.event_teller import EventTeller
from bot.alerts.event_venue import VenueFollower
from bot.alerts.event_watch import EventWatch
from bot.alerts.health_watch import HealthWatch
from bot.roster import Roster
from bot.schedule import Job
from risk.decisions.event_tiers import ON_REQUEST
from risk.decisions.tiers import Tier
from risk.fleet import Fleet
from risk.model.event_kinds import EventKind
from risk.ports import AccountReader, Clock, EventHistory
from storage import Announcements, Events, Preferences, Store

_TIDY_EVERY_S = 3_600.0
_KEPT = timedelta(days=180)
_KEPT_OF_MANY = timedelta(days=7)  # of what a busy account has thousands of in a day
_MANY = frozenset({EventKind.ORDER_PLACED, EventKind.ORDER_CHANGED, EventKind.ORDER_CANCELLED, EventKind.ORDER_ENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class EventParts:
    """What follows events."""

    watch: EventWatch
    owners: OwnersWatch
    events: Events
    announcements: Announcements
    clock: Clock

    @classmethod
    def of(
        cls, *, store: Store, reader: AccountReader, fleet: Fleet, roster: Roster, desk: IncidentDesk,
        health: HealthWatch, preferences: Preferences, clock: Clock, venue: str, quiet: Callable[[], bool],
    ) -> "EventParts":  # fmt: skip
        """Wire them."""
        events, announcements = Events(store), Announcements(store)

        async def asked() -> frozenset[EventKind]:
            switches = [one.events for one in (await preferences.all()).values()]
            return frozenset(kind for kind in ON_REQUEST if any(chat.get(kind.value) for chat in switches))

        def liquidating(account_id: str) -> bool:
            state = health.settled().get(account_id)
            return state is not None and state.tier is Tier.LIQUIDATING

        ledger = EventLedger(events=events, announcements=announcements, asked=asked)
        teller = EventTeller(events=events, desk=desk, roster=roster, quiet=quiet, liquidating=liquidating)
        listener = EventListener(reader if isinstance(reader, EventHistory) else None)
        watch = EventWatch(
            fleet=fleet, roster=roster, followers=EventFollowers(listener=listener, events=events),
            venue=VenueFollower(venue=venue, events=events, ledger=ledger, clock=clock), ledger=ledger, teller=teller,
            clock=clock,
        )  # fmt: skip
        owners = OwnersWatch(reader=reader, fleet=fleet, events=events, ledger=ledger, teller=teller, clock=clock)
        return cls(watch=watch, owners=owners, events=events, announcements=announcements, clock=clock)

    def __iter__(self) -> Iterator[tuple[float, str, Job]]:
        """Jobs for the schedule: how often, what they are called."""
        yield LOOK_EVERY_S, "owners", self.owners.look
        yield _TIDY_EVERY_S, "event log", self._tidy

    async def _tidy(self) -> None:
        now = self.clock.now()
        await self.events.forget_before(now - _KEPT, frozenset(EventKind))
        await self.events.forget_before(now - _KEPT_OF_MANY, _MANY)
