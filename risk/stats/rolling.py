"""Rolling one-step back-test: what each method would have said every evening of today's positions, and what came.

A forecast for a day is made of the days before it alone. Fits that are slow are renewed every 20 days and filtered in
between. The Monte Carlo's distribution of a linear book under one shared Student mixing is a Student t itself, so its
back-test needs no draws.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from risk.errors import BadParameter, NotEnoughData
from risk.margin.book import FloatArray, IntArray
from risk.model.metrics import VaRMethod
from risk.stats import evt, tails
from risk.stats.backtest import BacktestResult, backtest
from risk.stats.ewma import WARM_UP, ewma_variances
from risk.stats.garch import MINIMUM_OBSERVATIONS, GarchParameters, fit_garch
from risk.stats.series import alpha_of, checked_matrix

WINDOW = 500
REFIT_EVERY = 20
MINIMUM_FORECASTS = 50
_NEAR_SHARE = 0.05

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecasts:
    """Of one method and confidence, aligned with the realised PnL of the same days.

    Attributes:
        pnl: Realised, in the unit of the weights, shape (n,).
        var: Losses positive, as ``es``.
    """

    method: VaRMethod
    confidence: float
    pnl: FloatArray
    var: FloatArray
    es: FloatArray

    def judged(self, last: int | None = None) -> BacktestResult:
        """Held against what came, over the newest ``last`` days or all."""
        rows = slice(None) if last is None else slice(-last, None)
        return backtest(self.pnl[rows], self.var[rows], self.confidence, es=self.es[rows])


def roll(
    returns: FloatArray,
    weights: FloatArray,
    *,
    methods: Sequence[VaRMethod] = tuple(VaRMethod),
    confidences: Sequence[float] = (0.95, 0.99),
    window: int = WINDOW,
    progress: Progress | None = None,
) -> dict[tuple[VaRMethod, float], Forecasts]:
    """Forecasts of every method and confidence for every day after the first window.

    Args:
        returns: Daily log returns, newest last, shape (n_days, n_assets).
        weights: Signed notional of today's positions, shape (n_assets,).
        progress: Told the share that is done, between 0 and 1.

    Raises: NotEnoughData with fewer than ``window`` + 50 days.
    """
    matrix = checked_matrix(returns, minimum=window + MINIMUM_FORECASTS)
    if weights.shape != (matrix.shape[1],):
        raise BadParameter("weights must be one for each asset")
    if window < WARM_UP + 100:
        raise BadParameter(f"a window of at least {WARM_UP + 100} days is needed")
    for confidence in confidences:
        alpha_of(confidence)
    book = _Book(matrix, np.asarray(weights, np.float64), window)
    out: dict[tuple[VaRMethod, float], Forecasts] = {}
    for done, method in enumerate(methods):
        tails_of = _METHODS[method](book, tuple(confidences))
        for confidence, (var, es) in zip(confidences, tails_of, strict=True):
            out[method, confidence] = Forecasts(method=method, confidence=confidence, pnl=book.realised, var=var, es=es)
        if progress is not None:
            progress((done + 1) / len(methods))
    return out


Columns = tuple[FloatArray, FloatArray]


class _Book:
    """One book and what several methods share."""

    def __init__(self, returns: FloatArray, weights: FloatArray, window: int) -> None:
        self.returns, self.weights, self.window = returns, weights, window
        self.pnl = np.expm1(returns) @ weights  # what each day would have brought
        self.linear = returns @ weights  # what volatility is made of
        self.realised = self.pnl[window:]
        self.days = np.arange(window, returns.shape[0])
        self.sigma = np.sqrt(ewma_variances(self.linear))  # element t is made of days before t
        self.deviations = np.sqrt(np.column_stack([ewma_variances(column) for column in returns.T]))
        n = returns.shape[0]
        self.surprises = np.divide(
            returns, self.deviations[:n], out=np.zeros_like(returns), where=self.deviations[:n] > 0
        )
        self.book_surprises = np.divide(
            self.linear, self.sigma[:n], out=np.zeros_like(self.linear), where=self.sigma[:n] > 0
        )

    def past(self, series: FloatArray) -> FloatArray:
        """Windows of a series that end before each forecast day, shape (n_forecasts, window)."""
        return sliding_window_view(series, self.window)[:-1]

    def surprises_before(self, day: int) -> FloatArray:
        """Of the book, without the days in which the average was still warming up."""
        return self.book_surprises[max(day - self.window, WARM_UP) : day]

    def filtered(self, day: int) -> FloatArray:
        """Past joint surprises at that day's volatility, as PnL."""
        first = max(day - self.window, WARM_UP)
        return np.asarray(np.expm1(self.surprises[first:day] * self.deviations[day]) @ self.weights)


