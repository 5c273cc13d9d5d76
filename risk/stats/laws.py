"""The few functions of distributions that are needed, on scipy's special functions: scipy.stats takes half a second to
import and a hundred times as long to call."""

import math

import numpy as np
from scipy import special

from risk.margin.book import FloatArray

_ROOT_TWO_PI = math.sqrt(2 * math.pi)


def normal_quantile(probability: float) -> float:
    """Below which a standard normal value lies with a probability.

    >>> round(normal_quantile(0.05), 4)
    -1.6449
    """
    return float(special.ndtri(probability))


def normal_cdf(value: float) -> float:
    """Probability of a smaller value.

    >>> normal_cdf(0.0)
    0.5
    """
    return float(special.ndtr(value))


def normal_density(value: float) -> float:
    """Of the standard normal.

    >>> round(normal_density(0.0), 4)
    0.3989
    """
    return math.exp(-0.5 * value * value) / _ROOT_TWO_PI


def student_quantile(probability: float, nu: float) -> float:
    """Below which a Student t value lies with a probability.

    >>> round(student_quantile(0.05, 4.0), 4)
    -2.1318
    """
    return float(special.stdtrit(nu, probability))


def student_density(value: float, nu: float) -> float:
    """Of a Student t.

    >>> round(student_density(0.0, 4.0), 4)
    0.375
    """
    return math.exp(float(student_log_density(np.array(value), nu)))


def student_log_density(values: FloatArray, nu: float) -> FloatArray:
    """Elementwise."""
    constant = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - 0.5 * math.log(nu * math.pi)
    return np.asarray(constant - (nu + 1) / 2 * np.log1p(values**2 / nu))


def chi_squared_tail(statistic: float, degrees: int) -> float:
    """Probability of a larger value.

    >>> round(chi_squared_tail(3.841458820694, 1), 4)
    0.05
    """
    return float(special.chdtrc(degrees, statistic))


def binomial_quantile(probability: float, n: int, share: float) -> int:
    """Smallest count that is reached with at least this probability.

    >>> binomial_quantile(0.05, 500, 0.05), binomial_quantile(0.95, 500, 0.05)
    (17, 33)
    """
    low = max(0, math.ceil(float(special.bdtrik(probability, n, share)) - 1e-9))
    return min(low, n)
