"""How old, how long, and when, as people read it."""

import math
from datetime import datetime, time, tzinfo
from typing import Final

from bot.text.numbers import UNBOUNDED, UNKNOWN, count
from bot.text.reader import reader

STALE: Final = "STALE"

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def age(seconds: float | None) -> str:
    """How old something is. Never shown younger by a second that matters: seconds round up, minutes and more are full.

    Seconds up to two minutes, minutes up to an hour, then two units; from a week on days. A negative age, of a clock
    that runs behind, is 0 s.

    >>> age(2.2), age(90), age(299), age(7500), age(3 * 86400), age(100_000), age(None)
    ('3 s', '90 s', '4 min', '2 h 05 min', '3 d', '1 d 3 h', '-')
    """
    if seconds is None or math.isnan(seconds):
        return UNKNOWN
    if math.isinf(seconds):
        return UNBOUNDED if seconds > 0 else "0 s"
    whole = max(0, math.ceil(seconds))
    if whole < 2 * _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"
    days, hours = whole // _DAY, whole % _DAY // _HOUR
    return f"{days} d {hours} h" if hours and days < 7 else f"{count(days)} d"


def age_of_data(seconds: float | None, *, stale: bool = False) -> str:
    """The age of a reading, marked where it is too old to be relied on.

    >>> age_of_data(3), age_of_data(250, stale=True)
    ('3 s old', 'STALE 4 min old')
    """
    text = f"{age(seconds)} old"
    return f"{STALE} {text}" if stale else text


def span(seconds: float) -> str:
    """A stretch of time in one unit, to the nearest.

    >>> span(86_340), span(7 * 86400), span(2_700), span(5), span(5_400)
    ('24 h', '7 d', '45 min', '5 s', '90 min')
    """
    for unit, name, most in ((1, "s", 120), (_MINUTE, "min", 120), (_HOUR, "h", 48)):
        if (whole := _half_up(seconds / unit)) < most:
            return f"{whole} {name}"
    return f"{count(_half_up(seconds / _DAY))} d"


def moment(at: datetime, tz: tzinfo | None = None) -> str:
    """The time of day in a zone, the reader's where none is given, with the zone's name.

    Raises: ValueError for a naive datetime.

    >>> from datetime import UTC
    >>> moment(datetime(2025, 10, 10, 14, 3, 22, tzinfo=UTC))
    '14:03:22 UTC'
    """
    local = _local(at, tz)
    return f"{clock(local, seconds=True)} {_zone(local)}"


def day(at: datetime, tz: tzinfo | None = None) -> str:
    """The day in a zone, without the year. Month names are ours: strftime's follow the machine's locale.

    >>> from datetime import UTC
    >>> day(datetime(2025, 10, 10, 23, tzinfo=UTC))
    '10 Oct'
    """
    local = _local(at, tz)
    return f"{local.day} {_MONTHS[local.month - 1]}"


def month(at: datetime, tz: tzinfo | None = None) -> str:
    """The month in a zone, with the year.

    >>> from datetime import UTC
    >>> month(datetime(2025, 10, 10, tzinfo=UTC))
    'Oct 2025'
    """
    local = _local(at, tz)
    return f"{_MONTHS[local.month - 1]} {local.year}"


def day_and_moment(at: datetime, tz: tzinfo | None = None) -> str:
    """Day and time of day, for what may lie further back than today.

    >>> from datetime import UTC
    >>> day_and_moment(datetime(2025, 10, 10, 14, 3, 22, tzinfo=UTC))
    '10 Oct 2025 14:03 UTC'
    """
    local = _local(at, tz)
    return f"{day(at, tz)} {local.year} {clock(local)} {_zone(local)}"


def clock(local: datetime | time, *, seconds: bool = False) -> str:
    """A time of day as it stands, without a zone, in twelve hours for who reads them so.

    >>> clock(time(14, 3)), clock(time(14, 3, 22), seconds=True)
    ('14:03', '14:03:22')
    """
    rest = f"{local.minute:02d}:{local.second:02d}" if seconds else f"{local.minute:02d}"
    if not reader().twelve_hours:
        return f"{local.hour:02d}:{rest}"
    return f"{local.hour % 12 or 12}:{rest} {'AM' if local.hour < 12 else 'PM'}"


def zone_name(at: datetime, tz: tzinfo | None = None) -> str:
    """What a zone is called at a moment, such as CET; its offset where it has no name.

    >>> from datetime import UTC
    >>> zone_name(datetime(2025, 10, 10, tzinfo=UTC))
    'UTC'
    """
    return _zone(_local(at, tz))


def _half_up(value: float) -> int:
    return math.floor(value + 0.5)


def _local(at: datetime, tz: tzinfo | None) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be shown: pass an aware datetime")
    return at.astimezone(tz or reader().zone)


def _zone(local: datetime) -> str:
    return local.tzname() or local.strftime("%z")
