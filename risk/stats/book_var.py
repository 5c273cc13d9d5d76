"""VaR and expected shortfall of one account by every method, each scenario priced by its own margin engine."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from risk.errors import BadParameter, NotEnoughData
from risk.margin.book import FloatArray
from risk.margin.linear import LinearMargin
from risk.model.metrics import VaRMethod
from risk.stats import evt, tails
from risk.stats.ewma import DAILY_LAMBDA, WARM_UP, ewma_variances
from risk.stats.laws import normal_quantile
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
from risk.stats.series import alpha_of, checked_confidence, checked_days, checked_seed, zero_share_frac

MINIMUM_DAYS = 100
STALE_SHARE = 0.05
# As many independent days as an exponential average is worth.
_EFFECTIVE_DAYS = (1 + DAILY_LAMBDA) / (1 - DAILY_LAMBDA)
_RESAMPLES = 100
_INTERVAL = 0.90


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BookEstimate:
    """A VaR without its provenance. ``pnl_usd`` is None for closed forms."""

    var_usd: float
    es_usd: float
    interval_usd: tuple[float, float]
    method: VaRMethod
    simulations: int
    pnl_usd: FloatArray | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """Fitted pieces that only the Monte Carlo uses.

    Attributes:
        volatilities: Daily, of each day of the horizon, shape (n_days, n_assets).
        correlation: Of the assets.
        degrees_of_freedom: Of the Student t all assets share.
        notes: What of it is not what it should be, such as a fit that was not used.
    """

    volatilities: FloatArray
    correlation: FloatArray
    degrees_of_freedom: float
    notes: tuple[str, ...] = field(default=())


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
    task = _Task(margin, returns, confidence, days, seed, paths, model)
    found = _METHODS[method](task)
    return BookEstimate(
        var_usd=found.var_usd, es_usd=found.es_usd, interval_usd=found.interval_usd, method=found.method,
        simulations=found.simulations, pnl_usd=found.pnl_usd, warnings=(*task.warnings(found), *found.warnings),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One question."""

    margin: LinearMargin
    returns: FloatArray
    confidence: float
    days: int
    seed: int
    paths: int
    model: Model | None

    def pnl(self, moves: FloatArray) -> FloatArray:
        """Change of total equity, USD."""
        today = float(self.margin.equity(np.ones((len(self.margin.assets), 1)))[0])
        return self.margin.equity(np.exp(moves)) - today

    def book_pnl(self) -> FloatArray:
        """Of today's positions on every past day, linear in log returns: what volatility of the book is made of."""
        return np.asarray(self.returns @ self.margin.equity_slope_usd)

    def warnings(self, found: BookEstimate) -> tuple[str, ...]:
        notes = []
        n = self.returns.shape[0]
        empirical = found.method in (VaRMethod.HISTORICAL, VaRMethod.FILTERED)
        if empirical and not tails.enough_for(n, self.confidence):
            needed = math.ceil(tails.ENOUGH_IN_TAIL / alpha_of(self.confidence))
            notes.append(f"{n} of {needed} days: the tail holds fewer than five of them")
        for asset, column in zip(self.margin.assets, self.returns.T, strict=True):
            if zero_share_frac(column) > STALE_SHARE:
                notes.append(f"{zero_share_frac(column):.0%} of {asset}'s days show no move: its prices may be stale")
        return tuple(notes)


def _riskless(method: VaRMethod) -> BookEstimate:
    return BookEstimate(
        var_usd=0.0, es_usd=0.0, interval_usd=(0.0, 0.0), method=method, simulations=0, pnl_usd=None,
        warnings=("nothing in this account moves with a price",),
    )  # fmt: skip


def _empirical(
    task: _Task, method: VaRMethod, moves: FloatArray, *, simulated: bool, notes: tuple[str, ...] = ()
) -> BookEstimate:
    pnl = task.pnl(moves)
    tail = tails.historical(pnl, task.confidence)
    return BookEstimate(
        var_usd=tail.var, es_usd=tail.es, interval_usd=tails.historical_interval(pnl, task.confidence, level=_INTERVAL),
        method=method, simulations=pnl.size if simulated else 0, pnl_usd=pnl, warnings=notes,
    )  # fmt: skip


def _historical(task: _Task) -> BookEstimate:
    if task.days == 1:
        return _empirical(task, VaRMethod.HISTORICAL, past_moves(task.returns), simulated=False)
    moves = resampled_days(task.returns, task.days, paths=task.paths, seed=task.seed)
    return _empirical(task, VaRMethod.HISTORICAL, moves, simulated=True)


def _filtered_moves(task: _Task) -> FloatArray:
    filtered = Filtered.of(task.returns)
    if task.days == 1:
        return filtered_moves(filtered)
    return filtered_paths(filtered, task.days, paths=task.paths, seed=task.seed)


def _filtered(task: _Task, notes: tuple[str, ...] = ()) -> BookEstimate:
    return _empirical(task, VaRMethod.FILTERED, _filtered_moves(task), simulated=task.days > 1, notes=notes)


def _closed(method: VaRMethod, tail: tails.Tail, notes: tuple[str, ...] = ()) -> BookEstimate:
    """The interval is that of the volatility, which an exponential average knows from about 32 days."""
    half = normal_quantile(0.5 + _INTERVAL / 2) / math.sqrt(2 * _EFFECTIVE_DAYS)
    return BookEstimate(
        var_usd=tail.var, es_usd=tail.es, interval_usd=(tail.var * (1 - half), tail.var * (1 + half)), method=method,
        simulations=0, pnl_usd=None, warnings=notes,
    )  # fmt: skip


