"""10,000 paths of ten assets through the margin of one account: value at risk in a week, liquidation in a day."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.figures import Figure, Peer, timed
from benchmarks.runner import Effort, Job, time_in_turn
from risk.margin.book import FloatArray
from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.linear import LinearMargin
from risk.margin.paths import Diffusion, Jumps, simulate_hits
from risk.margin.plan import MarginPlan
from risk.model.metrics import VaRMethod
from risk.stats.book_task import BookEstimate, Model
from risk.stats.book_var import estimate
from tests.risk.builders import make_account, make_perp_market, make_position

ASSETS, PATHS, DAYS, STEPS = 10, 10_000, 7, 24
_VAR_S, _HITS_S = 30e-3, 90e-3
_CONFIDENCE, _SEED = 0.99, 1
_AGREE_FRAC = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Account:
    """Ten perps, every third one short, at 4 times leverage, and what moves them."""

    margin: LinearMargin
    returns: FloatArray
    model: Model


def account() -> Account:
    """The same in every run."""
    random = np.random.default_rng(_SEED)
    markets = [
        make_perp_market(name=f"A{n}-PERP", market_index=n, oracle_id=f"a{n}", oracle_twap_usd=100.0)
        for n in range(ASSETS)
    ]
    positions = [make_position(-40.0 if n % 3 == 2 else 40.0, market_index=n) for n in range(ASSETS)]
    held = make_account(
        *positions, usdc=10_000.0, perp_markets=markets, prices={market.oracle_id: 100.0 for market in markets}
    )
    correlation = np.full((ASSETS, ASSETS), 0.6) + 0.4 * np.eye(ASSETS)
    returns = 0.04 * random.standard_normal((500, ASSETS)) @ np.linalg.cholesky(correlation).T
    return Account(
        margin=LinearMargin.of(MarginPlan.of(book_of([held]))), returns=returns,
        model=Model(volatilities=np.full((DAYS, ASSETS), 0.04), correlation=correlation, degrees_of_freedom=5.0),
    )  # fmt: skip


def figures(effort: Effort) -> Iterator[Figure]:
    """The account is ready before anything is timed; draws are part of the job."""
    one = account()
    _check(one)
    diffusion = Diffusion(
        volatility_hourly=np.full(ASSETS, 0.04 / np.sqrt(24)), correlation=one.model.correlation, jumps=Jumps()
    )
    hours = np.arange(1.0, STEPS + 1)

    def hits() -> object:
        return simulate_hits(one.margin, diffusion, horizons_hours=(float(STEPS),), steps_hours=hours, paths=PATHS)

    ours = [Job(call=lambda: in_a_week(one)), Job(call=hits)]
    var, probability = time_in_turn(ours, effort.slow_rounds)
    (loop,) = time_in_turn([Job(call=lambda: _path_by_path(one))], max(3, effort.slow_rounds // 3))
    peers = (Peer(name="numpy, path by path, no margin", value=loop.median_s),)
    job = f"VaR of {PATHS:,} paths x {ASSETS} assets x {DAYS} days, revalued by the margin engine"
    yield timed(job, var, peers=peers, target_s=_VAR_S)
    yield timed(
        f"liquidation probability, {PATHS:,} paths x {STEPS} steps x {ASSETS} assets", probability, target_s=_HITS_S
    )


def in_a_week(one: Account) -> BookEstimate:
    """As the desk asks for it."""
    return estimate(
        one.margin, one.returns, method=VaRMethod.MONTE_CARLO, confidence=_CONFIDENCE, days=DAYS, seed=_SEED,
        paths=PATHS, model=one.model,
    )  # fmt: skip


def _path_by_path(one: Account) -> float:
    """What one writes first: a Python loop over paths, with the same draws and linear positions."""
    random = np.random.default_rng(_SEED)
    root, sigma = np.linalg.cholesky(one.model.correlation), one.model.volatilities[0]
    nu, slope = one.model.degrees_of_freedom, one.margin.equity_slope_usd
    pnl = np.empty(PATHS)
    for path in range(PATHS):
        mixing = np.sqrt((nu - 2.0) / random.chisquare(nu, DAYS))[:, None]
        steps = random.standard_normal((DAYS, ASSETS)) @ root.T * sigma * mixing - 0.5 * sigma**2
        pnl[path] = slope @ np.expm1(steps.sum(axis=0))
    return -float(np.quantile(pnl, 1.0 - _CONFIDENCE))


def _check(one: Account) -> None:
    found, by_hand = in_a_week(one).var_usd, _path_by_path(one)
    assert abs(found / by_hand - 1.0) < 2 * _AGREE_FRAC, "the loop does another job, so its time says nothing"
    factors = np.exp(0.1 * np.random.default_rng(_SEED).standard_normal((ASSETS, 20)))
    engine = evaluate(one.margin.plan, one.margin._prices(factors)).full.equity_usd[:, 0]
    assert np.abs(one.margin.equity(factors) - engine).max() < 0.01 * ASSETS
