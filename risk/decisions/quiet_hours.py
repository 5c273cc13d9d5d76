"""Quiet hours: stretches of a local day, and the moments they begin and end at. Pure.

What counts is the clock on the wall. Where clocks go forward, a time that is skipped is the moment of the skip; where
they go back, a time that comes twice is its first coming. So a stretch has one beginning and one end a day, whatever
the clocks do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY_MINUTES = 24 * 60
_LOOK_AHEAD_DAYS = 3  # a stretch ends a day after it began; zones have skipped or repeated a whole day besides


class WholeDay(ValueError):
    """Quiet for the whole day would never end."""

    def __init__(self) -> None:
        super().__init__("quiet hours cannot cover the whole day: nothing held back would ever be told")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class QuietSpan:
    """A stretch of every local day, in minutes since midnight.

    Attributes:
        begins_minute: 0 to 1439.
        ends_minute: Behind the beginning, at most a day later: above 1440 on the next day.
    """

    begins_minute: int
    ends_minute: int

    def __post_init__(self) -> None:
        if not 0 <= self.begins_minute < DAY_MINUTES or not 0 < self.ends_minute - self.begins_minute < DAY_MINUTES:
            raise ValueError("a quiet stretch begins within a day and is shorter than one")


def span(begins: time, ends: time) -> QuietSpan:
    """From one time of day to the next one of another. Raises: WholeDay, where they are the same."""
    first, last = begins.hour * 60 + begins.minute, ends.hour * 60 + ends.minute
    if first == last:
        raise WholeDay
    return QuietSpan(begins_minute=first, ends_minute=last if last > first else last + DAY_MINUTES)


def merged(spans: Iterable[QuietSpan]) -> tuple[QuietSpan, ...]:
    """The same stretches without overlaps, in the order of the day; what touches becomes one. Raises: WholeDay."""
    quiet = [False] * DAY_MINUTES
    for one in spans:
        for minute in range(one.begins_minute, one.ends_minute):
            quiet[minute % DAY_MINUTES] = True
    if all(quiet):
        raise WholeDay
    found = []
    for begins in range(DAY_MINUTES):
        if quiet[begins] and not quiet[begins - 1]:
            ends = begins
            while quiet[ends % DAY_MINUTES]:
                ends += 1
            found.append(QuietSpan(begins_minute=begins, ends_minute=ends))
    return tuple(found)


def quiet_until(spans: Iterable[QuietSpan], zone: tzinfo, now: datetime) -> datetime | None:
    """When the quiet that holds now ends, UTC; None where it is not quiet.

    Args:
        spans: As ``merged`` returns them.
    """
    today = now.astimezone(zone).date()
    ends: datetime | None = None
    # In order of their beginnings, so that one that begins as another ends goes on with it.
    for begins_at, ends_at in sorted(_around(tuple(spans), zone, today)):
        reached = ends or now
        if begins_at <= reached < ends_at:
            ends = ends_at
    return ends


def _around(spans: tuple[QuietSpan, ...], zone: tzinfo, today: date) -> list[tuple[datetime, datetime]]:
    days = [today + timedelta(days=offset) for offset in range(-_LOOK_AHEAD_DAYS, _LOOK_AHEAD_DAYS + 1)]
    return [
        (wall_moment(day, one.begins_minute, zone), wall_moment(day, one.ends_minute, zone))
        for day in days
        for one in spans
    ]


def next_time(minute: int, zone: tzinfo, now: datetime) -> datetime:
    """The next moment, UTC and behind ``now``, at which the clock on the wall shows this minute of the day."""
    today = now.astimezone(zone).date()
    at = (wall_moment(today + timedelta(days=offset), minute, zone) for offset in range(-1, _LOOK_AHEAD_DAYS))
    return next(moment for moment in at if moment > now)


def wall_moment(day: date, minute: int, zone: tzinfo) -> datetime:
    """The moment, UTC, at which a wall clock shows this minute of a day; minutes above a day count on.

    A time that is skipped is the moment of the skip, a time that comes twice is its first coming.
    """
    wall = datetime.combine(day, time(0)) + timedelta(minutes=minute)
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    # The clocks jump over it: the first moment whose wall time lies behind it.
    before, behind = at - timedelta(hours=26), at + timedelta(hours=26)
    while behind - before > timedelta(microseconds=1):
        middle = before + (behind - before) / 2
        if middle.astimezone(zone).replace(tzinfo=None) > wall:
            behind = middle
        else:
            before = middle
    return behind.replace(microsecond=0)
