"""VolatilityModel: volatility of one asset, per period of the returns it is given, with the method it came from."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Self

import numpy as np
import numpy.typing as npt

from risk.errors import BadParameter
from risk.margin.book import FloatArray
from risk.stats.ewma import DAILY_LAMBDA, WARM_UP, ewma_variances
from risk.stats.garch import GarchFit, fit_garch
from risk.stats.realized import (
    CONE_HORIZONS,
    Bars,
    ConeRow,
    RangeEstimator,
    range_volatility,
    realized_volatility,
    volatility_cone,
)
from risk.stats.series import DAYS_PER_YEAR, checked


class VolatilityMethod(StrEnum):
    """Where a volatility came from."""

    EWMA = "ewma"
    GARCH_T = "garch-t"
    REALIZED = "realized"
    PARKINSON = "parkinson"
    GARMAN_KLASS = "garman-klass"
    ROGERS_SATCHELL = "rogers-satchell"
    YANG_ZHANG = "yang-zhang"


class VolatilityEstimate(float):
    """A volatility per period, as a fraction: a number that knows where it came from.

    Attributes:
        method: What it was computed by in the end.
        n: Observations.
        warnings: What must be known to believe it, such as a fit that was not used.
        fit: The GARCH fit, used or not; None where none was asked for.
    """

    method: VolatilityMethod
    n: int
    warnings: tuple[str, ...]
    fit: GarchFit | None

    def __new__(
        cls,
        value: float,
        *,
        method: VolatilityMethod,
        n: int,
        warnings: Sequence[str] = (),
        fit: GarchFit | None = None,
    ) -> Self:
        made = super().__new__(cls, value)
        made.method, made.n, made.warnings, made.fit = method, n, tuple(warnings), fit
        return made

    def annualized(self, periods_per_year: float = DAYS_PER_YEAR) -> float:
        """As a fraction a year, for independent periods."""
        return float(self) * float(np.sqrt(periods_per_year))


class VolatilityModel:
    """The next period's volatility by three methods; fits run off the event loop."""

    async def ewma_volatility(self, returns: npt.ArrayLike, lambda_param: float = DAILY_LAMBDA) -> VolatilityEstimate:
        """Exponentially weighted, zero mean, seeded by the first return. Raises: BadSeries, BadParameter."""
        return ewma_volatility(checked(returns), lambda_param)

    async def garch_volatility(self, returns: npt.ArrayLike, p: int = 1, q: int = 1) -> VolatilityEstimate:
        """GARCH(p, q) with Student t innovations; the EWMA where the fit is no use, and ``warnings`` say why.

        Raises: NotEnoughData below 500 observations.
        """
        series = checked(returns)
        return await asyncio.to_thread(garch_volatility, series, p, q)

    async def realized_volatility(self, high_freq_returns: npt.ArrayLike) -> VolatilityEstimate:
        """Of the period the returns cover: root of the sum of their squares. Raises: BadSeries."""
        series = checked(high_freq_returns, minimum=1, what="intraday returns")
        return VolatilityEstimate(realized_volatility(series), method=VolatilityMethod.REALIZED, n=series.size)

    async def range_volatility(
        self, bars: Bars, estimator: RangeEstimator = RangeEstimator.YANG_ZHANG
    ) -> VolatilityEstimate:
        """Of one bar, from highs and lows. Raises: NotEnoughData below 2 bars, 3 for Yang-Zhang."""
        value = range_volatility(bars, estimator)
        return VolatilityEstimate(value, method=VolatilityMethod(estimator.value), n=bars.open_usd.size)

    async def volatility_cone(
        self, daily_returns: npt.ArrayLike, horizons: tuple[int, ...] = CONE_HORIZONS
    ) -> tuple[ConeRow, ...]:
        """Today's volatility among past ones, by horizon in days. Raises: NotEnoughData when no horizon fits."""
        return volatility_cone(checked(daily_returns), horizons)

    async def term_structure(self, returns: npt.ArrayLike, periods: int = 30) -> list[float]:
        """GARCH volatility of each of the next periods, mean-reverting; flat where the EWMA stands in for the fit.

        Raises: as garch_volatility().
        """
        return [float(value) for value in term_structure(await self.garch_volatility(returns), periods)]


def ewma_volatility(returns: FloatArray, lam: float = DAILY_LAMBDA) -> VolatilityEstimate:
    """See VolatilityModel.ewma_volatility."""
    value = float(np.sqrt(ewma_variances(returns, lam)[-1]))
    notes = [] if returns.size >= WARM_UP else [f"{returns.size} of {WARM_UP} returns: the first one still counts much"]
    return VolatilityEstimate(value, method=VolatilityMethod.EWMA, n=returns.size, warnings=notes)


def garch_volatility(returns: FloatArray, p: int = 1, q: int = 1) -> VolatilityEstimate:
    """See VolatilityModel.garch_volatility."""
    fit = fit_garch(returns, p, q)
    if fit.converged:
        return VolatilityEstimate(
            float(np.sqrt(fit.next_variance)), method=VolatilityMethod.GARCH_T, n=returns.size, fit=fit
        )
    fallback = ewma_volatility(returns)
    return VolatilityEstimate(
        float(fallback), method=VolatilityMethod.EWMA, n=returns.size, fit=fit,
        warnings=(*fallback.warnings, f"{fit.problem}; this is the EWMA"),
    )  # fmt: skip


def term_structure(estimate: VolatilityEstimate, periods: int) -> FloatArray:
    """Volatility of each of the next periods, shape (periods,): mean-reverting for GARCH, flat for the others."""
    if periods < 1:
        raise BadParameter("a term structure needs at least one period")
    if estimate.method is VolatilityMethod.GARCH_T and estimate.fit is not None:
        return np.sqrt(estimate.fit.horizon_variances(periods))
    return np.full(periods, float(estimate))
