"""Transactions of others, as a test posts them: found by whom they mention, with their log, as a node shows them."""

from collections.abc import AsyncIterator

import pytest

from tests.support import addresses
from tests.support.hand_clock import HandClock
from tests.support.solana_rpc import SolanaRpc
from tests.support.world import ChainAccount
from tests.support.world_builder import WorldBuilder
from tests.support_tests.rpc_client import RawClient

BUILDER = WorldBuilder()
ALICE, BOB = BUILDER.add_user("alice"), BUILDER.add_user("bob")
WORLD = BUILDER.build()
LOG = [f"Program {addresses.DRIFT_PROGRAM} invoke [1]", f"Program {addresses.DRIFT_PROGRAM} success"]
JSON = {"encoding": "json", "maxSupportedTransactionVersion": 0}


@pytest.fixture
async def rpc() -> AsyncIterator[SolanaRpc]:
    async with SolanaRpc(WORLD, clock=HandClock()) as node:
        yield node


@pytest.fixture
async def client(rpc: SolanaRpc) -> AsyncIterator[RawClient]:
    async with RawClient(rpc.url) as connected:
        yield connected


async def test_a_posted_transaction_is_listed_for_whom_it_mentions_and_shows_its_log(
    rpc: SolanaRpc, client: RawClient
) -> None:
    after = ChainAccount(owner=addresses.DRIFT_PROGRAM, data=b"new")
    sent = rpc.post(accounts=[ALICE], logs=LOG, effects={ALICE: after})

    (row,) = await client.result("getSignaturesForAddress", ALICE)
    shown = await client.result("getTransaction", row["signature"], JSON)

    assert row["signature"] == sent.signature
    assert (row["err"], row["slot"], row["confirmationStatus"]) == (None, rpc.slot, "confirmed")
    assert shown["meta"]["logMessages"] == LOG
    assert ALICE in shown["transaction"]["message"]["accountKeys"]
    assert await client.result("getSignaturesForAddress", BOB) == []
    account = await client.result("getAccountInfo", ALICE, {"encoding": "base64"})
    assert account["value"]["data"][0] == "bmV3"


async def test_one_that_failed_is_listed_with_its_error_and_changes_nothing(rpc: SolanaRpc, client: RawClient) -> None:
    error = {"InstructionError": [0, {"Custom": 6003}]}
    before = await client.result("getAccountInfo", ALICE, {"encoding": "base64"})
    rpc.post(accounts=[ALICE], logs=LOG, effects={ALICE: ChainAccount(owner="", data=b"")}, error=error)

    (row,) = await client.result("getSignaturesForAddress", ALICE)

    assert row["err"] == error
    after = await client.result("getAccountInfo", ALICE, {"encoding": "base64"})
    assert after["value"] == before["value"]


async def test_a_node_may_list_it_later_and_keep_no_log(rpc: SolanaRpc, client: RawClient) -> None:
    sent = rpc.post(accounts=[ALICE], logs=None, listed=False)
    assert await client.result("getSignaturesForAddress", ALICE) == []
    sent.listed = True

    (row,) = await client.result("getSignaturesForAddress", ALICE)
    shown = await client.result("getTransaction", row["signature"], JSON)

    assert shown["meta"]["logMessages"] is None


async def test_pages_go_back_from_the_newest(rpc: SolanaRpc, client: RawClient) -> None:
    sent = [rpc.post(accounts=[ALICE], logs=LOG).signature for _ in range(5)]

    async def listed(**options: object) -> list[str]:
        return [row["signature"] for row in await client.result("getSignaturesForAddress", ALICE, options)]

    assert await listed() == sent[::-1]
    assert await listed(limit=2) == sent[:2:-1]
    assert await listed(before=sent[3], limit=2) == [sent[2], sent[1]]
    assert await listed(until=sent[1]) == [sent[4], sent[3], sent[2]]
