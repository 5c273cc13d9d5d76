"""The fake node runs beside a blocked loop and as a program, and the real Solana client understands it."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from solana.rpc.async_api import AsyncClient
from solana.rpc.types import MemcmpOpts
from solders.pubkey import Pubkey

from tests.support import addresses
from tests.support.drift_layout import USER
from tests.support.solana_rpc import SolanaRpc, base58, running_rpc
from tests.support.world import load_world, save_world
from tests.support.world_builder import DEFAULT_SLOT, WorldBuilder

BUILDER = WorldBuilder()
ALICE = BUILDER.add_user("alice")
WORLD = BUILDER.build()
ROOT = Path(__file__).resolve().parents[2]


def slot_of(url: str) -> int:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "getSlot"}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
        return int(json.load(response)["result"])


async def test_solana_client_reads_accounts_users_and_slot() -> None:
    async with SolanaRpc(WORLD) as rpc, AsyncClient(rpc.url, timeout=30) as client:
        found = await client.get_multiple_accounts([Pubkey.from_string(ALICE)])
        assert found.context.slot == DEFAULT_SLOT
        account = found.value[0]
        assert account is not None
        assert bytes(account.data) == WORLD.accounts[ALICE].data
        users = await client.get_program_accounts(
            Pubkey.from_string(addresses.DRIFT_PROGRAM),
            encoding="base64",
            filters=[USER.size, MemcmpOpts(offset=0, bytes=base58.encode(USER.head))],
        )
        assert [str(row.pubkey) for row in users.value] == [ALICE]
        assert (await client.get_slot()).value == DEFAULT_SLOT
        assert await client.is_connected()
        latest = (await client.get_latest_blockhash()).value
        assert latest.last_valid_block_height == (await client.get_block_height()).value + 150


def test_node_in_a_thread_obeys_the_test_thread() -> None:
    with running_rpc(WORLD) as rpc:
        assert slot_of(rpc.url) == DEFAULT_SLOT
        rpc.set_slot(DEFAULT_SLOT + 9)
        assert slot_of(rpc.url) == DEFAULT_SLOT + 9
        assert rpc.count("getSlot") == 2


def test_world_file_is_served_as_a_program(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    save_world(WORLD, path)
    assert load_world(path) == WORLD
    command = [sys.executable, "-m", "tests.support.solana_rpc", str(path), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[0]
            assert slot_of(url) == DEFAULT_SLOT
        finally:
            process.terminate()
