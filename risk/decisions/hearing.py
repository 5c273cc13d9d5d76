"""How a chat hears of an incident: at once and ringing, at once without a sound, later, or not at all. Pure.

Whatever a chat asks for, CRITICAL and worse is told at once and rings, and UNKNOWN is told at once: not knowing is
never "nothing new". The one exception is a kind of event that was switched off by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, StrEnum, auto
from zoneinfo import ZoneInfo

from risk.decisions.event_tiers import ON_REQUEST
from risk.decisions.incidents import Incident, IncidentStatus, severity
from risk.decisions.quiet_hours import QuietSpan, next_time, quiet_until
from risk.decisions.tiers import Tier


class Verbosity(StrEnum):
    """How much a chat wants to be rung for."""

    ALL = "all"
    NORMAL = "normal"
    IMPORTANT = "important"
    CRITICAL = "critical"


class Manner(Enum):
    """How something of a tier comes. DIGEST waits for the chat's next digest."""

    RING = auto()
    SILENT = auto()
    DIGEST = auto()


_R, _S, _D = Manner.RING, Manner.SILENT, Manner.DIGEST
_MANNERS: Mapping[Verbosity, Mapping[Tier, Manner]] = {
    Verbosity.ALL: {Tier.OK: _S, Tier.WATCH: _R, Tier.WARNING: _R, Tier.HIGH: _R, Tier.UNKNOWN: _R},
    Verbosity.NORMAL: {Tier.OK: _D, Tier.WATCH: _S, Tier.WARNING: _R, Tier.HIGH: _R, Tier.UNKNOWN: _R},
    Verbosity.IMPORTANT: {Tier.OK: _D, Tier.WATCH: _D, Tier.WARNING: _S, Tier.HIGH: _R, Tier.UNKNOWN: _R},
    Verbosity.CRITICAL: {Tier.OK: _D, Tier.WATCH: _D, Tier.WARNING: _D, Tier.HIGH: _S, Tier.UNKNOWN: _S},
}


def manner(verbosity: Verbosity, tier: Tier) -> Manner:
    """How a tier comes at a level, apart from quiet hours; CRITICAL and worse always rings."""
    return Manner.RING if urgent(tier) else _MANNERS[verbosity][tier]


def urgent(tier: Tier) -> bool:
    """What nothing but the name of an event holds back."""
    return severity(tier) >= severity(Tier.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestPlan:
    """When what can wait is told.

    Attributes:
        at_minute: Time of day, in minutes since midnight where the chat is; the first one where there are several.
        every_h: Hours between two, a divisor of 24.
    """

    at_minute: int = 8 * 60
    every_h: int = 24

    def __post_init__(self) -> None:
        if not 0 <= self.at_minute < 24 * 60 or self.every_h < 1 or 24 % self.every_h:
            raise ValueError("a digest comes at a time of the day, and every 1, 2, 3, 4, 6, 8, 12 or 24 hours")

    def next_at(self, zone: ZoneInfo, now: datetime) -> datetime:
        """The next digest, UTC, behind ``now``."""
        minutes = ((self.at_minute + step * 60) % (24 * 60) for step in range(0, 24, self.every_h))
        return min(next_time(minute, zone, now) for minute in minutes)


_UTC = ZoneInfo("UTC")
_ON_REQUEST = frozenset(kind.value for kind in ON_REQUEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPreferences:
    """What a chat wants to hear, and when.

    Attributes:
        quiet: Without overlaps.
        muted: Until when nothing of a market is told, by its name; those that are over may still be there.
        silenced: Until when nothing of an account is told, by its id; likewise.
        events: Kinds of events, by value: whether they are told. For the others see ``tells``.
    """

    zone: ZoneInfo = _UTC
    quiet: tuple[QuietSpan, ...] = ()
    verbosity: Verbosity = Verbosity.ALL
    digest: DigestPlan = field(default_factory=DigestPlan)
    muted: Mapping[str, datetime] = field(default_factory=dict)
    silenced: Mapping[str, datetime] = field(default_factory=dict)
    events: Mapping[str, bool] = field(default_factory=dict)

    def tells(self, event: str) -> bool:
        """Whether a kind of event is told: all are, but those that say so little that somebody has to ask for them."""
        return self.events.get(event, event not in _ON_REQUEST)


EVERYTHING = ChatPreferences()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """How something is told.

    Attributes:
        hold_until: Not before; None for at once.
    """

    hold_until: datetime | None = None


def hears(
    preferences: ChatPreferences, incident: Incident, market: str, now: datetime, *, event: str = ""
) -> Hearing | None:
    """How a chat hears of an incident now; None for not at all.

    Args:
        market: What it is about; empty for everything else.
        event: The kind of the event it is; empty for what is none.
    """
    if incident.status is IncidentStatus.RESOLVED and not incident.passing:
        return Hearing()  # without a sound, and only to those who heard of it before
    if event and not preferences.tells(event):
        return None
    if urgent(incident.tier) or incident.tier is Tier.UNKNOWN:
        return Hearing()
    if _stands(preferences.muted, market, now) or _stands(preferences.silenced, incident.cause.account_id, now):
        return None
    return Hearing(hold_until=hold(preferences, incident.tier, now))


def hold(preferences: ChatPreferences, tier: Tier, now: datetime) -> datetime | None:
    """Until when what is found now waits: for the next digest, for the end of quiet hours; None for not at all."""
    if urgent(tier) or tier is Tier.UNKNOWN:
        return None
    digest = manner(preferences.verbosity, tier) is Manner.DIGEST
    told_at = preferences.digest.next_at(preferences.zone, now) if digest else now
    quiet_ends = quiet_until(preferences.quiet, preferences.zone, told_at) if preferences.quiet else None
    return quiet_ends or (told_at if digest else None)


def rings(preferences: ChatPreferences, tier: Tier, account_id: str, now: datetime) -> bool:
    """Whether what is delivered now may make a sound.

    Args:
        account_id: Whose it is; empty for the whole process.
    """
    if urgent(tier):
        return True
    if manner(preferences.verbosity, tier) is not Manner.RING:
        return False
    if _stands(preferences.silenced, account_id, now):
        return False
    return not preferences.quiet or quiet_until(preferences.quiet, preferences.zone, now) is None


def _stands(until: Mapping[str, datetime], key: str, now: datetime) -> bool:
    return bool(key) and key in until and now < until[key].astimezone(UTC)
