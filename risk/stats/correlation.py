"""CorrelationModel: how assets move together, always as a positive semi-definite matrix."""

import asyncio

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from risk.errors import BadSeries, NotEnoughData
from risk.margin.book import FloatArray
from risk.stats.dcc import DccFit, fit_dcc
from risk.stats.ewma import DAILY_LAMBDA, ewma_correlations
from risk.stats.matrices import Shrunk, checked_correlation, correlation_of, ledoit_wolf, towards_one
from risk.stats.regimes import Regimes, change_points, correlation_states
from risk.stats.series import checked, checked_count, checked_matrix, stands_still


class CorrelationModel:
    """Correlation of log returns by several methods; fits run off the event loop."""

    async def rolling_correlation(
        self, returns_x: npt.ArrayLike, returns_y: npt.ArrayLike, window: int = 30
    ) -> list[float]:
        """Correlation over each window, oldest first: n - window + 1 numbers, NaN where one of them stood still.

        Raises: BadSeries for series of two lengths; NotEnoughData below one window; BadParameter below 2.
        """
        return [float(value) for value in rolling_correlation(*_pair(returns_x, returns_y), window)]

    async def ewma_correlation(
        self, returns_x: npt.ArrayLike, returns_y: npt.ArrayLike, lambda_param: float = DAILY_LAMBDA
    ) -> float:
        """Exponentially weighted, zero mean, as of the last observation. NaN where one of them never moved."""
        x, y = _pair(returns_x, returns_y)
        return float(ewma_correlations(x, y, lambda_param)[-1])

    async def dcc_correlation(self, returns_matrix: npt.ArrayLike) -> DccFit:
        """Dynamic conditional correlation of shape (n, k) log returns: parameters, path, forecasts.

        As an array it is the forecast for the next period. Raises: as fit_dcc().
        """
        matrix = checked_matrix(returns_matrix)
        return await asyncio.to_thread(fit_dcc, matrix)

    async def shrunk_covariance(self, returns_matrix: npt.ArrayLike) -> Shrunk:
        """Ledoit-Wolf: for many assets and few observations."""
        return ledoit_wolf(checked_matrix(returns_matrix))

    async def regimes(self, returns_x: npt.ArrayLike, returns_y: npt.ArrayLike) -> Regimes:
        """Two states of the correlation, with the probability of the higher one as it was known on each date.

        Raises: as correlation_states().
        """
        x, y = _pair(returns_x, returns_y)
        return await asyncio.to_thread(correlation_states, x, y)

    async def change_points(
        self, returns_x: npt.ArrayLike, returns_y: npt.ArrayLike, window: int = 30
    ) -> tuple[int, ...]:
        """Where the level of the correlation changed: positions in the list of rolling_correlation()."""
        x, y = _pair(returns_x, returns_y)
        return await asyncio.to_thread(lambda: change_points(fisher(rolling_correlation(x, y, window)), overlap=window))

    def stressed(self, correlations: npt.ArrayLike, share_frac: float) -> FloatArray:
        """Correlations a share of the way to one: what a crash does to them. Raises: BadSeries, BadParameter."""
        return towards_one(checked_correlation(correlations), share_frac)


def rolling_correlation(x: FloatArray, y: FloatArray, window: int) -> FloatArray:
    """See CorrelationModel.rolling_correlation; shape (n - window + 1,)."""
    window = checked_count(window, least=2, most=1_000_000, what="observations in a window")
    if x.size < window:
        raise NotEnoughData("returns for one window", found=int(x.size), needed=window)
    a, b = sliding_window_view(x, window), sliding_window_view(y, window)
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    spread = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    still = _still(x, window) | _still(y, window)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(~still & (spread > 0), np.clip((a * b).sum(axis=1) / spread, -1.0, 1.0), np.nan)


def _still(series: FloatArray, window: int) -> npt.NDArray[np.bool_]:
    """For each window whether it holds one value throughout."""
    rows = sliding_window_view(series, window)
    return np.asarray(rows.max(axis=1) == rows.min(axis=1))


def sample_correlation(returns: FloatArray) -> FloatArray:
    """Of log returns (n, k); an asset that does not move correlates with nothing."""
    matrix = checked_matrix(returns)
    moving = np.array([not stands_still(column) for column in matrix.T])
    covariance = np.atleast_2d(np.cov(matrix, rowvar=False))
    return correlation_of(np.where(np.outer(moving, moving), covariance, 0.0))


def fisher(correlations: FloatArray) -> FloatArray:
    """arctanh, with exact ones brought back to what a float can hold. Raises: BadSeries for NaN."""
    if np.isnan(correlations).any():
        raise BadSeries("one of the series stands still for a whole window; choose a longer one")
    return np.arctanh(np.clip(correlations, -0.999999, 0.999999))


def _pair(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    first, second = checked(x), checked(y)
    if first.size != second.size:
        raise BadSeries(f"the series have {first.size} and {second.size} observations; align them by date first")
    return first, second
