"""Stretches in which nobody watched: how they are noticed, and how they are told. Pure.

A process does not notice by itself that it was killed, stopped, put to sleep with its machine, or stood still. It is
noticed by comparing what should have passed with what has: the last sign of life with the start after it, and three
clocks with each other. The wall clock can be set, the monotonic clock stands still while the machine sleeps, and the
uptime counts on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.messages import Block, Line, Message, Table, Tone
from bot.text.ages import age, day_and_moment, moment
from bot.text.clean import name
from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier
from storage import Absence, AbsenceKind, Life

WORTH_TELLING = timedelta(seconds=60)
_ACCOUNTS_SHOWN = 20
_EVENTS_SHOWN = 12
_WHO_COLUMNS = 10  # two tiers and a name fit the width of a table

_WORDS = {
    AbsenceKind.STOPPED: "was stopped",
    AbsenceKind.KILLED: "was killed or lost power",
    AbsenceKind.RESTORED: "was restored from a backup, and remembers nothing of what it said and heard since",
    AbsenceKind.SUSPENDED: "was asleep with its machine",
    AbsenceKind.STALLED: "stood still",
    AbsenceKind.CLOCK_AHEAD: "found its clock set ahead",
    AbsenceKind.CLOCK_BACK: "found its clock set back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """One moment by three clocks.

    Attributes:
        monotonic_s: Stands still while the machine sleeps.
        uptime_s: Does not.
    """

    wall: datetime
    monotonic_s: float
    uptime_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What happened to time between two looks that should have been ``due_s`` apart.

    Attributes:
        asleep_s: How long the machine slept.
        late_s: How long the process did not get to look although it could have.
        stepped_s: How far somebody set the clock; negative for back.
    """

    asleep_s: float
    late_s: float
    stepped_s: float

    @classmethod
    def between(cls, before: Instant, now: Instant, *, due_s: float) -> "Passed":
        monotonic_s, uptime_s = now.monotonic_s - before.monotonic_s, now.uptime_s - before.uptime_s
        wall_s = (now.wall - before.wall).total_seconds()
        return cls(
            asleep_s=max(0.0, uptime_s - monotonic_s),
            late_s=max(0.0, monotonic_s - due_s),
            stepped_s=wall_s - max(uptime_s, monotonic_s),
        )

    @property
    def away_s(self) -> float:
        return self.asleep_s + self.late_s

    @property
    def upset(self) -> bool:
        """Whether what was planned by the wall clock must be planned anew."""
        return abs(self.stepped_s) > 1.0 or self.asleep_s > 1.0


def noticed(before: Instant, now: Instant, *, due_s: float, tiers: Mapping[str, Tier]) -> Absence | None:
    """The absence between two looks; None where there was none worth telling."""
    passed = Passed.between(before, now, due_s=due_s)
    if passed.away_s > WORTH_TELLING.total_seconds():
        kind = AbsenceKind.SUSPENDED if passed.asleep_s > passed.late_s else AbsenceKind.STALLED
        return Absence(kind=kind, from_at=now.wall - timedelta(seconds=passed.away_s), to_at=now.wall, tiers=tiers)
    if abs(passed.stepped_s) > WORTH_TELLING.total_seconds():
        kind = AbsenceKind.CLOCK_AHEAD if passed.stepped_s > 0 else AbsenceKind.CLOCK_BACK
        return Absence(kind=kind, from_at=now.wall - timedelta(seconds=passed.stepped_s), to_at=now.wall, tiers=tiers)
    return None


