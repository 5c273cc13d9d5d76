"""Regimes: which of two states a series is in by what was known then, and where its level changed.

The filter is Hamilton's (1989): probabilities of a date use data up to that date alone, never later. Change points come
from binary segmentation of the mean with a penalty of the Bayesian kind, a second view without a model of states.
"""

from dataclasses import dataclass

import numpy as np

from risk.margin.book import FloatArray
from risk.stats.series import checked

MINIMUM_OBSERVATIONS = 60
_SHORTEST_SEGMENT = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regimes:
    """Two states of a series, the higher mean second.

    Attributes:
        means: Of the states.
        deviations: Of the states.
        stay: Probability to stay in each state for one more period.
        high_probability: Filtered probability of the second state, shape (n,).
        distinct: Whether two states describe the series better than one (Bayesian information criterion).
    """

    means: tuple[float, float]
    deviations: tuple[float, float]
    stay: tuple[float, float]
    high_probability: FloatArray
    distinct: bool


def two_states(values: FloatArray) -> Regimes:
    """Fit a two-state Gaussian switching model by maximum likelihood.

    The parameters come from the whole series; the probabilities are filtered. Raises: NotEnoughData below 60 values.
    """
    from scipy.optimize import minimize  # a quarter of a second to import

    series = checked(values, minimum=MINIMUM_OBSERVATIONS, what="values")
    spread = float(series.std())
    if spread == 0.0:
        flat = float(series.mean())
        return Regimes(
            means=(flat, flat), deviations=(0.0, 0.0), stay=(1.0, 1.0), high_probability=np.full(series.size, 0.5),
            distinct=False,
        )  # fmt: skip
    low, high = np.quantile(series, [0.25, 0.75])

    def unpack(x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        stay = 0.5 + 0.4999 / (1 + np.exp(-np.clip(x[4:], -30, 30)))  # a state that flips every day is noise
        return x[:2], np.exp(np.clip(x[2:4], -20, 20)), stay

    def cost(x: FloatArray) -> float:
        return -_filter(series, *unpack(x))[1]

    start = np.array([low, high, np.log(spread), np.log(spread), 3.0, 3.0])
    found = minimize(cost, start, method="L-BFGS-B")
    means, deviations, stay = unpack(found.x)
    if means[0] > means[1]:
        means, deviations, stay = means[::-1], deviations[::-1], stay[::-1]
    probabilities, likelihood = _filter(series, means, deviations, stay)
    one_state = float(np.sum(_log_density(series, series.mean(), spread)))
    better = 2 * (likelihood - one_state) > 4 * np.log(series.size)  # four more parameters
    return Regimes(
        means=(float(means[0]), float(means[1])),
        deviations=(float(deviations[0]), float(deviations[1])),
        stay=(float(stay[0]), float(stay[1])),
        high_probability=probabilities,
        distinct=bool(better),
    )


def _log_density(values: FloatArray, mean: FloatArray | float, deviation: FloatArray | float) -> FloatArray:
    return np.asarray(-0.5 * ((values - mean) / deviation) ** 2 - np.log(deviation) - 0.5 * np.log(2 * np.pi))


def _filter(
    series: FloatArray, means: FloatArray, deviations: FloatArray, stay: FloatArray
) -> tuple[FloatArray, float]:
    """(filtered probability of the second state, log-likelihood)."""
    densities = np.exp(_log_density(series[:, None], means, deviations)) + 1e-300
    first, second = densities[:, 0].tolist(), densities[:, 1].tolist()
    stay_low, stay_high = float(stay[0]), float(stay[1])
    high = (1 - stay_low) / (2 - stay_low - stay_high) if stay_low + stay_high < 2 else 0.5
    out, likelihood = [], 0.0
    for low_density, high_density in zip(first, second, strict=True):
        before = high * stay_high + (1 - high) * (1 - stay_low)
        joint = before * high_density
        total = joint + (1 - before) * low_density
        high = joint / total
        likelihood += np.log(total)
        out.append(high)
    return np.array(out), float(likelihood)


def change_points(values: FloatArray) -> tuple[int, ...]:
    """Positions where a new level begins, by binary segmentation of the mean; empty where there is one level."""
    series = checked(values, what="values")
    penalty = 3.0 * np.log(max(series.size, 2)) * _noise_variance(series)
    found: list[int] = []
    waiting = [(0, series.size)]
    while waiting:
        first, end = waiting.pop()
        split = _best_split(series[first:end], penalty)
        if split is not None:
            found.append(first + split)
            waiting += [(first, first + split), (first + split, end)]
    return tuple(sorted(found))


def _noise_variance(series: FloatArray) -> float:
    """Robust to level shifts: from differences of neighbours."""
    return float(np.median(np.abs(np.diff(series))) / (0.6745 * np.sqrt(2))) ** 2 if series.size > 1 else 0.0


def _best_split(series: FloatArray, penalty: float) -> int | None:
    n = series.size
    if n < 2 * _SHORTEST_SEGMENT:
        return None
    sums = np.cumsum(series)
    left = np.arange(_SHORTEST_SEGMENT, n - _SHORTEST_SEGMENT + 1)
    gain = sums[left - 1] ** 2 / left + (sums[-1] - sums[left - 1]) ** 2 / (n - left) - sums[-1] ** 2 / n
    best = int(np.argmax(gain))
    return int(left[best]) if gain[best] > penalty and gain[best] > 0 else None
