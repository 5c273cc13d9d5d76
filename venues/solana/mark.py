"""How an account stood before its orders went out: what is needed to tell afterwards what they did."""

import json
from dataclasses import asdict, dataclass

from venues.errors import VenueRejected

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Of one account at one slot.

    Attributes:
        next_order_id: What the next order placed would be called.
        bases_raw_1e9: Positions by market index, of the markets traded.
        resting: Ids of the orders that rested.
    """

    slot: int
    next_order_id: int
    bases_raw_1e9: dict[int, int]
    resting: tuple[int, ...]

    def text(self) -> str:
        return json.dumps({"v": _VERSION, **asdict(self)}, separators=(",", ":"), sort_keys=True)

    @classmethod
    def of(cls, text: str) -> "Mark":
        """Raises: VenueRejected for a text of another version, or of nobody."""
        try:
            found = json.loads(text)
            if found["v"] != _VERSION:
                raise ValueError("another version")
            return cls(
                slot=int(found["slot"]),
                next_order_id=int(found["next_order_id"]),
                bases_raw_1e9={int(index): int(base) for index, base in found["bases_raw_1e9"].items()},
                resting=tuple(int(order_id) for order_id in found["resting"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise VenueRejected("how the account stood before is not known; look at the venue what was filled") from exc
