"""VaR and expected shortfall of one account by every method, each scenario priced by its own margin engine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from risk.errors import BadParameter, NotEnoughData
from risk.margin.book import FloatArray
from risk.margin.linear import LinearMargin
from risk.model.metrics import VaRMethod
from risk.stats import evt, tails
from risk.stats.book_task import BookEstimate, Model, Task, empirical, resampled
from risk.stats.ewma import WARM_UP, ewma_variances
from risk.stats.intervals import LEVEL, Spread, of_drift, of_observations, of_volatility
from risk.stats.moves import (
    DEFAULT_PATHS,
    Filtered,
    drawn_moves,
    filtered_moves,
    filtered_paths,
    past_moves,
    recent_correlation,
    resampled_days,
)
from risk.stats.series import checked_confidence, checked_days, checked_seed

MINIMUM_DAYS = 100
_RESAMPLES = 100


def estimate(
    margin: LinearMargin,
    returns: FloatArray,
    *,
    method: VaRMethod,
    confidence: float,
    days: int,
    seed: int = 0,
    paths: int = DEFAULT_PATHS,
    model: Model | None = None,
) -> BookEstimate:
    """Estimate by one method. Where it does not apply it falls back, and a warning says to what and why.

    Args:
        returns: Daily log returns, newest last, shape (n_days, n_assets), columns as ``margin.assets``.
        model: For the Monte Carlo; None for exponential averages.

    Raises: NotEnoughData below 100 days; BadParameter for a confidence outside 90 to 99.9 % or days outside 1 to 30.
    """
    confidence, days, seed = checked_confidence(confidence), checked_days(days), checked_seed(seed)
    if returns.shape[1] != len(margin.assets):
        raise BadParameter("returns must have one column for each asset of the account")
    if not margin.assets:
        return _riskless(method)
    if returns.shape[0] < MINIMUM_DAYS:
        raise NotEnoughData("daily returns", found=int(returns.shape[0]), needed=MINIMUM_DAYS)
    task = Task(margin, returns, confidence, days, seed, paths, model)
    found = _METHODS[method](task)
    return BookEstimate(
        var_usd=found.var_usd, es_usd=found.es_usd, interval_usd=found.interval_usd, method=found.method,
        simulations=found.simulations, pnl_usd=found.pnl_usd, warnings=(*task.warnings(found), *found.warnings),
    )  # fmt: skip


def _riskless(method: VaRMethod) -> BookEstimate:
    return BookEstimate(
        var_usd=0.0, es_usd=0.0, interval_usd=(0.0, 0.0), method=method, simulations=0, pnl_usd=None,
        warnings=("nothing in this account moves with a price",),
    )  # fmt: skip


def _historical(task: Task) -> BookEstimate:
    past = task.pnl(past_moves(task.returns))
    spread = of_observations(past, task.confidence)
    if task.days == 1:
        return empirical(task, VaRMethod.HISTORICAL, past, spread, drawn=False)
    pnl = task.pnl(resampled_days(task.returns, task.days, paths=task.paths, seed=task.seed))
    return resampled(task, VaRMethod.HISTORICAL, pnl, past, spread)


@dataclass(frozen=True, slots=True, eq=False)
class _Surprises:
    """PnL of past surprises at today's volatility: of one day, and over the horizon, the same for one day."""

    one_day: FloatArray
    pnl: FloatArray

    @classmethod
    def of(cls, task: Task) -> Self:
        filtered = Filtered.of(task.returns)
        one_day = task.pnl(filtered_moves(filtered))
        if task.days == 1:
            return cls(one_day, one_day)
        return cls(one_day, task.pnl(filtered_paths(filtered, task.days, paths=task.paths, seed=task.seed)))


def _filtered(task: Task, found: _Surprises | None = None, notes: tuple[str, ...] = ()) -> BookEstimate:
    found = found or _Surprises.of(task)
    var = tails.historical(found.one_day, task.confidence).var
    spread = of_observations(found.one_day, task.confidence).also(of_volatility(var))
    if task.days == 1:
        return empirical(task, VaRMethod.FILTERED, found.pnl, spread, drawn=False, notes=notes)
    return resampled(task, VaRMethod.FILTERED, found.pnl, found.one_day, spread, notes)


