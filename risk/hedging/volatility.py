"""Volatility hedging: every position scaled by one factor, so that the account's volatility is the one wanted."""

import math

from risk.errors import BadParameter, CannotAssess
from risk.hedging.covariance import Forecast
from risk.hedging.exposures import Exposures
from risk.stats.series import DAYS_PER_YEAR

MOST_VOLATILITY = 10.0


def volatility_of(forecast: Forecast, found: Exposures) -> float:
    """Annual, of the account's PnL over its equity. Raises: CannotAssess without equity."""
    if not found.equity_usd > 0:
        raise CannotAssess(["the account has no equity to measure a volatility by; deposit, or close positions"])
    deltas = dict(zip(found.assets, (float(delta) for delta in found.delta_usd), strict=True))
    return math.sqrt(forecast.variance(deltas) * DAYS_PER_YEAR) / found.equity_usd


def kept_share_for(target: float, now: float) -> float:
    """Share of every position that stays, at most all of it. Raises: BadParameter for a target that is none.

    >>> kept_share_for(0.4, 0.8), kept_share_for(0.9, 0.8)
    (0.5, 1.0)
    """
    if not (math.isfinite(target) and 0 < target <= MOST_VOLATILITY):
        most = f"{MOST_VOLATILITY * 100:,.0f}%"
        raise BadParameter(f"a volatility target lies above 0% and at most at {most} a year, such as 50%")
    return min(1.0, target / now) if now > 0 else 1.0
