"""The reader of on-chain accounts over a loopback node: checks, sweeps, references."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from solders.pubkey import Pubkey

from risk.margin.evaluate import evaluate
from risk.model.market import OracleValidity
from tests.support import addresses
from tests.support.random_users import UserGenerator
from tests.support.solana_rpc import BitFlip, Refusal, Reset, SolanaRpc, StaleSlot, Truncate, WrongOwner
from tests.support.world import ChainAccount, World
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.conftest import StillClock
from tests.venues.solana.reading import DRIFT, NOON, book_of
from venues.errors import BadAccountData, VenueRejected, VenueUnavailable
from venues.solana.accounts import Fetched
from venues.solana.adapter import DriftAdapter, connect
from venues.solana.client import ClientManager
from venues.solana.directory import Directory
from venues.solana.settings import SolanaSettings

ANN, BOB = addresses.address("ann"), addresses.address("bob")
READ = "getMultipleAccounts"


@pytest.fixture
def builder() -> WorldBuilder:
    builder = WorldBuilder()
    builder.add_user("ann", spots=[builder.deposit("USDC", "1000")], perps=[builder.position("BTC-PERP", "0.01")])
    builder.add_user("ann", sub_account_id=1, spots=[builder.deposit("SOL", "7")])
    builder.add_user("bob", perps=[builder.position("SOL-PERP", "-2")], spots=[builder.deposit("USDC", "500")])
    return builder


@pytest.fixture
def world(builder: WorldBuilder) -> World:
    return builder.build()


@pytest.fixture
async def rpc(world: World) -> AsyncIterator[SolanaRpc]:
    async with SolanaRpc(world) as rpc:
        yield rpc


@pytest.fixture
async def drift(rpc: SolanaRpc, clock: StillClock) -> AsyncIterator[DriftAdapter]:
    adapter = connect(SolanaSettings(rpc_urls=(rpc.url,), timeout_s=30.0), clock=clock)
    yield adapter
    await adapter.close()


class SilentAfterOneAnswer(ClientManager):
    """A venue that goes down between two questions."""

    _answered = False

    async def accounts(self, keys: Sequence[Pubkey]) -> Fetched:
        if self._answered:
            raise VenueUnavailable("no RPC endpoint answered")
        self._answered = True
        return await super().accounts(keys)


async def test_accounts_come_in_the_order_asked_for_with_all_they_touch(
    drift: DriftAdapter, world: World, rpc: SolanaRpc
) -> None:
    keys = list(world.users)[::-1]
    book = await drift.read(keys)
    assert list(book.accounts.ids) == keys
    assert (book.slot, book.observed_at) == (rpc.slot, NOON)
    expected = evaluate(book_of(world, keys)).maintenance
    assert evaluate(book).maintenance.collateral_usd.tolist() == expected.collateral_usd.tolist()


async def test_a_check_costs_one_call_once_it_is_known_what_an_account_touches(
    drift: DriftAdapter, world: World, rpc: SolanaRpc
) -> None:
    keys = list(world.users)
    await drift.read(keys)
    rpc.calls.clear()
    for _ in range(3):
        await drift.read(keys)
    assert dict(rpc.counts()) == {READ: 3}


async def test_a_new_position_brings_its_market_and_feed_into_the_next_check(
    drift: DriftAdapter, builder: WorldBuilder, world: World, rpc: SolanaRpc
) -> None:
    key = addresses.user_address(BOB)
    await drift.read([key])
    richer = WorldBuilder()
    assert key == richer.add_user("bob", perps=[richer.position("ETH-PERP", "1")], spots=[richer.deposit("BONK", "1")])
    rpc.put_account(key, data=richer.build().users[key])
    book = await drift.read([key])
    assert book.perp_markets.names == ("ETH-PERP",)
    assert book.spot_markets.names == ("USDC", "BONK")
    assert book.accounts.problems == {}


async def test_prices_move_and_age_from_check_to_check(
    drift: DriftAdapter, builder: WorldBuilder, rpc: SolanaRpc
) -> None:
    key, feed = addresses.user_address(ANN), builder.oracle_address("BTC")
    before = evaluate(await drift.read([key])).maintenance.collateral_usd[0]
    rpc.set_oracle(feed, "99765.43")
    assert evaluate(await drift.read([key])).maintenance.collateral_usd[0] == pytest.approx(before + 10, abs=0.01)
    rpc.set_oracle(feed, "99765.43", hold=True)
    rpc.advance(121)
    book = await drift.read([key])
    assert OracleValidity(int(book.perp_markets.validity[0])) is OracleValidity.STALE


async def test_orders_come_only_when_asked_for(drift: DriftAdapter, world: World) -> None:
    keys = list(world.users)
    assert (await drift.read(keys)).orders is not None
    assert (await drift.read(keys, with_orders=False)).orders is None


async def test_reading_nobody_still_tells_what_the_venue_says_of_itself(clock: StillClock) -> None:
    async with SolanaRpc(WorldBuilder(exchange_status=255).build()) as rpc:
        drift = connect(SolanaSettings(rpc_urls=(rpc.url,), timeout_s=30.0), clock=clock)
        book = await drift.read([])
        assert (book.n_accounts, book.notices) == (0, ("exchange paused: everything",))
        await drift.close()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(WrongOwner(), "is owned by"), (Truncate(length=4_000), "4000 bytes"), (BitFlip(offset=3), "another type")],
    ids=["wrong owner", "truncated", "flipped bit"],
)
async def test_a_damaged_account_is_refused_alone_and_left_out_of_a_group(
    fault: WrongOwner | Truncate | BitFlip, reason: str, drift: DriftAdapter, world: World, rpc: SolanaRpc
) -> None:
    keys = list(world.users)
    rpc.inject(fault, pubkeys=[keys[0]])
    with pytest.raises(BadAccountData, match=reason):
        await drift.read([keys[0]])
    book = await drift.read(keys)
    assert list(book.accounts.problems) == [0]
    collateral = evaluate(book).maintenance.collateral_usd
    assert np.isnan(collateral[0])
    assert np.isfinite(collateral[1:]).all()


async def test_an_account_that_does_not_exist_says_so(drift: DriftAdapter) -> None:
    with pytest.raises(VenueRejected, match="does not exist"):
        await drift.read([addresses.user_address(ANN, 9)])


async def test_a_cluster_without_the_venue_is_told_apart(world: World, clock: StillClock) -> None:
    accounts = {key: account for key, account in world.accounts.items() if key != addresses.state_address()}
    async with SolanaRpc(replace(world, accounts=accounts)) as rpc:
        drift = connect(SolanaSettings(rpc_urls=(rpc.url,), timeout_s=30.0), clock=clock)
        with pytest.raises(VenueRejected, match="no drift State"):
            await drift.read(list(world.users))
        await drift.close()


@pytest.mark.parametrize("fault", [WrongOwner(), Truncate(length=991), BitFlip(offset=0)])
async def test_a_damaged_state_is_never_worked_around(
    fault: WrongOwner | Truncate | BitFlip, drift: DriftAdapter, world: World, rpc: SolanaRpc
) -> None:
    rpc.inject(fault, pubkeys=[addresses.state_address()])
    with pytest.raises(BadAccountData, match="the drift State"):
        await drift.read(list(world.users))


async def test_a_backward_slot_is_refused(drift: DriftAdapter, world: World, rpc: SolanaRpc) -> None:
    keys = list(world.users)
    await drift.read(keys)
    rpc.inject(StaleSlot(slots=100))
    with pytest.raises(VenueUnavailable, match="100 slots behind"):
        await drift.read(keys)


async def test_more_accounts_than_one_call_takes_are_read_together(clock: StillClock) -> None:
    builder = WorldBuilder()
    UserGenerator(builder, seed=3).add(150)
    world = builder.build()
    async with SolanaRpc(world) as rpc:
        drift = connect(SolanaSettings(rpc_urls=(rpc.url,), timeout_s=30.0), clock=clock)
        keys = list(world.users)
        book = await drift.read(keys)
        assert (book.n_accounts, book.accounts.problems, book.notices) == (150, {}, book_of(world).notices)
        expected = evaluate(book_of(world, keys)).maintenance.collateral_usd
        assert evaluate(book).maintenance.collateral_usd.tolist() == expected.tolist()
        await drift.close()


async def test_a_sweep_gives_every_account_in_batches_at_one_set_of_prices(clock: StillClock) -> None:
    builder = WorldBuilder()
    UserGenerator(builder, seed=4).add(70)
    world = builder.build()
    stranger = {addresses.address("short"): ChainAccount(owner=addresses.DRIFT_PROGRAM, data=b"\x9f\x75" * 2_188)}
    async with SolanaRpc(world.with_accounts(stranger)) as rpc:
        drift = connect(SolanaSettings(rpc_urls=(rpc.url,), timeout_s=30.0), clock=clock)
        books = [book async for book in drift.sweep(batch_accounts=30)]
        assert [book.n_accounts for book in books] == [30, 30, 10]
        assert rpc.count("getProgramAccounts") == 1
        assert all(book.orders is None and book.slot == world.slot for book in books)
        await drift.close()
    found = {
        key: collateral
        for book in books
        for key, collateral in zip(book.accounts.ids, evaluate(book).maintenance.collateral_usd.tolist(), strict=True)
    }
    whole = book_of(world)
    assert found == dict(zip(whole.accounts.ids, evaluate(whole).maintenance.collateral_usd.tolist(), strict=True))


@pytest.mark.parametrize(
    ("behind", "notices"), [(5, ()), (30, ("the accounts were listed 30 slots before they were priced",))]
)
async def test_a_sweep_is_as_old_as_its_oldest_part(
    behind: int, notices: tuple[str, ...], drift: DriftAdapter, world: World, rpc: SolanaRpc
) -> None:
    rpc.inject(StaleSlot(slots=behind), methods=["getProgramAccounts"])
    (book,) = [book async for book in drift.sweep()]
    assert (book.slot, book.notices) == (world.slot - behind, notices)


async def test_a_provider_that_lists_no_accounts_is_told_by_name(drift: DriftAdapter, rpc: SolanaRpc) -> None:
    rpc.inject(Refusal(code=-32_601, message="Method not found"), methods=["getProgramAccounts"])
    with pytest.raises(VenueRejected, match="Method not found"):
        await anext(drift.sweep())


@pytest.mark.parametrize("reference", [addresses.user_address(ANN), f"{ANN}:0", f" {ANN}:0 "])
async def test_an_account_is_found_by_address_or_by_wallet_and_number(reference: str, drift: DriftAdapter) -> None:
    assert await drift.resolve(reference) == addresses.user_address(ANN)


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("hello", "is not a Solana address"),
        (f"{ANN}:seven", "write WALLET:0"),
        (ANN, f"is a wallet, not a drift account; write {ANN}:0, {ANN}:1"),
        (f"{ANN}:5", f"has no sub-account 5 on drift; write {ANN}:0, {ANN}:1"),
        (addresses.address("nobody"), "there is no drift account at"),
        (f"{addresses.address('nobody')}:0", "it has none there"),
        (addresses.state_address(), "is an account of another type"),
        (WorldBuilder().oracle_address("BONK"), "belongs to the program"),
    ],
)
async def test_a_wrong_reference_is_answered_with_what_to_write(
    reference: str, sentence: str, drift: DriftAdapter
) -> None:
    with pytest.raises(VenueRejected) as refusal:
        await drift.resolve(reference)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize("reference", [f"{ANN}:1", addresses.user_address(ANN, 1), f"{addresses.address('nobody')}:3"])
async def test_while_the_venue_is_silent_a_reference_means_what_it_says(
    reference: str, drift: DriftAdapter, rpc: SolanaRpc
) -> None:
    rpc.inject(Reset())
    authority, _, number = reference.partition(":")
    expected = addresses.user_address(authority, int(number)) if number else reference
    assert await drift.resolve(reference) == expected


async def test_references_that_are_looked_up_at_the_same_moment_are_one_question(
    drift: DriftAdapter, rpc: SolanaRpc
) -> None:
    known = [addresses.user_address(ANN), f"{ANN}:1"]
    found = await asyncio.gather(*(drift.resolve(reference) for reference in known))
    assert found == [addresses.user_address(ANN), addresses.user_address(ANN, 1)]
    assert rpc.counts()[READ] == 1

    nobody = [drift.resolve(f"{addresses.address(f'nobody {number}')}:0") for number in range(250)]
    outcomes = await asyncio.gather(*nobody, *(drift.resolve(one) for one in known), return_exceptions=True)
    assert outcomes[250:] == found
    assert all(isinstance(one, VenueRejected) for one in outcomes[:250])


async def test_references_that_are_looked_up_together_are_unchecked_together_while_the_venue_is_silent(
    drift: DriftAdapter, rpc: SolanaRpc
) -> None:
    rpc.inject(Reset())
    found = await asyncio.gather(*(drift.resolve(f"{ANN}:{number}") for number in range(5)))
    assert found == [addresses.user_address(ANN, number) for number in range(5)]


async def test_an_address_is_told_from_a_word_without_asking_anybody(drift: DriftAdapter, rpc: SolanaRpc) -> None:
    rpc.inject(Reset())
    drift.require_address(ANN)
    with pytest.raises(VenueRejected, match="'foo' is not a Solana address"):
        drift.require_address("foo")


async def test_a_silent_venue_does_not_excuse_a_reference_that_is_none(drift: DriftAdapter, rpc: SolanaRpc) -> None:
    rpc.inject(Reset())
    with pytest.raises(VenueRejected, match="is not a Solana address"):
        await drift.resolve("hello")


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [(ANN, f"there is no drift account at {ANN}; check the address"), (f"{ANN}:5", "5 on drift; check the number")],
)
async def test_a_refusal_stands_when_the_venue_falls_silent_before_it_could_advise(
    reference: str, sentence: str, rpc: SolanaRpc, clock: StillClock
) -> None:
    client = SilentAfterOneAnswer(SolanaSettings(rpc_urls=(rpc.url,), timeout_s=30.0), clock=clock)
    with pytest.raises(VenueRejected, match=sentence):
        await Directory(DRIFT, client).resolve(reference)
    await client.close()


async def test_a_numbered_address_that_somebody_only_paid_into_is_no_account(
    drift: DriftAdapter, rpc: SolanaRpc
) -> None:
    rpc.put_account(addresses.user_address(ANN, 5), data=b"", owner=addresses.SYSTEM_PROGRAM, lamports=10**9)
    with pytest.raises(VenueRejected, match="has no sub-account 5"):
        await drift.resolve(f"{ANN}:5")
    assert len(await drift.sub_accounts(ANN)) == 2


async def test_a_funded_wallet_is_a_wallet_too(drift: DriftAdapter, rpc: SolanaRpc) -> None:
    rpc.put_account(ANN, data=b"", owner=addresses.SYSTEM_PROGRAM, lamports=10**9)
    with pytest.raises(VenueRejected, match=f"write {ANN}:0"):
        await drift.resolve(ANN)


async def test_a_wallets_accounts_are_listed_by_number(drift: DriftAdapter, rpc: SolanaRpc) -> None:
    both = [addresses.user_address(ANN), addresses.user_address(ANN, 1)]
    assert await drift.sub_accounts(ANN) == both
    assert await drift.sub_accounts(addresses.address("nobody")) == []
    rpc.remove_account(addresses.user_stats_address(ANN))
    assert await drift.sub_accounts(ANN) == both
    rpc.remove_account(both[0])
    assert await drift.sub_accounts(ANN) == both[1:]


async def test_many_accounts_of_one_wallet_are_found_by_its_own_count(clock: StillClock) -> None:
    builder = WorldBuilder()
    for number in range(130):
        builder.add_user("ann", sub_account_id=number)
    async with SolanaRpc(builder.build()) as rpc:
        drift = connect(SolanaSettings(rpc_urls=(rpc.url,), timeout_s=30.0), clock=clock)
        assert len(await drift.sub_accounts(ANN)) == 130
        await drift.close()


async def test_the_second_endpoint_carries_on_within_one_check(world: World, clock: StillClock) -> None:
    async with SolanaRpc(world) as first, SolanaRpc(world) as second:
        drift = connect(SolanaSettings(rpc_urls=(first.url, second.url), timeout_s=30.0), clock=clock)
        await drift.read(list(world.users))
        first.inject(Reset())
        assert (await drift.read(list(world.users))).accounts.problems == {}
        assert second.count(READ) == 1
        assert drift.host == second.url.removeprefix("http://")
        await drift.close()
