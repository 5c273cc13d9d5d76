"""VaR and expected shortfall of a distribution of PnL: losses are positive, and negative where even the tail gains.

Sources: Jorion, Value at Risk; Zangari 1996 for the Cornish-Fisher expansion.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from risk.errors import BadParameter
from risk.margin.book import FloatArray
from risk.stats import laws
from risk.stats.series import alpha_of, checked, stands_still

ENOUGH_IN_TAIL = 5.0

Number = TypeVar("Number", float, FloatArray)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """A quantile and the mean beyond it, in the unit of the PnL it was made of; losses are positive."""

    var: float
    es: float


def historical(pnl: FloatArray, confidence: float) -> Tail:
    """Empirical: linear interpolation (type 7); the shortfall is the mean of what is at or below that quantile."""
    series = checked(pnl, minimum=1, what="PnL")
    quantile = float(np.quantile(series, alpha_of(confidence)))
    beyond = series[series <= quantile]
    # Rounding of the interpolation can leave the quantile a hair below the smallest observation.
    return Tail(var=0.0 - quantile, es=0.0 - (float(beyond.mean()) if beyond.size else quantile))


def enough_for(n: int, confidence: float) -> bool:
    """Whether so many observations hold a tail worth a historical quantile: five of them."""
    return n * alpha_of(confidence) >= ENOUGH_IN_TAIL - 1e-9


def historical_interval(pnl: FloatArray, confidence: float, *, level: float = 0.90) -> tuple[float, float]:
    """Distribution-free interval of the historical VaR from order statistics, (low, high).

    The ranks are binomial, so nothing is assumed of the PnL but that days are independent.
    """
    series = np.sort(checked(pnl, minimum=1, what="PnL"))
    alpha, n = alpha_of(confidence), series.size
    low, high = (laws.binomial_quantile(share, n, alpha) for share in ((1 - level) / 2, (1 + level) / 2))
    worst, best = series[int(np.clip(low - 1, 0, n - 1))], series[int(np.clip(high, 0, n - 1))]
    return -float(best), -float(worst)


def normal(mean: float, sigma: float, confidence: float) -> Tail:
    """Gaussian. ``sigma`` is that of the whole horizon."""
    alpha = alpha_of(confidence)
    z = laws.normal_quantile(alpha)
    return Tail(var=0.0 - (mean + z * sigma), es=sigma * laws.normal_density(z) / alpha - mean)


def student(mean: float, sigma: float, nu: float, confidence: float) -> Tail:
    """Student t scaled to a standard deviation of ``sigma``. Raises: BadParameter for nu <= 2, which has none."""
    if not nu > 2:
        raise BadParameter(f"a Student t with {nu:g} degrees of freedom has no variance; they must exceed 2")
    alpha = alpha_of(confidence)
    q = laws.student_quantile(alpha, nu)
    scale = sigma * float(np.sqrt((nu - 2) / nu))
    es = scale * laws.student_density(q, nu) / alpha * (nu + q * q) / (nu - 1) - mean
    return Tail(var=-(mean + q * scale), es=es)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Mean, standard deviation, skewness and excess kurtosis; the last two divide by n."""

    mean: float
    sigma: float
    skewness: float
    excess_kurtosis: float


def moments(values: FloatArray, *, ddof: int = 1) -> Moments:
    """Of a series; skewness and kurtosis are 0 for one that does not move."""
    series = checked(values, what="returns")
    centred = series - series.mean()
    second = float(np.mean(centred**2))
    if stands_still(series):
        return Moments(mean=float(series.mean()), sigma=0.0, skewness=0.0, excess_kurtosis=0.0)
    return Moments(
        mean=float(series.mean()),
        sigma=float(series.std(ddof=ddof)),
        skewness=float(np.mean(centred**3)) / second**1.5,
        excess_kurtosis=float(np.mean(centred**4)) / second**2 - 3.0,
    )


def cornish_fisher_quantile(z: Number, skewness: float, excess_kurtosis: float) -> Number:
    """The normal quantile ``z`` corrected for skewness and kurtosis, wherever that makes sense or not."""
    s, k = skewness, excess_kurtosis
    return z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36


def cornish_fisher_valid(skewness: float, excess_kurtosis: float) -> bool:
    """Whether the correction is a quantile function at all: rising in z everywhere."""
    s, k = skewness, excess_kurtosis
    # Its derivative is the parabola a z^2 + b z + c.
    a, b, c = k / 8 - s**2 / 6, s / 3, 1 - k / 8 + 5 * s**2 / 36
    if a == 0.0:
        return b == 0.0 and c > 0.0
    return a > 0.0 and b * b < 4 * a * c


def cornish_fisher(of: Moments, confidence: float) -> float | None:
    """VaR by the Cornish-Fisher expansion; None outside its domain, where it may fall as confidence rises."""
    if not cornish_fisher_valid(of.skewness, of.excess_kurtosis):
        return None
    z = laws.normal_quantile(alpha_of(confidence))
    return -(of.mean + cornish_fisher_quantile(z, of.skewness, of.excess_kurtosis) * of.sigma)


def cornish_fisher_es(of: Moments, confidence: float) -> float | None:
    """Mean of the expansion's quantiles beyond the VaR, integrated exactly; None outside its domain."""
    if not cornish_fisher_valid(of.skewness, of.excess_kurtosis):
        return None
    alpha = alpha_of(confidence)
    z, s, k = laws.normal_quantile(alpha), of.skewness, of.excess_kurtosis
    phi = laws.normal_density(z)
    # E[z; Z<z] = -phi, E[z^2-1; .] = -z phi, E[z^3-3z; .] = -(z^2-1) phi, and 2z^3-5z = 2(z^3-3z) + z.
    mean_beyond = -phi * (1 + z * s / 6 + (z**2 - 1) * k / 24 - (2 * (z**2 - 1) + 1) * s**2 / 36) / alpha
    return -(of.mean + mean_beyond * of.sigma)


def fit_degrees_of_freedom(values: FloatArray) -> float:
    """Degrees of freedom of a Student t by maximum likelihood at the sample's mean and variance, from 2.1 to 200."""
    from scipy.optimize import minimize_scalar  # a quarter of a second to import

    of = moments(values, ddof=0)
    if of.sigma == 0.0:
        return 200.0
    standard = (np.asarray(values) - of.mean) / of.sigma

    def cost(inverse: float) -> float:
        nu = 1.0 / inverse
        scale = np.sqrt((nu - 2) / nu)
        return -float(np.sum(laws.student_log_density(standard / scale, nu))) + standard.size * float(np.log(scale))

    return 1.0 / float(minimize_scalar(cost, bounds=(1 / 200.0, 1 / 2.1), method="bounded").x)
