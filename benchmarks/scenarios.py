"""10,000 price scenarios of one account in one call, against one scenario after the other."""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks import driftpy_peer
from benchmarks.driftpy_peer import STUBBED
from benchmarks.figures import Figure, Peer, timed
from benchmarks.runner import Effort, Job, time_in_turn
from benchmarks.sample import Sample, trader
from risk.margin.book import FloatArray
from risk.margin.evaluate import evaluate
from risk.margin.health import health_percent
from risk.margin.plan import MarginPlan

COUNT = 10_000
_REACH_S = 4e-3
_CHECKED = 100
_VOLATILITY, _SEED = 0.1, 1


def figures(effort: Effort) -> Iterator[Figure]:
    """Three perps, three balances; every price moves, by 10 % on average."""
    sample = trader()
    plan = MarginPlan.of(sample.book)
    now = sample.book.oracles.price_1e6 / 1e6
    moves = np.random.default_rng(_SEED).lognormal(0.0, _VOLATILITY, (COUNT, now.size))
    # Prices as a feed gives them: whole millionths.
    prices_usd = np.rint(now * moves * 1e6) / 1e6
    _check(plan, prices_usd)
    one_by_one: dict[str, Callable[[], object]] = {
        "Keel, one by one": lambda: [evaluate(plan, row, maintenance_only=True) for row in prices_usd]
    }
    if driftpy_peer.installed():
        one_by_one[f"{STUBBED}, one by one"] = _driftpy(sample, plan, prices_usd)
    ours = [
        Job(call=lambda: evaluate(plan, prices_usd, maintenance_only=True)),
        Job(call=lambda: evaluate(plan, prices_usd)),
    ]
    timings = time_in_turn(ours, effort.slow_rounds)
    theirs = time_in_turn([Job(call=call) for call in one_by_one.values()], max(3, effort.slow_rounds // 3))
    peers = tuple(Peer(name=n, value=t.median_s) for n, t in zip(one_by_one, theirs, strict=True))
    yield timed(f"{COUNT:,} price scenarios of one account", timings[0], peers=peers, target_s=_REACH_S)
    yield timed("the same, all figures", timings[1])


def _check(plan: MarginPlan, prices_usd: FloatArray) -> None:
    together = evaluate(plan, prices_usd, maintenance_only=True).maintenance
    for row in range(_CHECKED):
        alone = evaluate(plan, prices_usd[row], maintenance_only=True).maintenance
        assert alone.collateral_usd[0] == together.collateral_usd[row, 0]
        assert alone.requirement_usd[0] == together.requirement_usd[row, 0]


def _driftpy(sample: Sample, plan: MarginPlan, prices_usd: FloatArray) -> Callable[[], list[int]]:
    stub = driftpy_peer.Stub(sample)
    user, columns = stub.user(sample.raw[0].data), stub.columns(sample)
    prices_1e6 = np.rint(prices_usd * 1e6).astype(np.int64).tolist()

    def healths() -> list[int]:
        found = []
        for row in prices_1e6:
            for reading, column in columns:
                reading.price = row[column]
            found.append(user.get_health())
        return found

    totals = evaluate(plan, prices_usd, maintenance_only=True).maintenance
    flags = sample.book.accounts.being_liquidated
    ours = health_percent(totals.collateral_usd, totals.requirement_usd, flags)[:, 0]
    assert np.max(np.abs(ours - healths())) <= 1.0, "driftpy sees other scenarios, so its time says nothing"
    return healths
