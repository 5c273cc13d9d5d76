"""Sending and following, over nodes that lose answers, fall behind, refuse and forget."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from risk.model.trading import Fate, FateKind, Signed
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support import addresses
from tests.support.drift_trading import account_id, trading_world
from tests.support.solana_rpc import (
    Delay,
    Garbage,
    HttpError,
    Landing,
    LandingMode,
    RateLimit,
    Refusal,
    Reset,
    SolanaRpc,
    StaleSlot,
)
from tests.support.solana_rpc.faults import Fault
from tests.support.waiting import PATIENCE_S, given_up
from tests.venues.solana.conftest import StillClock
from tests.venues.solana.reading import DRIFT
from venues.errors import OutcomeUnknown, VenueRejected, VenueUnavailable
from venues.solana import sender
from venues.solana.budget import unit_limit, unit_price_micro
from venues.solana.client import ClientManager
from venues.solana.fates import Fates
from venues.solana.refusals import sentence
from venues.solana.sender import Horizon, Sender
from venues.solana.settings import SolanaSettings

KEY = addresses.keypair("ann's bot")
ACCOUNT = Pubkey.from_string(account_id())
MOST_BYTES = 100_000
DEAD = "http://127.0.0.1:9"  # nobody listens there
NEVER = Delay(seconds=3_600)


class Chain:
    """One or two nodes, and a sender that knows them."""

    def __init__(self, client: ClientManager, nodes: list[SolanaRpc]) -> None:
        self.sender, self.fates, self.nodes = Sender(client), Fates(DRIFT, client), nodes

    @property
    def rpc(self) -> SolanaRpc:
        return self.nodes[0]

    async def signed(self) -> Signed:
        recent = await self.sender.blockhash()
        return signed_with(recent.blockhash, recent.last_valid_height)

    async def fate(self, signed: Signed) -> Fate:
        """By the signature alone."""
        return (await self.fates.by_signature(signed)).fate


def signed_with(blockhash: Hash, last_valid_height: int) -> Signed:
    call = Instruction(Pubkey.from_string(addresses.DRIFT_PROGRAM), b"any", [AccountMeta(ACCOUNT, False, True)])
    transaction = VersionedTransaction(Message.new_with_blockhash([call], KEY.pubkey(), blockhash), [KEY])
    return Signed(signature=str(transaction.signatures[0]), raw=bytes(transaction), last_valid_height=last_valid_height)


@contextlib.asynccontextmanager
async def chain_of(count: int = 1, *more_urls: str, dead_first: bool = False) -> AsyncIterator[Chain]:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(SolanaRpc(trading_world())) for _ in range(count)]
        urls = [*(node.url for node in nodes), *more_urls]
        urls = urls[::-1] if dead_first else urls
        clock = StillClock()
        settings = SolanaSettings(
            rpc_urls=tuple(urls), attempts=1, timeout_s=PATIENCE_S, slot_tolerance=10_000, max_answer_bytes=MOST_BYTES,
            resign_after_s=0.0,
        )  # fmt: skip
        client = ClientManager(settings, clock=clock)
        chain = Chain(client, nodes)
        try:
            yield chain
        finally:
            await chain.sender.close()
            await client.close()


@pytest.fixture
async def chain() -> AsyncIterator[Chain]:
    async with chain_of() as opened:
        yield opened


async def test_what_lands_is_known_by_its_slot(chain: Chain) -> None:
    signed = await chain.signed()
    assert (await chain.fate(signed)).kind is FateKind.PENDING
    await chain.sender.send(signed)
    fate = await chain.fate(signed)
    assert (fate.kind, fate.slot) == (FateKind.LANDED, chain.rpc.slot)


async def test_the_same_bytes_may_be_sent_again_once_they_have_landed(chain: Chain) -> None:
    signed = await chain.signed()
    for _ in range(3):
        await chain.sender.send(signed)
    assert chain.rpc.sent[signed.signature].sends == 3
    assert len(chain.rpc.ledger.landed) == 1


async def test_every_endpoint_gets_the_very_same_bytes() -> None:
    async with chain_of(2) as chain:
        blockhash, last = chain.nodes[0].ledger.new_blockhash()
        chain.nodes[1].ledger.new_blockhash()
        signed = signed_with(Hash.from_string(blockhash), last)
        await chain.sender.send(signed)
        await chain.sender.settle()
        assert [node.sent[signed.signature].raw for node in chain.nodes] == [signed.raw] * 2


@pytest.mark.parametrize("fault", [
    HttpError(status=503), Reset(), NEVER, Garbage(body="<html>"),
    Garbage(body='{"jsonrpc":"2.0","id":0,"result":7}'),
    Refusal(code=-32_603, message="Internal error"), Garbage(body='{"jsonrpc":"2.0","id":0,"result":"another"}'),
    Garbage(body="x" * (MOST_BYTES + 1)), HttpError(status=403), HttpError(status=404), HttpError(status=413),
    HttpError(status=307, location="http://127.0.0.1:9"),
], ids=lambda fault: str(fault)[:70])  # fmt: skip
async def test_a_broken_answer_to_a_sending_is_an_unknown_outcome(chain: Chain, fault: Fault) -> None:
    signed = await chain.signed()
    struck = chain.rpc.inject(fault, methods=["sendTransaction"])
    sending = chain.sender.send(signed)
    with pytest.raises(OutcomeUnknown):
        await (given_up(sending, heard=lambda: struck.hits) if fault is NEVER else sending)


async def test_a_lost_answer_is_unknown_and_the_signature_tells(chain: Chain) -> None:
    signed = await chain.signed()
    chain.rpc.set_landing(Landing(mode=LandingMode.LAND_TIMEOUT, answer_after_s=0.05))
    with pytest.raises(OutcomeUnknown):
        await chain.sender.send(signed)
    assert (await chain.fate(signed)).kind is FateKind.LANDED


@pytest.mark.parametrize("fault", [
    RateLimit(), Refusal(code=-32_005, message="Node is behind"),
    Refusal(code=-32_601, message="Method not found"),
], ids=str)  # fmt: skip
async def test_what_surely_was_not_taken_may_be_sent_again(chain: Chain, fault: Fault) -> None:
    signed = await chain.signed()
    chain.rpc.inject(fault, methods=["sendTransaction"], count=1)
    with pytest.raises(VenueUnavailable):
        await chain.sender.send(signed)
    assert signed.signature not in chain.rpc.sent


async def test_a_refusal_says_what_the_program_says(chain: Chain) -> None:
    chain.sender.errors = chain.fates.errors = {6_003: ("InsufficientCollateral", "Insufficient collateral")}
    signed = await chain.signed()
    chain.rpc.set_landing(Landing(mode=LandingMode.REJECT))
    with pytest.raises(VenueRejected, match=r"too little free collateral .* \(InsufficientCollateral\)"):
        await chain.sender.send(signed)
    chain.rpc.set_landing(Landing(mode=LandingMode.LAND_FAILED))
    await chain.sender.send(signed)
    fate = await chain.fate(signed)
    assert fate.kind is FateKind.FAILED
    assert "InsufficientCollateral" in fate.reason


async def test_one_endpoint_that_takes_it_is_enough_and_a_refusal_of_another_changes_nothing() -> None:
    async with chain_of(2) as chain:
        signed = await chain.signed()
        chain.nodes[1].set_landing(Landing(mode=LandingMode.REJECT))
        chain.nodes[1].ledger.new_blockhash()
        await chain.sender.send(signed)
        assert (await chain.fate(signed)).kind is FateKind.LANDED


@pytest.mark.parametrize("dead_first", [False, True])
async def test_a_dead_endpoint_beside_a_live_one_is_no_obstacle(dead_first: bool) -> None:
    async with chain_of(1, DEAD, dead_first=dead_first) as chain:
        signed = await chain.signed()
        await chain.sender.send(signed)
        assert (await chain.fate(signed)).kind is FateKind.LANDED


async def test_a_slow_endpoint_does_not_hold_up_a_quick_one() -> None:
    async with chain_of(2) as chain:
        signed = await chain.signed()
        chain.nodes[1].inject(NEVER, methods=["sendTransaction"])
        await chain.sender.send(signed)
        assert signed.signature in chain.nodes[0].sent


async def test_nobody_there_is_surely_not_taken() -> None:
    async with chain_of(1) as chain, chain_of(0, DEAD) as nowhere:
        signed = await chain.signed()
        with pytest.raises(VenueUnavailable):
            await nowhere.sender.send(signed)
        with pytest.raises(VenueUnavailable):
            await nowhere.fate(signed)


async def test_a_refusal_beside_an_unknown_is_unknown() -> None:
    async with chain_of(2) as chain:
        signed = await chain.signed()
        chain.nodes[0].set_landing(Landing(mode=LandingMode.REJECT))
        chain.nodes[1].inject(Reset(), methods=["sendTransaction"])
        with pytest.raises(OutcomeUnknown):
            await chain.sender.send(signed)


async def test_an_answer_that_is_too_long_beside_a_refusal_is_no_refusal() -> None:
    async with chain_of(2) as chain:
        signed = await chain.signed()
        chain.nodes[0].set_landing(Landing(mode=LandingMode.REJECT))
        chain.nodes[1].inject(Garbage(body="x" * (MOST_BYTES + 1)), methods=["sendTransaction"])
        with pytest.raises(OutcomeUnknown):
            await chain.sender.send(signed)


async def test_a_node_that_states_too_low_a_last_height_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "_OTHERS_S", PATIENCE_S)
    async with chain_of(2) as chain:
        recent = await chain.sender.blockhash()
        low = replace(recent, last_valid_height=recent.last_valid_height - 140)
        here = Horizon(height=recent.last_valid_height - 150, last_valid_height=recent.last_valid_height)
        assert await chain.sender.horizon(low) == here
        assert await chain.sender.horizon(recent) == here
        chain.nodes[1].advance(7)
        # The signer is told the lowest height: what it waits for to pass must have passed everywhere.
        assert await chain.sender.horizon(low) == replace(here, last_valid_height=recent.last_valid_height + 7)
        slow = chain.nodes[1].inject(NEVER, methods=["getEpochInfo"])
        asking = chain.sender.horizon(low)
        assert await given_up(asking, heard=lambda: slow.hits) == here
        chain.nodes[0].inject(HttpError(status=503))
        with pytest.raises(VenueUnavailable, match="block height"):
            await given_up(chain.sender.horizon(low), heard=lambda: slow.hits)


async def test_what_was_dropped_is_pending_until_its_last_height_is_past(chain: Chain, figure: Gauge) -> None:
    signed = await chain.signed()
    chain.rpc.set_landing(Landing(mode=LandingMode.DROP))
    await chain.sender.send(signed)
    told = [(await chain.fate(signed)).kind]
    for blocks in (50, 99, 1):
        chain.rpc.advance(blocks)
        told.append((await chain.fate(signed)).kind)
    assert chain.rpc.chain.block_height == signed.last_valid_height, "this very block is its last"
    assert set(told) == {FateKind.PENDING}
    figure(Measure.TRIED, len(told))
    figure(Measure.SIGNED_EARLY, told.count(FateKind.GONE))
    chain.rpc.advance(1)
    assert (await chain.fate(signed)).kind is FateKind.GONE


async def test_what_expired_is_gone(chain: Chain) -> None:
    signed = await chain.signed()
    chain.rpc.set_landing(Landing(mode=LandingMode.EXPIRE))
    await chain.sender.send(signed)
    assert (await chain.fate(signed)).kind is FateKind.GONE


async def test_a_stale_endpoint_cannot_say_that_it_is_gone() -> None:
    async with chain_of(2) as chain:
        signed = await chain.signed()
        for node in chain.nodes:
            node.advance(200)
        assert await chain.fate(signed) == Fate(kind=FateKind.GONE)
        chain.nodes[1].inject(StaleSlot(slots=100), methods=["getEpochInfo"])
        assert (await chain.fate(signed)).kind is FateKind.PENDING


@pytest.mark.parametrize("fault", [
    HttpError(status=503), Refusal(code=-32_011, message="Transaction history is not available from this node"),
], ids=lambda fault: type(fault).__name__)  # fmt: skip
async def test_an_endpoint_that_is_down_is_waited_for_and_named_where_it_stays_down(fault: Fault) -> None:
    async with chain_of(2) as chain:
        signed = await chain.signed()
        chain.nodes[0].inject(fault, methods=["getSignatureStatuses"])
        assert (await chain.fate(signed)).kind is FateKind.PENDING
        chain.nodes[1].advance(150 + 750)
        assert (await chain.fate(signed)).kind is FateKind.PENDING
        chain.nodes[1].advance(1)
        given_up = await chain.fate(signed)
        assert given_up.kind is FateKind.GONE
        assert chain.nodes[0].url.removeprefix("http://") in given_up.reason
        assert "look at the venue before asking again" in given_up.reason
        assert chain.nodes[1].url.removeprefix("http://") not in given_up.reason


async def test_a_node_that_has_forgotten_is_not_believed_while_another_is_silent() -> None:
    """A landed transaction, one node that keeps no history, and one that does and is down."""
    async with chain_of(2) as chain:
        signed = await chain.signed()
        chain.nodes[1].ledger.new_blockhash()
        await chain.sender.send(signed)
        await chain.sender.settle()
        for node in chain.nodes:
            node.advance(200)
        chain.nodes[0].ledger.sent.clear()
        chain.nodes[1].inject(HttpError(status=503))
        assert (await chain.fate(signed)).kind is FateKind.PENDING
        chain.nodes[1].heal()
        assert (await chain.fate(signed)).kind is FateKind.LANDED


async def test_an_endpoint_that_answers_from_a_node_that_is_behind_cannot_say_that_it_is_gone(
    chain: Chain, figure: Gauge
) -> None:
    signed = await chain.signed()
    chain.rpc.advance(200)
    chain.rpc.inject(StaleSlot(slots=1), methods=["getSignatureStatuses"])
    told = (await chain.fate(signed)).kind
    figure(Measure.SIGNED_EARLY, told is FateKind.GONE)
    assert told is FateKind.PENDING
    chain.rpc.heal()
    assert (await chain.fate(signed)).kind is FateKind.GONE


@pytest.mark.parametrize("blind", ["getEpochInfo", "getSignatureStatuses"])
async def test_half_an_answer_never_makes_it_gone(chain: Chain, blind: str) -> None:
    signed = await chain.signed()
    chain.rpc.advance(200)
    chain.rpc.inject(Refusal(code=-32_603, message="Internal error"), methods=[blind])
    if blind == "getEpochInfo":
        assert (await chain.fate(signed)).kind is FateKind.PENDING
    else:
        with pytest.raises(VenueUnavailable):
            await chain.fate(signed)


async def test_whoever_knows_the_signature_is_believed_over_those_who_do_not(figure: Gauge) -> None:
    async with chain_of(2) as chain:
        signed = await chain.signed()
        chain.nodes[1].inject(HttpError(status=403), methods=["sendTransaction"])
        await chain.sender.send(signed)
        chain.nodes[1].advance(500)
        chain.nodes[0].advance(500)
        told = (await chain.fate(signed)).kind
        figure(Measure.LOST, told is not FateKind.LANDED)
        figure(Measure.SIGNED_EARLY, told is FateKind.GONE)
        assert told is FateKind.LANDED


async def test_what_one_node_alone_has_seen_is_pending(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = await chain.signed()
    await chain.sender.send(signed)
    shown = {"slot": 1, "confirmations": 0, "confirmationStatus": "processed", "err": None, "status": {"Ok": None}}
    monkeypatch.setattr(chain.rpc.ledger, "status", lambda _: shown)
    chain.rpc.advance(500)
    assert (await chain.fate(signed)).kind is FateKind.PENDING


async def test_fees_are_those_of_the_node_or_nothing_where_it_lacks_the_method(chain: Chain) -> None:
    assert sorted(set(await chain.sender.recent_fees([ACCOUNT]))) == [0, 1, 1_000, 2_500, 10_000, 25_000, 50_000]
    (call,) = [call for call in chain.rpc.calls if call.method == "getRecentPrioritizationFees"]
    assert call.params == ([str(ACCOUNT)],)
    chain.rpc.inject(Refusal(code=-32_601, message="Method not found"), methods=["getRecentPrioritizationFees"])
    assert await chain.sender.recent_fees([ACCOUNT]) == []


@pytest.mark.parametrize(("recent", "price"), [
    ([], 100), ([0, 0, 0], 100), ([50] * 9, 100), ([5_000] * 9, 5_000), ([10**9] * 9, 20_000),
    ([0, 200, 300, 10**9], 300), ([100_000], 20_000),
])  # fmt: skip
def test_the_price_of_a_unit_lies_between_floor_and_cap(recent: list[int], price: int) -> None:
    assert unit_price_micro(recent, floor=100, cap=20_000) == price


def test_units_are_those_of_the_simulation_with_some_to_spare_and_never_above_the_cap() -> None:
    assert unit_limit(200_000, cap=10**6) == 260_000
    assert unit_limit(900_000, cap=10**6) == 10**6
    assert unit_limit(0, cap=10**6) == 10**6
    with pytest.raises(VenueRejected, match="compute units"):
        unit_limit(10**6 + 1, cap=10**6)


@pytest.mark.parametrize(("error", "words"), [
    ("BlockhashNotFound", "signed too long ago"), ("Whatever", "refuses it: Whatever"), ({"Odd": [1]}, "Odd"),
    ({"InstructionError": [0, {"Custom": 6_999}]}, "error 6999"), (None, "None"), ([], "refuses"),
    ({"InstructionError": [0, "InvalidArgument"]}, "InvalidArgument"),
    ({"InstructionError": [0, {"Custom": 6_001}]}, "Clearing house .* (InsuranceAuthority)"),
], ids=str)  # fmt: skip
def test_every_error_becomes_a_sentence(error: object, words: str) -> None:
    names = {6_001: ("InsuranceAuthority", "Clearing house not insurance fund authority")}
    text = sentence(error, names)
    first, _, last = words.partition(" .* ")
    assert first in text
    assert last in text
