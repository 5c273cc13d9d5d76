"""Exact integers where a float would lose bits: 128-bit fields, and products of two 64-bit columns."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
UintArray = NDArray[np.uint64]
BoolArray = NDArray[np.bool_]

_FEW = 24  # below this many rows Python's own integers are faster than a dozen array operations
_LIMB_BITS = 16
_LIMB_MASK = np.uint64(2**_LIMB_BITS - 1)
# With these bounds no step below leaves 64 bits: remainder * 2**16 + limb * factor < 2**63 + 2**62.
_LARGEST_DIVISOR = 2**47
_LARGEST_FACTOR = 2**46
_LARGEST_QUOTIENT = 2.0**62

I64 = range(-(2**63), 2**63)


def wide_integers(column: NDArray[np.void]) -> list[int]:
    """A column of 128-bit fields, stored as ``lo`` and ``hi``, as integers; the type of ``hi`` gives the sign."""
    return [(high << 64) | low for low, high in column.tolist()]


def magnitude(column: NDArray[np.int64]) -> UintArray:
    """|x| of a column of i64, exact for the lowest one too."""
    raw = column.astype(np.int64).view(np.uint64)
    return np.where(column < 0, np.uint64(0) - raw, raw)


def multiply_divide(
    values: UintArray, factors: UintArray, divisors: UintArray, round_up: BoolArray | None = None
) -> FloatArray:
    """floor(value * factor / divisor), or its ceiling where ``round_up``, exact before it becomes a float64.

    A result above 2**53 is the nearest float64. Every divisor must be above 0.
    """
    if len(values) <= _FEW:
        return _one_by_one(values, factors, divisors, round_up)
    # The smaller of both is the factor: it has the tighter bound.
    values, factors = np.maximum(values, factors), np.minimum(values, factors)
    estimate = values.astype(np.float64) * factors.astype(np.float64) / divisors.astype(np.float64)
    big = (divisors > _LARGEST_DIVISOR) | (factors > _LARGEST_FACTOR) | (estimate > _LARGEST_QUOTIENT)
    safe_divisors = np.where(big, np.uint64(1), divisors)
    safe_values = np.where(big, np.uint64(0), values)
    quotient = np.zeros_like(values)
    remainder = np.zeros_like(values)
    # Long division, 16 bits of the value at a time from the highest one used.
    used_bits = int(safe_values.max()).bit_length()
    for shift in range((max(used_bits, 1) - 1) // _LIMB_BITS * _LIMB_BITS, -1, -_LIMB_BITS):
        limb = (safe_values >> np.uint64(shift)) & _LIMB_MASK
        digit, remainder = np.divmod((remainder << np.uint64(_LIMB_BITS)) + limb * factors, safe_divisors)
        quotient = (quotient << np.uint64(_LIMB_BITS)) + digit
    if round_up is not None:
        quotient += round_up & (remainder != 0)
    result = quotient.astype(np.float64)
    if big.any():
        result[big] = _one_by_one(values[big], factors[big], divisors[big], None if round_up is None else round_up[big])
    return result


def _one_by_one(values: UintArray, factors: UintArray, divisors: UintArray, round_up: BoolArray | None) -> FloatArray:
    ups: Sequence[bool] = [False] * len(values) if round_up is None else round_up.tolist()
    rows = zip(values.tolist(), factors.tolist(), divisors.tolist(), ups, strict=True)
    # Rounding up is rounding down on the other side of zero.
    return np.array([float(-(-a * b // by) if up else a * b // by) for a, b, by, up in rows])
