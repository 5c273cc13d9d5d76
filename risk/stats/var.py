"""VaRCalculator: three plain numbers from plain arguments. What an account's own VaR is, risk.risk_engine says."""

import asyncio
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from risk.errors import BadParameter, NotEnoughData
from risk.margin.book import FloatArray
from risk.stats import tails
from risk.stats.matrices import checked_correlation
from risk.stats.moves import DEFAULT_PATHS, checked_paths, drawn_moves, resampled_days
from risk.stats.series import checked, checked_confidence, checked_days, checked_seed


class VaRCalculator:
    """Value at risk by three methods; losses are positive.

    Confidence is 0.90 to 0.999, both included. Simulations run off the event loop.
    """

    async def historical_simulation_var(
        self, returns: npt.ArrayLike, confidence_level: float = 0.95, horizon_days: int = 1
    ) -> float:
        """Empirical quantile of simple returns, as a positive fraction.

        Several days are simulated: past days drawn with replacement, 10,000 paths with a fixed seed, compounded.

        Raises: NotEnoughData for fewer than ceil(1 / (1 - confidence)) returns; BadSeries; BadParameter.
        """
        needed = math.ceil(1.0 / (1.0 - checked_confidence(confidence_level)) - 1e-9)
        days = checked_days(horizon_days)
        series = checked(returns, minimum=needed)
        if (series <= -1).any():
            raise BadParameter("a return of -100 % or less leaves no price; give simple returns, as fractions")
        if days == 1:
            return tails.historical(series, confidence_level).var
        return await asyncio.to_thread(_over_days, series, confidence_level, days)

    async def parametric_var(
        self, portfolio_value: float, volatility: float, confidence_level: float = 0.95, horizon_days: int = 1
    ) -> float:
        """Gaussian with mean zero, USD.

        Args:
            portfolio_value: USD.
            volatility: Daily, as a fraction.

        Raises: BadParameter for a negative volatility or anything that is no finite number.
        """
        days, confidence = checked_days(horizon_days), checked_confidence(confidence_level)
        value, daily = _numbers([portfolio_value, volatility], "portfolio value and volatility")
        if daily < 0:
            raise BadParameter(f"a daily volatility of {daily:g} cannot be; give a fraction from 0 on, such as 0.04")
        return tails.normal(0.0, abs(value) * float(daily) * math.sqrt(days), confidence).var

    async def monte_carlo_var(
        self,
        portfolio_composition: Mapping[str, float],
        correlation_matrix: npt.ArrayLike,
        volatilities: Mapping[str, float] | Sequence[float] | FloatArray,
        confidence_level: float = 0.95,
        horizon_days: int = 1,
        simulations: int = DEFAULT_PATHS,
        *,
        seed: int = 0,
    ) -> float:
        """Correlated normal log returns, each position revalued linearly in its price; USD.

        No drift in prices: log returns have a mean of minus half their variance a day, so that the expected price stays
        where it is. A mean of zero for log returns would let it rise.

        Args:
            portfolio_composition: Signed USD by asset.
            correlation_matrix: In that order.
            volatilities: Daily, as fractions, in that order or by asset.

        Raises: BadSeries for a matrix that is none of correlations; BadParameter; the empty book has a VaR of 0.
        """
        days, _ = checked_days(horizon_days), checked_confidence(confidence_level)
        assets = list(portfolio_composition)
        notional = _numbers(list(portfolio_composition.values()), "positions")
        daily = _in_order(volatilities, assets)
        paths, seed = checked_paths(simulations), checked_seed(seed)
        if not assets:
            return 0.0
        if (daily < 0).any():
            worst = assets[int(np.argmin(daily))]
            raise BadParameter(f"the volatility of {worst} is negative; give a daily fraction from 0 on, such as 0.04")
        correlation = checked_correlation(correlation_matrix, size=len(assets))

        def simulate() -> float:
            moves = drawn_moves(np.tile(daily, (days, 1)), correlation, nu=None, paths=paths, seed=seed)
            return tails.historical(notional @ np.expm1(moves), confidence_level).var

        return await asyncio.to_thread(simulate)


def _over_days(series: FloatArray, confidence: float, days: int) -> float:
    moves = resampled_days(np.log1p(series)[:, None], days, paths=DEFAULT_PATHS, seed=0)
    return tails.historical(np.expm1(moves[0]), confidence).var


def _in_order(volatilities: Mapping[str, float] | Sequence[float] | FloatArray, assets: Sequence[str]) -> FloatArray:
    if isinstance(volatilities, Mapping):
        missing = [asset for asset in assets if asset not in volatilities]
        if missing:
            raise NotEnoughData(
                f"volatility of {', '.join(missing)}", found=len(assets) - len(missing), needed=len(assets)
            )
        return _numbers([volatilities[asset] for asset in assets], "volatilities")
    values = _numbers(volatilities, "volatilities")
    if values.shape != (len(assets),):
        raise BadParameter(f"{len(assets)} assets need as many volatilities, not an array of shape {values.shape}")
    return values


def _numbers(given: npt.ArrayLike, what: str) -> FloatArray:
    try:
        values = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise BadParameter(f"{what} must be numbers") from None
    if not np.isfinite(values).all():
        raise BadParameter(f"{what} must be finite numbers; leave out what is unknown")
    return values
