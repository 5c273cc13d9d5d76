"""Closed round trips in numbers. Break-evens are counted as trades, and are neither won nor lost."""

import math
from dataclasses import dataclass

import numpy as np

from risk.margin.book import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class TripStatistics:
    """Of PnL net of fees and funding, USD.

    Attributes:
        win_rate: Won over won and lost; NaN without either.
        win_rate_se: Binomial standard error; NaN where the rate is.
        profit_factor: Sum won over sum lost; infinite without a loss, NaN without either.
        average_loss: Negative or zero, as is ``largest_loss``.
    """

    total: int
    winning: int
    losing: int
    win_rate: float
    win_rate_se: float
    profit_factor: float
    average_win: float
    average_loss: float
    largest_win: float
    largest_loss: float


def trip_statistics(pnl_usd: FloatArray) -> TripStatistics:
    """Of the net PnL of each closed round trip, shape (n,); n may be 0."""
    won, lost = pnl_usd[pnl_usd > 0], pnl_usd[pnl_usd < 0]
    decided = won.size + lost.size
    rate = won.size / decided if decided else math.nan
    gains, losses = float(won.sum()), -float(lost.sum())
    return TripStatistics(
        total=int(pnl_usd.size),
        winning=int(won.size),
        losing=int(lost.size),
        win_rate=rate,
        win_rate_se=math.sqrt(rate * (1 - rate) / decided) if decided else math.nan,
        profit_factor=gains / losses if losses else (math.inf if gains else math.nan),
        average_win=float(won.mean()) if won.size else 0.0,
        average_loss=float(lost.mean()) if lost.size else 0.0,
        largest_win=float(won.max()) if won.size else 0.0,
        largest_loss=float(np.min(lost)) if lost.size else 0.0,
    )
