"""Stretches of time as people write them, in a command or a file: ``30m``, ``2 h``, ``1h 30min``, ``7d``."""

import re
from datetime import timedelta
from typing import Final

_UNITS: Final = {
    "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "minute": 60, "minutes": 60,
    "h": 3_600, "hour": 3_600, "hours": 3_600,
    "d": 86_400, "day": 86_400, "days": 86_400,
}  # fmt: skip
_PART: Final = re.compile(r"(\d{1,7}(?:\.\d{1,3})?)\s*([a-z]+)\s*", re.ASCII)
EXAMPLES: Final = "30m, 2h or 1d"


class BadDuration(ValueError):
    """A text that is no stretch of time. The text of the error says how one is written."""


def duration(text: str, *, longest: timedelta | None = None) -> timedelta:
    """Numbers with units, added up. A number alone is refused: what it counts would be a guess.

    Args:
        longest: More than this is refused.

    Raises: BadDuration.

    >>> duration("90s"), duration("1h 30 min"), duration("0.5 h")
    (datetime.timedelta(seconds=90), datetime.timedelta(seconds=5400), datetime.timedelta(seconds=1800))
    """
    total_s, rest = 0.0, text.strip().lower()
    if not rest:
        raise BadDuration(f"a time is missing; write it like {EXAMPLES}")
    while rest:
        part = _PART.match(rest)
        if part is None or part[2] not in _UNITS:
            raise BadDuration(f"{text.strip()[:40]!r} is no time; write it like {EXAMPLES}")
        total_s += float(part[1]) * _UNITS[part[2]]
        rest = rest[part.end() :]
    if longest is not None and total_s > longest.total_seconds():
        raise BadDuration(f"{text.strip()[:40]} is too long; at most {written(longest)}")
    return timedelta(seconds=total_s)


def written(span: timedelta) -> str:
    """A stretch of time as ``duration`` reads it, in its largest whole units.

    >>> written(timedelta(minutes=90)), written(timedelta(days=7)), written(timedelta(seconds=0.5))
    ('1 h 30 min', '7 d', '0.5 s')
    """
    rest_s = round(span.total_seconds(), 3)
    parts = []
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if rest_s >= unit:
            parts.append(f"{int(rest_s // unit)} {name}")
            rest_s = round(rest_s % unit, 3)
    if rest_s or not parts:
        parts.append(f"{rest_s:g} s")
    return " ".join(parts)


def written_s(seconds: float) -> str:
    """So many whole seconds, never more than there are; whole minutes from an hour on.

    >>> written_s(104.9), written_s(18_725.0), written_s(0.4)
    ('1 min 44 s', '5 h 12 min', '0 s')
    """
    whole = max(0, int(seconds))
    return written(timedelta(seconds=whole - whole % 60 if whole >= 3_600 else whole))
