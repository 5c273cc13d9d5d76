"""Which local day's digest is due. Pure.

A day's digest is due from the moment somebody's clock shows their time of that day, until the next one is. A time that
a change of clocks skips comes when the clocks have been changed; one that comes twice counts the first time.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

_DAY = timedelta(days=1)


def moment_of(day: date, minute: int, zone: tzinfo) -> datetime:
    """When somebody's digest of a day is due, in UTC: moments of a zone around a change of clocks compare oddly."""
    local = datetime.combine(day, time(minute // 60, minute % 60), zone)
    # A time that does not exist means, read with the offset of before, the same stretch after the change.
    return datetime.fromtimestamp(local.timestamp(), UTC)


def newest_day(minute: int, zone: tzinfo, now: datetime) -> date:
    """The day whose digest became due last."""
    day = now.astimezone(zone).date() + _DAY
    while moment_of(day, minute, zone) > now:
        day -= _DAY
    return day


def due_day(told: date, minute: int, zone: tzinfo, now: datetime) -> date | None:
    """The day whose digest is to be told now; None where the last one told is not behind.

    One that was missed is told late; of several that were missed only the newest, which says what the others would.
    """
    day = newest_day(minute, zone, now)
    return day if day > told else None
