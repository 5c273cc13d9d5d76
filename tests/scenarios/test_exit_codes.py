"""How a command ends: 0 ok, 2 bad input, 3 venue unavailable, each with one sentence that says what to do."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from tests.scenarios.conftest import Stage
from tests.support import addresses
from tests.support.keel_process import bare, run_keel
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import HttpError, RateLimit, Reset, SolanaRpc
from tests.support.world_builder import WorldBuilder

NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"VENUE": "nowhere"}, "VENUE: "),
        ({"RPC_URLS": ""}, "RPC_URLS is needed"),
        ({"RPC_URLS": "http://rpc.example.com/key"}, "not encrypted"),
        ({"ACCOUNTS": "hello=main"}, "is not a Solana address"),
        ({"ACCOUNTS": WorldBuilder().oracle_address("BONK")}, "belongs to the program"),
        ({"TELEGRAM_BASE_URL": "https://telegram.example.com"}, "TELEGRAM_BASE_URL must be"),
    ],
    ids=lambda value: "=".join(next(iter(value.items()))) if isinstance(value, dict) else "",
)
async def test_run_with_bad_settings_ends_with_2_and_says_what_to_set(
    changes: dict[str, str], sentence: str, stage: Stage
) -> None:
    ended = await run_keel("run", env={**stage.env, **changes}, folder=stage.folder)
    assert ended.code == 2, ended.stderr
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        ("hello", "is not a Solana address"),
        (addresses.address("alice"), "is a wallet, not a drift account; write"),
        (f"{addresses.address('alice')}:7", "has no sub-account 7"),
        (WorldBuilder().oracle_address("BONK"), "belongs to the program"),
    ],
)
async def test_inspect_of_a_wrong_account_ends_with_2(
    account: str, sentence: str, rpc: SolanaRpc, tmp_path: Path
) -> None:
    ended = await run_keel("inspect", account, "--rpc", rpc.url, folder=tmp_path)
    assert (ended.code, ended.stdout) == (2, "")
    assert sentence in ended.stderr


@pytest.mark.parametrize(
    ("command", "fault"),
    [("inspect", HttpError(status=503)), ("inspect", None), ("sweep", RateLimit(retry_after_s=1)), ("sweep", Reset())],
)
async def test_a_venue_that_does_not_answer_ends_a_command_with_3(
    command: str, fault: HttpError | RateLimit | Reset | None, scene: OnePosition, rpc: SolanaRpc, tmp_path: Path
) -> None:
    """Without a fault nobody listens at all."""
    if fault is not None:
        rpc.inject(fault)
    arguments = [command, scene.user] if command == "inspect" else [command]
    ended = await run_keel(*arguments, "--json", "--rpc", rpc.url if fault else NOWHERE, folder=tmp_path)
    assert (ended.code, ended.stdout) == (3, ""), ended.stderr
    assert ended.stderr.startswith("keel: no RPC endpoint answered: 127.0.0.1")
    assert ended.stderr.count("\n") == 1, ended.stderr


_WITHOUT_THE_EXTRA = """
import sys
from importlib.abc import MetaPathFinder

class Refusal(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] in {"solana", "solders", "spl"}:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)

sys.meta_path.insert(0, Refusal())
from bot.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("command", ["run", "inspect"])
async def test_without_the_extra_a_command_says_what_to_install(
    command: str, stage: Stage, scene: OnePosition, rpc: SolanaRpc
) -> None:
    arguments = [scene.user, "--rpc", rpc.url] if command == "inspect" else []
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WITHOUT_THE_EXTRA, command, *arguments, env=bare(stage.env, stage.folder),
        cwd=stage.folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    _, error = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 2
    assert re.search(r"needs \w+, which is not installed.* install keel\[solana\]", error.decode())
    assert "Traceback" not in error.decode()
