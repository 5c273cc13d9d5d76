"""keel setup: from a wallet to an alarm that was acknowledged on a phone, and nothing less."""

import asyncio
import stat
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.config import Settings, load_settings
from bot.setup import PUBLIC_RPC, Wizard
from storage import People, Store
from tests.bot.commands.accounts import unread_oracle
from tests.risk.builders import make_account
from tests.support.discord import DiscordServer
from tests.support.discord import SentMessage as DiscordMessage
from tests.support.discord.model import APPLICATION
from tests.support.telegram import SentMessage, TelegramServer
from tests.support.tuned_reader import TunedReader, at_ratio
from tests.support.waiting import until
from venues.errors import VenueRejected, VenueUnavailable

ANN = 1001
URL = "https://rpc.example/key"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


class Hurried(SystemClock):
    """Real time, whose sleeps are short."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.005))


class Person:
    """Somebody at the terminal: answers what is asked in turn, and reads what is said."""

    def __init__(self, *answers: str) -> None:
        self._answers: Iterator[str] = iter(answers)
        self.asked: list[str] = []
        self.hidden: list[str] = []
        self.read: list[str] = []

    def ask(self, question: str, *, hidden: bool = False) -> str:
        self.asked.append(question)
        if hidden:
            self.hidden.append(question)
        return next(self._answers)

    def say(self, line: str) -> None:
        self.read.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self.read)


def wallet_reader(**accounts: float) -> TunedReader:
    """A wallet with sub-accounts of these names, in order, at these ratios."""
    reader = TunedReader(SystemClock(), "placeholder")
    reader.accounts = {
        f"account-{number}": replace(at_ratio(ratio), authority="wallet", sub_account=number, name=name)
        for number, (name, ratio) in enumerate(accounts.items())
    }
    return reader


def wizard(person: Person, reader: TunedReader, env_file: Path) -> Wizard:
    return Wizard(
        env_file=str(env_file), venue="drift", ask=person.ask, say=person.say, connect=lambda url: reader,
        clock=Hurried(),
    )  # fmt: skip


async def walked(person: Person, reader: TunedReader, folder: Path, *, wallet: str = "wallet", rpc: str = URL) -> Path:
    """Through the whole setup; where its settings were written."""
    file = folder / ".env"
    await wizard(person, reader, file).run(wallet, rpc)
    return file


async def test_every_sub_account_is_found_and_named_and_written(tmp_path: Path) -> None:
    person = Person("", "desk", "", "")
    file = await walked(person, wallet_reader(main=400, hedge=150), tmp_path)

    assert "2 accounts found." in person.read
    assert person.asked == [
        "Name of sub-account 0, health ratio 400.0% [main]",
        "Name of sub-account 1, health ratio 150.0% [hedge]",
        "Telegram token",
        "Discord token",
    ]
    assert file.read_text() == "VENUE=drift\nRPC_URLS=https://rpc.example/key\nACCOUNTS=account-0=main,account-1=desk\n"
    assert [spec.nickname for spec in load_settings(file).accounts] == ["main", "desk"]


async def test_what_is_not_given_is_asked_for(tmp_path: Path) -> None:
    person = Person("wallet", "", "", "", "")
    file = await walked(person, wallet_reader(main=400), tmp_path, wallet="", rpc="")

    assert person.asked[:2] == ["Wallet address", f"Solana RPC URL [{PUBLIC_RPC}]"]
    assert f"RPC_URLS={PUBLIC_RPC}" in file.read_text()


async def test_one_account_may_be_named_instead_of_a_wallet(tmp_path: Path) -> None:
    reader = wallet_reader(main=400, hedge=150)

    assert (
        "ACCOUNTS=account-1=x\n" in (await walked(Person("x", "", ""), reader, tmp_path, wallet="wallet:1")).read_text()
    )
    assert (
        "ACCOUNTS=account-0=y\n"
        in (await walked(Person("y", "", ""), reader, tmp_path, wallet="account-0")).read_text()
    )


async def test_names_differ_and_fit_the_file_and_the_chat(tmp_path: Path) -> None:
    person = Person("", "", "MAIN", "my, big=acc#'t", "", "")
    file = await walked(person, wallet_reader(**{"main": 400, "Main Account": 300, "third": 200}), tmp_path)

    assert person.asked[1] == "Name of sub-account 1, health ratio 300.0% [main-2]"
    assert "MAIN is taken already; names must differ." in person.read
    assert "ACCOUNTS=account-0=main,account-1=main-2,account-2=my-big-acc-t" in file.read_text()
    assert len(load_settings(file).accounts) == 3


async def test_a_ratio_that_is_no_number_is_not_shown_as_one(tmp_path: Path) -> None:
    reader = wallet_reader(main=400, second=300)
    reader.accounts["account-0"] = replace(unread_oracle(), authority="wallet")
    reader.accounts["account-1"] = replace(make_account(usdc=5.0), authority="wallet", sub_account=1)
    reader.problems["account-0"] = ("its account data is truncated",)
    person = Person("a", "b", "", "")
    await walked(person, reader, tmp_path)

    assert person.asked[0] == "Name of sub-account 0, health ratio - [main]"
    assert person.asked[1] == "Name of sub-account 1, health ratio ∞ [sub-1]"


@pytest.mark.parametrize("error", [VenueUnavailable("the endpoint does not answer"), VenueRejected("no such account")])
async def test_nothing_is_written_when_the_venue_says_no(error: Exception, tmp_path: Path) -> None:
    reader = wallet_reader(main=400)
    reader.error = error

    with pytest.raises(type(error)):
        await walked(Person(), reader, tmp_path)
    assert not (tmp_path / ".env").exists()
    assert reader.closed


async def test_chats_may_be_left_for_later(tmp_path: Path) -> None:
    person = Person("", "", "")
    file = await walked(person, wallet_reader(main=400), tmp_path)

    assert "Skipped: run keel setup again to add Telegram." in person.read
    assert "Skipped: run keel setup again to add Discord." in person.read
    assert person.read[-2:] == [
        "No chat is linked: alerts go to the terminal only.", "Setup is done. Start the bot with: keel run"
    ]  # fmt: skip
    assert "TOKEN" not in file.read_text()


# Telegram


@pytest.fixture
async def telegram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        server.add_user(ANN)
        monkeypatch.setenv("TELEGRAM_BASE_URL", server.url)
        monkeypatch.setenv("ALLOW_LOOPBACK_PLATFORMS", "true")
        monkeypatch.setenv("DATABASE_PATH", str(tmp_path / "keel.db"))
        yield server


def code_said(person: Person) -> str:
    return next((line.removeprefix("link code: ") for line in person.read if line.startswith("link code: ")), "")


def alarm(server: TelegramServer) -> SentMessage | None:
    return next((one for one in server.messages(ANN) if "this is a test" in one.text and "Ack" in one.labels), None)


async def test_setup_ends_only_after_the_alarm_was_acknowledged_on_the_phone(
    telegram: TelegramServer, tmp_path: Path
) -> None:
    person = Person("", telegram.token, "")
    walking = asyncio.create_task(walked(person, wallet_reader(main=400), tmp_path))
    await until(lambda: code_said(person))
    assert person.hidden == ["Telegram token"]
    assert not any("Discord" in line for line in person.read)
    await telegram.say(ANN, f"/start {code_said(person)}")
    await until(lambda: alarm(telegram))
    await asyncio.sleep(0.1)
    assert not walking.done()
    assert "Acknowledged on your phone. The alarm works." not in person.read

    message = alarm(telegram)
    assert message is not None
    await telegram.press(ANN, message, "Ack")
    file = await asyncio.wait_for(walking, 30)

    assert "Acknowledged on your phone. The alarm works." in person.read
    assert person.read[-2:] == [
        "Skipped: run keel setup again to add Discord.", "Setup is done. Start the bot with: keel run"
    ]  # fmt: skip
    assert f"TELEGRAM_TOKEN={telegram.token}\n" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert any("RESOLVED Keel: the test alarm was acknowledged" in one.text for one in telegram.messages(ANN))
    assert telegram.token not in person.text


async def test_the_first_to_press_ack_must_be_linked(telegram: TelegramServer, tmp_path: Path) -> None:
    telegram.add_user(666)
    person = Person("", telegram.token, "")
    walking = asyncio.create_task(walked(person, wallet_reader(main=400), tmp_path))
    await until(lambda: code_said(person))
    await telegram.say(ANN, f"/start {code_said(person)}")
    await until(lambda: alarm(telegram))
    message = alarm(telegram)
    assert message is not None
    await telegram.press(666, message, "Ack")
    await asyncio.sleep(0.2)
    assert not walking.done()

    await telegram.press(ANN, message, "Ack")
    await asyncio.wait_for(walking, 30)


async def test_a_second_setup_asks_for_no_token_and_tests_the_alarm_anew(
    telegram: TelegramServer, tmp_path: Path
) -> None:
    person = Person("", telegram.token, "")
    for turn in range(2):
        telegram.api.sent.clear()
        walking = asyncio.create_task(walked(person, wallet_reader(main=400), tmp_path))
        if turn == 0:
            await until(lambda: code_said(person))
            await telegram.say(ANN, f"/start {code_said(person)}")
        await until(lambda: alarm(telegram))
        message = alarm(telegram)
        assert message is not None
        await telegram.press(ANN, message, "Ack")
        await asyncio.wait_for(walking, 30)
        person._answers = iter(["", ""])

    assert "Telegram is linked already." in person.read
    assert (tmp_path / ".env").read_text().count("TELEGRAM_TOKEN=") == 1


async def test_an_alarm_left_behind_by_an_interrupted_setup_does_not_count_as_acknowledged(
    telegram: TelegramServer, tmp_path: Path
) -> None:
    first = Person("", telegram.token, "")
    walking = asyncio.create_task(walked(first, wallet_reader(main=400), tmp_path))
    await until(lambda: code_said(first))
    await telegram.say(ANN, f"/start {code_said(first)}")
    await until(lambda: alarm(telegram))
    walking.cancel()
    await asyncio.gather(walking, return_exceptions=True)
    telegram.api.sent.clear()

    walking = asyncio.create_task(walked(Person("", ""), wallet_reader(main=400), tmp_path))
    await until(lambda: alarm(telegram))
    assert not walking.done()
    message = alarm(telegram)
    assert message is not None
    await telegram.press(ANN, message, "Ack")
    await asyncio.wait_for(walking, 30)


async def test_what_is_no_token_is_asked_for_again_and_never_written(telegram: TelegramServer, tmp_path: Path) -> None:
    person = Person("", "my token", "12:short", "", "")
    file = await walked(person, wallet_reader(main=400), tmp_path)

    assert person.asked.count("Telegram token") == 3
    assert sum("That is no bot token" in line for line in person.read) == 2
    assert "TELEGRAM_TOKEN" not in file.read_text()


async def test_a_token_telegram_refuses_is_told_and_not_kept(telegram: TelegramServer, tmp_path: Path) -> None:
    person = Person("", "7000000002:AAanotherTokenThatNobodyKnows01234567", "")
    walking = asyncio.create_task(walked(person, wallet_reader(main=400), tmp_path))
    await until(lambda: any("Telegram: " in line and "token" in line.lower() for line in person.read[-2:]))
    walking.cancel()
    await asyncio.gather(walking, return_exceptions=True)

    assert "TELEGRAM_TOKEN" not in (tmp_path / ".env").read_text()
    assert "AAanotherToken" not in person.text


# Discord


BOB = 2002


@pytest.fixture
async def discord(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        monkeypatch.setenv("DISCORD_API_URL", server.api_url)
        monkeypatch.setenv("DISCORD_GATEWAY_URL", server.gateway_url)
        monkeypatch.setenv("ALLOW_LOOPBACK_PLATFORMS", "true")
        monkeypatch.setenv("DATABASE_PATH", str(tmp_path / "keel.db"))
        yield server


def ringing(server: DiscordServer) -> DiscordMessage | None:
    return next((one for one in server.messages() if "this is a test" in one.text and "Ack" in one.labels), None)


@pytest.mark.parametrize("way", ["direct message", "slash command in private", "slash command in a server"])
async def test_discord_is_invited_linked_and_its_alarm_acknowledged(
    discord: DiscordServer, tmp_path: Path, way: str
) -> None:
    person = Person("", "", discord.token)
    walking = asyncio.create_task(walked(person, wallet_reader(main=400), tmp_path))
    await until(lambda: code_said(person))
    assert person.hidden == ["Telegram token", "Discord token"]
    (url,) = [line for line in person.read if "https://discord.com/oauth2/authorize?" in line]
    assert f"client_id={APPLICATION}" in url
    desk = discord.add_channel(await discord.join("Desk"))
    await until(lambda: desk.guild in discord.api.commands)
    if way == "direct message":
        await discord.say(BOB, f"/start {code_said(person)}")
    else:
        await discord.slash(BOB, "start", code_said(person), channel=desk if "server" in way else None)
    await until(lambda: ringing(discord))
    assert not walking.done()
    message = ringing(discord)
    assert message is not None
    await discord.press(BOB, message, "Ack")
    file = await asyncio.wait_for(walking, 30)

    assert "Acknowledged on your phone. The alarm works." in person.read
    assert f"DISCORD_TOKEN={discord.token}\n" in file.read_text()
    assert discord.token not in person.text
    assert desk.guild in discord.api.guilds  # it does not leave where its people are


async def test_who_has_telegram_already_is_the_same_person_on_discord(
    telegram: TelegramServer, discord: DiscordServer, tmp_path: Path
) -> None:
    person = Person("", telegram.token, discord.token)
    walking = asyncio.create_task(walked(person, wallet_reader(main=400), tmp_path))
    await until(lambda: code_said(person))
    first = code_said(person)
    await telegram.say(ANN, f"/start {first}")
    await until(lambda: alarm(telegram))
    message = alarm(telegram)
    assert message is not None
    await telegram.press(ANN, message, "Ack")
    await until(lambda: [line for line in person.read if line.startswith("link code: ")][1:])
    second = [line for line in person.read if line.startswith("link code: ")][1].removeprefix("link code: ")
    desk = discord.add_channel(await discord.join("Desk"))
    await until(lambda: desk.guild in discord.api.commands)
    await discord.slash(BOB, "start", second, channel=desk)  # others read there, so the channel is not linked by it
    await until(lambda: any("Send /here all" in line for line in person.read))
    await discord.slash(BOB, "here", "all", channel=desk)
    await until(lambda: ringing(discord))
    again = ringing(discord)
    assert again is not None
    await discord.press(BOB, again, "Ack")
    await asyncio.wait_for(walking, 30)

    async with await Store.open(tmp_path / "keel.db") as store:
        (owner,) = await People(store).linked()
        assert owner.owner
        platforms = {one.platform for one in await People(store).identities(owner.person_id)}
    assert platforms == {"telegram", "discord"}


async def test_a_token_discord_refuses_is_told_and_not_kept(discord: DiscordServer, tmp_path: Path) -> None:
    wrong = discord.token[:-6] + "wrong0"
    person = Person("", "", "not a token", wrong)
    walking = asyncio.create_task(walked(person, wallet_reader(main=400), tmp_path))
    await until(lambda: any("check DISCORD_TOKEN" in line for line in person.read))
    walking.cancel()
    await asyncio.gather(walking, return_exceptions=True)

    assert any("That is no bot token: it is about 70 letters" in line for line in person.read)
    assert "DISCORD_TOKEN" not in (tmp_path / ".env").read_text()
    assert wrong not in person.text
