"""Exponentially weighted variance and covariance: zero mean, the figure for t + 1 made of data up to t alone.

Source: RiskMetrics Technical Document, 1996, section 5.2.
"""

from numbers import Real

import numpy as np

from risk.errors import BadParameter
from risk.margin.book import FloatArray
from risk.stats.series import checked, checked_matrix

DAILY_LAMBDA = 0.94
WARM_UP = 74  # observations after which the seed weighs 1 %


def ewma_variances(returns: FloatArray, lam: float = DAILY_LAMBDA) -> FloatArray:
    """Variance before each observation and after the last, shape (n + 1,).

    Element t is made of returns[:t], with two exceptions: elements 0 and 1 are the seed returns[0]**2, so nothing of
    the future enters. The last element is the forecast for the next period.

    Raises: BadParameter for a lambda outside (0, 1).
    """
    _check(lam)
    squares = checked(returns, minimum=1) ** 2
    return np.concatenate([squares[:1], _filtered(squares, lam)])


def ewma_covariance(returns: FloatArray, lam: float = DAILY_LAMBDA) -> FloatArray:
    """Forecast of the covariance matrix for the next period from returns of shape (n, n_assets).

    Positive semi-definite, for it is a weighted sum of outer products.
    """
    _check(lam)
    matrix = checked_matrix(returns, minimum=1)
    n = matrix.shape[0]
    weights = (1.0 - lam) * lam ** np.arange(n - 1, -1, -1.0)
    weights[0] = lam ** (n - 1)  # the seed is the first outer product
    weighted = matrix * weights[:, None]
    return np.asarray(weighted.T @ matrix)


def _filtered(values: FloatArray, lam: float) -> FloatArray:
    """s[t+1] = lam s[t] + (1 - lam) values[t], with s before the first value equal to it."""
    from scipy.signal import lfilter  # half a second to import

    smoothed, _ = lfilter([1.0 - lam], [1.0, -lam], values, zi=[lam * values[0]])
    return np.asarray(smoothed)


def ewma_correlations(x: FloatArray, y: FloatArray, lam: float = DAILY_LAMBDA) -> FloatArray:
    """Correlation after each observation, shape (n,): element t is made of both series up to and with t.

    NaN where one of them has not moved yet.
    """
    _check(lam)
    pair = checked_matrix(np.column_stack([x, y]), minimum=1)
    xx, yy, xy = (_filtered(pair[:, i] * pair[:, j], lam) for i, j in ((0, 0), (1, 1), (0, 1)))
    spread = np.sqrt(xx * yy)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 0, np.clip(xy / spread, -1.0, 1.0), np.nan)


def half_life(lam: float) -> float:
    """Observations after which a weight has halved.

    >>> round(half_life(0.94), 1)
    11.2
    """
    _check(lam)
    return float(np.log(0.5) / np.log(lam))


def _check(lam: float) -> None:
    if not isinstance(lam, Real) or not 0.0 < lam < 1.0:
        raise BadParameter(f"lambda must lie between 0 and 1, not at {lam}; 0.94 is usual for days")
