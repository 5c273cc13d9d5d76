"""How much each position adds to the risk of a book: Euler's rule, so the parts sum to the whole.

Sources: Tasche 1999; Boudt, Peterson, Croux 2008 for the component modified VaR.
"""

import numpy as np

from risk.errors import BadParameter, BadSeries, NotEnoughData
from risk.margin.book import FloatArray
from risk.stats import laws
from risk.stats.series import alpha_of, checked_matrix


def volatility_contributions(weights: FloatArray, covariance: FloatArray) -> FloatArray:
    """w_i (Sw)_i / sigma; zeros for a book without risk. Raises: BadParameter for shapes that do not fit."""
    if weights.ndim != 1 or covariance.shape != (weights.size, weights.size):
        raise BadParameter(f"weights {weights.shape} and a covariance {covariance.shape} are not of the same assets")
    pull: FloatArray = np.asarray(covariance @ weights)
    sigma = float(np.sqrt(max(0.0, float(weights @ pull))))
    return np.asarray(weights * pull / sigma) if sigma > 0 else np.zeros_like(weights)


def gaussian_var_contributions(
    weights: FloatArray, mean: FloatArray, covariance: FloatArray, confidence: float
) -> FloatArray:
    """-w_i mu_i - z c_i; sums to the Gaussian VaR."""
    z = laws.normal_quantile(alpha_of(confidence))
    return np.asarray(-weights * mean - z * volatility_contributions(weights, covariance))


def gaussian_es_contributions(
    weights: FloatArray, mean: FloatArray, covariance: FloatArray, confidence: float
) -> FloatArray:
    """-w_i mu_i + c_i phi(z) / alpha; sums to the Gaussian expected shortfall."""
    alpha = alpha_of(confidence)
    density = laws.normal_density(laws.normal_quantile(alpha))
    return np.asarray(-weights * mean + volatility_contributions(weights, covariance) * density / alpha)


def es_contributions(weights: FloatArray, returns: FloatArray, confidence: float) -> FloatArray:
    """-E[w_i r_i | the book is in its tail]; sums to the historical expected shortfall.

    The tail is what is at or below the interpolated quantile, as in tails.historical().

    Raises: BadParameter for weights that are not one for each column; NotEnoughData without rows; BadSeries for NaN.
    """
    _check_weights(weights, returns)
    n = returns.shape[0]
    book = returns @ weights
    if not np.isfinite(book).all():
        raise BadSeries("returns hold something that is no finite number; drop that date for all assets")
    position = (n - 1) * alpha_of(confidence)
    low = int(np.floor(position))
    # A partition instead of a sort: everything up to the order statistic the quantile starts from is in the tail.
    order = np.argpartition(book, min(low + 1, n - 1))[: low + 1]
    quantile_low = float(book[order].max())
    tail = book <= quantile_low  # ties belong together
    return np.asarray(-(returns[tail].mean(axis=0) * weights))


def _check_weights(weights: FloatArray, returns: FloatArray) -> None:
    if returns.ndim != 2 or weights.shape != returns.shape[1:]:
        raise BadParameter(f"weights {weights.shape} must be one for each column of returns {returns.shape}")
    if not returns.shape[0]:
        raise NotEnoughData("returns", found=0, needed=1)


def modified_var_contributions(weights: FloatArray, returns: FloatArray, confidence: float) -> FloatArray:
    """Gradient of the Cornish-Fisher VaR. Sums to that VaR, as PerformanceAnalytics splits it: sigma divides by n - 1,
    the third and fourth moments by n, and skewness and kurtosis are these over powers of that sigma.

    Raises: BadSeries for a book that does not move.
    """
    matrix = checked_matrix(returns)
    _check_weights(weights, matrix)
    n = matrix.shape[0]
    mean = matrix.mean(axis=0)
    centred = matrix - mean
    book = centred @ weights
    second = float(book @ book) / (n - 1)
    if second <= 0.0:
        raise BadSeries("the book does not move, so nothing contributes to its risk")
    third, fourth = float(np.mean(book**3)), float(np.mean(book**4))
    d2 = 2.0 * (centred.T @ book) / (n - 1)
    d3 = 3.0 * (centred.T @ book**2) / n
    d4 = 4.0 * (centred.T @ book**3) / n
    sigma = float(np.sqrt(second))
    skew, kurt = third / sigma**3, fourth / second**2 - 3.0
    d_skew = (2 * sigma**3 * d3 - 3 * third * sigma * d2) / (2 * sigma**6)
    d_kurt = (second * d4 - 2 * fourth * d2) / second**3
    z = laws.normal_quantile(alpha_of(confidence))
    quantile = z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * kurt / 24 - (2 * z**3 - 5 * z) * skew**2 / 36
    d_quantile = (z**2 - 1) * d_skew / 6 + (z**3 - 3 * z) * d_kurt / 24 - (2 * z**3 - 5 * z) * skew * d_skew / 18
    gradient = -mean - quantile * d2 / (2 * sigma) - sigma * d_quantile
    return np.asarray(weights * gradient)
