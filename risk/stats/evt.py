"""Peaks over threshold: the generalised Pareto tail beyond a high quantile of losses.

Source: McNeil, Frey, Embrechts, Quantitative Risk Management, section 7.2; the likelihood is profiled over
theta = xi / beta, so one dimension is searched.
"""

from dataclasses import dataclass

import numpy as np

from risk.errors import BadParameter, NotEnoughData
from risk.margin.book import FloatArray
from risk.stats.series import alpha_of, checked

MINIMUM_EXCEEDANCES = 20
_GRID = 120
_SMALLEST_XI, _LARGEST_XI = -1.0, 10.0
_TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoTail:
    """A fitted tail of losses.

    Attributes:
        threshold: u; losses are positive, in the unit of the data.
        shape: xi; below 0 the tail ends, from 1 on it has no mean.
        scale: beta > 0.
        n: Observations in all.
        exceedances: Of them above the threshold.
    """

    threshold: float
    shape: float
    scale: float
    n: int
    exceedances: int

    def var(self, confidence: float) -> float:
        """Loss that is exceeded with probability 1 - confidence. Raises: BadParameter inside the data, where the tail
        says nothing."""
        share = self.n * alpha_of(confidence) / self.exceedances
        # At the threshold's own confidence the count may be one short of n * alpha, which is no other quantile.
        if share > 1.0 + 1.0 / self.exceedances:
            least = 1.0 - self.exceedances / self.n
            raise BadParameter(f"the fitted tail begins at {least:.1%}; a confidence of {confidence:.1%} lies within")
        if abs(self.shape) < _TINY:
            return self.threshold - self.scale * float(np.log(share))
        return self.threshold + self.scale / self.shape * (float(share**-self.shape) - 1.0)

    def es(self, confidence: float) -> float:
        """Mean loss beyond ``var``; infinite for a shape of 1 or more."""
        if self.shape >= 1.0:
            return float("inf")
        return (self.var(confidence) + self.scale - self.shape * self.threshold) / (1.0 - self.shape)


def fit_tail(losses: FloatArray, *, quantile: float = 0.95) -> ParetoTail:
    """Fit losses above their own quantile by maximum likelihood.

    Args:
        losses: Positive for a loss, shape (n,).

    Raises: NotEnoughData below 20 exceedances.
    """
    series = checked(losses, what="losses")
    threshold = float(np.quantile(series, quantile))
    excess = series[series > threshold] - threshold
    if excess.size < MINIMUM_EXCEEDANCES:
        needed = int(np.ceil(MINIMUM_EXCEEDANCES / (1.0 - quantile)))
        if series.size >= needed:  # most of them are one and the same
            what = f"losses above their {quantile:.0%} quantile"
            raise NotEnoughData(what, found=int(excess.size), needed=MINIMUM_EXCEEDANCES)
        raise NotEnoughData(f"losses with a tail above their {quantile:.0%} quantile", found=series.size, needed=needed)
    shape, scale = _maximum_likelihood(excess)
    return ParetoTail(threshold=threshold, shape=shape, scale=scale, n=int(series.size), exceedances=int(excess.size))


def _maximum_likelihood(excess: FloatArray) -> tuple[float, float]:
    """(shape, scale) of a generalised Pareto distribution from 0."""
    from scipy.optimize import minimize_scalar  # a quarter of a second to import

    unit, largest = float(np.median(excess)), float(excess.max())
    y = excess / unit  # the search is the same whatever the unit, and the largest value does not set its scale

    def shape_of(theta: float) -> float:
        return float(np.mean(np.log1p(theta * y)))

    def cost(theta: float) -> float:
        if abs(theta) < _TINY:
            return float(np.log(y.mean())) + 1.0  # exponential
        shape = shape_of(theta)
        return float(np.log(shape / theta)) + shape + 1.0

    lowest = -unit / largest
    grid = np.concatenate([lowest * (1.0 - np.geomspace(1e-6, 0.99, _GRID)), np.geomspace(1e-3, 1e4, _GRID)])
    usable = [theta for theta in grid if _SMALLEST_XI < shape_of(theta) < _LARGEST_XI]
    costs = np.array([cost(theta) for theta in usable])
    # Towards the lower end the likelihood grows without bound and means nothing: an inner maximum goes first.
    inner = np.flatnonzero((costs[1:-1] <= costs[:-2]) & (costs[1:-1] <= costs[2:])) + 1
    if not inner.size:  # nor is there a regular one below a shape of -1/2
        inner = np.flatnonzero([shape_of(theta) > -0.5 for theta in usable])
    best = int(inner[np.argmin(costs[inner])])
    low, high = usable[max(best - 1, 0)], usable[min(best + 1, len(usable) - 1)]
    found = minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-9 * (high - low)})
    theta = float(found.x)
    if abs(theta) < _TINY:
        return 0.0, float(excess.mean())
    shape = shape_of(theta)
    return shape, shape / theta * unit
