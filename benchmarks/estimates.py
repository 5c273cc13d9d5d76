"""Estimates from returns: dynamic correlations, performance ratios, contributions and tails, beside their peers."""

import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from types import ModuleType

import numpy as np
from scipy.stats import genpareto

from benchmarks.figures import Figure, Peer, timed
from benchmarks.runner import Effort, Job, time_in_turn
from risk.margin.book import FloatArray
from risk.stats import evt, tails
from risk.stats.contributions import es_contributions
from risk.stats.dcc import _Pairs, _second_step
from risk.stats.performance import ratios

_LIKELIHOOD_S, _FIT_S, _RATIOS_S, _PARTS_S = 2e-3, 60e-3, 1e-3, 0.1e-3
_ASSETS, _DAYS = 10, 1_000
_RECORD = 1_489
_WEIGHTS = 7
_SEED = 1
_A, _B = 0.02, 0.95


def figures(effort: Effort) -> Iterator[Figure]:
    """Of generated returns with fat tails, the same in every run."""
    yield from _correlations(effort)
    yield from _ratios(effort)
    yield from _contributions(effort)
    yield from _tail(effort)


def _returns(n: int, k: int) -> FloatArray:
    random = np.random.default_rng(_SEED)
    common = random.standard_normal((n, 1))
    draws = 0.8 * common + 0.6 * random.standard_normal((n, k))
    return np.asarray(0.03 * draws * np.sqrt(3.0 / random.chisquare(5, (n, 1))))


def _correlations(effort: Effort) -> Iterator[Figure]:
    z = _dynamic(_DAYS, _ASSETS)
    pairs = _Pairs.of(z)
    ours, theirs = pairs.log_likelihood(_A, _B), _likelihood_day_by_day(z)
    assert abs(ours - theirs) < 1e-6 * abs(theirs), "the loop computes another likelihood"
    one, fit = time_in_turn(
        [Job(call=lambda: pairs.log_likelihood(_A, _B)), Job(call=lambda: _second_step(pairs, ()))], effort.slow_rounds
    )
    (loop,) = time_in_turn([Job(call=lambda: _likelihood_day_by_day(z))], max(3, effort.slow_rounds // 3))
    peers = (Peer(name="numpy, day by day", value=loop.median_s),)
    yield timed(f"one DCC likelihood, {_ASSETS} x {_DAYS:,}", one, peers=peers, target_s=_LIKELIHOOD_S)
    yield timed(f"DCC fit, {_ASSETS} x {_DAYS:,}, after the univariate step", fit, target_s=_FIT_S)


def _dynamic(n: int, k: int) -> FloatArray:
    """Surprises whose correlation moves as the model says."""
    random = np.random.default_rng(_SEED)
    target = np.full((k, k), 0.6) + 0.4 * np.eye(k)
    q, out = target.copy(), np.empty((n, k))
    for day in range(n):
        deviations = np.sqrt(np.diag(q))
        out[day] = np.linalg.cholesky(q / np.outer(deviations, deviations)) @ random.standard_normal(k)
        q = (1.0 - _A - _B) * target + _A * np.outer(out[day], out[day]) + _B * q
    return out


def _likelihood_day_by_day(z: FloatArray) -> float:
    target = z.T @ z / len(z)
    q, total = target.copy(), 0.0
    for row in z:
        deviations = np.sqrt(np.diag(q))
        correlation = q / np.outer(deviations, deviations)
        total += np.linalg.slogdet(correlation)[1] + row @ np.linalg.solve(correlation, row) - row @ row
        q = (1.0 - _A - _B) * target + _A * np.outer(row, row) + _B * q
    return float(-0.5 * total)


def _ratios(effort: Effort) -> Iterator[Figure]:
    returns = _returns(_RECORD, 1)[:, 0]
    theirs: dict[str, Callable[[], object]] = {}
    if find_spec("empyrical"):
        theirs["empyrical, six ratios"] = _empyrical(returns)
    if find_spec("quantstats"):
        theirs["quantstats, all metrics"] = _quantstats(returns)
    (own,) = time_in_turn([Job(call=lambda: ratios(returns))], effort.quick_rounds)
    timings = time_in_turn([Job(call=call) for call in theirs.values()], effort.slow_rounds) if theirs else []
    peers = tuple(Peer(name=name, value=one.median_s) for name, one in zip(theirs, timings, strict=True))
    yield timed(f"performance ratios of {_RECORD:,} days", own, peers=peers, target_s=_RATIOS_S)


def _empyrical(returns: FloatArray) -> Callable[[], object]:
    import empyrical

    six = (
        empyrical.annual_return, empyrical.annual_volatility, empyrical.sharpe_ratio, empyrical.sortino_ratio,
        empyrical.calmar_ratio, empyrical.max_drawdown,
    )  # fmt: skip
    found, own = [float(one(returns)) for one in six], ratios(returns, periods_per_year=252)
    same = [own.annualized_return, own.volatility, own.sharpe, own.sortino, own.calmar, -own.max_drawdown]
    assert np.allclose(found, same, rtol=1e-8), "empyrical computes other ratios"
    return lambda: [one(returns) for one in six]


def _quantstats(returns: FloatArray) -> Callable[[], object]:
    import pandas as pd

    sys.modules.setdefault("yfinance", ModuleType("yfinance"))  # it downloads prices, and is not in the lock
    import quantstats

    series = pd.Series(returns, index=pd.date_range("2021-10-16", periods=returns.size), name="account")
    own = ratios(returns, periods_per_year=365)
    assert np.isclose(quantstats.stats.sharpe(series, periods=365), own.sharpe), "quantstats computes another Sharpe"

    metrics: Callable[..., object] = quantstats.reports.metrics

    def every() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return metrics(series, mode="full", display=False, periods_per_year=365)

    return every


def _contributions(effort: Effort) -> Iterator[Figure]:
    returns, weights = _returns(_RECORD, _WEIGHTS), np.full(_WEIGHTS, 1 / _WEIGHTS)

    def sorted_first() -> FloatArray:
        book = returns @ weights
        tail = book <= np.quantile(book, 0.05)
        return np.asarray(-(returns[tail] * weights).mean(axis=0))

    parts = es_contributions(weights, returns, 0.95)
    assert np.allclose(parts, sorted_first())
    assert np.isclose(parts.sum(), tails.historical(returns @ weights, 0.95).es)
    own, other = time_in_turn(
        [Job(call=lambda: es_contributions(weights, returns, 0.95)), Job(call=sorted_first)], effort.quick_rounds
    )
    peers = (Peer(name="numpy.quantile", value=other.median_s),)
    yield timed(f"CVaR contributions, {_WEIGHTS} x {_RECORD:,}", own, peers=peers, target_s=_PARTS_S)


def _tail(effort: Effort) -> Iterator[Figure]:
    losses = -_returns(_RECORD, 1)[:, 0]
    tail = evt.fit_tail(losses)
    excess = losses[losses > tail.threshold] - tail.threshold
    shape, _, scale = genpareto.fit(excess, floc=0)
    assert np.allclose([tail.shape, tail.scale], [shape, scale], rtol=1e-2, atol=1e-3), "scipy finds another tail"
    own, other = time_in_turn(
        [Job(call=lambda: evt.fit_tail(losses)), Job(call=lambda: genpareto.fit(excess, floc=0))], effort.slow_rounds
    )
    peers = (Peer(name="scipy.stats.genpareto.fit", value=other.median_s),)
    yield timed(f"Pareto tail of {_RECORD:,} days", own, peers=peers)
