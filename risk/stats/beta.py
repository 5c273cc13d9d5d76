"""Beta of one asset to another, by ordinary least squares on synchronous returns."""

from dataclasses import dataclass

import numpy as np

from risk.errors import BadSeries
from risk.margin.book import FloatArray
from risk.stats.series import checked, stands_still

MINIMUM_OBSERVATIONS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Beta:
    """A slope.

    Attributes:
        se: Standard error, for independent residuals of one variance.
        r2: Share of the asset's variance that the market explains.
    """

    beta: float
    se: float
    r2: float
    n: int


def beta_of(asset: FloatArray, market: FloatArray, *, minimum: int = MINIMUM_OBSERVATIONS) -> Beta:
    """Slope of the asset's returns on the market's.

    Raises: NotEnoughData below ``minimum``; BadSeries for series of two lengths or a market that does not move.
    """
    y, x = checked(asset, minimum=max(minimum, 3)), checked(market, minimum=max(minimum, 3))
    if y.size != x.size:
        raise BadSeries(f"the series have {y.size} and {x.size} observations; align them by date first")
    dx, dy = x - x.mean(), y - y.mean()
    sxx, syy, sxy = float(dx @ dx), float(dy @ dy), float(dx @ dy)
    if stands_still(x):
        raise BadSeries("the market does not move, so nothing can move with it; choose another reference")
    slope = sxy / sxx
    left = max(0.0, syy - slope * sxy)
    return Beta(
        beta=slope, se=float(np.sqrt(left / (x.size - 2) / sxx)), r2=1.0 - left / syy if syy > 0 else 0.0, n=int(x.size)
    )
