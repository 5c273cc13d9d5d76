"""10,000 accounts, as a sweep of the venue reads them in one batch."""

from collections.abc import Iterator

from benchmarks import driftpy_peer
from benchmarks.driftpy_peer import STUBBED
from benchmarks.figures import Figure, Peer, timed
from benchmarks.runner import Effort, Job, Timing, time_in_turn
from benchmarks.sample import CROWD, Sample, crowd
from risk.margin.book import FleetBook
from risk.margin.evaluate import evaluate
from venues.solana import addresses

_DECODE_S, _MAINTENANCE_S = 20e-3, 10e-3
_ADDRESS_CHECKS = 64  # as in a sweep


def figures(effort: Effort) -> Iterator[Figure]:
    """Random accounts in every corner the margin rules have."""
    sample = crowd()
    book = sample.book

    def decode() -> FleetBook:
        return sample.decoded(address_checks=_ADDRESS_CHECKS)

    ours = [
        Job(call=decode, prepare=_forget_addresses),
        Job(call=lambda: evaluate(book, maintenance_only=True)),
        Job(call=lambda: evaluate(book)),
        Job(call=lambda: evaluate(decode(), maintenance_only=True), prepare=_forget_addresses),
    ]
    timings = time_in_turn(ours, effort.slow_rounds)
    # Not in turn with ours: a second of theirs before each of our milliseconds would leave ours with cold caches.
    decoding, health, both = _theirs(sample, effort) if driftpy_peer.installed() else ((), (), ())
    yield timed(
        f"{CROWD:,} accounts decoded, from their bytes to a book", timings[0], peers=decoding, target_s=_DECODE_S
    )
    yield timed(f"maintenance of {CROWD:,} accounts in one pass", timings[1], peers=health, target_s=_MAINTENANCE_S)
    yield timed(f"all figures of {CROWD:,} accounts", timings[2])
    yield timed(f"{CROWD:,} accounts decoded and maintenance", timings[3], peers=both)


def _forget_addresses() -> None:
    # A sweep meets every account once, so what the cache of derived addresses would save is not to be had there.
    addresses._derive.cache_clear()


def _theirs(sample: Sample, effort: Effort) -> tuple[tuple[Peer, ...], ...]:
    stub, decode = driftpy_peer.Stub(sample), driftpy_peer.decoder()
    data = [account.data for account in sample.raw]
    users = [stub.user(raw) for raw in data]
    jobs = [
        Job(call=lambda: [decode(raw) for raw in data]),
        Job(call=lambda: [user.get_health() for user in users]),
        Job(call=lambda: [stub.user(raw).get_health() for raw in data]),
    ]
    names = ("driftpy, decode_user one by one", f"{STUBBED}, one by one", f"{STUBBED}, one by one")
    timings: list[Timing] = time_in_turn(jobs, max(3, effort.slow_rounds // 3))
    return tuple((Peer(name=n, value=t.median_s),) for n, t in zip(names, timings, strict=True))
