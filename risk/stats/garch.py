"""GARCH(p, q) with a constant mean, fitted by ``arch``; an EWMA stands in, and says so, where the fit is no use.

Sources: Bollerslev 1986; start values as in Fiorentini, Calzolari, Panattoni 1996, whose published digits it reaches.
"""

import warnings
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from risk.errors import BadParameter
from risk.margin.book import FloatArray
from risk.stats.ewma import ewma_variances
from risk.stats.series import checked, checked_count, stands_still

if TYPE_CHECKING:
    from arch.univariate.base import ARCHModelResult

MINIMUM_OBSERVATIONS = 500
LARGEST_PERSISTENCE = 0.9999
_PERCENT = 100.0  # the likelihood is flat where variances are of the order of 1e-4
_SETTLED = 1e-7
_ROUNDS = 6


class Innovations(StrEnum):
    """Distribution of the standardised residuals."""

    NORMAL = "normal"
    STUDENT_T = "t"


@dataclass(frozen=True, slots=True, kw_only=True)
class GarchParameters:
    """Of the series as it was given; ``alpha`` weighs squared shocks, ``beta`` past variances.

    Attributes:
        mean: Per period.
        omega: Per period, in squared units of the series.
        nu: Degrees of freedom; None for normal innovations.
    """

    mean: float
    omega: float
    alpha: tuple[float, ...]
    beta: tuple[float, ...]
    nu: float | None

    @property
    def persistence(self) -> float:
        return sum(self.alpha) + sum(self.beta)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GarchFit:
    """A fit, whether it can be used or not.

    Attributes:
        converged: The optimiser says so, and the persistence stays below 0.9999.
        problem: Why it is no use; empty when it is.
        log_likelihood: Of the series in percent, as arch and the published figures state it.
        variances: Conditional variance of each observation, shape (n,).
        residuals: Standardised, shape (n,).
        next_variance: Forecast for the period after the last.
        se_hessian: Standard errors of mean, omega, alpha, beta, (nu), from the Hessian; NaN where singular.
        se_robust: The same, Bollerslev-Wooldridge.
    """

    parameters: GarchParameters
    converged: bool
    problem: str
    log_likelihood: float
    variances: FloatArray = field(repr=False)
    residuals: FloatArray = field(repr=False)
    next_variance: float
    se_hessian: FloatArray = field(default_factory=lambda: np.empty(0), repr=False)
    se_robust: FloatArray = field(default_factory=lambda: np.empty(0), repr=False)

    def horizon_variances(self, periods: int) -> FloatArray:
        """Variance of each of the next periods, shape (periods,). Exact for (1, 1), by recursion otherwise."""
        if periods < 1:
            raise BadParameter("a forecast needs at least one period ahead")
        p = self.parameters
        shocks = [float(v) for v in self.variances[-len(p.alpha) :] * self.residuals[-len(p.alpha) :] ** 2]
        past = [float(v) for v in self.variances[-len(p.beta) :]] if p.beta else []
        ahead: list[float] = []
        for _ in range(periods):
            value = p.omega + sum(a * s for a, s in zip(p.alpha, reversed(shocks), strict=False))
            value += sum(b * v for b, v in zip(p.beta, reversed(past), strict=False))
            ahead.append(value)
            shocks.append(value)  # the expected squared shock is the variance itself
            past.append(value)
        return np.array(ahead)


def fit_garch(
    returns: FloatArray,
    p: int = 1,
    q: int = 1,
    *,
    innovations: Innovations = Innovations.STUDENT_T,
    starting: GarchParameters | None = None,
    errors: bool = False,
    minimum: int = MINIMUM_OBSERVATIONS,
) -> GarchFit:
    """Fit by maximum likelihood; variances before the sample are the mean squared residual.

    Args:
        returns: Log returns as fractions, newest last, shape (n,).
        p: Lags of squared shocks, at least 1.
        q: Lags of the variance.
        starting: Where to begin, such as yesterday's fit: a few times faster.
        errors: Whether to compute both kinds of standard errors, which takes as long as the fit.

    Raises: NotEnoughData below ``minimum``; BadSeries; BadParameter for lags that make no model.
    """
    p = checked_count(p, least=1, most=5, what="lags of shocks")
    q = checked_count(q, least=0, most=5, what="lags of variances")
    series = checked(returns, minimum=max(minimum, 20))
    if stands_still(series):
        return _flat(series)
    result, backcast = _settled(_PERCENT * series, p, q, innovations, starting)
    fit = _as_fit(series, result, p, q, innovations)
    if not errors:
        return fit
    return replace(
        fit, se_hessian=_errors(result, backcast, robust=False), se_robust=_errors(result, backcast, robust=True)
    )


