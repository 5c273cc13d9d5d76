"""Sent transactions end as the test decided, and every place that tells of them agrees."""

import asyncio
import base64
from collections.abc import AsyncIterator

import aiohttp
import pytest
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction

from tests.support import addresses
from tests.support.hand_clock import HandClock
from tests.support.solana_rpc import Landing, LandingMode, SolanaRpc
from tests.support.world import ChainAccount
from tests.support.world_builder import DEFAULT_SLOT, WorldBuilder
from tests.support_tests.rpc_client import RawClient

BUILDER = WorldBuilder()
ALICE = BUILDER.add_user("alice")
WORLD = BUILDER.build()
PAYER = addresses.keypair("payer")
CONFIG = {"encoding": "base64", "skipPreflight": True}
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")


@pytest.fixture
async def rpc() -> AsyncIterator[SolanaRpc]:
    async with SolanaRpc(WORLD, clock=HandClock()) as node:
        yield node


@pytest.fixture
async def client(rpc: SolanaRpc) -> AsyncIterator[RawClient]:
    async with RawClient(rpc.url) as connected:
        yield connected


async def signed(client: RawClient, note: bytes = b"hello") -> tuple[str, str]:
    """Signature and base64 bytes of a fresh transaction."""
    latest = (await client.result("getLatestBlockhash"))["value"]
    blockhash = Hash.from_string(latest["blockhash"])
    instruction = Instruction(MEMO, note, [AccountMeta(PAYER.pubkey(), True, True)])
    message = Message.new_with_blockhash([instruction], PAYER.pubkey(), blockhash)
    transaction = Transaction([PAYER], message, blockhash)
    return str(transaction.signatures[0]), base64.b64encode(bytes(transaction)).decode()


async def landed_status(client: RawClient, signature: str) -> object:
    return (await client.result("getSignatureStatuses", [signature]))["value"][0]


async def test_landed_transaction_is_found_everywhere_and_changes_its_accounts_once(
    rpc: SolanaRpc, client: RawClient
) -> None:
    signature, text = await signed(client)
    changed = ChainAccount(owner=addresses.DRIFT_PROGRAM, data=b"after", lamports=9)
    rpc.set_landing(Landing(effects={ALICE: changed}, logs=("Program log: done",)), count=1)
    assert await client.result("sendTransaction", text, CONFIG) == signature
    assert rpc.chain.account(ALICE) == changed
    rpc.put_account(ALICE, data=b"later")
    assert await client.result("sendTransaction", text, CONFIG) == signature
    now = rpc.chain.account(ALICE)
    assert now is not None
    assert now.data == b"later", "sending the same bytes again has no second effect"
    assert rpc.sent[signature].sends == 2

    assert await landed_status(client, signature) == {
        "slot": DEFAULT_SLOT,
        "confirmations": 0,
        "confirmationStatus": "confirmed",
        "err": None,
        "status": {"Ok": None},
    }
    rows = await client.result("getSignaturesForAddress", str(PAYER.pubkey()))
    assert [row["signature"] for row in rows] == [signature]
    found = await client.result("getTransaction", signature, {"encoding": "base64"})
    assert found["transaction"] == [text, "base64"]
    assert found["meta"]["logMessages"] == ["Program log: done"]
    rpc.advance(32)
    rows = await client.result("getSignaturesForAddress", str(PAYER.pubkey()))
    assert rows[0]["confirmationStatus"] == "finalized"


async def test_failed_transaction_lands_with_its_error_and_without_effects(rpc: SolanaRpc, client: RawClient) -> None:
    signature, text = await signed(client)
    effects = {ALICE: ChainAccount(owner=addresses.DRIFT_PROGRAM, data=b"after")}
    rpc.set_landing(Landing(mode=LandingMode.LAND_FAILED, custom_error=6_010, effects=effects))
    await client.result("sendTransaction", text, CONFIG)
    status = await landed_status(client, signature)
    assert isinstance(status, dict)
    assert status["err"] == {"InstructionError": [0, {"Custom": 6_010}]}
    account = rpc.chain.account(ALICE)
    assert account is not None
    assert account.data == WORLD.accounts[ALICE].data


async def test_answer_gets_lost_but_the_transaction_landed(rpc: SolanaRpc, client: RawClient) -> None:
    signature, text = await signed(client)
    rpc.set_landing(Landing(mode=LandingMode.LAND_TIMEOUT, answer_after_s=0.0), count=1)
    with pytest.raises(aiohttp.ClientError):
        await client.answer("sendTransaction", text, CONFIG)
    assert await landed_status(client, signature) is not None


async def test_dropped_transaction_may_be_sent_again_and_then_land(rpc: SolanaRpc, client: RawClient) -> None:
    signature, text = await signed(client)
    rpc.set_landing(Landing(mode=LandingMode.DROP), count=1)
    await client.result("sendTransaction", text, CONFIG)
    assert await landed_status(client, signature) is None
    await client.result("sendTransaction", text, CONFIG)
    assert await landed_status(client, signature) is not None
    assert len(rpc.sent) == 1


async def test_expired_transaction_never_lands_and_its_blockhash_is_dead(rpc: SolanaRpc, client: RawClient) -> None:
    latest = (await client.result("getLatestBlockhash"))["value"]
    signature, text = await signed(client)
    rpc.set_landing(Landing(mode=LandingMode.EXPIRE), count=1)
    await client.result("sendTransaction", text, CONFIG)
    assert await client.result("getBlockHeight") > latest["lastValidBlockHeight"]
    assert (await client.result("isBlockhashValid", latest["blockhash"]))["value"] is False
    await client.result("sendTransaction", text, CONFIG)
    assert await landed_status(client, signature) is None
    assert await client.error_code("sendTransaction", text, {"encoding": "base64"}) == -32_002


async def test_rejected_transaction_is_not_remembered(rpc: SolanaRpc, client: RawClient) -> None:
    _, text = await signed(client)
    rpc.set_landing(Landing(mode=LandingMode.REJECT))
    simulated = await client.result("simulateTransaction", text, {"encoding": "base64"})
    assert simulated["value"]["err"] == {"InstructionError": [0, {"Custom": 6_003}]}
    assert await client.error_code("sendTransaction", text, CONFIG) == -32_002
    assert not rpc.sent


async def test_wrong_signature_and_nonsense_are_refused(client: RawClient) -> None:
    _, text = await signed(client)
    raw = bytearray(base64.b64decode(text))
    raw[1] ^= 1
    broken = base64.b64encode(raw).decode()
    assert await client.error_code("sendTransaction", broken, CONFIG) == -32_003
    assert await client.error_code("sendTransaction", "AAAA", CONFIG) == -32_602


async def test_signature_subscriber_hears_once_even_when_late(rpc: SolanaRpc, client: RawClient) -> None:
    signature, text = await signed(client)
    async with client.http.ws_connect(rpc.ws_url) as socket:
        early = {"jsonrpc": "2.0", "id": 1, "method": "signatureSubscribe", "params": [signature]}
        logs = {"jsonrpc": "2.0", "id": 2, "method": "logsSubscribe", "params": [{"mentions": [str(PAYER.pubkey())]}]}
        for subscribe in (early, logs):
            await socket.send_json(subscribe)
            await socket.receive_json()
        await client.result("sendTransaction", text, CONFIG)
        async with asyncio.timeout(30):
            notes = {(await socket.receive_json())["method"] for _ in range(2)}
            assert notes == {"signatureNotification", "logsNotification"}
            await socket.send_json(early)
            assert "result" in await socket.receive_json()
            late = await socket.receive_json()
        assert late["params"]["result"]["value"] == {"err": None}
