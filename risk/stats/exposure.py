"""How much of a book is one bet under several names."""

import numpy as np

from risk.margin.book import FloatArray

CORRELATED = 0.7
DUST_SHARE = 0.01


def correlated_exposure(
    notional_usd: FloatArray, correlation: FloatArray, volatilities: FloatArray, *, least: float = CORRELATED
) -> float | None:
    """Share of a book that moves with its largest position, in one direction.

    Every notional is weighted by its asset's volatility, so that a dollar of what moves twice as much counts twice. Of
    the largest and all that correlate with it at ``least`` or more, each is multiplied by that correlation (which makes
    it its beta to the largest, times its size), longs and shorts apart: the greater of the two sums, over the sum of
    all. Between 0 and 1.

    Args:
        notional_usd: Signed, by asset, shape (n_assets,).
        volatilities: Of the assets, in any unit they share.

    Returns: None where fewer than two assets are more than 1 % of the whole: one bet is no concentration.

    >>> round(correlated_exposure(np.array([600.0, 400.0]), np.array([[1.0, 0.8], [0.8, 1.0]]), np.ones(2)), 6)
    0.92
    """
    weighted = notional_usd * volatilities
    sizes = np.abs(weighted)
    gross = float(sizes.sum())
    if not gross > 0 or int((sizes > DUST_SHARE * gross).sum()) < 2:
        return None
    largest = int(np.argmax(sizes))
    pull = np.where(correlation[largest] >= least, correlation[largest], 0.0)
    pull[largest] = 1.0
    moving = weighted * pull
    long, short = float(moving[moving > 0].sum()), -float(moving[moving < 0].sum())
    return max(long, short) / gross
