"""Recorded bars of one asset, and how much it moves in a day at every price they play."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from risk.decisions.volatility import HALF_LIVES_S, LEAST_FRAC, PRIOR_FRAC, PRIOR_WEIGHT_S
from risk.margin.book import FloatArray, IntArray
from venues.replay import Bars, read_bars

LOOKS = 4  # prices a bar plays
_ORDERS = {False: [0, 2, 1, 3], True: [0, 1, 2, 3]}  # columns of Bars.prices_usd, by whether the high comes first
_RANGE = 4 * np.log(2)
_SPAN_S, _A_DAY_S = 3_600.0, 86_400.0
_THIRDS = np.array([0.0, 1 / 3, 2 / 3, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """Bars in one of their two orders.

    Attributes:
        prices_usd: Shape (n_bars, 4), in the order in which they are played.
        variance: Of the span that runs at each price, the close before included; same shape.
        settled: Decayed variances before each bar, from the first on, shape (n_half_lives, n_bars + 1).
    """

    prices_usd: FloatArray
    variance: FloatArray
    settled: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Bars of one asset without a gap.

    Attributes:
        orders: By whether the high of a bar is played before its low.
    """

    asset: str
    opened_s: IntArray
    length_s: int
    orders: dict[bool, Played]

    def bar_at(self, at_s: float) -> int:
        """The first bar that opens at a moment or after it."""
        return int(np.searchsorted(self.opened_s, at_s))

    def daily_frac(self, first: int, last: int, *, high_first: bool) -> FloatArray:
        """What risk.decisions.volatility.DailyMoves says at each price of bars [first, last), seen from ``first`` on.

        The average over what came before the first bar is taken out of the one that has run from the beginning, and the
        assumption put in its place: both decay alike.
        """
        played, n = self.orders[high_first], last - first
        variance = played.variance[first:last].copy()
        variance[0] = _ranges(played.prices_usd[first], played.prices_usd[first, :1])
        length = _THIRDS * self.length_s
        counted = np.maximum(length, _SPAN_S)
        most = np.zeros((n, LOOKS))
        for row, half_life_s in enumerate(HALF_LIVES_S):
            keep = 2 ** (-self.length_s / half_life_s)
            prior_s = min(PRIOR_WEIGHT_S, half_life_s)
            powers = keep ** np.arange(n + 1)
            weight = prior_s * powers + self.length_s * (1 - powers) / (1 - keep)
            own = played.settled[row, first : last + 1]
            settled = np.empty(n + 1)
            settled[0] = prior_s * PRIOR_FRAC**2 / _A_DAY_S
            after_first = settled[0] * keep + variance[0, -1]
            settled[1:] = own[1:] + (after_first - own[1]) * powers[:-1]
            rate = settled / weight
            step = 2 ** (-counted / half_life_s)
            running = (settled[:-1, None] * step + variance) / (weight[:-1, None] * step + counted)
            running = np.where(length < _SPAN_S, np.maximum(running, rate[:-1, None]), running)
            running[:, -1] = rate[1:]
            most = np.maximum(most, running)
        return np.maximum(np.sqrt(most * _A_DAY_S), LEAST_FRAC).ravel()


def read_history(folder: Path, asset: str) -> History:
    """The bars of an asset. Raises: BadRecording; ValueError where bars are missing between them."""
    return history_of(read_bars(folder, asset))


def history_of(bars: Bars) -> History:
    """Raises: ValueError where bars are missing, for a case must not span a gap, and for bars shorter than a span."""
    if bars.length_s < _SPAN_S:
        raise ValueError(f"bars of {bars.asset} are shorter than an hour; several would be one span")
    if (np.diff(bars.opened_s) != bars.length_s).any():
        raise ValueError(f"{bars.asset} has gaps; cases would have to stop at them")
    return History(
        asset=bars.asset,
        opened_s=bars.opened_s,
        length_s=bars.length_s,
        orders={high_first: _played(bars, high_first=high_first) for high_first in _ORDERS},
    )


def _played(bars: Bars, *, high_first: bool) -> Played:
    prices = bars.prices_usd[:, _ORDERS[high_first]]
    before = np.concatenate([prices[:1, 0], prices[:-1, -1]])
    variance = _ranges(prices, before[:, None])
    settled = np.empty((len(HALF_LIVES_S), len(prices) + 1))
    for row, half_life_s in enumerate(HALF_LIVES_S):
        keep = 2 ** (-bars.length_s / half_life_s)
        value = min(PRIOR_WEIGHT_S, half_life_s) * PRIOR_FRAC**2 / _A_DAY_S
        for number, one in enumerate(variance[:, -1].tolist()):
            settled[row, number] = value
            value = value * keep + one
        settled[row, -1] = value
    return Played(prices, variance, settled)


def _ranges(prices: FloatArray, before: FloatArray) -> FloatArray:
    """Variance of the range so far, at each price, of a span that began at ``before``."""
    logs = np.log(np.concatenate([np.broadcast_to(before, (*prices.shape[:-1], 1)), prices], axis=-1))
    spread = np.maximum.accumulate(logs, axis=-1) - np.minimum.accumulate(logs, axis=-1)
    return np.asarray(spread[..., 1:] ** 2 / _RANGE)
