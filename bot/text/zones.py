"""Time zones as people write them: by the name of the tz database, or of a city. What does not exist is refused."""

import difflib
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from bot.text.clean import name as clean_name

# In the database for the machine's own use; as an answer to "where are you?" they say nothing.
_NOT_PLACES: Final = frozenset({"Factory", "localtime", "posixrules"})
_SHOWN: Final = 3


class UnknownZone(ValueError):
    """No time zone is called so. The text says which ones come near.

    Attributes:
        nearest: Names that exist, best first; may be empty.
    """

    def __init__(self, text: str, nearest: tuple[str, ...]) -> None:
        self.nearest = nearest
        known = f"did you mean {' or '.join(nearest)}?" if nearest else "write it like Europe/Berlin, or UTC"
        super().__init__(f"there is no time zone {clean_name(text)}; {known}")


def zone(text: str) -> ZoneInfo:
    """The zone somebody means, whatever the case: ``Europe/Berlin``, ``berlin``, ``new york``, ``UTC``.

    Offsets such as ``+02:00`` are refused: they are wrong for half of the year where clocks change.

    Raises: UnknownZone.

    >>> zone("europe/berlin").key, zone("new york").key, zone("UTC").key
    ('Europe/Berlin', 'America/New_York', 'UTC')
    """
    wanted = _folded(text)
    found = _by_name().get(wanted) or _by_city().get(wanted)
    if found is None:
        raise UnknownZone(text, _nearest(wanted))
    return ZoneInfo(found)


def _folded(text: str) -> str:
    return "_".join(text.strip().lower().split())


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(one for one in available_timezones() if one not in _NOT_PLACES))


@cache
def _by_name() -> dict[str, str]:
    return {one.lower(): one for one in _names()}


@cache
def _by_city() -> dict[str, str]:
    """The last part of a name, where no other zone ends in it."""
    cities: dict[str, list[str]] = {}
    for one in _names():
        area, _, city = one.rpartition("/")
        if area and not one.startswith(("Etc/", "SystemV/", "US/", "posix/", "right/")):
            cities.setdefault(city.lower(), []).append(one)
    return {city: of[0] for city, of in cities.items() if len(of) == 1}


def _nearest(wanted: str) -> tuple[str, ...]:
    known = {**_by_city(), **_by_name()}
    city = wanted.rpartition("/")[2]
    inside = [one for one in _by_city() if len(city) > 2 and city in one]
    close = difflib.get_close_matches(wanted, known, n=_SHOWN, cutoff=0.6)
    close += difflib.get_close_matches(city, _by_city(), n=_SHOWN, cutoff=0.7)
    return tuple(dict.fromkeys(known[one] for one in (*inside[:_SHOWN], *close)))[:_SHOWN]
