"""Whether VaR and ES forecasts held: counts, independence, size of what went beyond.

A violation is a PnL below minus the VaR that was forecast one step before. Sources: Kupiec 1995; Christoffersen 1998;
Acerbi, Szekely 2014 (their second test); McNeil, Frey 2000 for the test of shortfall residuals; Basel Committee 1996.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from risk.errors import BadParameter, BadSeries
from risk.margin.book import FloatArray
from risk.stats import laws
from risk.stats.series import alpha_of, checked

BASEL_DAYS = 250
BASEL_CONFIDENCE = 0.99


class Light(StrEnum):
    """Basel's traffic light for 250 days at 99 %."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelihoodRatio:
    """A likelihood-ratio test.

    Attributes:
        p_value: Probability of so large a statistic by chance if the forecasts are right.
    """

    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """One method on one series at one confidence.

    Attributes:
        n: Forecasts.
        expected: n * (1 - confidence).
        coverage: Kupiec: is their number right.
        independence: Christoffersen: do they come in clusters.
        conditional: Both together.
        acerbi_szekely: 0 expected; below 0 when the ES was too small. NaN without ES forecasts.
        es_p_value: That the mean of shortfall residuals is no larger than zero; NaN below two violations.
        quantile_loss: Mean pinball loss, in the unit of the PnL: the smaller the better.
    """

    confidence: float
    n: int
    violations: int
    expected: float
    coverage: LikelihoodRatio
    independence: LikelihoodRatio
    conditional: LikelihoodRatio
    acerbi_szekely: float
    es_p_value: float
    quantile_loss: float

    def passes(self, level: float = 0.05) -> bool:
        """Whether neither the number nor the clustering of violations speaks against the forecasts."""
        return self.coverage.p_value >= level and self.conditional.p_value >= level


def backtest(
    pnl: npt.ArrayLike, var: npt.ArrayLike, confidence: float, *, es: npt.ArrayLike | None = None
) -> BacktestResult:
    """Hold forecasts against what came.

    Args:
        pnl: Realised, gains positive, shape (n,).
        var: Forecast for the same period, losses positive, shape (n,).
        es: As ``var``; None where there are none.

    Raises: BadSeries for lengths that differ, NaN; NotEnoughData below two.
    """
    realised, forecast = checked(pnl, what="PnL"), checked(var, what="VaR forecasts")
    if realised.size != forecast.size:
        raise BadSeries(f"{realised.size} results and {forecast.size} forecasts; each needs the other")
    alpha = alpha_of(confidence)
    beyond = realised < -forecast
    n, count = int(realised.size), int(beyond.sum())
    coverage, independence = kupiec(n, count, alpha), christoffersen(beyond)
    together = coverage.statistic + independence.statistic
    z2, es_p = math.nan, math.nan
    if es is not None:
        shortfall = checked(es, what="ES forecasts")
        if shortfall.size != n:
            raise BadSeries(f"{n} results and {shortfall.size} ES forecasts; each needs the other")
        z2 = acerbi_szekely(realised, shortfall, beyond, alpha)
        es_p = es_test(realised, shortfall, beyond)
    return BacktestResult(
        confidence=confidence, n=n, violations=count, expected=round(n * alpha, 6), coverage=coverage,
        independence=independence,
        conditional=LikelihoodRatio(statistic=together, p_value=laws.chi_squared_tail(together, 2)),
        acerbi_szekely=z2, es_p_value=es_p, quantile_loss=quantile_loss(realised, forecast, alpha),
    )  # fmt: skip


def kupiec(n: int, violations: int, alpha: float) -> LikelihoodRatio:
    """Whether so many violations of n fit a probability of alpha each; chi-squared with one degree of freedom."""
    if not 0 <= violations <= n or n < 1:
        raise BadParameter(f"{violations} violations of {n} forecasts cannot be")
    rate = violations / n
    found = xlogy(violations, rate) + xlogy(n - violations, 1 - rate)
    assumed = xlogy(violations, alpha) + xlogy(n - violations, 1 - alpha)
    statistic = max(0.0, float(2 * (found - assumed)))
    return LikelihoodRatio(statistic=statistic, p_value=laws.chi_squared_tail(statistic, 1))


def christoffersen(beyond: npt.NDArray[np.bool_]) -> LikelihoodRatio:
    """Whether a violation makes the next one likelier, on the n - 1 transitions."""
    before, after = beyond[:-1], beyond[1:]
    n00, n01 = int((~before & ~after).sum()), int((~before & after).sum())
    n10, n11 = int((before & ~after).sum()), int((before & after).sum())
    p01 = n01 / (n00 + n01) if n00 + n01 else 0.0
    p11 = n11 / (n10 + n11) if n10 + n11 else 0.0
    p = (n01 + n11) / max(1, n00 + n01 + n10 + n11)
    free = xlogy(n00, 1 - p01) + xlogy(n01, p01) + xlogy(n10, 1 - p11) + xlogy(n11, p11)
    tied = xlogy(n00 + n10, 1 - p) + xlogy(n01 + n11, p)
    statistic = max(0.0, float(2 * (free - tied)))
    return LikelihoodRatio(statistic=statistic, p_value=laws.chi_squared_tail(statistic, 1))


def acerbi_szekely(pnl: FloatArray, es: FloatArray, beyond: npt.NDArray[np.bool_], alpha: float) -> float:
    """Z2 = 1 + sum over violations of PnL / (n alpha ES); minus infinity where one meets an ES of no loss."""
    lost, expected = pnl[beyond], es[beyond]
    if (expected <= 0).any():
        return -math.inf  # a loss where none was expected
    return 1.0 + float(np.sum(lost / expected)) / (pnl.size * alpha)


def es_test(pnl: FloatArray, es: FloatArray, beyond: npt.NDArray[np.bool_]) -> float:
    """One-sided p-value that violations exceed the ES on average by chance; NaN below two violations."""
    residual = -pnl[beyond] - es[beyond]
    spread = float(residual.std(ddof=1)) if residual.size > 1 else 0.0
    if not spread > 0:
        return math.nan
    return laws.normal_cdf(-float(residual.mean()) / (spread / math.sqrt(residual.size)))


def quantile_loss(pnl: FloatArray, var: FloatArray, alpha: float) -> float:
    """Mean pinball loss of the forecast quantiles."""
    error = pnl + var
    return float(np.mean(np.where(error < 0, (alpha - 1) * error, alpha * error)))


def basel_light(violations: int) -> Light:
    """For 250 days at 99 %: green to 4 violations, yellow to 9, red from 10."""
    if violations <= 4:
        return Light.GREEN
    return Light.YELLOW if violations <= 9 else Light.RED
