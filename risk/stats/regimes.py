"""Correlation regimes: which of two states a pair is in by what was known then, and where its level changed.

The filter is Hamilton's (1989): probabilities of a date use data up to that date alone, never later. Change points come
from binary segmentation of the mean with a penalty of the Bayesian kind, a second view without a model of states.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from risk.errors import BadSeries
from risk.margin.book import FloatArray
from risk.stats.ewma import ewma_variances
from risk.stats.series import checked, stands_still

MINIMUM_OBSERVATIONS = 120
_SHORTEST_SEGMENT = 20
_HIGHEST = 0.999


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regimes:
    """Two states of the correlation of a pair, the higher one second.

    Attributes:
        correlations: In the states.
        stay: Probability to stay in each state for one more period.
        high_probability: Filtered probability of the second state after each observation, shape (n,).
        distinct: Whether two states describe the pair better than one (Bayesian information criterion).
        nu: Degrees of freedom of the surprises, common to both states.
    """

    correlations: tuple[float, float]
    stay: tuple[float, float]
    high_probability: FloatArray
    distinct: bool
    nu: float


def correlation_states(x: npt.ArrayLike, y: npt.ArrayLike) -> Regimes:
    """Fit two correlations and the switching between them to surprises, returns over the volatility forecast for their
    day, that follow a bivariate Student t: fat tails alone are then no second state.

    The parameters come from the whole series; the probabilities are filtered.

    Raises: NotEnoughData below 120 returns; BadSeries for series of two lengths or one that stands still.
    """
    from scipy.optimize import minimize  # a quarter of a second to import

    first, second = (checked(series, minimum=MINIMUM_OBSERVATIONS) for series in (x, y))
    if first.size != second.size:
        raise BadSeries(f"the series have {first.size} and {second.size} observations; align them by date first")
    if stands_still(first) or stands_still(second):
        raise BadSeries("one of the series stands still, so it is correlated with nothing; leave it out")
    pair = _surprises(first), _surprises(second)

    def unpack(v: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        stay = 0.5 + 0.4999 / (1 + np.exp(-np.clip(v[2:4], -30, 30)))  # a state that flips every day is noise
        return _HIGHEST * np.tanh(v[:2]), stay, _nu(v[-1])

    def cost(v: FloatArray) -> float:
        correlations, stay, nu = unpack(v)
        return -_filter(_log_densities(*pair, correlations, nu), stay)[1]

    def one_cost(v: FloatArray) -> float:
        return -float(_log_densities(*pair, _HIGHEST * np.tanh(v[:1]), _nu(v[-1])).sum())

    level = float(np.arctanh(np.clip(np.corrcoef(first, second)[0, 1], -0.99, 0.99)))
    one = minimize(one_cost, np.array([level, 1.5]), method="L-BFGS-B")
    centre, tails = float(one.x[0]), float(one.x[1])
    apart = ((0.5, 0.5), (1.0, 0.1), (0.1, 1.0))
    tries = [np.array([centre - down, centre + up, 4.0, 4.0, tails]) for down, up in apart]
    found = minimize(cost, min(tries, key=cost), method="L-BFGS-B")
    correlations, stay, nu = unpack(found.x)
    if correlations[0] > correlations[1]:
        correlations, stay = correlations[::-1], stay[::-1]
    probabilities, likelihood = _filter(_log_densities(*pair, correlations, nu), stay)
    better = 2 * (likelihood + float(one.fun)) > 3 * np.log(first.size)  # three more parameters
    return Regimes(
        correlations=(float(correlations[0]), float(correlations[1])), stay=(float(stay[0]), float(stay[1])),
        high_probability=probabilities, distinct=bool(better), nu=nu,
    )  # fmt: skip


def _nu(free: float) -> float:
    return 2.1 + float(np.exp(np.clip(free, -10.0, 5.0)))


def _surprises(returns: FloatArray) -> FloatArray:
    """Returns over the deviation that was forecast for them; zero before the first move."""
    deviations = np.sqrt(ewma_variances(returns)[:-1])
    return np.divide(returns, deviations, out=np.zeros_like(returns), where=deviations > 0)


def _log_densities(x: FloatArray, y: FloatArray, correlations: FloatArray, nu: float) -> FloatArray:
    """Of a bivariate Student t with unit variances, shape (n, n_correlations)."""
    rest = 1.0 - correlations**2
    distance = (x[:, None] ** 2 - 2 * np.outer(x * y, correlations) + y[:, None] ** 2) / rest
    constant = gammaln((nu + 2) / 2) - gammaln(nu / 2) - np.log(np.pi * (nu - 2)) - 0.5 * np.log(rest)
    return np.asarray(constant - (nu + 2) / 2 * np.log1p(distance / (nu - 2)))


def _filter(log_densities: FloatArray, stay: FloatArray) -> tuple[FloatArray, float]:
    """(filtered probability of the second state, log-likelihood) of two states' densities, shape (n, 2)."""
    largest = log_densities.max(axis=1)
    densities = np.exp(log_densities - largest[:, None])
    stay_low, stay_high = float(stay[0]), float(stay[1])
    high = (1 - stay_low) / (2 - stay_low - stay_high)
    out, totals = [], []
    for low_density, high_density in densities.tolist():
        before = high * stay_high + (1 - high) * (1 - stay_low)
        joint = before * high_density
        total = joint + (1 - before) * low_density
        high = joint / total
        totals.append(total)
        out.append(high)
    return np.array(out), float(np.sum(np.log(totals)) + largest.sum())


def change_points(values: FloatArray, *, overlap: int = 1) -> tuple[int, ...]:
    """Positions where a new level begins, by binary segmentation of the mean; empty where there is one level.

    Args:
        overlap: How many neighbours share their data, as those of a rolling window do: noise is then measured between
            values that share none, and so many count as one.
    """
    series = checked(values, what="values")
    independent = max(2.0, series.size / overlap)
    penalty = 3.0 * np.log(independent) * _noise_variance(series, overlap) * overlap
    shortest = max(_SHORTEST_SEGMENT, overlap)
    found: list[int] = []
    waiting = [(0, series.size)]
    while waiting:
        first, end = waiting.pop()
        split = _best_split(series[first:end], penalty, shortest)
        if split is not None:
            found.append(first + split)
            waiting += [(first, first + split), (first + split, end)]
    return tuple(sorted(found))


def _noise_variance(series: FloatArray, apart: int) -> float:
    """Robust to level shifts: from differences of values that far apart."""
    if series.size <= apart:
        return float(series.var())
    return float(np.median(np.abs(series[apart:] - series[:-apart])) / (0.6745 * np.sqrt(2))) ** 2


def _best_split(series: FloatArray, penalty: float, shortest: int) -> int | None:
    n = series.size
    if n < 2 * shortest:
        return None
    sums = np.cumsum(series)
    left = np.arange(shortest, n - shortest + 1)
    gain = sums[left - 1] ** 2 / left + (sums[-1] - sums[left - 1]) ** 2 / (n - left) - sums[-1] ** 2 / n
    best = int(np.argmax(gain))
    return int(left[best]) if gain[best] > penalty and gain[best] > 0 else None
