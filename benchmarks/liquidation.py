"""Liquidation prices of one account: roots of the full engine against driftpy's straight line."""

from collections.abc import Iterator, Sequence

from benchmarks import driftpy_peer
from benchmarks.driftpy_peer import CLIENT, STUBBED
from benchmarks.figures import Figure, Peer, timed
from benchmarks.node import serving
from benchmarks.runner import Effort, Job, time_in_turn
from benchmarks.sample import Sample, one_market, trader
from risk.margin.liquidation import liquidation_prices
from risk.margin.plan import MarginPlan

_ONE_PRICE_S = 500e-6
_NEAR = 1e-4  # between two answers for the case that is a straight line


def figures(effort: Effort) -> Iterator[Figure]:
    """One perp on quote collateral, then an account of six markets."""
    one, many = one_market(), trader()
    yield from _compared(one, (0,), effort, "one liquidation price", target_s=_ONE_PRICE_S)
    yield from _compared(many, (0, 1, 2), effort, "every price of 3 perps and 3 balances", target_s=None)


def _compared(
    sample: Sample, markets: Sequence[int], effort: Effort, what: str, *, target_s: float | None
) -> Iterator[Figure]:
    book, plan = sample.book, MarginPlan.of(sample.book)
    ours = [Job(call=lambda: liquidation_prices(plan)), Job(call=lambda: liquidation_prices(book))]
    theirs = _peers(sample, markets) if driftpy_peer.installed() else {}
    timings = time_in_turn([*ours, *theirs.values()], effort.quick_rounds)
    peers = tuple(Peer(name=n, value=t.median_s) for n, t in zip(theirs, timings[len(ours) :], strict=True))
    yield timed(f"{what}, full engine", timings[0], peers=peers, target_s=target_s)
    yield timed("the same, from a book", timings[1], peers=peers, target_s=target_s)


def _peers(sample: Sample, markets: Sequence[int]) -> dict[str, Job]:
    with serving(sample.world) as url:
        (loaded,) = driftpy_peer.loaded(sample, url)
    stubbed = driftpy_peer.Stub(sample).user(sample.raw[0].data)
    price = liquidation_prices(sample.book)[0].price_usd
    for user in (loaded, stubbed):
        theirs = user.get_perp_liq_price(markets[0])
        assert price, "an account without a liquidation price measures nothing"
        assert theirs, "driftpy finds no liquidation price"
        assert abs(theirs / 1e6 / price - 1.0) <= _NEAR, "driftpy answers another question, so its time says nothing"
    return {
        CLIENT: Job(call=lambda: [loaded.get_perp_liq_price(market) for market in markets]),
        STUBBED: Job(call=lambda: [stubbed.get_perp_liq_price(market) for market in markets]),
    }
