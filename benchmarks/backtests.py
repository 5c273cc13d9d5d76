"""The rolling back-test of a book, and how long the event loop waits while one runs."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.figures import Figure, Peer, timed
from benchmarks.runner import Effort, Job, Timing, time_in_turn
from risk.margin.book import FloatArray
from risk.model.metrics import VaRMethod
from risk.stats.rolling import WINDOW, roll

_ASSETS, _FORECASTS = 8, 1_000
_ROLL_S, _LAG_S = 20.0, 50e-3
_TICK_S = 5e-3
_SEED = 1


def figures(effort: Effort) -> Iterator[Figure]:
    """All seven methods, at 95 and 99 %."""
    returns, weights = _returns(), np.full(_ASSETS, 1_000.0)
    roll(returns[: WINDOW + 60], weights)  # arch takes seconds to import, once
    rounds = max(1, effort.slow_rounds // 5)
    whole, naive = time_in_turn(
        [Job(call=lambda: roll(returns, weights)), Job(call=lambda: _historical_day_by_day(returns, weights))], rounds
    )
    quick = time_in_turn([Job(call=lambda: roll(returns, weights, methods=[VaRMethod.HISTORICAL]))], rounds)[0]
    job = f"rolling back-test, {_FORECASTS:,} days x {len(VaRMethod)} methods x {_ASSETS} assets"
    yield timed(job, whole, target_s=_ROLL_S)
    peers = (Peer(name="numpy, day by day", value=naive.median_s),)
    yield timed("historical method alone", quick, peers=peers)
    lags = asyncio.run(_lags(returns, weights))
    p99 = Timing(median_s=float(np.quantile(lags, 0.99)), best_s=float(lags.min()), rounds=lags.size)
    yield timed("lag of the event loop while it runs, 99th percentile", p99, target_s=_LAG_S)


def _returns() -> FloatArray:
    random = np.random.default_rng(_SEED)
    common = random.standard_normal((WINDOW + _FORECASTS, 1))
    draws = 0.8 * common + 0.6 * random.standard_normal((WINDOW + _FORECASTS, _ASSETS))
    return np.asarray(0.03 * draws * np.sqrt(3.0 / random.chisquare(5, (WINDOW + _FORECASTS, 1))))


def _historical_day_by_day(returns: FloatArray, weights: FloatArray) -> list[tuple[float, float]]:
    pnl, out = np.expm1(returns) @ weights, []
    for day in range(WINDOW, pnl.size):
        past = pnl[day - WINDOW : day]
        for alpha in (0.05, 0.01):
            quantile = np.quantile(past, alpha)
            out.append((-float(quantile), -float(past[past <= quantile].mean())))
    return out


async def _lags(returns: FloatArray, weights: FloatArray) -> FloatArray:
    """How late a sleeper wakes while a thread does the work, as in the bot."""
    loop = asyncio.get_running_loop()
    lags: list[float] = []
    with ThreadPoolExecutor(max_workers=1) as executor:
        work = loop.run_in_executor(executor, roll, returns, weights)
        while not work.done():
            due = loop.time() + _TICK_S
            await asyncio.sleep(_TICK_S)
            lags.append(loop.time() - due)
        await work
    return np.array(lags)
