"""Bars of several assets as one row of moments, each with the prices that stand then.

A bar plays four prices: open, low, high, close, or open, high, low, close for a book that is net short, so that what
hurts comes first; at 0, 1/3, 2/3 and 1 of its length. Where a bar ends and the next begins, both prices are played at
one moment, the close first. A missing bar plays at the same thirds, without a price.

Moments are counted in sixths of a second, so that thirds of whole seconds, and the order within one, are whole numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from risk.margin.book import FloatArray, IntArray
from venues.replay.bars import Bars
from venues.replay.errors import BadRecording

_PER_S = 6
_AFTER_CLOSE = 1  # what begins at a moment comes after what ends there
_MOST_MISSING = 2_000_000  # a stray timestamp must not fill the memory
_LOW_FIRST, _HIGH_FIRST = (0, 2, 1, 3), (0, 1, 2, 3)  # columns of Bars.prices_usd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ticks:
    """Moments in order, shape (n,), and prices, shape (n, n_assets): NaN where an asset's bar is missing.

    Attributes:
        recorded_from_s: When every recording had begun; before ``at_s[0]`` where one had no price then.
    """

    at_s: FloatArray
    prices_usd: FloatArray
    recorded_from_s: float


def ticks_of(every: Sequence[Bars], *, high_first: bool = False) -> Ticks:
    """The moments from the first at which every asset has a price to the end of the longest recording.

    A book cannot be opened without prices; what is recorded without any before that is not played.

    Raises: BadRecording when there is no such moment, or there are far too many of them.
    """
    played = [_played(bars, high_first=high_first) for bars in every]
    first = max(int(moments[0]) for moments, _ in played)
    moments = np.unique(np.concatenate([moments for moments, _ in played]))
    moments = moments[moments >= first]
    prices = np.stack([_standing(bars, *one, moments) for bars, one in zip(every, played, strict=True)], axis=1)
    complete = np.flatnonzero(~np.isnan(prices).any(axis=1))
    if not complete.size:
        raise BadRecording(
            f"the bars of {', '.join(bars.asset for bars in every)} have no moment in common; "
            "give recordings of the same time"
        )
    start = int(complete[0])
    return Ticks(
        at_s=(moments[start:] // 2) / (_PER_S / 2),
        prices_usd=prices[start:],
        recorded_from_s=float(max(bars.begin_s for bars in every)),
    )


def _played(bars: Bars, *, high_first: bool) -> tuple[IntArray, FloatArray]:
    """(moment, price) of every price of an asset, in order; NaN for those of missing bars."""
    third = 2 * bars.length_s  # of a bar, in sixths of a second
    steps = np.array([_AFTER_CLOSE, third + _AFTER_CLOSE, 2 * third + _AFTER_CLOSE, 3 * third])
    opened = bars.opened_s * _PER_S
    missing = _missing(bars) * _PER_S
    moments = np.concatenate([(opened[:, None] + steps).ravel(), (missing[:, None] + steps[:3]).ravel()])
    prices = bars.prices_usd[:, _HIGH_FIRST if high_first else _LOW_FIRST].ravel()
    prices = np.concatenate([prices, np.full(3 * missing.size, np.nan)])
    order = np.argsort(moments, kind="stable")
    return moments[order], prices[order]


def _missing(bars: Bars) -> IntArray:
    """Unix seconds at which bars that are not there would have opened. Less than half a bar is no gap."""
    ends = np.append(bars.opened_s, bars.end_s)
    counts = (2 * np.diff(ends) + bars.length_s) // (2 * bars.length_s) - 1
    if counts.sum() > _MOST_MISSING:
        raise BadRecording(f"{bars.asset} lacks {counts.sum():,} bars; look for a stray time among those it has")
    gaps = np.flatnonzero(counts > 0)
    places = [np.arange(1, counts[gap] + 1) * bars.length_s + bars.opened_s[gap] for gap in gaps]
    return np.concatenate(places) if places else np.zeros(0, np.int64)


def _standing(bars: Bars, moments: IntArray, prices: FloatArray, asked: IntArray) -> FloatArray:
    """What stands at each moment asked for: the last price played, and none after the end of the recording."""
    found = prices[np.searchsorted(moments, asked, side="right") - 1]
    return np.where(asked > bars.end_s * _PER_S, np.nan, found)
