"""The fake node answers reads as a Solana node does."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from tests.support import addresses
from tests.support.drift_layout import USER
from tests.support.drift_oracles import posted_slot
from tests.support.hand_clock import HandClock
from tests.support.random_users import UserGenerator
from tests.support.solana_rpc import SolanaRpc, base58
from tests.support.world import ChainAccount, World
from tests.support.world_builder import DEFAULT_SLOT, WorldBuilder
from tests.support_tests.rpc_client import RawClient

BASE64 = {"encoding": "base64"}
BUILDER = WorldBuilder()
ALICE = BUILDER.add_user("alice", spots=[BUILDER.deposit("USDC", "250")])
UserGenerator(BUILDER, seed=1).add(20)
WORLD = BUILDER.build()
SOL_FEED = BUILDER.oracle_address("SOL")


@pytest.fixture
async def rpc() -> AsyncIterator[SolanaRpc]:
    async with SolanaRpc(WORLD) as node:
        yield node


@pytest.fixture
async def client(rpc: SolanaRpc) -> AsyncIterator[RawClient]:
    async with RawClient(rpc.url) as connected:
        yield connected


def data_of(account: Any) -> bytes:
    text, encoding = account["data"]
    assert encoding == "base64"
    return base64.b64decode(text)


async def test_account_comes_with_the_slot_it_was_read_at(client: RawClient) -> None:
    answer = await client.result("getAccountInfo", ALICE, BASE64)
    assert answer["context"]["slot"] == DEFAULT_SLOT
    account = answer["value"]
    assert data_of(account) == WORLD.accounts[ALICE].data
    assert account["owner"] == addresses.DRIFT_PROGRAM
    assert account["space"] == USER.size
    assert account["lamports"] == await client.result("getMinimumBalanceForRentExemption", USER.size)


async def test_missing_account_is_null(client: RawClient) -> None:
    assert (await client.result("getAccountInfo", addresses.address("nobody"), BASE64))["value"] is None
    many = await client.result("getMultipleAccounts", [ALICE, addresses.address("nobody")], BASE64)
    assert many["value"][0] is not None
    assert many["value"][1] is None


async def test_long_data_is_refused_in_base58_and_short_data_is_not(client: RawClient) -> None:
    assert await client.error_code("getAccountInfo", ALICE) == -32_600
    lazer = await client.result("getAccountInfo", SOL_FEED)
    text, encoding = lazer["value"]["data"]
    assert encoding == "base58"
    assert base58.decode(text) == WORLD.accounts[SOL_FEED].data


async def test_data_slice_cuts_and_space_stays_whole(client: RawClient) -> None:
    cut = {"encoding": "base64", "dataSlice": {"offset": 8, "length": 32}}
    account = (await client.result("getAccountInfo", ALICE, cut))["value"]
    assert data_of(account) == addresses.key_bytes(addresses.address("alice"))
    assert account["space"] == USER.size


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("getAccountInfo", ["not an address"], -32_602),
        ("getAccountInfo", [], -32_602),
        ("getMultipleAccounts", [[ALICE] * 101, BASE64], -32_602),
        ("getProgramAccounts", [addresses.DRIFT_PROGRAM, {"filters": [{"dataSize": 1}] * 5}], -32_602),
        ("getProgramAccounts", [addresses.DRIFT_PROGRAM, {"filters": [{"tokenAccountState": 1}]}], -32_602),
        ("getBlockTime", [DEFAULT_SLOT + 1], -32_004),
        ("getAccountInfo", [ALICE, {"encoding": "base64", "minContextSlot": DEFAULT_SLOT + 1}], -32_016),
        ("getAccountInfo", [ALICE, {"encoding": "base64+zstd"}], -32_602),
        ("noSuchMethod", [], -32_601),
    ],
)
async def test_bad_calls_get_the_numbers_a_node_gives(
    client: RawClient, method: str, params: list[Any], code: int
) -> None:
    assert await client.error_code(method, *params) == code


async def test_program_accounts_pass_every_filter(client: RawClient) -> None:
    head = {"memcmp": {"offset": 0, "bytes": base58.encode(USER.head)}}
    users = await client.result(
        "getProgramAccounts", addresses.DRIFT_PROGRAM, {**BASE64, "filters": [{"dataSize": USER.size}, head]}
    )
    assert {row["pubkey"] for row in users} == set(WORLD.users)
    mine = {"memcmp": {"offset": 8, "bytes": addresses.address("alice"), "encoding": "base58"}}
    found = await client.result(
        "getProgramAccounts", addresses.DRIFT_PROGRAM, {**BASE64, "filters": [head, mine], "withContext": True}
    )
    assert found["context"]["slot"] == DEFAULT_SLOT
    assert [row["pubkey"] for row in found["value"]] == [ALICE]
    in_base64 = {"memcmp": {"offset": 0, "bytes": base64.b64encode(USER.head).decode(), "encoding": "base64"}}
    again = await client.result("getProgramAccounts", addresses.DRIFT_PROGRAM, {**BASE64, "filters": [in_base64]})
    assert len(again) == len(users)


async def test_chain_facts(client: RawClient) -> None:
    assert await client.result("getHealth") == "ok"
    assert await client.result("getGenesisHash") == addresses.MAINNET_GENESIS
    assert (await client.result("getVersion"))["solana-core"]
    assert await client.result("getSlot") == DEFAULT_SLOT
    epoch = await client.result("getEpochInfo")
    assert epoch["absoluteSlot"] == DEFAULT_SLOT
    assert epoch["blockHeight"] == await client.result("getBlockHeight")
    assert (await client.result("getBalance", ALICE))["value"] == WORLD.accounts[ALICE].lamports
    fees = await client.result("getRecentPrioritizationFees", [ALICE])
    assert [row["slot"] for row in fees] == list(range(DEFAULT_SLOT - 19, DEFAULT_SLOT + 1))
    earlier, now = (
        await client.result("getBlockTime", DEFAULT_SLOT - 250),
        await client.result("getBlockTime", DEFAULT_SLOT),
    )
    assert abs(now - earlier - 100) <= 1


async def test_batch_is_answered_in_order_and_broken_json_is_an_error(rpc: SolanaRpc, client: RawClient) -> None:
    batch = [{"jsonrpc": "2.0", "id": n, "method": m} for n, m in enumerate(("getSlot", "noSuchMethod"))]
    async with client.http.post(rpc.url, json=batch) as response:
        rows = await response.json()
    assert rows[0]["result"] == DEFAULT_SLOT
    assert rows[1]["error"]["code"] == -32_601
    async with client.http.post(rpc.url, data="{") as response:
        assert (await response.json())["error"]["code"] == -32_700


async def test_calls_are_logged(rpc: SolanaRpc, client: RawClient) -> None:
    await client.result("getSlot")
    await client.result("getAccountInfo", ALICE, BASE64)
    assert rpc.count("getSlot") == 1
    assert rpc.counts() == {"getSlot": 1, "getAccountInfo": 1}
    assert rpc.calls[-1].params == (ALICE, BASE64)


async def test_frozen_chain_stands_and_slots_set_make_feeds_stale() -> None:
    clock = HandClock()
    async with SolanaRpc(WORLD, clock=clock) as rpc:
        clock.pass_s(60)
        assert rpc.slot == DEFAULT_SLOT
        rpc.advance(500)
        feed = rpc.chain.account(SOL_FEED)
        assert rpc.slot == DEFAULT_SLOT + 500
        assert feed is not None
        assert posted_slot(feed.data) == DEFAULT_SLOT - 2


async def test_ticking_chain_posts_feeds_again_with_every_slot() -> None:
    clock = HandClock()
    async with SolanaRpc(WORLD, slots_per_s=2.5, clock=clock) as rpc, RawClient(rpc.url) as client:
        clock.pass_s(40)
        answer = await client.result("getMultipleAccounts", [SOL_FEED, ALICE], BASE64)
        assert answer["context"]["slot"] == DEFAULT_SLOT + 100
        assert posted_slot(data_of(answer["value"][0])) == DEFAULT_SLOT + 98
        assert data_of(answer["value"][1]) == WORLD.accounts[ALICE].data

        rpc.set_oracle(SOL_FEED, "120.5", hold=True)
        rpc.set_tick(0)
        rpc.set_tick(2.5)
        clock.pass_s(40)
        held = await client.result("getAccountInfo", SOL_FEED, BASE64)
        assert held["context"]["slot"] == DEFAULT_SLOT + 200
        assert posted_slot(data_of(held["value"])) == DEFAULT_SLOT + 100


async def test_price_set_is_posted_now_and_keeps_ticking() -> None:
    clock = HandClock()
    async with SolanaRpc(WORLD, slots_per_s=2.5, clock=clock) as rpc:
        clock.pass_s(4)
        rpc.set_oracle(SOL_FEED, "99.5")
        clock.pass_s(4)
        feed = rpc.chain.account(SOL_FEED)
        assert feed is not None
        assert int.from_bytes(feed.data[8:16], "little") == 9_950_000_000
        assert posted_slot(feed.data) == rpc.slot == DEFAULT_SLOT + 20


async def test_accounts_can_be_put_changed_and_removed(rpc: SolanaRpc, client: RawClient) -> None:
    key = addresses.address("new account")
    rpc.put_account(key, data=b"12345678", owner=addresses.DRIFT_PROGRAM)
    assert data_of((await client.result("getAccountInfo", key, BASE64))["value"]) == b"12345678"
    rpc.put_account(key, lamports=5)
    assert (await client.result("getBalance", key))["value"] == 5
    rpc.remove_account(key)
    assert (await client.result("getAccountInfo", key, BASE64))["value"] is None


async def test_block_time_stands_still_with_a_frozen_chain() -> None:
    clock = HandClock(datetime(2026, 1, 1, tzinfo=UTC))
    async with SolanaRpc(WORLD, clock=clock) as rpc, RawClient(rpc.url) as client:
        before = await client.result("getBlockTime", DEFAULT_SLOT)
        clock.pass_s(30)
        assert await client.result("getBlockTime", DEFAULT_SLOT) == before
        assert before == int((datetime(2026, 1, 1, tzinfo=UTC) + timedelta()).timestamp())


async def test_another_program_id_is_served_as_given() -> None:
    other = addresses.address("another program")
    account = ChainAccount.rent_exempt(other, b"x" * 40)
    world = World(accounts=MappingProxyType({other: account}), slot=5, program_id=other)
    async with SolanaRpc(replace(world, genesis_hash=other)) as rpc, RawClient(rpc.url) as client:
        assert await client.result("getGenesisHash") == other
        assert len(await client.result("getProgramAccounts", other, BASE64)) == 1
        assert await client.result("getProgramAccounts", addresses.DRIFT_PROGRAM, BASE64) == []
