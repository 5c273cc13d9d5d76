"""Dynamic conditional correlation, Engle 2002, in two Gaussian steps: a GARCH for each asset, then two parameters.

Q[t+1] = (1 - a - b) S + a z z' + b Q[t], with Q[1] = S = mean(z z'), neither centred nor normalised; the correlation is
Q scaled to ones on its diagonal. Positive definite wherever S is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from risk.errors import BadParameter, BadSeries
from risk.margin.book import FloatArray, IntArray
from risk.stats.ewma import ewma_variances
from risk.stats.garch import GarchFit, Innovations, fit_garch
from risk.stats.series import checked_matrix, stands_still

MINIMUM_OBSERVATIONS = 250
_SMALLEST_EIGENVALUE = 1e-8
_STARTS = ((0.01, 0.97), (0.03, 0.94), (0.06, 0.85), (0.02, 0.60))


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Products of standardised residuals, lower triangle by rows, shape (k (k + 1) / 2, n): time runs along memory."""

    z: FloatArray
    products: FloatArray
    mean: FloatArray
    at: IntArray

    @classmethod
    def of(cls, z: FloatArray) -> "_Pairs":
        columns = np.ascontiguousarray(z.T)
        k = columns.shape[0]
        rows, cols = np.tril_indices(k)
        products = columns[rows] * columns[cols]
        at = np.empty((k, k), np.int64)
        at[rows, cols] = at[cols, rows] = np.arange(rows.size)
        return cls(columns, products, products.mean(axis=1), at)

    def path(self, a: float, b: float) -> FloatArray:
        """Q of each observation and of the one after the last, shape (pairs, n + 1)."""
        from scipy.signal import lfilter  # half a second to import

        level = (1.0 - a - b) * self.mean
        out = np.empty((self.products.shape[0], self.products.shape[1] + 1))
        out[:, 0] = self.mean
        out[:, 1:], _ = lfilter(
            [1.0], [1.0, -b], a * self.products + level[:, None], axis=1, zi=(b * self.mean)[:, None]
        )
        return out

    def log_likelihood(self, a: float, b: float) -> float:
        """Of the second step alone: -1/2 sum(ln|R| + z' R^-1 z - z' z); minus infinity where Q is not definite."""
        q = self.path(a, b)[:, :-1][self.at]
        k = q.shape[0]
        diagonal = q[np.arange(k), np.arange(k)].copy()
        y = self.z * np.sqrt(diagonal)  # z' R^-1 z = y' Q^-1 y
        total = -np.sum(np.log(diagonal)) - np.sum(self.z**2)
        for column in range(k):
            pivot = q[column, column]
            if not (pivot > 0).all():
                return -np.inf
            total += np.sum(np.log(pivot)) + np.sum(y[column] ** 2 / pivot)
            if column + 1 < k:
                factor = q[column + 1 :, column] / pivot
                y[column + 1 :] -= factor * y[column]
                q[column + 1 :, column + 1 :] -= factor[:, None] * q[column, column + 1 :]
        return float(-0.5 * total)


@dataclass(frozen=True, slots=True, eq=False)
class DccFit:
    """A fitted model. As an array it is the correlation forecast for the next period.

    Attributes:
        a: Weight of the newest residuals.
        b: Weight of the past.
        converged: False where the correlation could only be taken as constant; ``problem`` says why.
        log_likelihood: Of the second step.
        joint_log_likelihood: With those of the univariate models, in percent as rmgarch states it.
        univariate: Fits of the single assets, in the order of the columns.
        q: Lower triangles of Q by rows, shape (pairs, n + 1), the last one for the next period.
    """

    a: float
    b: float
    converged: bool
    problem: str
    log_likelihood: float
    joint_log_likelihood: float
    univariate: tuple[GarchFit, ...] = field(repr=False)
    target: FloatArray = field(repr=False)
    q: FloatArray = field(repr=False)

    def __array__(self, dtype: object = None, copy: bool | None = None) -> FloatArray:
        return np.asarray(self.forecast(), dtype=np.float64)

    @property
    def correlations(self) -> FloatArray:
        """Of each observation, from data before it, shape (n, k, k)."""
        return _correlation_path(self.q[:, :-1], self.target.shape[0])

    def forecast(self, steps: int = 1) -> FloatArray:
        """Correlation so many periods after the last, shape (k, k)."""
        if steps < 1:
            raise BadParameter("a forecast needs at least one step")
        following = _correlation_path(self.q[:, -1:], self.target.shape[0])[0]
        keep = (self.a + self.b) ** (steps - 1)
        return np.asarray((1.0 - keep) * _scaled(self.target) + keep * following)

    def covariance_forecast(self, steps: int = 1) -> FloatArray:
        """Covariance of that period alone, with each asset's GARCH variance, in squared fractions."""
        deviations = np.sqrt([fit.horizon_variances(steps)[-1] for fit in self.univariate])
        return np.asarray(self.forecast(steps) * np.outer(deviations, deviations))


