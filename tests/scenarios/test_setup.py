"""keel setup, typed at a terminal: from a wallet address to an alarm acknowledged on a phone, and then keel run."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import SLOTS_PER_S, rpc_url
from tests.support import addresses
from tests.support.keel_process import Input, KeelProcess, keel
from tests.support.phone import Phone
from tests.support.solana_rpc import HttpError, SolanaRpc, running_rpc
from tests.support.telegram import TelegramServer
from tests.support.world_builder import WorldBuilder

WALLET = addresses.address("alice")
MAIN, HEDGE = (addresses.user_address(WALLET, number) for number in (0, 1))


@pytest.fixture
def rpc() -> Iterator[SolanaRpc]:
    """A wallet with two sub-accounts, the second one with a name."""
    builder = WorldBuilder()
    builder.add_user("alice", spots=[builder.deposit("USDC", "1000")], perps=[builder.position("SOL-PERP", "33.33")])
    builder.add_user("alice", sub_account_id=1, name="Hedge Book", spots=[builder.deposit("USDC", "50")])
    with running_rpc(builder.build(), slots_per_s=SLOTS_PER_S) as rpc:
        yield rpc


@pytest.fixture
def env(telegram: TelegramServer) -> dict[str, str]:
    """What no newcomer has: Telegram is on this machine."""
    return {"TELEGRAM_BASE_URL": telegram.url, "ALLOW_LOOPBACK_PLATFORMS": "true"}


async def link_and_acknowledge(setup: KeelProcess, phone: Phone) -> None:
    """What happens on the phone."""
    code = await setup.link_code()
    await setup.until(lambda: f"send it: /start {code}" in setup.stdout, "what to send")
    await phone.link(code)
    await setup.until(lambda: "Linked." in setup.stdout, "the link")
    alarm = await phone.alert("CRITICAL")
    assert "this is a test" in alarm.text
    assert "The alarm works" not in setup.stdout
    await phone.press(alarm, "Ack")
    await setup.reply("Discord token:", "")
    assert await setup.ended() == 0


async def test_a_stranger_gets_from_a_wallet_address_to_a_running_bot(
    env: dict[str, str], rpc: SolanaRpc, telegram: TelegramServer, phone: Phone, tmp_path: Path
) -> None:
    async with keel("setup", WALLET, "--rpc", rpc_url(rpc), env=env, folder=tmp_path, stdin=Input.KEYBOARD) as setup:
        await setup.reply("Name of sub-account 0, health ratio 666.7% [main]:", "")
        await setup.reply("[hedge-book]:", "Main")
        await setup.reply("[hedge-book]:", "my hedge")
        await setup.reply("Telegram token:", "not a token")
        assert "not a token" not in setup.echoed()
        await setup.reply("Telegram token:", telegram.token)
        await link_and_acknowledge(setup, phone)
        said, shown = setup.stdout, setup.stderr + setup.echoed()
    assert "2 accounts found." in said
    assert "That is no bot token: it is digits" in said
    assert "Main is taken already; names must differ." in said
    assert "Good for a check every 5 s." in said
    assert "Acknowledged on your phone. The alarm works." in said
    assert said.rstrip().endswith("Setup is done. Start the bot with: keel run")
    assert telegram.token not in said + shown
    env_file = tmp_path / ".env"
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    assert env_file.read_text().splitlines() == [
        "VENUE=drift",
        f"RPC_URLS={rpc_url(rpc)}",
        f"ACCOUNTS={MAIN}=main,{HEDGE}=my-hedge",
        f"TELEGRAM_TOKEN={telegram.token}",
    ]

    async with keel("run", env=env, folder=tmp_path) as bot:
        await bot.started()
        answer = await phone.ask("/health", 20)
        assert "main" in answer
        assert "my-hedge" in answer
        rpc.set_oracle(WorldBuilder().oracle_address("SOL"), "124")
        alert = await phone.alert("CRITICAL", after=len(phone.alerts))
        assert alert.text.startswith("CRITICAL main: ")
        assert "link code" not in bot.stdout
        assert await bot.stop() == 0


async def test_a_second_setup_keeps_the_link_and_what_else_stands_in_the_file(
    env: dict[str, str], rpc: SolanaRpc, telegram: TelegramServer, phone: Phone, tmp_path: Path
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(f"# mine\nCHECK_INTERVAL_S=2\nTELEGRAM_TOKEN={telegram.token}\n")
    env_file.chmod(0o644)
    async with keel("setup", f"{WALLET}:0", "--rpc", rpc.url, env=env, folder=tmp_path, stdin=Input.PIPE) as setup:
        await setup.reply("[main]:", "first")
        await link_and_acknowledge(setup, phone)
    linked = len(phone.answers)
    async with keel("setup", f"{WALLET}:1", "--rpc", rpc.url, env=env, folder=tmp_path, stdin=Input.PIPE) as setup:
        await setup.reply("[hedge-book]:", "")
        await setup.until(lambda: "Telegram is linked already." in setup.stdout, "the link")
        await phone.until(lambda: phone.heads.count("CRITICAL") == 2, "the second test alarm")
        await phone.press(phone.alerts[-1], "Ack")
        await setup.reply("Discord token:", "")
        assert await setup.ended() == 0
        assert "link code" not in setup.stdout
    assert len(phone.answers) == linked
    text = env_file.read_text()
    assert text.startswith("# mine\nCHECK_INTERVAL_S=2\n")
    assert text.count(f"TELEGRAM_TOKEN={telegram.token}") == 1
    assert f"ACCOUNTS={HEDGE}=hedge-book" in text
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("wallet", "down", "code", "sentence"),
    [
        ("hello", False, 2, "is not a Solana address"),
        (addresses.address("nobody"), False, 2, "there is no drift account at"),
        (WALLET, True, 3, "no RPC endpoint answered"),
    ],
    ids=["no address", "no account", "RPC down"],
)
async def test_a_setup_that_cannot_go_on_writes_nothing(
    wallet: str, down: bool, code: int, sentence: str, env: dict[str, str], rpc: SolanaRpc, tmp_path: Path
) -> None:
    if down:
        rpc.inject(HttpError(status=503))
    async with keel("setup", wallet, "--rpc", rpc.url, env=env, folder=tmp_path, stdin=Input.PIPE) as setup:
        assert await setup.ended() == code
        assert sentence in setup.stderr
    assert [*tmp_path.iterdir()] == []  # noqa: ASYNC240  # an empty folder
