"""Which roles an urgent alert rings, and where. Nothing else the bot says rings anybody by name: pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_ID = re.compile(r"\d{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pings:
    """Roles by the place they are rung in: a channel, a whole guild, or a webhook."""

    roles: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def places(self) -> frozenset[int]:
        return frozenset(self.roles)

    def at(self, *places: int | None) -> tuple[str, ...]:
        """The roles of the first of these places that has some, the narrowest first."""
        return next((self.roles[place] for place in places if place is not None and place in self.roles), ())


def parse_pings(text: str) -> Pings:
    """``PLACE=ROLE`` with commas between, a place once for each of its roles.

    Raises: ValueError, also for a guild's own id as its role: that is everybody.

    >>> parse_pings("10=20, 10=21").at(10)
    ('20', '21')
    """
    roles: dict[int, tuple[str, ...]] = {}
    for number, part in enumerate((part.strip() for part in text.split(",")), start=1):
        if not part:
            continue
        place, _, role = (piece.strip() for piece in part.partition("="))
        if not _is_id(place) or not _is_id(role):
            raise ValueError(f"entry {number} must be a channel's or server's id, =, and a role's id")
        if place == role:
            raise ValueError(f"entry {number} names a server as its own role, which is everyone: name another role")
        known = roles.get(int(place), ())
        roles[int(place)] = known if role in known else (*known, role)
    return Pings(roles=roles)


def _is_id(text: str) -> bool:
    return text.isascii() and _ID.fullmatch(text) is not None