def _closed(method: VaRMethod, tail: tails.Tail, notes: tuple[str, ...] = ()) -> BookEstimate:
    """The interval is that of the volatility."""
    return BookEstimate(
        var_usd=tail.var, es_usd=tail.es, interval_usd=of_volatility(tail.var).around(tail.var), method=method,
        simulations=0, pnl_usd=None, warnings=notes,
    )  # fmt: skip


def _several_days(task: Task, method: VaRMethod, moves: FloatArray) -> BookEstimate:
    """From draws of a model without a drift: its volatility is known as well as that of one day."""
    pnl = task.pnl(moves)
    spread = of_volatility(tails.historical(pnl, task.confidence).var)
    return empirical(task, method, pnl, spread.also(of_observations(pnl, task.confidence)), drawn=True)


def _normal(task: Task) -> BookEstimate:
    if task.days == 1:
        sigma = float(np.sqrt(ewma_variances(task.book_pnl())[-1]))
        return _closed(VaRMethod.NORMAL, tails.normal(0.0, sigma, task.confidence))
    return _several_days(task, VaRMethod.NORMAL, _drawn(task, nu=None))


def surprises_of(series: FloatArray) -> FloatArray:
    """Each day over the volatility that was forecast for it, after the warm-up of the average."""
    variances = ewma_variances(series)[:-1]
    return np.asarray(series[WARM_UP:] / np.sqrt(np.maximum(variances[WARM_UP:], np.finfo(np.float64).tiny)))


def degrees_of_freedom(book_pnl: FloatArray) -> float:
    """Of a book's daily surprises: its PnL over the volatility forecast for the day."""
    return tails.fit_degrees_of_freedom(surprises_of(book_pnl))


def _student(task: Task) -> BookEstimate:
    book = task.book_pnl()
    nu = degrees_of_freedom(book)
    if task.days == 1:
        sigma = float(np.sqrt(ewma_variances(book)[-1]))
        return _closed(VaRMethod.STUDENT_T, tails.student(0.0, sigma, nu, task.confidence))
    return _several_days(task, VaRMethod.STUDENT_T, _drawn(task, nu=nu))


def _drawn(task: Task, nu: float | None) -> FloatArray:
    variances = np.array([ewma_variances(column)[-1] for column in task.returns.T])
    return drawn_moves(
        np.tile(np.sqrt(variances), (task.days, 1)), recent_correlation(task.returns), nu=nu, paths=task.paths,
        seed=task.seed,
    )  # fmt: skip


def _cornish_fisher(task: Task) -> BookEstimate:
    found = _Surprises.of(task)
    of = tails.moments(found.pnl)
    var, es = tails.cornish_fisher(of, task.confidence), tails.cornish_fisher_es(of, task.confidence)
    if var is None or es is None:
        why = f"skewness {of.skewness:.2f} and excess kurtosis {of.excess_kurtosis:.1f} are outside its domain"
        return _filtered(task, found, (f"Cornish-Fisher does not hold here ({why}); this is filtered history",))

    def again(sample: FloatArray) -> float:
        expanded = tails.cornish_fisher(tails.moments(sample), task.confidence)
        return tails.historical(sample, task.confidence).var if expanded is None else expanded

    return _fitted(task, VaRMethod.CORNISH_FISHER, found, tails.Tail(var=var, es=es), again)


def _evt(task: Task) -> BookEstimate:
    found = _Surprises.of(task)
    try:
        tail = evt.fit_tail(-found.pnl)
        var, es = tail.var(task.confidence), tail.es(task.confidence)
    except (NotEnoughData, BadParameter) as problem:
        return _filtered(task, found, (f"no tail could be fitted ({problem}); this is filtered history",))
    if tail.shape >= 1:
        why = "the fitted tail is so heavy that it has no mean loss; this is filtered history"
        return _filtered(task, found, (why,))

    def again(sample: FloatArray) -> float:
        return evt.fit_tail(-sample).var(task.confidence)

    return _fitted(task, VaRMethod.EVT, found, tails.Tail(var=var, es=es), again)