def _settled(
    percent: FloatArray, p: int, q: int, innovations: Innovations, starting: GarchParameters | None
) -> tuple["ARCHModelResult", float]:
    """Fit, and fit again with the residuals' mean square as the start, until that stands still."""
    from arch.univariate import GARCH, ConstantMean, Normal, StudentsT

    model = ConstantMean(
        percent, volatility=GARCH(p=p, q=q), distribution=Normal() if innovations is Innovations.NORMAL else StudentsT()
    )
    model.rescale = False
    backcast = float(percent.var())
    begin: Any = None if starting is None else _vector(starting)
    result = _fit(model, backcast, begin)
    for _ in range(_ROUNDS):
        again = float(np.mean((percent - result.params.iloc[0]) ** 2))
        if abs(again - backcast) <= _SETTLED * backcast:
            break
        backcast = again
        result = _fit(model, backcast, result.params.to_numpy())
    return result, backcast


def _fit(model: Any, backcast: float, begin: Any) -> "ARCHModelResult":
    with warnings.catch_warnings():
        # A fit that does not converge is a result here, not a warning.
        warnings.simplefilter("ignore")
        return model.fit(  # type: ignore[no-any-return]  # arch is typed loosely here
            disp="off", show_warning=False, backcast=backcast, starting_values=begin,
            options={"maxiter": 500, "ftol": 1e-12},
        )  # fmt: skip


def _vector(parameters: GarchParameters) -> FloatArray:
    square = _PERCENT**2
    values = [parameters.mean * _PERCENT, parameters.omega * square, *parameters.alpha, *parameters.beta]
    return np.array(values if parameters.nu is None else [*values, parameters.nu])


def _as_fit(series: FloatArray, result: "ARCHModelResult", p: int, q: int, innovations: Innovations) -> GarchFit:
    values = result.params.to_numpy()
    parameters = GarchParameters(
        mean=float(values[0]) / _PERCENT,
        omega=float(values[1]) / _PERCENT**2,
        alpha=tuple(float(v) for v in values[2 : 2 + p]),
        beta=tuple(float(v) for v in values[2 + p : 2 + p + q]),
        nu=float(values[-1]) if innovations is Innovations.STUDENT_T else None,
    )
    volatility = np.asarray(result.conditional_volatility) / _PERCENT
    problem = ""
    if not np.isfinite(values).all() or not np.isfinite(volatility).all():
        problem = "the GARCH fit has no finite parameters"
    elif parameters.persistence >= LARGEST_PERSISTENCE:
        problem = f"the GARCH fit has persistence {parameters.persistence:.4f}, so its variance has no level"
    elif result.convergence_flag != 0:
        problem = "the GARCH fit did not converge"
    nothing = np.full(values.size, np.nan)
    residuals = (series - parameters.mean) / volatility
    shocks = (series - parameters.mean) ** 2
    following = parameters.omega + sum(a * float(shocks[-1 - lag]) for lag, a in enumerate(parameters.alpha))
    following += sum(b * float(volatility[-1 - lag]) ** 2 for lag, b in enumerate(parameters.beta))
    return GarchFit(
        parameters=parameters,
        converged=not problem,
        problem=problem,
        log_likelihood=float(result.loglikelihood),
        variances=volatility**2,
        residuals=residuals,
        next_variance=following,
        se_hessian=nothing,
        se_robust=nothing,
    )


def _errors(result: "ARCHModelResult", backcast: float, *, robust: bool) -> FloatArray:
    """Standard errors in the unit of the series, in the order of the parameters."""
    covariance = result.model.compute_param_cov(result.params.to_numpy(), backcast=backcast, robust=robust)
    variances = np.diag(covariance)
    errors = np.sqrt(np.where(variances > 0, variances, np.nan))
    errors[0] /= _PERCENT
    errors[1] /= _PERCENT**2
    return np.asarray(errors)


def _flat(series: FloatArray) -> GarchFit:
    """A series that never moves has nothing to fit."""
    parameters = GarchParameters(mean=float(series.mean()), omega=0.0, alpha=(0.0,), beta=(0.0,), nu=None)
    return GarchFit(
        parameters=parameters, converged=False, problem="the series does not move, so there is nothing to fit",
        log_likelihood=float("nan"), variances=np.zeros(series.size), residuals=np.zeros(series.size),
        next_variance=0.0,
    )  # fmt: skip


def ewma_instead(fit: GarchFit, returns: FloatArray) -> float:
    """Next variance: of the fit where it can be used, of an EWMA where not."""
    return fit.next_variance if fit.converged else float(ewma_variances(returns)[-1])
