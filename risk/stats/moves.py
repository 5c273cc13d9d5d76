"""Joint price moves of a book's assets: as they were, as they would be at today's volatility, and drawn from a model.

Every function returns log moves over the whole horizon, shape (n_assets, n_scenarios), in the order of the columns.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from risk.margin.book import FloatArray
from risk.stats.ewma import DAILY_LAMBDA, WARM_UP, ewma_covariance, ewma_variances
from risk.stats.matrices import correlation_of, root_of
from risk.stats.series import checked_count, checked_days, checked_matrix, checked_seed

DEFAULT_PATHS = 10_000
_TINY = 1e-18


@dataclass(frozen=True, slots=True, eq=False)
class Filtered:
    """Daily returns divided by the volatility that was forecast for their day.

    Attributes:
        residuals: Shape (n_days, n_assets), after the warm-up of the average.
        variance: Forecast for tomorrow, shape (n_assets,).
        lam: Of the exponential average.
    """

    residuals: FloatArray
    variance: FloatArray
    lam: float

    @classmethod
    def of(cls, returns: FloatArray, lam: float = DAILY_LAMBDA) -> Self:
        """Of log returns (n_days, n_assets). An asset that has not moved yet has residuals of zero."""
        matrix = checked_matrix(returns, minimum=WARM_UP + 2)
        variances = np.column_stack([ewma_variances(column, lam) for column in matrix.T])
        deviations = np.sqrt(variances[:-1])
        residuals = np.divide(matrix, deviations, out=np.zeros_like(matrix), where=deviations > 0)
        return cls(residuals[WARM_UP:], variances[-1], lam)


def past_moves(returns: FloatArray) -> FloatArray:
    """Every past day as it was."""
    return np.ascontiguousarray(returns.T)


def filtered_moves(filtered: Filtered) -> FloatArray:
    """Every past day's surprise at tomorrow's volatility: joint, so that common falls stay common."""
    return np.ascontiguousarray((filtered.residuals * np.sqrt(filtered.variance)).T)


def resampled_days(returns: FloatArray, days: int, *, paths: int, seed: int) -> FloatArray:
    """Sums of past days drawn by date with replacement."""
    days, paths = checked_days(days), checked_paths(paths)
    random = np.random.Generator(np.random.SFC64(checked_seed(seed)))
    total = np.zeros((returns.shape[1], paths))
    columns = np.ascontiguousarray(returns.T)
    for _ in range(days):
        total += columns[:, random.integers(0, returns.shape[0], paths)]
    return total


def filtered_paths(filtered: Filtered, days: int, *, paths: int, seed: int) -> FloatArray:
    """Surprises drawn by date, each day at the volatility that the days before it on its path have left."""
    days, paths = checked_days(days), checked_paths(paths)
    random = np.random.Generator(np.random.SFC64(checked_seed(seed)))
    columns = np.ascontiguousarray(filtered.residuals.T)
    variance = np.repeat(filtered.variance[:, None], paths, axis=1)
    total = np.zeros_like(variance)
    for _ in range(days):
        move = columns[:, random.integers(0, columns.shape[1], paths)] * np.sqrt(variance)
        total += move
        variance = filtered.lam * variance + (1.0 - filtered.lam) * move**2
    return total


def drawn_moves(
    volatilities: FloatArray, correlation: FloatArray, *, nu: float | None, paths: int, seed: int
) -> FloatArray:
    """Drawn from a model; several days are drawn one by one and summed.

    Args:
        volatilities: Of each day, shape (n_days, n_assets).
        nu: Degrees of freedom of a Student t whose mixing variable the assets share; None for normal draws.
    """
    checked_days(volatilities.shape[0])
    paths = checked_paths(paths)
    random = np.random.Generator(np.random.SFC64(checked_seed(seed)))
    root = root_of(correlation)
    total = np.zeros((volatilities.shape[1], paths))
    for day in volatilities:
        step = (root * day[:, None]) @ random.standard_normal((day.size, paths))
        if nu is not None:
            step *= np.sqrt((nu - 2.0) / random.chisquare(nu, paths))
        total += step - 0.5 * (day**2)[:, None]  # without a drift of its own the expected price stays where it is
    return total


def recent_correlation(returns: FloatArray, lam: float = DAILY_LAMBDA) -> FloatArray:
    """Exponentially weighted, positive semi-definite."""
    return correlation_of(ewma_covariance(returns, lam) + _TINY * np.eye(returns.shape[1]))


def checked_paths(paths: int) -> int:
    """How many paths to draw. Raises: BadParameter outside 100 to 1,000,000."""
    return checked_count(paths, least=100, most=1_000_000, what="paths")