def since_last_life(before: Life | None, now: datetime, *, tiers: Mapping[str, Tier], waiting: int) -> Absence | None:
    """The absence between the last life and the present one; None for the very first, and for a quick restart."""
    if before is None:
        return None
    gap = now - before.last_at
    if before.restored_at is not None:
        return Absence(kind=AbsenceKind.RESTORED, from_at=before.last_at, to_at=now, tiers=tiers, waiting=waiting)
    killed = before.stopped_at is None
    if not killed and gap <= WORTH_TELLING and gap >= -WORTH_TELLING:
        return None
    kind = AbsenceKind.KILLED if killed else AbsenceKind.STOPPED
    return Absence(kind=kind, from_at=before.last_at, to_at=now, tiers=tiers, waiting=waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanwhile:
    """What became of the accounts that a chat may see.

    Attributes:
        now: Where they stand now, by account id.
        labels: What people call them, in the order in which they are shown.
        events: What happened to them in between, oldest first, each a sentence.
    """

    now: Mapping[str, Tier]
    labels: Mapping[str, str]
    events: Sequence[str] = ()


def told(absence: Absence, meanwhile: Meanwhile) -> Message:
    """What a chat hears of it."""
    blocks: list[Block] = [Line(_headline(absence), strong=True), Line(_stretch(absence))]
    if absence.kind in (AbsenceKind.CLOCK_AHEAD, AbsenceKind.CLOCK_BACK):
        blocks.append(Line("Nothing was missed; ages and times of before are by the old clock."))
    else:
        blocks += _accounts(absence, meanwhile)
        blocks += _events(meanwhile.events)
        blocks.append(Line(_alerts(absence.waiting)))
    return Message(blocks=tuple(blocks), tone=Tone.NORMAL)


def _headline(absence: Absence) -> str:
    away_s = (absence.to_at - absence.from_at).total_seconds()
    match absence.kind:
        case AbsenceKind.CLOCK_AHEAD | AbsenceKind.CLOCK_BACK:
            side = "ahead" if absence.kind is AbsenceKind.CLOCK_AHEAD else "back"
            return f"Keel: the clock was set {side} by {age(abs(away_s))}"
        case _ if away_s < 0:
            return "Keel was down, for how long is unknown"
        case AbsenceKind.RESTORED:
            return f"Keel has lost its memory of {age(away_s)}"
        case AbsenceKind.STALLED | AbsenceKind.SUSPENDED:
            return f"Keel did not watch for {age(away_s)}"
        case _:
            return f"Keel was down for {age(away_s)}"


def _stretch(absence: Absence) -> str:
    words = _WORDS[absence.kind]
    if absence.to_at < absence.from_at:
        return f"It {words}; by the clock it ended before it began, at {day_and_moment(absence.to_at)}."
    begin = (
        moment(absence.from_at) if absence.from_at.date() == absence.to_at.date() else day_and_moment(absence.from_at)
    )
    about = "about " if absence.kind is AbsenceKind.KILLED else ""
    return f"It {words}: from {about}{begin} to {moment(absence.to_at)}."


def _accounts(absence: Absence, meanwhile: Meanwhile) -> list[Block]:
    moved = [
        (account_id, label)
        for account_id, label in meanwhile.labels.items()
        if absence.tiers.get(account_id, Tier.UNKNOWN) is not meanwhile.now.get(account_id, Tier.UNKNOWN)
    ]
    still = len(meanwhile.labels) - len(moved)
    if not moved:
        return [
            Line("Every account stands where it stood." if still != 1 else f"{_only(meanwhile)} stands where it stood.")
        ]
    moved.sort(key=lambda one: -severity(meanwhile.now.get(one[0], Tier.UNKNOWN)))
    rows = tuple(
        (
            name(label, columns=_WHO_COLUMNS),
            absence.tiers[account_id].name if account_id in absence.tiers else "new",
            meanwhile.now.get(account_id, Tier.UNKNOWN).name,
        )
        for account_id, label in moved[:_ACCOUNTS_SHOWN]
    )
    blocks: list[Block] = [Table(header=("account", "before", "now"), rows=rows)]
    if len(moved) > _ACCOUNTS_SHOWN:
        blocks.append(Line(f"{len(moved) - _ACCOUNTS_SHOWN} more accounts changed."))
    if still:
        blocks.append(Line(f"{still} other account{'s' if still != 1 else ''} unchanged."))
    return blocks


def _only(meanwhile: Meanwhile) -> str:
    label = next(iter(meanwhile.labels.values()), "the account")
    at = next(iter(meanwhile.now.values()), Tier.UNKNOWN)
    return f"{name(label)} ({at.name})"


def _events(events: Sequence[str]) -> list[Block]:
    if not events:
        return []
    blocks: list[Block] = [Line("Meanwhile:")]
    blocks += [Line(f"- {event}") for event in events[:_EVENTS_SHOWN]]
    if len(events) > _EVENTS_SHOWN:
        blocks.append(Line(f"- and {len(events) - _EVENTS_SHOWN} more; /events has them all"))
    return blocks


def _alerts(waiting: int) -> str:
    if not waiting:
        return "No alert had to wait."
    return f"{waiting} alert{'s' if waiting != 1 else ''} had to wait and go{'es' if waiting == 1 else ''} out now."
