"""Websocket subscribers of the fake node hear what they asked for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from tests.support import addresses
from tests.support.drift_layout import USER
from tests.support.hand_clock import HandClock
from tests.support.solana_rpc import Refusal, SolanaRpc, Unanswered, Withheld, base58
from tests.support.world_builder import DEFAULT_SLOT, WorldBuilder
from tests.support_tests.rpc_client import RawClient

BUILDER = WorldBuilder()
ALICE, BOB = BUILDER.add_user("alice"), BUILDER.add_user("bob")
WORLD = BUILDER.build()
SOL_FEED = BUILDER.oracle_address("SOL")
BASE64 = {"encoding": "base64"}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def rpc(clock: HandClock) -> AsyncIterator[SolanaRpc]:
    async with SolanaRpc(WORLD, clock=clock) as node:
        yield node


@pytest.fixture
async def socket(rpc: SolanaRpc) -> AsyncIterator[ClientWebSocketResponse]:
    async with RawClient(rpc.url) as client, client.http.ws_connect(rpc.ws_url) as connected:
        yield connected


async def ask(socket: ClientWebSocketResponse, method: str, *params: Any) -> Any:
    await socket.send_json({"jsonrpc": "2.0", "id": 3, "method": method, "params": list(params)})
    answer = await heard(socket)
    assert answer["id"] == 3
    return answer


async def heard(socket: ClientWebSocketResponse) -> Any:
    async with asyncio.timeout(30):
        return await socket.receive_json()


async def nothing_more(socket: ClientWebSocketResponse) -> None:
    """Holds because answers and notifications leave in one queue: an answer comes after all that was told before."""
    answer = await ask(socket, "nonsense")
    assert answer["error"]["code"] == -32_601


async def test_account_subscriber_hears_of_changes_to_that_account(
    rpc: SolanaRpc, socket: ClientWebSocketResponse
) -> None:
    number = (await ask(socket, "accountSubscribe", ALICE, BASE64))["result"]
    rpc.put_account(BOB, lamports=1)
    rpc.put_account(ALICE, lamports=77)
    note = await heard(socket)
    assert note["method"] == "accountNotification"
    assert note["params"]["subscription"] == number
    assert note["params"]["result"]["context"]["slot"] == DEFAULT_SLOT
    assert note["params"]["result"]["value"]["lamports"] == 77
    assert (await ask(socket, "accountUnsubscribe", number))["result"] is True
    rpc.put_account(ALICE, lamports=78)
    await nothing_more(socket)


async def test_a_subscription_can_be_refused_or_left_unanswered(
    rpc: SolanaRpc, socket: ClientWebSocketResponse
) -> None:
    rpc.inject(Refusal(code=-32_000, message="no more"), methods=["accountSubscribe"], count=1)
    assert (await ask(socket, "accountSubscribe", ALICE, BASE64))["error"] == {"code": -32_000, "message": "no more"}
    rpc.inject(Unanswered(), methods=["accountSubscribe"], pubkeys=[ALICE], count=1)
    await socket.send_json({"jsonrpc": "2.0", "id": 9, "method": "accountSubscribe", "params": [ALICE, BASE64]})
    assert (await ask(socket, "accountSubscribe", BOB, BASE64))["result"]


async def test_notifications_of_one_account_can_be_withheld(rpc: SolanaRpc, socket: ClientWebSocketResponse) -> None:
    await ask(socket, "accountSubscribe", ALICE, BASE64)
    await ask(socket, "accountSubscribe", BOB, BASE64)
    withheld = rpc.inject(Withheld(), pubkeys=[ALICE])
    rpc.put_account(ALICE, lamports=1)
    rpc.put_account(BOB, lamports=2)
    assert (await heard(socket))["params"]["result"]["value"]["lamports"] == 2
    assert withheld.hits == 1


async def test_a_node_says_goodbye_once_everything_before_was_sent(
    rpc: SolanaRpc, socket: ClientWebSocketResponse
) -> None:
    await ask(socket, "slotSubscribe")
    rpc.advance(1)
    rpc.say_over_websockets("anything")
    rpc.close_websockets(1001)
    assert (await heard(socket))["method"] == "slotNotification"
    async with asyncio.timeout(30):
        assert (await socket.receive()).data == "anything"
        assert (await socket.receive()).type is WSMsgType.CLOSE
    assert socket.close_code == 1001


async def test_program_subscriber_hears_of_accounts_that_pass_its_filters(
    rpc: SolanaRpc, socket: ClientWebSocketResponse
) -> None:
    mine = {"memcmp": {"offset": 8, "bytes": addresses.address("bob")}}
    head = {"memcmp": {"offset": 0, "bytes": base58.encode(USER.head)}}
    config = {**BASE64, "filters": [{"dataSize": USER.size}, head, mine]}
    await ask(socket, "programSubscribe", addresses.DRIFT_PROGRAM, config)
    rpc.put_account(ALICE, lamports=1)
    rpc.set_oracle(SOL_FEED, "151")
    rpc.put_account(BOB, lamports=2)
    note = await heard(socket)
    assert note["params"]["result"]["value"]["pubkey"] == BOB
    await nothing_more(socket)


async def test_feed_subscriber_hears_prices_and_every_new_posting(
    rpc: SolanaRpc, clock: HandClock, socket: ClientWebSocketResponse
) -> None:
    await ask(socket, "accountSubscribe", SOL_FEED, BASE64)
    rpc.set_oracle(SOL_FEED, "151")
    assert (await heard(socket))["params"]["result"]["context"]["slot"] == DEFAULT_SLOT
    rpc.set_tick(2.5)
    clock.pass_s(2)
    rpc.announce_slot()
    assert (await heard(socket))["params"]["result"]["context"]["slot"] == DEFAULT_SLOT + 5


async def test_slot_subscriber_hears_slots_once(rpc: SolanaRpc, socket: ClientWebSocketResponse) -> None:
    await ask(socket, "slotSubscribe")
    rpc.advance(3)
    rpc.announce_slot()
    note = await heard(socket)
    assert note["params"]["result"]["slot"] == DEFAULT_SLOT + 3
    await nothing_more(socket)


async def test_slots_are_announced_by_themselves_while_the_chain_ticks() -> None:
    async with (
        SolanaRpc(WORLD, slots_per_s=50) as rpc,
        RawClient(rpc.url) as client,
        client.http.ws_connect(rpc.ws_url) as socket,
    ):
        await ask(socket, "slotSubscribe")
        first, second = await heard(socket), await heard(socket)
        assert second["params"]["result"]["slot"] > first["params"]["result"]["slot"] > DEFAULT_SLOT


async def test_silence_loses_notifications_but_answers(
    rpc: SolanaRpc, clock: HandClock, socket: ClientWebSocketResponse
) -> None:
    await ask(socket, "accountSubscribe", ALICE, BASE64)
    rpc.silence_websockets(30)
    rpc.put_account(ALICE, lamports=1)
    await nothing_more(socket)
    clock.pass_s(31)
    rpc.put_account(ALICE, lamports=2)
    assert (await heard(socket))["params"]["result"]["value"]["lamports"] == 2


async def test_dropped_sockets_die_and_their_subscriptions_with_them(
    rpc: SolanaRpc, socket: ClientWebSocketResponse
) -> None:
    await ask(socket, "accountSubscribe", ALICE, BASE64)
    assert rpc.subscriptions.count == 1
    rpc.drop_websockets()
    async with asyncio.timeout(30):
        end = await socket.receive()
    assert end.type in (WSMsgType.CLOSED, WSMsgType.ERROR, WSMsgType.CLOSE)
    for _ in range(100):  # the node notices in its own task
        await asyncio.sleep(0)
    assert rpc.subscriptions.count == 0


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("accountSubscribe", [], -32_602),
        ("accountSubscribe", ["no address"], -32_602),
        ("logsSubscribe", [{"mentions": [ALICE, BOB]}], -32_602),
        ("blockSubscribe", ["all"], -32_601),
    ],
)
async def test_bad_subscriptions_are_refused(
    socket: ClientWebSocketResponse, method: str, params: list[Any], code: int
) -> None:
    assert (await ask(socket, method, *params))["error"]["code"] == code
