"""A stage for whole-process stories: the venue's node, Telegram's server, and the bot as a process between them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.keel_process import KeelProcess, keel
from tests.support.phone import LADDER, Phone
from tests.support.scenarios import OnePosition, sol_long
from tests.support.solana_rpc import SolanaRpc, running_rpc
from tests.support.telegram import TelegramServer

RATIOS = dict(zip(LADDER, (240, 190, 140, 110, 90), strict=True))
RPC_KEY = "secret-key-1234567890"
SLOTS_PER_S = 10.0

Start = Callable[..., Awaitable[KeelProcess]]


def rpc_url(rpc: SolanaRpc) -> str:
    """The node's address as a provider gives it out: with a key in the path."""
    return f"{rpc.url}/{RPC_KEY}"


def fall_to(tier: str, scene: OnePosition, *nodes: SolanaRpc) -> None:
    """Move the price to where this tier is entered."""
    for node in nodes:
        node.set_oracle(scene.oracle, round(scene.price_at_ratio(RATIOS[tier]), 4))


def recover(scene: OnePosition, rpc: SolanaRpc) -> None:
    rpc.set_oracle(scene.oracle, scene.price_usd)


@pytest.fixture
def scene() -> OnePosition:
    """1,000 USDC and a SOL long of five times as much; health ratio 667 %."""
    return sol_long(leverage=5)


@pytest.fixture
def rpc(scene: OnePosition) -> Iterator[SolanaRpc]:
    with running_rpc(scene.world, slots_per_s=SLOTS_PER_S) as rpc:
        yield rpc


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


@pytest.fixture
def phone(telegram: TelegramServer) -> Phone:
    """The owner's."""
    return Phone(telegram)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a story plays. ``env`` are the settings of a bot that looks ten times a second."""

    env: dict[str, str]
    folder: Path


@pytest.fixture
def stage(scene: OnePosition, rpc: SolanaRpc, telegram: TelegramServer, tmp_path: Path) -> Stage:
    env = {
        "VENUE": "drift",
        "DATA_URL": "off",
        "RPC_URLS": rpc_url(rpc),
        "ACCOUNTS": f"{scene.user}=main",
        "DATABASE_PATH": str(tmp_path / "keel.sqlite3"),
        "TELEGRAM_TOKEN": telegram.token,
        "TELEGRAM_BASE_URL": telegram.url,
        "ALLOW_LOOPBACK_PLATFORMS": "true",
        "CHECK_INTERVAL_S": "0.1",
        "SLOT_STALL_S": "15",  # no machine stands still for so long
        "EASE_DWELL_S": "0.3",
        "LOG_LEVEL": "DEBUG",
    }
    return Stage(env=env, folder=tmp_path)


@pytest.fixture
async def start(stage: Stage, telegram: TelegramServer) -> AsyncIterator[Start]:
    """Starts ``keel run`` with the stage's settings, some of them changed. Whatever the story, none of its processes
    may outlive it or write a secret."""
    started: list[KeelProcess] = []
    async with AsyncExitStack() as processes:

        async def run(**changes: str) -> KeelProcess:
            env = {**stage.env, **changes}
            process = await processes.enter_async_context(keel("run", env=env, folder=stage.folder))
            started.append(process)
            return process

        yield run
    for process in started:
        assert RPC_KEY not in process.output
        assert telegram.token.partition(":")[2] not in process.output
    assert not [message.text for message in telegram.messages() if RPC_KEY in message.text]


@pytest.fixture
async def bot(start: Start, phone: Phone) -> KeelProcess:
    """A bot that runs and knows its owner."""
    process = await start()
    await phone.link(await process.link_code())
    return process
