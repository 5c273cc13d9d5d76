"""The venue's rules for single ratios and weights, vectorised.

Every floor here decides a ratio or weight in units of 1e-4, so a quotient that is floored must be one division of exact
integers below 2**53: a rounding error of one unit would move a requirement by a hundredth of a percent of notional.
Source: program files math/margin.rs, state/perp_market.rs and state/spot_market.rs.
"""

import numpy as np

from risk.margin.book import FloatArray

RATIO_ONE = 1e4


def isqrt(values: FloatArray) -> FloatArray:
    """Floor of the square root, exact for integers below 9e18 and one off at most above; NaN stays NaN."""
    root = np.floor(np.sqrt(values))
    exact = values < 2.0**52
    if exact.all():
        return root
    # Above 2**52 the rounded root may be one too high or low; settle it in integers.
    big = ~exact & (values < 9e18)
    if big.any():
        whole, guess = values[big].astype(np.int64), root[big].astype(np.int64)
        guess -= guess * guess > whole
        guess += (guess + 1) * (guess + 1) <= whole
        root[big] = guess
    return root


def size_root(size_1e9: FloatArray) -> FloatArray:
    """isqrt(10 * size + 1), the term in which requirements grow with size."""
    return isqrt(10.0 * size_1e9 + 1.0)


def unbounded_premium(ratio_1e4: FloatArray, root: FloatArray, imf_1e6: FloatArray) -> FloatArray:
    """ratio - floor(ratio / 5) + floor(root * imf / 1e7); the ratio itself where imf is 0. May lie below the ratio."""
    grown = ratio_1e4 - np.floor(ratio_1e4 / 5.0) + np.floor(root * imf_1e6 / 1e7)
    return np.where(imf_1e6 == 0.0, ratio_1e4, grown)


def size_premium(ratio_1e4: FloatArray, root: FloatArray, imf_1e6: FloatArray) -> FloatArray:
    """A liability ratio or weight that grows with size, never below its base."""
    return np.maximum(ratio_1e4, unbounded_premium(ratio_1e4, root, imf_1e6))


def size_discount(root: FloatArray, imf_1e6: FloatArray) -> FloatArray:
    """Upper bound of an asset weight at this size; 11,000 (no bound) where imf is 0."""
    return np.floor(1.1e10 / (1e6 + np.floor(root * imf_1e6 / 1e5)))


def high_leverage_initial(
    ratio_1e4: FloatArray, high_leverage_1e4: FloatArray, root: FloatArray, imf_1e6: FloatArray
) -> FloatArray:
    """Initial ratio in high-leverage mode: close to the lower ratio while small, the ordinary one when large."""
    adjusted = unbounded_premium(ratio_1e4, root, imf_1e6)
    fifth = np.maximum(np.floor(ratio_1e4 / 5.0), 1.0)
    used_up = np.floor((ratio_1e4 - adjusted) * 1e6 / fifth)
    span = np.maximum(1.0, ratio_1e4 - high_leverage_1e4)
    between = high_leverage_1e4 + np.floor(span * np.maximum(0.0, 1e6 - used_up) / 1e6)
    return np.where(adjusted < ratio_1e4, between, np.where(adjusted == ratio_1e4, high_leverage_1e4, adjusted))