def _normal(task: _Task) -> BookEstimate:
    if task.days == 1:
        sigma = float(np.sqrt(ewma_variances(task.book_pnl())[-1]))
        return _closed(VaRMethod.NORMAL, tails.normal(0.0, sigma, task.confidence))
    return _empirical(task, VaRMethod.NORMAL, _drawn(task, nu=None), simulated=True)


def surprises_of(series: FloatArray) -> FloatArray:
    """Each day over the volatility that was forecast for it, after the warm-up of the average."""
    variances = ewma_variances(series)[:-1]
    return np.asarray(series[WARM_UP:] / np.sqrt(np.maximum(variances[WARM_UP:], np.finfo(np.float64).tiny)))


def degrees_of_freedom(book_pnl: FloatArray) -> float:
    """Of a book's daily surprises: its PnL over the volatility forecast for the day."""
    return tails.fit_degrees_of_freedom(surprises_of(book_pnl))


def _student(task: _Task) -> BookEstimate:
    book = task.book_pnl()
    nu = degrees_of_freedom(book)
    if task.days == 1:
        sigma = float(np.sqrt(ewma_variances(book)[-1]))
        return _closed(VaRMethod.STUDENT_T, tails.student(0.0, sigma, nu, task.confidence))
    return _empirical(task, VaRMethod.STUDENT_T, _drawn(task, nu=nu), simulated=True)


def _drawn(task: _Task, nu: float | None) -> FloatArray:
    variances = np.array([ewma_variances(column)[-1] for column in task.returns.T])
    return drawn_moves(
        np.tile(np.sqrt(variances), (task.days, 1)), recent_correlation(task.returns), nu=nu, paths=task.paths,
        seed=task.seed,
    )  # fmt: skip


def _cornish_fisher(task: _Task) -> BookEstimate:
    pnl = task.pnl(_filtered_moves(task))
    of = tails.moments(pnl)
    var, es = tails.cornish_fisher(of, task.confidence), tails.cornish_fisher_es(of, task.confidence)
    if var is None or es is None:
        why = f"skewness {of.skewness:.2f} and excess kurtosis {of.excess_kurtosis:.1f} are outside its domain"
        return _filtered(task, (f"Cornish-Fisher does not hold here ({why}); this is filtered history",))
    interval = _resampled(pnl, task, lambda sample: tails.cornish_fisher(tails.moments(sample), task.confidence) or var)
    return BookEstimate(
        var_usd=var, es_usd=es, interval_usd=interval, method=VaRMethod.CORNISH_FISHER,
        simulations=pnl.size if task.days > 1 else 0, pnl_usd=pnl,
    )  # fmt: skip


def _evt(task: _Task) -> BookEstimate:
    pnl = task.pnl(_filtered_moves(task))
    try:
        tail = evt.fit_tail(-pnl)
        var, es = tail.var(task.confidence), tail.es(task.confidence)
    except (NotEnoughData, BadParameter) as problem:
        return _filtered(task, (f"no tail could be fitted ({problem}); this is filtered history",))
    if tail.shape >= 1:
        return _filtered(task, ("the fitted tail is so heavy that it has no mean loss; this is filtered history",))

    def again(sample: FloatArray) -> float:
        return evt.fit_tail(-sample).var(task.confidence)

    return BookEstimate(
        var_usd=var, es_usd=es, interval_usd=_resampled(pnl, task, again), method=VaRMethod.EVT,
        simulations=pnl.size if task.days > 1 else 0, pnl_usd=pnl,
    )  # fmt: skip


def _resampled(pnl: FloatArray, task: _Task, statistic: Callable[[FloatArray], float]) -> tuple[float, float]:
    """Percentile interval over days drawn with replacement."""
    random = np.random.Generator(np.random.SFC64(task.seed))
    found = []
    for _ in range(_RESAMPLES):
        try:
            found.append(statistic(pnl[random.integers(0, pnl.size, pnl.size)]))
        except (NotEnoughData, BadParameter):
            continue  # a sample whose tail is empty says nothing of the interval
    low, high = np.quantile(found, [(1 - _INTERVAL) / 2, (1 + _INTERVAL) / 2]) if found else (math.nan, math.nan)
    return float(low), float(high)


def _monte_carlo(task: _Task) -> BookEstimate:
    model = task.model or default_model(task.returns, task.margin.equity_slope_usd, task.days)
    moves = drawn_moves(
        model.volatilities[: task.days], model.correlation, nu=model.degrees_of_freedom, paths=task.paths,
        seed=task.seed,
    )  # fmt: skip
    return _empirical(task, VaRMethod.MONTE_CARLO, moves, simulated=True, notes=model.notes)


def default_model(returns: FloatArray, slope_usd: FloatArray, days: int) -> Model:
    """Exponential averages for volatility and correlation, a Student t as the book's own surprises suggest."""
    variances = np.array([ewma_variances(column)[-1] for column in returns.T])
    return Model(
        volatilities=np.tile(np.sqrt(variances), (days, 1)),
        correlation=recent_correlation(returns),
        degrees_of_freedom=float(np.clip(degrees_of_freedom(np.asarray(returns @ slope_usd)), 2.5, 200.0)),
    )


_METHODS: Mapping[VaRMethod, Callable[[_Task], BookEstimate]] = {
    VaRMethod.HISTORICAL: _historical,
    VaRMethod.FILTERED: _filtered,
    VaRMethod.NORMAL: _normal,
    VaRMethod.STUDENT_T: _student,
    VaRMethod.CORNISH_FISHER: _cornish_fisher,
    VaRMethod.EVT: _evt,
    VaRMethod.MONTE_CARLO: _monte_carlo,
}
