"""The no-trade band: how far a hedge may be from the best one before a trade saves more than it costs.

Over a horizon, variance costs aversion / (2 * equity) * variance, and a trade its fee, spread, impact and funding. The
sum is least where every instrument is brought to the edge of its band and no further; inside it nothing is traded.
For one instrument the half width is cost_frac * equity / (aversion * daily variance * days). Several move each other's
bands: coordinate descent finds the one minimum, for the cost is convex.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from risk.hedging.covariance import Forecast
from risk.margin.book import FloatArray

RISK_AVERSION = 4.0
HORIZON_HOURS = 168.0
_SWEEPS = 2_000
_CLOSE_ENOUGH = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a dollar of an instrument costs to buy and to sell, over the horizon, as a fraction; >= 0."""

    buy_frac: float
    sell_frac: float

    @property
    def smaller_frac(self) -> float:
        return min(self.buy_frac, self.sell_frac)


def half_width_usd(
    cost_frac: float, variance_daily: float, equity_usd: float, days: float, *, aversion: float = RISK_AVERSION
) -> float:
    """Of the band around the best amount of a single instrument; infinite where it does not move.

    >>> round(half_width_usd(0.001, 0.03**2, 10_000.0, 7.0))
    397
    """
    pull = aversion * variance_daily * days / equity_usd if equity_usd > 0 else np.inf
    return cost_frac / pull if pull > 0 else float("inf")


def worth_trading(
    forecast: Forecast, deltas_usd: Mapping[str, float], instruments: Sequence[str], costs: Mapping[str, Costs], *,
    equity_usd: float, days: float, aversion: float = RISK_AVERSION,
) -> dict[str, float]:  # fmt: skip
    """The amounts by instrument that save more than they cost; 0 within the band.

    Args:
        deltas_usd: To be hedged, by asset.
    """
    if not instruments or not equity_usd > 0:
        return dict.fromkeys(instruments, 0.0)
    book, covariance = forecast.vector(deltas_usd), forecast.values
    at = [forecast.assets.index(asset) for asset in instruments]
    pull = aversion * days / equity_usd
    within, slope = pull * covariance[np.ix_(at, at)], pull * (covariance[at] @ book)
    amounts = np.zeros(len(at))
    paired = [costs[asset] for asset in instruments]
    largest = float(np.abs(book).max(initial=0.0))
    for _ in range(_SWEEPS):
        moved = 0.0
        for row, cost in enumerate(paired):
            new = _best(within, slope, amounts, row, cost)
            moved = max(moved, abs(new - amounts[row]))
            amounts[row] = new
        if moved <= _CLOSE_ENOUGH * largest:
            break
    return {asset: float(amount) for asset, amount in zip(instruments, amounts, strict=True)}


def _best(within: FloatArray, slope: FloatArray, amounts: FloatArray, row: int, cost: Costs) -> float:
    """Of one instrument, the others as they are."""
    own = float(within[row, row])
    if not own > 0:
        return 0.0
    gradient = float(slope[row] + within[row] @ amounts - own * amounts[row])
    if -gradient > cost.buy_frac:
        return (-gradient - cost.buy_frac) / own
    if gradient > cost.sell_frac:
        return -(gradient - cost.sell_frac) / own
    return 0.0
