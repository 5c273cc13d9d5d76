"""Incidents: one for each cause, from the first breach to its end. Pure transitions and the rule of who hears when."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from risk.decisions.tiers import Tier

_EVENT_STANDS = timedelta(hours=24)


class CauseKind(StrEnum):
    """What an incident is about."""

    HEALTH = "health"
    DATA = "data"
    LIMIT = "limit"
    DRAWDOWN = "drawdown"
    RISK = "risk"
    SYSTEM = "system"
    EVENT = "event"
    PROTECTION = "protection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Identity of an incident: at most one is open for each cause.

    Attributes:
        account_id: Empty for causes of the whole process.
        subject: What distinguishes causes of one kind, such as a limit's name and market; empty otherwise.
    """

    kind: CauseKind
    account_id: str = ""
    subject: str = ""


class IncidentStatus(StrEnum):
    """Life of an incident."""

    OPEN = "open"
    ACKED = "acked"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One cause that stands, or stood.

    Attributes:
        incident_id: Assigned by the caller, shown to people, never reused.
        tier: Where it stands now; OK once resolved, UNKNOWN for data causes.
        peak: Worst tier so far.
        rang_at: When it opened or last escalated: since then somebody should have answered.
        fact: What the alert says, one plain sentence without markup, as of ``changed_at``.
        market: What the cause is about, for those who do not want to hear of it; empty for everything else.
        remedy: What would end it, a plain sentence as of ``changed_at``; empty where the figures of the moment say so.
        acked_by: Person id; None unless acknowledged at the present tier or worse.
        snoozed_until: No repeats before; an escalation still rings.
    """

    incident_id: int
    cause: Cause
    tier: Tier
    peak: Tier
    status: IncidentStatus
    opened_at: datetime
    changed_at: datetime
    rang_at: datetime
    fact: str = ""
    market: str = ""
    remedy: str = ""
    acked_by: str | None = None
    acked_at: datetime | None = None
    snoozed_until: datetime | None = None
    resolved_at: datetime | None = None

    @property
    def standing(self) -> bool:
        """Whether it is not over."""
        return self.status is not IncidentStatus.RESOLVED

    @property
    def passing(self) -> bool:
        """Whether it is something that happened and did not stand: told once, at the tier it keeps."""
        return self.status is IncidentStatus.RESOLVED and self.tier is not Tier.OK


class Change(StrEnum):
    """What happened to an incident in one step."""

    OPENED = "opened"
    ESCALATED = "escalated"
    EASED = "eased"
    RESOLVED = "resolved"


def severity(tier: Tier) -> int:
    """Order in which people want to hear of tiers. Not knowing is as urgent as HIGH."""
    return Tier.HIGH.value if tier is Tier.UNKNOWN else tier.value


def advance(
    incident: Incident | None,
    cause: Cause,
    tier: Tier,
    *,
    fact: str,
    now: datetime,
    new_id: int,
    market: str = "",
    remedy: str = "",
) -> tuple[Incident | None, Change | None]:
    """The incident of a cause after one look, and what changed.

    Args:
        incident: The one open for this cause, or None.
        tier: What the cause stands at now; Tier.OK means it is over.
        new_id: Used only when one opens.

    Returns: (None, None) where nothing is and nothing was; a change of None where everything stays.
    """
    if incident is None or incident.status is IncidentStatus.RESOLVED:
        if tier is Tier.OK:
            return None, None
        opened = Incident(
            incident_id=new_id, cause=cause, tier=tier, peak=tier, status=IncidentStatus.OPEN,
            opened_at=now, changed_at=now, rang_at=now, fact=fact,
            market=market, remedy=remedy,
        )  # fmt: skip
        return opened, Change.OPENED
    if tier is Tier.OK:
        over = replace(incident, tier=tier, status=IncidentStatus.RESOLVED, changed_at=now, resolved_at=now, fact=fact)
        return over, Change.RESOLVED
    if severity(tier) > severity(incident.tier):
        worse = severity(tier) > severity(incident.peak)
        # Acknowledging a warning is not acknowledging what it turns into.
        risen = replace(
            incident, tier=tier, peak=tier if worse else incident.peak, status=IncidentStatus.OPEN,
            changed_at=now, rang_at=now, fact=fact, remedy=remedy, acked_by=None, acked_at=None,
        )  # fmt: skip
        return risen, Change.ESCALATED
    if severity(tier) < severity(incident.tier):
        return replace(incident, tier=tier, changed_at=now, fact=fact, remedy=remedy), Change.EASED
    return incident, None


def happened(cause: Cause, tier: Tier, *, fact: str, now: datetime, new_id: int, market: str = "") -> Incident:
    """Something that passed: told once, over from the start."""
    return Incident(
        incident_id=new_id, cause=cause, tier=tier, peak=tier, status=IncidentStatus.RESOLVED, opened_at=now,
        changed_at=now, rang_at=now, fact=fact, market=market, resolved_at=now,
    )  # fmt: skip


def seen_long_enough(incident: Incident, now: datetime, *, at_once: bool = False) -> Incident:
    """An event that nobody acknowledged is over after a day. Everything else stays as it is.

    Args:
        at_once: It is over now, because the same has happened again.
    """
    if incident.cause.kind is not CauseKind.EVENT or not incident.standing:
        return incident
    if now - incident.opened_at < _EVENT_STANDS and not at_once:
        return incident
    return replace(incident, tier=Tier.OK, status=IncidentStatus.RESOLVED, changed_at=now, resolved_at=now)


def acknowledge(incident: Incident, person_id: str, now: datetime) -> Incident:
    """Stops repeats, and ends an event: it happened, and somebody has seen it. An incident that is over or already
    acknowledged stays as it is."""
    if incident.status is not IncidentStatus.OPEN:
        return incident
    if incident.cause.kind is CauseKind.EVENT:
        incident = replace(incident, tier=Tier.OK, changed_at=now, resolved_at=now)
        return replace(incident, status=IncidentStatus.RESOLVED, acked_by=person_id, acked_at=now)
    return replace(incident, status=IncidentStatus.ACKED, acked_by=person_id, acked_at=now)


def snooze(incident: Incident, until: datetime) -> Incident:
    """Holds repeats back until a moment. An incident that is over stays as it is."""
    if incident.status is IncidentStatus.RESOLVED:
        return incident
    return replace(incident, snoozed_until=until)


class NoticeReason(StrEnum):
    """Why a receiver hears of an incident."""

    FIRST = "first"
    ESCALATED = "escalated"
    EASED = "eased"
    REPEAT_DUE = "repeat_due"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastNotice:
    """What a receiver heard last of an incident."""

    tier: Tier
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatIntervals:
    """How often an unacknowledged incident is said again; tiers that are absent are said once.

    Each wait is as long as the alert has been ringing, so it doubles, between these bounds: who has not answered for
    hours is not helped by the hundredth message.

    Attributes:
        by_tier: The first wait.
        slowest: The longest; the first one goes on where a tier is absent.
    """

    by_tier: Mapping[Tier, timedelta] = field(
        default_factory=lambda: {
            Tier.HIGH: timedelta(minutes=30),
            Tier.CRITICAL: timedelta(minutes=5),
            Tier.LIQUIDATING: timedelta(minutes=2),
            Tier.UNKNOWN: timedelta(minutes=30),
        }
    )
    slowest: Mapping[Tier, timedelta] = field(
        default_factory=lambda: {
            Tier.HIGH: timedelta(hours=12),
            Tier.CRITICAL: timedelta(minutes=30),
            Tier.LIQUIDATING: timedelta(minutes=30),
            Tier.UNKNOWN: timedelta(hours=2),
        }
    )

    def wait(self, last: LastNotice, incident: Incident) -> timedelta | None:
        """How long after it was said last; None for never again."""
        first = self.by_tier.get(incident.tier)
        if first is None:
            return None
        return min(max(first, last.at - incident.rang_at), self.slowest.get(incident.tier, first))


def next_notice_at(last: LastNotice, incident: Incident, repeats: RepeatIntervals) -> datetime | None:
    """When a receiver who was told of the incident as it stands will hear of it again at the earliest; None for never,
    as long as it stays as it is."""
    interval = repeats.wait(last, incident)
    if interval is None or incident.status is not IncidentStatus.OPEN:
        return None
    due_at = last.at + interval
    return due_at if incident.snoozed_until is None else max(due_at, incident.snoozed_until)


def needs_notice(
    last: LastNotice | None, incident: Incident, repeats: RepeatIntervals, now: datetime
) -> NoticeReason | None:
    """Why this receiver should hear of the incident now, or None. ``last`` None means never told."""
    over = not incident.standing
    if incident.passing:
        return NoticeReason.FIRST if last is None else None
    if over and incident.cause.kind is CauseKind.EVENT:
        return None  # that it is over is no news: it was never more than something that happened
    if last is None:
        return None if over else NoticeReason.FIRST
    if over:
        return None if last.tier is Tier.OK else NoticeReason.RESOLVED
    if severity(incident.tier) > severity(last.tier):
        return NoticeReason.ESCALATED
    if severity(incident.tier) < severity(last.tier):
        return NoticeReason.EASED
    interval = repeats.wait(last, incident)
    quiet = incident.status is IncidentStatus.ACKED or (
        incident.snoozed_until is not None and now < incident.snoozed_until
    )
    if interval is None or quiet or now - last.at < interval:
        return None
    return NoticeReason.REPEAT_DUE
