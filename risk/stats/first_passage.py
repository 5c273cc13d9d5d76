"""Probability that a price touches a barrier: exactly for one lognormal asset, and the pieces a simulation needs.

Sources: Harrison 1985 for the reflection formula; Glasserman 2003, section 6.4, for the bridge; Wilson 1927.
"""

import math

import numpy as np

from risk.errors import BadParameter
from risk.margin.book import FloatArray
from risk.stats.laws import normal_cdf, normal_quantile
from risk.stats.series import DAYS_PER_YEAR


def hit_probability(price: float, barrier: float, volatility_annual: float, days: float) -> float:
    """That a price without drift touches a barrier within some days; its log drifts by -sigma^2 / 2.

    Args:
        barrier: Below the price, or above it.
        volatility_annual: As a fraction.

    Raises: BadParameter for a price or barrier that is not positive, a negative volatility or time, NaN or infinity.
    """
    if not all(math.isfinite(one) for one in (price, barrier, volatility_annual, days)):
        raise BadParameter("price, barrier, volatility and days must be finite numbers; leave out what is unknown")
    if price <= 0 or barrier <= 0 or volatility_annual < 0 or days < 0:
        raise BadParameter("price and barrier must be positive, volatility and days not negative")
    if price == barrier:
        return 1.0
    s = volatility_annual * math.sqrt(days / DAYS_PER_YEAR)
    if s == 0.0:
        return 0.0
    k, m = math.log(barrier / price), -s * s / 2
    if k > 0:
        k, m = -k, -m
    reflected = math.exp(2 * k * m / (s * s)) * normal_cdf((k + m) / s)
    return float(min(1.0, normal_cdf((k - m) / s) + reflected))


def bridge_survival(before: FloatArray, after: FloatArray, variance: FloatArray) -> FloatArray:
    """Probability that a path between two values stayed above zero, given the variance of its increment.

    0 where an end is not above zero; 1 where both are and nothing moved.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        survived = -np.expm1(-2.0 * before * after / variance)
    alive = (before > 0) & (after > 0)
    return np.where(alive, np.where(variance > 0, survived, 1.0), 0.0)


def wilson(probability: float, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Interval of a probability estimated from n draws, (low, high); exactly 0 and 1 where nothing and all was hit."""
    z = normal_quantile(0.5 + level / 2)
    centre = (probability + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(probability * (1 - probability) / n + z * z / (4 * n * n))
    # Centre and half are equal there but for rounding.
    low = 0.0 if probability <= 0 else max(0.0, centre - half)
    return low, 1.0 if probability >= 1 else min(1.0, centre + half)