def fit_dcc(returns: FloatArray, *, univariate: Sequence[GarchFit] | None = None) -> DccFit:
    """Fit both steps.

    Args:
        returns: Log returns as fractions, newest last, shape (n, k), k >= 2.
        univariate: Fits of the columns where they are known already; Gaussian ones.

    Raises: NotEnoughData below 250 rows; BadSeries for a column that does not move; BadParameter for a single column.
    """
    matrix = checked_matrix(returns, minimum=MINIMUM_OBSERVATIONS)
    if matrix.shape[1] < 2:
        raise BadParameter("a correlation takes at least two assets")
    for number, column in enumerate(matrix.T):
        if stands_still(column):
            raise BadSeries(f"returns: column {number} does not move; leave that asset out")
    fits = tuple(
        univariate
        or (fit_garch(column, innovations=Innovations.NORMAL, minimum=MINIMUM_OBSERVATIONS) for column in matrix.T)
    )
    z = np.column_stack([_standardised(column, fit) for column, fit in zip(matrix.T, fits, strict=True)])
    # Asked of the returns too: two fits of one asset under two names may stop a little apart, and hide that it is one.
    pairs, alike = _Pairs.of(z), np.linalg.eigvalsh(np.corrcoef(matrix.T))[0] < _SMALLEST_EIGENVALUE
    if alike or np.linalg.eigvalsh(_scaled(pairs.mean[pairs.at]))[0] < _SMALLEST_EIGENVALUE:
        return _constant(pairs, fits, "two assets move together exactly, so their correlation is taken as constant")
    return _second_step(pairs, fits)


def _standardised(returns: FloatArray, fit: GarchFit) -> FloatArray:
    """Residuals over their deviation; a fit without numbers is replaced by an EWMA."""
    if np.isfinite(fit.variances).all() and (fit.variances > 0).all():
        return fit.residuals
    variances = np.maximum(ewma_variances(returns)[:-1], np.finfo(np.float64).tiny)
    return np.asarray((returns - returns.mean()) / np.sqrt(variances))


def _second_step(pairs: _Pairs, fits: tuple[GarchFit, ...]) -> DccFit:
    from scipy.optimize import minimize  # a quarter of a second to import

    target = pairs.mean[pairs.at]

    def cost(x: FloatArray) -> float:
        a, b = _weights(x)
        found = -pairs.log_likelihood(a, b)
        return found if np.isfinite(found) else 1e12

    starts = [_free(a, b) for a, b in _STARTS]
    begin = min(starts, key=cost)
    found = minimize(cost, begin, method="BFGS", options={"gtol": 2e-4 * pairs.z.shape[1] ** 0.5})
    a, b = _weights(found.x)
    likelihood = pairs.log_likelihood(a, b)
    if not np.isfinite(likelihood):
        return _constant(pairs, fits, "the DCC fit found no finite likelihood, so the correlation is taken as constant")
    return DccFit(
        a=a, b=b, converged=True, problem="", log_likelihood=likelihood,
        joint_log_likelihood=likelihood + _univariate(fits), univariate=fits, target=target, q=pairs.path(a, b),
    )  # fmt: skip


def _constant(pairs: _Pairs, fits: tuple[GarchFit, ...], problem: str) -> DccFit:
    return DccFit(
        a=0.0, b=0.0, converged=False, problem=problem, log_likelihood=float("nan"), joint_log_likelihood=float("nan"),
        univariate=fits, target=pairs.mean[pairs.at], q=np.repeat(pairs.mean[:, None], pairs.z.shape[1] + 1, axis=1),
    )  # fmt: skip


def _univariate(fits: Sequence[GarchFit]) -> float:
    """Gaussian log-likelihood of the single assets, in percent."""
    return float(sum(-0.5 * np.sum(np.log(2 * np.pi) + np.log(fit.variances * 1e4) + fit.residuals**2) for fit in fits))


def _weights(x: FloatArray) -> tuple[float, float]:
    """(a, b) of two free numbers; both positive, their sum below 1."""
    together, share = 1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0)))
    together *= 1.0 - 1e-7
    return float(together * share), float(together * (1.0 - share))


def _free(a: float, b: float) -> FloatArray:
    together, share = a + b, a / (a + b)
    return np.asarray(np.log(np.array([together / (1 - together), share / (1 - share)])))


def _scaled(q: FloatArray) -> FloatArray:
    deviations = np.sqrt(np.diag(q))
    scaled = np.asarray(q / np.outer(deviations, deviations))
    np.fill_diagonal(scaled, 1.0)
    return np.asarray(np.clip(scaled, -1.0, 1.0))


def _correlation_path(q: FloatArray, k: int) -> FloatArray:
    """Lower triangles by rows (pairs, n) to correlations (n, k, k)."""
    rows, cols = np.tril_indices(k)
    full = np.empty((q.shape[1], k, k))
    full[:, rows, cols] = full[:, cols, rows] = q.T
    deviations = np.sqrt(full[:, np.arange(k), np.arange(k)])
    full /= deviations[:, :, None] * deviations[:, None, :]
    full[:, np.arange(k), np.arange(k)] = 1.0
    return np.clip(full, -1.0, 1.0)
