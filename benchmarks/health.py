"""Health of one account: from a book, re-priced from its plan, and from its bytes."""

from collections.abc import Iterator

from benchmarks import driftpy_peer
from benchmarks.driftpy_peer import CLIENT, STUBBED
from benchmarks.figures import Figure, Peer, timed
from benchmarks.node import serving
from benchmarks.runner import Effort, Job, time_in_turn
from benchmarks.sample import Sample, trader
from risk.margin.evaluate import Evaluation, evaluate
from risk.margin.health import health_percent
from risk.margin.plan import MarginPlan

_READ = f"{STUBBED}, decode_user"
_FROM_BOOK_S, _FROM_PLAN_S, _FROM_BYTES_S = 150e-6, 50e-6, 150e-6


def figures(effort: Effort) -> Iterator[Figure]:
    """Three perps, three balances, a resting order."""
    sample = trader()
    book, plan = sample.book, MarginPlan.of(sample.book)
    prices_usd = book.oracles.price_1e6 / 1e6
    ours = [
        Job(call=lambda: health_of(evaluate(book, maintenance_only=True))),
        Job(call=lambda: health_of(evaluate(plan, prices_usd, maintenance_only=True))),
        Job(call=lambda: evaluate(book)),
        Job(call=lambda: health_of(evaluate(sample.decoded(), maintenance_only=True))),
    ]
    theirs = _peers(sample) if driftpy_peer.installed() else {}
    timings = time_in_turn([*ours, *theirs.values()], effort.quick_rounds)
    by_name = dict(zip(theirs, timings[len(ours) :], strict=True))
    peers = tuple(Peer(name=name, value=by_name[name].median_s) for name in (CLIENT, STUBBED) if name in by_name)
    read = tuple(Peer(name=name, value=by_name[name].median_s) for name in (_READ,) if name in by_name)
    yield timed("health of one account, from a book", timings[0], peers=peers, target_s=_FROM_BOOK_S)
    yield timed("the same, re-priced from its plan", timings[1], peers=peers, target_s=_FROM_PLAN_S)
    yield timed("all figures of one account, from a book", timings[2])
    yield timed("one account decoded, then health", timings[3], peers=read, target_s=_FROM_BYTES_S)


def _peers(sample: Sample) -> dict[str, Job]:
    stub, raw = driftpy_peer.Stub(sample), sample.raw[0].data
    with serving(sample.world) as url:
        (loaded,) = driftpy_peer.loaded(sample, url)
    stubbed = stub.user(raw)
    ours = health_of(evaluate(sample.book))
    for user in (loaded, stubbed):
        assert abs(user.get_health() - ours) <= 1, "driftpy sees another account, so its time says nothing"
    return {
        CLIENT: Job(call=loaded.get_health),
        STUBBED: Job(call=stubbed.get_health),
        _READ: Job(call=lambda: stub.user(raw).get_health()),
    }


def health_of(evaluation: Evaluation) -> float:
    """0 to 100, of the first account."""
    totals, flags = evaluation.maintenance, evaluation.book.accounts.being_liquidated
    return float(health_percent(totals.collateral_usd, totals.requirement_usd, flags)[0])
