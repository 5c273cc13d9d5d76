"""Every fault strikes what it was aimed at, as often as it was told to, and nothing else."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.support import addresses
from tests.support.solana_rpc import (
    UPGRADE,
    BitFlip,
    Delay,
    Garbage,
    HttpError,
    RateLimit,
    Refusal,
    Reset,
    SolanaRpc,
    StaleSlot,
    Truncate,
    WrongOwner,
)
from tests.support.world_builder import DEFAULT_SLOT, WorldBuilder
from tests.support_tests.rpc_client import RawClient

BASE64 = {"encoding": "base64"}
BUILDER = WorldBuilder()
ALICE, BOB = BUILDER.add_user("alice"), BUILDER.add_user("bob")
WORLD = BUILDER.build()


@pytest.fixture
async def rpc() -> AsyncIterator[SolanaRpc]:
    async with SolanaRpc(WORLD) as node:
        yield node


@pytest.fixture
async def client(rpc: SolanaRpc) -> AsyncIterator[RawClient]:
    async with RawClient(rpc.url) as connected:
        yield connected


async def status(client: RawClient, method: str, *params: Any) -> tuple[int, str | None]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    async with client.http.post(client.url, json=body) as response:
        return response.status, response.headers.get("Retry-After")


async def test_rate_limit_says_when_to_come_back_and_ends_after_its_count(rpc: SolanaRpc, client: RawClient) -> None:
    injection = rpc.inject(RateLimit(retry_after_s=2), count=2)
    assert await status(client, "getSlot") == (429, "2")
    assert await status(client, "getSlot") == (429, "2")
    assert await status(client, "getSlot") == (200, None)
    assert injection.hits == 2
    assert [call.fault for call in rpc.calls] == ["RateLimit", "RateLimit", None]


async def test_rate_limit_may_say_nothing(rpc: SolanaRpc, client: RawClient) -> None:
    rpc.inject(RateLimit())
    assert await status(client, "getSlot") == (429, None)


async def test_error_strikes_only_its_methods_until_healed(rpc: SolanaRpc, client: RawClient) -> None:
    rpc.inject(HttpError(status=502), methods=["getAccountInfo"])
    assert (await status(client, "getSlot"))[0] == 200
    assert (await status(client, "getAccountInfo", ALICE, BASE64))[0] == 502
    rpc.heal()
    assert (await status(client, "getAccountInfo", ALICE, BASE64))[0] == 200


async def test_reset_breaks_the_connection(rpc: SolanaRpc, client: RawClient) -> None:
    rpc.inject(Reset(), count=1)
    with pytest.raises(aiohttp.ClientError):
        await client.answer("getSlot")
    assert await client.result("getSlot") == DEFAULT_SLOT


async def test_delay_is_longer_than_an_impatient_client_waits(rpc: SolanaRpc, client: RawClient) -> None:
    rpc.inject(Delay(seconds=5.0), count=1)
    body = {"jsonrpc": "2.0", "id": 1, "method": "getSlot"}
    with pytest.raises(TimeoutError):
        await client.http.post(rpc.url, json=body, timeout=aiohttp.ClientTimeout(total=0.05))
    assert await client.result("getSlot") == DEFAULT_SLOT


async def test_garbage_is_no_json_and_refusal_is_a_json_rpc_error(rpc: SolanaRpc, client: RawClient) -> None:
    rpc.inject(Garbage(), count=1)
    body = {"jsonrpc": "2.0", "id": 1, "method": "getSlot"}
    async with client.http.post(rpc.url, json=body) as response:
        assert (await response.text()).startswith("<html>")
    rpc.inject(Refusal(), methods=["getHealth"])
    assert await client.error_code("getHealth") == -32_005


async def test_stale_slot_is_seen_in_every_place_a_slot_shows(rpc: SolanaRpc, client: RawClient) -> None:
    rpc.inject(StaleSlot(slots=300))
    assert await client.result("getSlot") == DEFAULT_SLOT - 300
    answer = await client.result("getAccountInfo", ALICE, BASE64)
    assert answer["context"]["slot"] == DEFAULT_SLOT - 300


async def test_damage_strikes_only_the_chosen_account(rpc: SolanaRpc, client: RawClient) -> None:
    clean = WORLD.accounts[ALICE].data
    rpc.inject(BitFlip(offset=500, bit=3), pubkeys=[ALICE], count=1)
    rows = (await client.result("getMultipleAccounts", [BOB, ALICE], BASE64))["value"]
    damaged = base64.b64decode(rows[1]["data"][0])
    assert [i for i in range(len(clean)) if clean[i] != damaged[i]] == [500]
    assert clean[500] ^ damaged[500] == 8
    assert base64.b64decode(rows[0]["data"][0]) == WORLD.accounts[BOB].data

    rpc.inject(Truncate(length=100), pubkeys=[ALICE], count=1)
    assert (await client.result("getAccountInfo", ALICE, BASE64))["value"]["space"] == 100
    rpc.inject(WrongOwner(), pubkeys=[ALICE], count=1)
    assert (await client.result("getAccountInfo", ALICE, BASE64))["value"]["owner"] == addresses.SYSTEM_PROGRAM
    again = await client.result("getAccountInfo", ALICE, BASE64)
    assert base64.b64decode(again["value"]["data"][0]) == clean


async def test_websocket_upgrade_can_be_refused(rpc: SolanaRpc, client: RawClient) -> None:
    rpc.inject(HttpError(status=503), methods=[UPGRADE], count=1)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await client.http.ws_connect(rpc.ws_url)
    async with client.http.ws_connect(rpc.ws_url) as socket:
        assert not socket.closed


async def test_cancelled_fault_is_over(rpc: SolanaRpc, client: RawClient) -> None:
    injection = rpc.inject(RateLimit())
    assert (await status(client, "getSlot"))[0] == 429
    injection.cancel()
    assert (await status(client, "getSlot"))[0] == 200