def _tail_columns(samples: FloatArray, confidences: tuple[float, ...]) -> list[Columns]:
    """Empirical VaR and ES of each row of samples."""
    ordered = np.sort(samples, axis=1)
    sums = np.cumsum(ordered, axis=1)
    n = samples.shape[1]
    out = []
    for confidence in confidences:
        position = (n - 1) * alpha_of(confidence)
        low = int(np.floor(position))
        share = position - low
        upper = ordered[:, min(low + 1, n - 1)]
        quantile = ordered[:, low] + share * (upper - ordered[:, low])
        count = (ordered <= quantile[:, None]).sum(axis=1)
        count = np.maximum(count, 1)
        out.append((-quantile, -sums[np.arange(samples.shape[0]), count - 1] / count))
    return out


def _historical(book: _Book, confidences: tuple[float, ...]) -> list[Columns]:
    return _tail_columns(book.past(book.pnl), confidences)


def _filtered(book: _Book, confidences: tuple[float, ...]) -> list[Columns]:
    return _each_day(book, confidences, lambda day: [tails.historical(book.filtered(day), c) for c in confidences])


def _each_day(
    book: _Book, confidences: tuple[float, ...], tails_of: Callable[[int], Sequence[tails.Tail]]
) -> list[Columns]:
    found = [tails_of(int(day)) for day in book.days]
    return [
        (np.array([row[at].var for row in found]), np.array([row[at].es for row in found]))
        for at in range(len(confidences))
    ]


