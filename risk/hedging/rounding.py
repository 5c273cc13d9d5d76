"""Sizes as the venue takes them: rounded toward the smaller trade, so that no hedge goes beyond what it hedges."""

import math

from risk.model.trading import BASE_UNITS, MarketDepth

_NOISE = 1e-6  # of a 1e-9th: what the arithmetic of floats leaves of a whole number


def steps_base(depth: MarketDepth, size_base: float) -> float:
    """The largest multiple of the step that is no larger; 0 for less than one step."""
    return steps_raw(depth, size_base) / BASE_UNITS


def steps_raw(depth: MarketDepth, size_base: float) -> int:
    """The same in the venue's own units."""
    if not size_base > 0:
        return 0
    units = size_base * BASE_UNITS
    whole = round(units)
    raw = whole if abs(units - whole) <= max(_NOISE, 1e-12 * units) else math.floor(units)
    step = max(1, depth.step_raw_1e9)
    return raw // step * step


def too_small(depth: MarketDepth, size_base: float) -> bool:
    """Whether the venue takes no order of a size that is rounded already."""
    raw = round(size_base * BASE_UNITS)
    return raw <= 0 or raw < depth.minimum_raw_1e9


def least_base(depth: MarketDepth) -> float:
    """The smallest size the venue takes."""
    step = max(1, depth.step_raw_1e9)
    return -(-max(depth.minimum_raw_1e9, step) // step) * step / BASE_UNITS
