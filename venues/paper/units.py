"""Between the floats of callers and the venue's whole units, without ever rounding in a trader's favour."""

import math
from decimal import ROUND_FLOOR, Decimal

from venues.errors import VenueRejected

BASE = 10**9
QUOTE = 10**6
PRICE = 10**6
QUOTE_PER_BASE_PRICE = BASE * PRICE // QUOTE  # base (1e9) * price (1e6) / this = quote (1e6)


def whole_units(amount: float, one: int, *, step: int = 1, what: str) -> int:
    """An amount in units of ``1 / one``, rounded down to a multiple of ``step``.

    Raises: VenueRejected for what is not a positive number or is smaller than one step.

    >>> whole_units(0.1 + 0.2, 10**6, what="deposit")
    300000
    """
    if not math.isfinite(amount) or amount <= 0:
        raise VenueRejected(f"the {what} is {amount}; give a positive number")
    raw = int((Decimal(str(amount)) * one).to_integral_value(ROUND_FLOOR))
    raw -= raw % step
    if raw == 0:
        raise VenueRejected(f"the {what} of {amount} is too small; the least is {step / one:.10g}")
    return raw


def trunc_div(dividend: int, divisor: int) -> int:
    """Division toward zero, as the venue's program divides signed numbers.

    >>> trunc_div(-7, 2), trunc_div(7, 2)
    (-3, 3)
    """
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend >= 0) == (divisor > 0) else -quotient


def ceil_div(dividend: int, divisor: int) -> int:
    """Division upwards.

    >>> ceil_div(7, 2), ceil_div(-7, 2)
    (4, -3)
    """
    return -(-dividend // divisor)
