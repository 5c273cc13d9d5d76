"""What a transaction may compute, and what is paid for it: pure arithmetic of the compute budget."""

from collections.abc import Sequence

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.instruction import Instruction

from venues.errors import VenueRejected

_PERCENTILE = 75  # of what others paid lately
_MARGIN_PERCENT = 20  # accounts may be fuller when it lands than when it was simulated
_MARGIN_UNITS = 20_000


def unit_price_micro(recent: Sequence[int], *, floor: int, cap: int) -> int:
    """Micro-lamports for a compute unit: what three of four recent transactions stayed below, within floor and cap.

    >>> unit_price_micro([0, 10, 20, 5_000], floor=1, cap=1_000)
    20
    >>> unit_price_micro([], floor=7, cap=1_000)
    7
    """
    if not recent:
        return floor
    ranked = sorted(recent)
    at = max(0, -(-len(ranked) * _PERCENTILE // 100) - 1)
    return min(cap, max(floor, ranked[at]))


def unit_limit(consumed: int, *, cap: int) -> int:
    """Compute units to ask for, by what a simulation used; the cap where it counted nothing.

    >>> unit_limit(100_000, cap=1_000_000)
    140000

    Raises: VenueRejected for more than the cap.
    """
    if consumed <= 0:
        return cap
    if consumed > cap:
        raise VenueRejected(f"it takes {consumed} compute units, and {cap} are allowed; send fewer orders together")
    return min(cap, consumed + consumed * _MARGIN_PERCENT // 100 + _MARGIN_UNITS)


def budget(units: int, price_micro: int) -> list[Instruction]:
    """Both as instructions."""
    return [set_compute_unit_limit(units), set_compute_unit_price(price_micro)]
