"""Escalation in time, and its auditor: what never finished, what reached nobody, routes that point nowhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.alerts.desk import Finding, IncidentDesk
from bot.alerts.hearers import Hearers
from bot.alerts.router import RouteBook
from bot.text.ages import span
from risk.decisions.incidents import Cause, CauseKind, Incident, IncidentStatus, severity
from risk.decisions.tiers import Tier
from risk.ports import Clock
from storage import Incidents, Outbox, OutboxState, Receipt

AUDIT_EVERY_S = 10.0
ESCALATE_EVERY_S = 1.0
_NUMBERS_SHOWN = 5
_NEVER_TOLD_AFTER = timedelta(seconds=60)

UNANSWERED = Cause(kind=CauseKind.SYSTEM, subject="escalation unanswered")
UNDELIVERED = Cause(kind=CauseKind.SYSTEM, subject="escalation undelivered")
ROUTES = Cause(kind=CauseKind.SYSTEM, subject="routes")


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedStep:
    """A step that was due and reached nobody."""

    incident_id: int
    step: str


def unanswered(
    hearers: Hearers, standing: Iterable[Incident], patience: timedelta, now: datetime
) -> tuple[Incident, ...]:
    """Incidents of which every step was told long ago, and nobody has taken them on. Pure."""
    found = []
    for incident in standing:
        after = [route.steps[-1].after for route in hearers.fitting(incident)]
        if after and _waits(incident) and now - incident.rang_at > max(after) + patience:
            found.append(incident)
    return tuple(found)


def missed_steps(
    hearers: Hearers, standing: Iterable[Incident], receipts: Sequence[Receipt], now: datetime
) -> tuple[MissedStep, ...]:
    """Steps that were due a while ago and of whose receivers none has got it. Pure.

    Args:
        receipts: The last word to everybody on these incidents.
    """
    arrived = {(one.incident_id, one.receiver) for one in receipts if one.state is OutboxState.SENT}
    held = {(one.incident_id, one.receiver) for one in receipts if one.held}
    found = []
    for incident in standing:
        for route in hearers.fitting(incident) if _waits(incident) else ():
            for number, step in enumerate(route.steps, start=1):
                if now - incident.rang_at < step.after + _NEVER_TOLD_AFTER:
                    break
                keys = [(incident.incident_id, one) for one in step.reach.of(incident.cause.account_id)]
                if keys and not any(key in arrived or key in held for key in keys):
                    found.append(MissedStep(incident_id=incident.incident_id, step=route.label(number)))
    return tuple(found)


def _waits(incident: Incident) -> bool:
    # What this auditor finds is an incident itself, and is not audited.
    return (
        incident.status is IncidentStatus.OPEN
        and incident.cause.kind is not CauseKind.SYSTEM
        and severity(incident.tier) >= severity(Tier.HIGH)
    )


def step_due(hearers: Hearers, standing: Iterable[Incident], after: datetime, now: datetime) -> bool:
    """Whether a step of anything that nobody has taken on fell due behind a moment, up to now. Pure."""
    return any(
        after < incident.rang_at + step.after <= now
        for incident in standing
        if incident.status is IncidentStatus.OPEN
        for route in hearers.fitting(incident)
        for step in route.steps
    )


class Escalation:
    """Tells the next step when its time has come, however seldom anybody looks at the incident itself."""

    def __init__(self, *, book: RouteBook, incidents: Incidents, desk: IncidentDesk, clock: Clock) -> None:
        self._book, self._incidents, self._desk, self._clock = book, incidents, desk, clock
        self._looked_at: datetime | None = None
        self._hearers: Hearers | None = None

    async def look(self) -> None:
        """One look at the time."""
        if self._desk.overdue:
            await self._desk.settle([])
        now, hearers = self._clock.now(), await self._book.load()
        before, self._looked_at = self._looked_at, now
        same, self._hearers = hearers is self._hearers, hearers
        if not hearers.routes:
            return
        standing = await self._incidents.open_incidents()
        # Who can be reached has changed, and so may have whose turn it is.
        if before is None or not same or step_due(hearers, standing, before, now):
            await self._desk.settle([])


class Auditor:
    """Looks at what stands, and raises what is wrong with its escalation as an incident of Keel itself."""

    def __init__(
        self, *, book: RouteBook, incidents: Incidents, outbox: Outbox, desk: IncidentDesk, clock: Clock
    ) -> None:
        self._book, self._incidents, self._outbox, self._desk, self._clock = book, incidents, outbox, desk, clock

    async def look(self) -> None:
        """One look at everything that stands."""
        now, hearers = self._clock.now(), await self._book.load()
        standing = await self._incidents.open_incidents() if hearers.routes else ()
        waiting = [incident for incident in standing if _waits(incident)]
        receipts = await self._outbox.receipts([one.incident_id for one in waiting]) if waiting else ()
        silent = unanswered(hearers, waiting, self._book.routes.unanswered_after, now)
        missed = missed_steps(hearers, waiting, receipts, now)
        await self._desk.settle(
            [
                _finding(UNANSWERED, Tier.HIGH, _unanswered(silent, now), "somebody has answered"),
                _finding(UNDELIVERED, Tier.HIGH, _missed(missed), "every step has reached somebody"),
                await routes_finding(self._book),
            ]
        )


async def routes_finding(book: RouteBook) -> Finding:
    """What is wrong with the routes as things are now."""
    wrong = await book.problems(lost_chats=False, before_anybody=False)
    return _finding(ROUTES, Tier.WARNING, _wrong(wrong), "the routes are in order")


def _finding(cause: Cause, tier: Tier, fact: str, over: str) -> Finding:
    return Finding(cause=cause, tier=tier if fact else Tier.OK, fact=fact or over)


def _unanswered(incidents: Sequence[Incident], now: datetime) -> str:
    if not incidents:
        return ""
    longest = max(now - incident.rang_at for incident in incidents)
    numbers = _numbers([incident.incident_id for incident in incidents])
    return f"everybody was told of {numbers} and nobody has acknowledged for {span(longest.total_seconds())}"


def _missed(missed: Sequence[MissedStep]) -> str:
    if not missed:
        return ""
    steps: Mapping[str, None] = dict.fromkeys(one.step for one in missed)
    numbers = _numbers(sorted({one.incident_id for one in missed}))
    return f"nobody of {', '.join(list(steps)[:_NUMBERS_SHOWN])} has got {numbers}"


def _wrong(problems: Sequence[str]) -> str:
    if not problems:
        return ""
    more = f", and {len(problems) - 1} more; see /routes" if len(problems) > 1 else ""
    return f"{problems[0]}{more}"


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(f"#{number}" for number in numbers[:_NUMBERS_SHOWN])
    more = f" and {len(numbers) - _NUMBERS_SHOWN} more" if len(numbers) > _NUMBERS_SHOWN else ""
    return f"alert{'s' if len(numbers) > 1 else ''} {shown}{more}"
