"""Ratios of a series of simple returns, with standard errors where theory has one.

Sources: Sharpe 1994; Mertens 2002 for the standard error; Sortino, Price 1994; Young 1991 for Calmar.
"""

import math
from dataclasses import dataclass

import numpy as np

from risk.errors import BadParameter
from risk.margin.book import FloatArray
from risk.stats.drawdown import curve_of, max_drawdown
from risk.stats.series import DAYS_PER_YEAR, checked, stands_still

CALMAR_MINIMUM_DAYS = 90.0
_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratios:
    """Performance of one series. NaN where a ratio has no meaning, infinite where nothing was lost.

    Attributes:
        total_return: Compounded over the whole series, a fraction.
        annualized_return: Geometric.
        volatility: Annualised, n - 1.
        sharpe: Arithmetic mean over deviation, annualised, without a risk-free rate.
        sharpe_se: Its standard error, for returns with skewness and fat tails.
        sortino: Mean over downside deviation over all n, annualised; infinite without losses.
        calmar: Geometric annual return over the deepest fall.
        max_drawdown: Positive fraction.
        n: Periods.
    """

    total_return: float
    annualized_return: float
    volatility: float
    sharpe: float
    sharpe_se: float
    sortino: float
    calmar: float
    max_drawdown: float
    n: int


def ratios(returns: FloatArray, *, periods_per_year: float = DAYS_PER_YEAR) -> Ratios:
    """Everything at once. Raises: NotEnoughData below 2 returns; BadSeries; BadParameter."""
    if not periods_per_year > 0:
        raise BadParameter("periods per year must be positive")
    series = checked(returns)
    n, yearly = series.size, math.sqrt(periods_per_year)
    curve = curve_of(series)
    fall, final = max_drawdown(curve), float(curve[-1])
    annual = _annualized(final, periods_per_year / n)
    mean = float(series.mean())
    centred = series - mean
    second = float(centred @ centred)
    # What rounding leaves of a constant series is no risk, and no ratio is to be made of it.
    deviation = 0.0 if stands_still(series) else math.sqrt(second / (n - 1))
    below = np.minimum(series, 0.0)
    downside = math.sqrt(float(below @ below) / n)
    per_period = _over(mean, deviation)
    return Ratios(
        total_return=final - 1.0,
        annualized_return=annual,
        volatility=deviation * yearly,
        sharpe=per_period * yearly,
        sharpe_se=_sharpe_se(per_period, centred, second / n) * yearly,
        sortino=_over(mean, downside) * yearly,
        calmar=_over(annual, fall),
        max_drawdown=fall,
        n=n,
    )


def downside_deviation(returns: FloatArray, *, target: float = 0.0) -> float:
    """Root mean square of what fell short of a target, over all n. Not annualised."""
    below = np.minimum(checked(returns, minimum=1) - target, 0.0)
    return float(np.sqrt(np.mean(below**2)))


def _annualized(final: float, periods: float) -> float:
    """Geometric; infinite where a float cannot hold it, as for a few bars that doubled."""
    if final <= 0:
        return -1.0
    growth = math.log(final) * periods
    return final**periods - 1.0 if growth < _LARGEST_EXPONENT else math.inf


def _over(gain: float, risk: float) -> float:
    if risk > 0:
        return gain / risk
    return math.copysign(math.inf, gain) if gain else math.nan


def _sharpe_se(per_period: float, centred: FloatArray, variance: float) -> float:
    if not math.isfinite(per_period) or variance == 0.0:
        return math.nan
    squares = centred * centred
    skew = float(squares @ centred) / centred.size / variance**1.5
    kurt = float(squares @ squares) / centred.size / variance**2  # raw: 3 for a normal one
    inside = 1.0 - per_period * skew + (kurt - 1.0) / 4.0 * per_period**2
    return math.sqrt(max(0.0, inside) / centred.size)
