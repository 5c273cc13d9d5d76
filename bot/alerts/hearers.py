"""Who hears of an incident, decided on one look at the routes, the people and what each chat wants. Pure.

Nobody to tell is no answer: where the routes that fit an incident tell nobody at once, every linked chat that may hear
of it is told, and where a step reaches nobody, the next one does not wait.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.alerts.reach import Hearer, Reach
from bot.alerts.routes import Route
from bot.alerts.routing import Recipient
from risk.decisions.hearing import EVERYTHING, ChatPreferences, hears, urgent
from risk.decisions.incidents import Cause, CauseKind, Incident, IncidentStatus
from risk.decisions.tiers import Tier
from storage import Receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStep:
    """One step and whom it comes to now.

    Attributes:
        targets: As the file names them, each with whom it comes to.
        troubles: What is wrong with them now, in sentences.
    """

    after: timedelta
    reach: Reach
    targets: tuple[tuple[str, tuple[Hearer, ...]], ...] = ()
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRoute:
    """One route and whom its steps come to now."""

    rule: Route
    steps: tuple[KnownStep, ...]

    def label(self, number: int) -> str:
        """What the receivers of a step are marked with; steps count from 1."""
        return f"{self.rule.name}/{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way round a platform that is blocked. ``name`` is as the file has it."""

    name: str
    reach: Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearers:
    """Implements bot.alerts.routing.Routing.

    Attributes:
        everybody: Linked chats, for what no route tells.
        always: Receivers that hear of everything whatever the routes say: the terminal.
        ways: Round a platform that is blocked, in the order in which they are tried.
        called: What accounts may be called in the file, by id, in lower case.
        unreachable: Receivers whose last message was refused for good.
        event_of: The kind of the event an incident is about; empty for what is none.
    """

    routes: tuple[KnownRoute, ...]
    everybody: Reach
    always: tuple[Receiver, ...]
    ways: tuple[Way, ...]
    called: Mapping[str, frozenset[str]]
    preferences: Mapping[Receiver, ChatPreferences]
    unreachable: frozenset[Receiver]
    event_of: Callable[[Incident], str]
    _all_of: dict[str, tuple[Receiver, ...]] = field(default_factory=dict, compare=False, repr=False)

    def recipients(self, incident: Incident, market: str, now: datetime) -> tuple[Recipient, ...]:
        """Everybody who is to know of an incident now, each once: those whose turn it is to be told, and, for how it
        goes on, whoever may have been told before."""
        event = self.event_of(incident)
        due = self.due(incident, now)
        told = self._hearing(due, incident, market, now, event)
        if urgent(incident.tier) and all(one in self.always or one in self.unreachable for one in told):
            # The last who can hear of it cannot have switched it off.
            told = self._hearing(due, incident, market, now, "")
        if incident.passing:
            return tuple(told.values())
        others = (one for one in self._everyone(incident.cause.account_id) if one not in told)
        follow_ups = self._hearing(others, incident, market, now, event)
        return (*told.values(), *(replace(one, follow_up=True) for one in follow_ups.values()))

    def due(self, incident: Incident, now: datetime) -> tuple[Receiver, ...]:
        """Whose turn it is to be told, whatever they want to hear; nobody's where the incident is over.

        The steps of a route are told one after the other while nobody takes the incident on; the first stays told.
        """
        if incident.status is IncidentStatus.RESOLVED and not incident.passing:
            return ()
        account_id = incident.cause.account_id
        waited = now - incident.rang_at if incident.status is IncidentStatus.OPEN else timedelta(0)
        found = {one: one for one in self.always}
        at_once = False
        fitting = self.fitting(incident)
        for route in fitting:
            reached = False
            for number, step in enumerate(route.steps, start=1):
                if waited < step.after and (number == 1 or reached):
                    break
                live = step.reach.of(account_id)
                reached = reached or any(one not in self.unreachable for one in live)
                for one in live:
                    found.setdefault(one, replace(one, route=route.label(number)))
            at_once = at_once or (reached and not route.steps[0].after)
        if not at_once and (fitting or not self._known_to_routes(incident)):
            for one in self.everybody.of(account_id):
                found.setdefault(one, one)
        return tuple(found.values())

    def alone(self, receiver: Receiver, event: str, tier: Tier, account_id: str, now: datetime) -> bool:
        """Whether an event of a kind would be told to a receiver and to nobody else who can be reached and wants it."""
        would_be = Incident(
            incident_id=0, cause=Cause(kind=CauseKind.EVENT, account_id=account_id), tier=tier, peak=tier,
            status=IncidentStatus.OPEN, opened_at=now, changed_at=now, rang_at=now,
        )  # fmt: skip
        due = self.due(would_be, now)
        return receiver in due and not any(
            self.preferences.get(one, EVERYTHING).tells(event)
            for one in due
            if one != receiver and one not in self.always and one not in self.unreachable
        )

    def fitting(self, incident: Incident) -> tuple[KnownRoute, ...]:
        """The routes that are about an incident as it stands."""
        called = self.called.get(incident.cause.account_id, frozenset())
        return tuple(route for route in self.routes if route.rule.fits(incident, called))

    def _known_to_routes(self, incident: Incident) -> bool:
        """Whether an incident belonged to a route when it was worse: it stays with those who know it."""
        return bool(self.fitting(replace(incident, tier=incident.peak)))

    def _hearing(
        self, receivers: Iterable[Receiver], incident: Incident, market: str, now: datetime, event: str
    ) -> dict[Receiver, Recipient]:
        found: dict[Receiver, Recipient] = {}
        for receiver in receivers:
            hearing = hears(self.preferences.get(receiver, EVERYTHING), incident, market, now, event=event)
            if hearing is not None:
                found[receiver] = Recipient(receiver=receiver, hold_until=hearing.hold_until)
        return found

    def _everyone(self, account_id: str) -> tuple[Receiver, ...]:
        """Everybody who may ever have been told of an account."""
        known = self._all_of.get(account_id)
        if known is None:
            of_steps = (
                replace(one, route=route.label(number))
                for route in self.routes
                for number, step in enumerate(route.steps, start=1)
                for one in step.reach.of(account_id)
            )
            of_ways = (one for way in self.ways for one in way.reach.of(account_id))
            found = dict.fromkeys((*self.always, *of_steps, *self.everybody.of(account_id), *of_ways))
            known = self._all_of[account_id] = tuple(found)
        return known
