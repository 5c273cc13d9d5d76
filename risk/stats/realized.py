"""Volatility that was: from returns within a day, from highs and lows, and where today's stands among past ones.

Sources: Andersen, Bollerslev 1998; Parkinson 1980; Garman, Klass 1980; Rogers, Satchell 1991; Yang, Zhang 2000.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from risk.errors import BadParameter, BadSeries, NotEnoughData
from risk.margin.book import FloatArray
from risk.stats.series import DAYS_PER_YEAR, checked

CONE_HORIZONS = (7, 14, 30, 60, 90)
CONE_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def realized_volatility(returns: npt.ArrayLike) -> float:
    """Root of the sum of squared returns of one period: zero mean, not annualised. Raises: as checked()."""
    series = checked(returns, minimum=1, what="intraday returns")
    return float(np.sqrt(np.sum(series**2)))


class RangeEstimator(StrEnum):
    """How bars with highs and lows become a volatility. Only the last one knows gaps between bars."""

    PARKINSON = "parkinson"
    GARMAN_KLASS = "garman-klass"
    ROGERS_SATCHELL = "rogers-satchell"
    YANG_ZHANG = "yang-zhang"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Prices of consecutive bars, oldest first, each shape (n,)."""

    open_usd: FloatArray
    high_usd: FloatArray
    low_usd: FloatArray
    close_usd: FloatArray

    def __post_init__(self) -> None:
        columns = (self.open_usd, self.high_usd, self.low_usd, self.close_usd)
        if len({column.shape for column in columns}) != 1 or self.open_usd.ndim != 1:
            raise BadSeries("bars: open, high, low and close must be of one length")
        if any(not (np.isfinite(column) & (column > 0)).all() for column in columns):
            raise BadSeries("bars: every price must be a positive number; drop damaged bars")
        top, bottom = np.maximum(self.open_usd, self.close_usd), np.minimum(self.open_usd, self.close_usd)
        if not ((self.high_usd >= top) & (self.low_usd <= bottom)).all():
            raise BadSeries("bars: a high below or a low above open or close; drop damaged bars")


def range_volatility(bars: Bars, estimator: RangeEstimator = RangeEstimator.YANG_ZHANG) -> float:
    """Volatility of one bar, not annualised. Raises: NotEnoughData below 2 bars, 3 for Yang-Zhang."""
    n = bars.open_usd.size
    needed = 3 if estimator is RangeEstimator.YANG_ZHANG else 2
    if n < needed:
        raise NotEnoughData("bars", found=int(n), needed=needed)
    up, down = np.log(bars.high_usd / bars.open_usd), np.log(bars.low_usd / bars.open_usd)
    close = np.log(bars.close_usd / bars.open_usd)
    match estimator:
        case RangeEstimator.PARKINSON:
            variance = np.mean((up - down) ** 2) / (4 * np.log(2))
        case RangeEstimator.GARMAN_KLASS:
            variance = np.mean(0.5 * (up - down) ** 2 - (2 * np.log(2) - 1) * close**2)
        case RangeEstimator.ROGERS_SATCHELL:
            variance = np.mean(_rogers_satchell(up, down, close))
        case _:
            gap = np.log(bars.open_usd[1:] / bars.close_usd[:-1])
            k = 0.34 / (1.34 + n / (n - 2))  # n - 1 days enter
            inside = np.mean(_rogers_satchell(up[1:], down[1:], close[1:]))
            variance = gap.var(ddof=1) + k * close[1:].var(ddof=1) + (1 - k) * inside
    return float(np.sqrt(max(0.0, float(variance))))


def _rogers_satchell(up: FloatArray, down: FloatArray, close: FloatArray) -> FloatArray:
    return np.asarray(up * (up - close) + down * (down - close))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConeRow:
    """Rolling annualised volatility over one horizon.

    Attributes:
        now: Over the newest window.
        quantiles: In the order of CONE_QUANTILES.
        percentile_frac: Share of past windows, overlapping, that were calmer than now.
        n: Windows, overlapping: about n / horizon of them are independent.
    """

    horizon_days: int
    now: float
    quantiles: tuple[float, ...]
    percentile_frac: float
    n: int


def volatility_cone(daily_returns: FloatArray, horizons: tuple[int, ...] = CONE_HORIZONS) -> tuple[ConeRow, ...]:
    """Where today's volatility stands, by horizon; horizons without two windows of history are left out.

    Raises: NotEnoughData when no horizon fits.
    """
    series = checked(daily_returns)
    if any(horizon < 2 for horizon in horizons):
        raise BadParameter("a cone needs horizons of at least two days")
    rows = []
    for horizon in horizons:
        if series.size < horizon + 1:
            continue
        sums = np.cumsum(np.concatenate([[0.0], series**2]))
        windows = np.sqrt(np.maximum(0.0, sums[horizon:] - sums[:-horizon]) / horizon * DAYS_PER_YEAR)
        rows.append(
            ConeRow(
                horizon_days=horizon,
                now=float(windows[-1]),
                quantiles=tuple(float(q) for q in np.quantile(windows, CONE_QUANTILES)),
                percentile_frac=float(np.mean(windows < windows[-1])),
                n=int(windows.size),
            )
        )
    if not rows:
        raise NotEnoughData("daily returns for a volatility cone", found=int(series.size), needed=min(horizons) + 1)
    return tuple(rows)