def _scaled(book: _Book, units: Sequence[Sequence[tails.Tail]]) -> list[Columns]:
    """Tails of one standard deviation, one row a refit, times the book's volatility of each day."""
    sigma = book.sigma[book.days]
    rows = np.minimum(np.arange(book.days.size) // REFIT_EVERY, len(units) - 1)
    out = []
    for at in range(len(units[0])):
        var = np.array([row[at].var for row in units])[rows] * sigma
        es = np.array([row[at].es for row in units])[rows] * sigma
        out.append((var, es))
    return out


def _refits(book: _Book) -> IntArray:
    return book.days[::REFIT_EVERY]


def _normal(book: _Book, confidences: tuple[float, ...]) -> list[Columns]:
    return _scaled(book, [[tails.normal(0.0, 1.0, c) for c in confidences]])


def _student(book: _Book, confidences: tuple[float, ...]) -> list[Columns]:
    units = []
    for day in _refits(book):
        nu = tails.fit_degrees_of_freedom(book.surprises_before(int(day)))
        units.append([tails.student(0.0, 1.0, nu, c) for c in confidences])
    return _scaled(book, units)


def _cornish_fisher(book: _Book, confidences: tuple[float, ...]) -> list[Columns]:
    def of(day: int) -> list[tails.Tail]:
        sample = book.filtered(day)
        shape = tails.moments(sample)
        found = []
        for c in confidences:
            var, es = tails.cornish_fisher(shape, c), tails.cornish_fisher_es(shape, c)
            # Outside its domain the product shows filtered history, so that is what is judged.
            found.append(tails.historical(sample, c) if var is None or es is None else tails.Tail(var=var, es=es))
        return found

    return _each_day(book, confidences, of)


def _evt(book: _Book, confidences: tuple[float, ...]) -> list[Columns]:
    units = []
    for day in _refits(book):
        surprises = book.surprises_before(int(day))
        try:
            tail = evt.fit_tail(-surprises)
            fitted = [tails.Tail(var=tail.var(c), es=tail.es(c)) for c in confidences]
        except (NotEnoughData, BadParameter):
            fitted = []
        # Where no tail can be used the product shows filtered history, so that is what is judged.
        usable = fitted and all(np.isfinite(one.es) for one in fitted)
        units.append(fitted if usable else [tails.historical(surprises, c) for c in confidences])
    return _scaled(book, units)


def _monte_carlo(book: _Book, confidences: tuple[float, ...]) -> list[Columns]:
    """GARCH with Student t on the book's own PnL, refitted and filtered; an exponential average where it is no use."""
    scale = float(book.linear.std()) or 1.0
    series = book.linear / scale  # a fit in USD would depend on the size of the book
    var: list[FloatArray] = [np.empty(book.days.size) for _ in confidences]
    es: list[FloatArray] = [np.empty(book.days.size) for _ in confidences]
    known: GarchParameters | None = None
    for first in range(0, book.days.size, REFIT_EVERY):
        day = int(book.days[first])
        block = slice(first, min(first + REFIT_EVERY, book.days.size))
        last = day + (block.stop - block.start)
        past = series[max(0, day - MINIMUM_OBSERVATIONS) : day]
        try:
            fit = fit_garch(past / 100.0, starting=known)
        except NotEnoughData:
            fit = None
        if fit is not None and fit.converged and fit.parameters.nu is not None and fit.parameters.nu > 2.05:
            known, nu = fit.parameters, fit.parameters.nu
            sigma = _filter(series[day:last] / 100.0, fit.parameters, fit.next_variance) * 100.0 * scale
        else:
            nu = tails.fit_degrees_of_freedom(book.surprises_before(day))
            sigma = book.sigma[day:last]
        for at, c in enumerate(confidences):
            unit = tails.student(0.0, 1.0, nu, c)
            var[at][block], es[at][block] = unit.var * sigma, unit.es * sigma
    return list(zip(var, es, strict=True))


def _filter(ahead: FloatArray, parameters: GarchParameters, first_variance: float) -> FloatArray:
    """Deviation forecast for each of the next days, each made of the days before it, shape of ``ahead``."""
    variance, out = first_variance, []
    for value in ahead:
        out.append(variance)
        shock = float(value - parameters.mean) ** 2
        variance = parameters.omega + parameters.alpha[0] * shock + parameters.beta[0] * variance
    return np.sqrt(out)


_METHODS: Mapping[VaRMethod, Callable[[_Book, tuple[float, ...]], list[Columns]]] = {
    VaRMethod.HISTORICAL: _historical,
    VaRMethod.FILTERED: _filtered,
    VaRMethod.NORMAL: _normal,
    VaRMethod.STUDENT_T: _student,
    VaRMethod.CORNISH_FISHER: _cornish_fisher,
    VaRMethod.EVT: _evt,
    VaRMethod.MONTE_CARLO: _monte_carlo,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The method to show.

    Attributes:
        near_tie: Another one did better, but by so little that this is the default and not a winner.
    """

    method: VaRMethod
    near_tie: bool


def choose(judged: Mapping[VaRMethod, Sequence[BacktestResult]]) -> Choice:
    """Passes both likelihood-ratio tests in most cells, then the smallest mean quantile loss; filtered history on near
    ties, for one book and level cannot tell the methods apart: it is behind by one cell in twenty or a single one at
    most, and by 5 % of the loss.

    Args:
        judged: Results of each method over the same cells (market and confidence).
    """
    passed = {method: sum(result.passes() for result in results) for method, results in judged.items()}
    most = max(passed.values())
    loss = {method: float(np.mean([result.quantile_loss for result in results])) for method, results in judged.items()}
    leading = [method for method, count in passed.items() if count == most]
    winner = min(leading, key=lambda method: (loss[method], tuple(VaRMethod).index(method)))
    default = VaRMethod.FILTERED
    if default not in judged or winner is default:
        return Choice(method=winner, near_tie=False)
    cells = max(len(results) for results in judged.values())
    near = passed[default] >= most - max(1.0, _NEAR_SHARE * cells)
    if near and loss[default] <= loss[winner] * (1.0 + _NEAR_SHARE):
        return Choice(method=default, near_tie=True)
    return Choice(method=winner, near_tie=False)


def best_method(judged: Mapping[VaRMethod, Sequence[BacktestResult]]) -> VaRMethod:
    """The method of choose()."""
    return choose(judged).method