def _fitted(
    task: Task, method: VaRMethod, found: _Surprises, tail: tails.Tail, again: Callable[[FloatArray], float]
) -> BookEstimate:
    """A shape fitted to surprises at today's volatility; ``again`` fits one day's surprises drawn anew."""
    one_day = tail.var if task.days == 1 else _attempted(again, found.one_day)
    if one_day is None:
        one_day = tails.historical(found.one_day, task.confidence).var
    spread = _resampled(found.one_day, one_day, task, again).also(of_volatility(one_day))
    if task.days > 1:
        of_paths = of_observations(found.pnl, task.confidence).also(of_drift(found.one_day, task.days))
        spread = spread.carried(one_day, tail.var, task.days).also(of_paths)
    return BookEstimate(
        var_usd=tail.var, es_usd=tail.es, interval_usd=spread.around(tail.var), method=method,
        simulations=found.pnl.size if task.days > 1 else 0, pnl_usd=found.pnl,
    )  # fmt: skip


def _attempted(statistic: Callable[[FloatArray], float], sample: FloatArray) -> float | None:
    try:
        return statistic(sample)
    except (NotEnoughData, BadParameter):
        return None  # a sample whose tail is empty says nothing of the interval


def _resampled(pnl: FloatArray, value: float, task: Task, statistic: Callable[[FloatArray], float]) -> Spread:
    """Percentiles over days drawn with replacement; order statistics where no such sample has a tail."""
    random = np.random.Generator(np.random.SFC64(task.seed))
    drawn = [_attempted(statistic, pnl[random.integers(0, pnl.size, pnl.size)]) for _ in range(_RESAMPLES)]
    found = [one for one in drawn if one is not None]
    if not found:
        return of_observations(pnl, task.confidence)
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Spread.of(value, (float(low), float(high)))


def _monte_carlo(task: Task) -> BookEstimate:
    model = task.model or default_model(task.returns, task.margin.equity_slope_usd, task.days)

    def drawn(days: int) -> FloatArray:
        return task.pnl(
            drawn_moves(
                model.volatilities[:days], model.correlation, nu=model.degrees_of_freedom, paths=task.paths,
                seed=task.seed,
            )
        )  # fmt: skip

    one_day = drawn(1)
    var = tails.historical(one_day, task.confidence).var
    spread = of_observations(one_day, task.confidence).also(of_volatility(var))
    if task.days == 1:
        return empirical(task, VaRMethod.MONTE_CARLO, one_day, spread, drawn=True, notes=model.notes)
    pnl = drawn(task.days)
    spread = spread.carried(var, tails.historical(pnl, task.confidence).var, task.days)
    spread = spread.also(of_observations(pnl, task.confidence))
    return empirical(task, VaRMethod.MONTE_CARLO, pnl, spread, drawn=True, notes=model.notes)


def default_model(returns: FloatArray, slope_usd: FloatArray, days: int) -> Model:
    """Exponential averages for volatility and correlation, a Student t as the book's own surprises suggest."""
    variances = np.array([ewma_variances(column)[-1] for column in returns.T])
    return Model(
        volatilities=np.tile(np.sqrt(variances), (days, 1)),
        correlation=recent_correlation(returns),
        degrees_of_freedom=float(np.clip(degrees_of_freedom(np.asarray(returns @ slope_usd)), 2.5, 200.0)),
    )


_METHODS: Mapping[VaRMethod, Callable[[Task], BookEstimate]] = {
    VaRMethod.HISTORICAL: _historical,
    VaRMethod.FILTERED: _filtered,
    VaRMethod.NORMAL: _normal,
    VaRMethod.STUDENT_T: _student,
    VaRMethod.CORNISH_FISHER: _cornish_fisher,
    VaRMethod.EVT: _evt,
    VaRMethod.MONTE_CARLO: _monte_carlo,
}
