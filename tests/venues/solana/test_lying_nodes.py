"""Nodes that lie about heights and history: nothing is signed again on the word of one of them."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash

from risk.model.trading import Fate, FateKind
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.drift_trading import trading_world
from tests.support.solana_rpc import SolanaRpc
from tests.support.solana_rpc.faults import HttpError
from tests.venues.solana.conftest import StillClock
from tests.venues.solana.reading import DRIFT
from tests.venues.solana.test_sender import signed_with
from venues.solana.agreement import AGREED, WAIT, Agreement
from venues.solana.client import ClientManager
from venues.solana.fates import Fates
from venues.solana.sender import Sender
from venues.solana.settings import SolanaSettings

BLOCKS_PER_S = 2.5
AGAIN_S = 120.0
GIVEN_UP_S = 300.0


class Chain:
    """Honest nodes and liars at the default settings, and time that moves the chain along."""

    def __init__(self, client: ClientManager, clock: StillClock, nodes: list[SolanaRpc]) -> None:
        self.sender, self.fates = Sender(client), Fates(DRIFT, client)
        self.clock, self.nodes = clock, nodes
        blockhash, last = nodes[0].ledger.new_blockhash()
        for node in nodes[1:]:
            node.ledger.new_blockhash()
        self.signed = signed_with(Hash.from_string(blockhash), last)

    async def passes(self, seconds: float) -> Fate:
        """Time for the chain and for us; what is said of the bytes then."""
        self.clock.passed_s += seconds
        for node in self.nodes:
            node.advance(round(seconds * BLOCKS_PER_S))
        return await self.fate()

    async def fate(self) -> Fate:
        return (await self.fates.by_signature(self.signed)).fate

    async def told(self, seconds: float, *, every_s: float = 5.0) -> list[Fate]:
        """What is said on the way."""
        return [await self.passes(every_s) for _ in range(round(seconds / every_s))]


@contextlib.asynccontextmanager
async def chain_of(count: int) -> AsyncIterator[Chain]:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(SolanaRpc(trading_world())) for _ in range(count)]
        clock = StillClock()
        urls = tuple(node.url for node in nodes)
        client = ClientManager(SolanaSettings(rpc_urls=urls, attempts=1, timeout_s=30.0), clock=clock)
        chain = Chain(client, clock, nodes)
        try:
            yield chain
        finally:
            await chain.sender.close()
            await client.close()


def early(told: list[Fate]) -> int:
    """How often new bytes might have been signed."""
    return sum(fate.kind is FateKind.GONE and not fate.reason for fate in told)


@pytest.mark.parametrize("count", [1, 2], ids=["alone", "two"])
async def test_what_never_arrived_is_gone_when_it_is_past_and_everybody_has_said_so_for_two_minutes(
    count: int, figure: Gauge
) -> None:
    async with chain_of(count) as chain:
        told = [await chain.fate(), *await chain.told(AGAIN_S - 5)]
        figure(Measure.SIGNED_EARLY, early(told))
        assert {fate.kind for fate in told} == {FateKind.PENDING}
        assert await chain.passes(5) == Fate(kind=FateKind.GONE)


async def test_a_liar_that_states_heights_of_the_future_lets_nothing_be_signed_again(figure: Gauge) -> None:
    async with chain_of(2) as chain:
        honest, liar = chain.nodes
        liar.inject(HttpError(status=403), methods=["sendTransaction"])
        told = [await chain.fate()]
        liar.advance(100_000)
        told += await chain.told(50)
        assert {fate.kind for fate in told} == {FateKind.PENDING}
        await chain.sender.send(chain.signed)
        told.append(await chain.fate())
        figure(Measure.SIGNED_EARLY, early(told))
        figure(Measure.LOST, told[-1].kind is not FateKind.LANDED)
        assert chain.signed.signature in honest.sent


async def test_a_liar_that_is_the_only_endpoint_leaves_it_to_a_person(figure: Gauge) -> None:
    async with chain_of(1) as chain:
        told = [await chain.fate()]
        chain.nodes[0].advance(100_000)
        told += await chain.told(GIVEN_UP_S)
        figure(Measure.SIGNED_EARLY, early(told))
        assert told[-1].kind is FateKind.GONE
        assert "that a chain cannot have reached" in told[-1].reason
        assert [fate.kind for fate in told[:-1]] == [FateKind.PENDING] * (len(told) - 1)


async def test_heights_that_were_past_from_the_first_moment_are_believed_of_two_and_not_of_one(figure: Gauge) -> None:
    """As after a restart hours later, or of a liar that has lied from the beginning."""
    verdicts = {}
    for count in (1, 2):
        async with chain_of(count) as chain:
            for node in chain.nodes:
                node.advance(100_000)
            verdicts[count] = [await chain.fate(), *await chain.told(GIVEN_UP_S)]
    figure(Measure.SIGNED_EARLY, early(verdicts[1]))
    assert verdicts[1][-1].reason
    assert verdicts[2][-1] == Fate(kind=FateKind.GONE)


async def test_not_found_by_one_for_what_landed_at_another_is_landed(figure: Gauge) -> None:
    async with chain_of(2) as chain:
        honest, liar = chain.nodes
        liar.inject(HttpError(status=403), methods=["sendTransaction"])
        await chain.sender.send(chain.signed)
        told = [await chain.fate(), *await chain.told(GIVEN_UP_S, every_s=50.0)]
        figure(Measure.SIGNED_EARLY, early(told))
        figure(Measure.LOST, sum(fate.kind is not FateKind.LANDED for fate in told))
        assert liar.sent == {}
        assert chain.signed.signature in honest.sent


async def test_two_that_contradict_each_other_for_minutes_leave_it_to_a_person() -> None:
    async with chain_of(2) as chain:
        last = await chain.fate()
        for _ in range(12):
            chain.clock.passed_s += 50
            chain.nodes[1].advance(125)
            last = await chain.fate()
        assert last.kind is FateKind.GONE
        assert chain.nodes[0].url.removeprefix("http://") in last.reason
        assert "look at the venue" in last.reason


LAST = 1_000
walks = st.lists(st.tuples(st.floats(0, 60), st.lists(st.integers(0, 10**7), min_size=2, max_size=2)), max_size=30)


@given(walks)
def test_while_one_of_two_stays_honest_nothing_is_signed_before_the_last_height(
    walk: list[tuple[float, list[int]]],
) -> None:
    """Whatever the liar states, and whenever."""
    agreement, now_s = Agreement(("honest", "liar"), resign_after_s=AGAIN_S), 0.0
    for passed_s, (_, lie) in walk:
        now_s += passed_s
        height = min(LAST, LAST - 150 + round(now_s * BLOCKS_PER_S))  # the chain stalls before the last height
        assert agreement.verdict("s", LAST, [height, lie], now_s) != AGREED
        assert agreement.verdict("t", LAST, [lie, height], now_s) != AGREED


@given(st.floats(0, AGAIN_S, exclude_max=True), st.integers(1, 4))
def test_nothing_is_over_before_the_time_is_up(after_s: float, count: int) -> None:
    agreement = Agreement([f"node {number}" for number in range(count)], resign_after_s=AGAIN_S)
    assert agreement.verdict("s", LAST, [LAST - 150] * count, 0.0) == WAIT
    assert agreement.verdict("s", LAST, [LAST + 10**6] * count, after_s) == WAIT


def test_only_so_many_signatures_are_remembered() -> None:
    agreement = Agreement(("node",), resign_after_s=AGAIN_S)
    for number in range(3_000):
        agreement.verdict(f"signature {number}", LAST, [LAST - 1], 0.0)
    assert len(agreement._firsts) == 1_000
