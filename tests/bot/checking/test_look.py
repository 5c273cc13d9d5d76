"""keel check over real sockets: everything in order, and each thing out of order by itself."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.checking.facts import Fact, Standing, as_json, passed
from bot.checking.run import look
from bot.clock import SystemClock
from bot.config import Settings
from storage import Accounts, LinkClaim, LinkedPerson, Lives, People, Role, Store, WatchedAccount
from tests.scenarios.conftest import RPC_KEY, SLOTS_PER_S
from tests.support.beat_server import BeatServer
from tests.support.discord import Channel, DiscordServer
from tests.support.scenarios import sol_long
from tests.support.solana_rpc import Delay, HttpError, Reset, SolanaRpc, running_rpc
from tests.support.telegram import Fault, TelegramServer
from tests.support.waiting import PATIENCE_S

GROUP = -1001
PERSON = 1001
SECRET = "canary-secret-of-the-beats"


@dataclass(slots=True, kw_only=True)
class World:
    """Everything a bot relies on, in order, and the settings that name it."""

    folder: Path
    env: dict[str, str]
    telegram: TelegramServer
    discord: DiscordServer
    channel: Channel
    rpc: SolanaRpc
    patience_s: float = PATIENCE_S

    @property
    def env_file(self) -> Path:
        return self.folder / ".env"

    def write(self, mode: int) -> None:
        self.env_file.write_text("".join(f"{name}={value}\n" for name, value in self.env.items()))
        self.env_file.chmod(mode)

    async def look(self, *, mode: int = 0o600) -> list[Fact]:
        self.write(mode)
        found = await look(self.env_file, patience_s=self.patience_s)
        shown = as_json(found)
        for secret in (RPC_KEY, self.telegram.token.partition(":")[2], self.discord.token, SECRET):
            assert secret not in shown
        assert json.loads(shown)["ok"] is passed(found)
        return found


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def rpc() -> Iterator[SolanaRpc]:
    with running_rpc(sol_long(leverage=5).world, slots_per_s=SLOTS_PER_S) as running:
        yield running


@pytest.fixture
async def world(tmp_path: Path, rpc: SolanaRpc) -> AsyncIterator[World]:
    async with TelegramServer() as telegram, DiscordServer() as discord, BeatServer() as service:
        telegram.add_user(PERSON)
        telegram.add_group(GROUP)
        channel = discord.add_channel(discord.add_guild("Desk"))
        env = {
            "DATA_URL": "off",
            "VENUE": "drift", "RPC_URLS": f"{rpc.url}/{RPC_KEY}", "ACCOUNTS": f"{sol_long(leverage=5).user}=main",
            "DATABASE_PATH": str(tmp_path / "keel.sqlite3"), "TELEGRAM_TOKEN": telegram.token,
            "TELEGRAM_BASE_URL": telegram.url, "DISCORD_TOKEN": discord.token, "DISCORD_API_URL": discord.api_url,
            "DISCORD_GATEWAY_URL": discord.gateway_url, "ALLOW_LOOPBACK_PLATFORMS": "true",
            "HEARTBEAT_URLS": f"{service.url}/x,{service.url}/keel/beat", "HEARTBEAT_SECRET": SECRET,
            "ROUTES_FILE": str(tmp_path / "routes.toml"),
        }  # fmt: skip
        write(tmp_path / "routes.toml", "")
        async with linked(tmp_path / "keel.sqlite3", channel.channel_id):
            yield World(folder=tmp_path, env=env, telegram=telegram, discord=discord, channel=channel, rpc=rpc)
        assert service.beats == []  # a check vouches for nobody


def write(file: Path, text: str, mode: int = 0o644) -> None:
    file.write_text(text)
    file.chmod(mode)


@contextlib.asynccontextmanager
async def linked(database: Path, channel: int) -> AsyncIterator[None]:
    """A bot that runs, as far as its memory tells, with people in three chats."""
    now = SystemClock().now()
    async with await Store.open(database) as store:
        await Lives(store).begin(now)
        await Accounts(store).watch(WatchedAccount(account_id="9xQe", venue="drift", nickname="main", added_at=now))
        people = People(store)
        for transport, chat in (("telegram", PERSON), ("telegram", GROUP), ("discord", channel)):
            owner = not await people.has_owner()
            code = await people.issue_link_code(now, Role.ADMIN, timedelta(hours=1), owner=owner)
            claim = LinkClaim(
                person_id=f"person-{chat}", transport=transport, user_id=str(abs(chat)), display_name="Ann",
                chat=str(chat), private=chat == PERSON,
            )  # fmt: skip
            assert isinstance(await people.redeem_link_code(code, claim, now), LinkedPerson)
        yield


def host(world: World) -> str:
    return world.rpc.url.partition("://")[2]


async def test_where_all_is_in_order_every_fact_says_so(world: World) -> None:
    found = await world.look()

    assert [fact for fact in found if fact.standing is Standing.WRONG] == []
    said = {fact.subject: fact.text for fact in found}
    assert said["telegram"] == "the token is good, the bot is @keel_test_bot"
    assert said[f"telegram:{GROUP}"] == "the bot may write and pin in Desk"
    assert said[f"discord:{world.channel.channel_id}"].startswith("the bot has every permission it needs in ")
    assert said[f"rpc {host(world)}"].startswith("it answers within ")
    assert said[f"websocket {host(world)}"] == "it tells of new slots"
    assert said["clock"] == "agrees with Telegram"
    assert said["people"].endswith("3 chats hear of alerts")
    assert said["heartbeat 127.0.0.1"] == "it can be reached"
    assert said["settings file"].endswith("is for its owner alone (0600)")
    assert {"backups", "do not disturb", "time zone", "disk", "process", "life"} <= said.keys()


def stand_still(world: World) -> None:
    world.rpc.set_tick(0)
    world.patience_s = 6.0


def set_env(**changes: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.env.update(changes)

    return change


def further_bot(world: World) -> None:
    write(world.folder / "token", "7000000002:AAwrong", 0o600)
    write(
        world.folder / "routes.toml",
        f'[senders.telegram-desk2]\nplatform = "telegram"\ntoken_file = "{world.folder}/token"\n',
    )


WRONG: dict[str, tuple[Callable[[World], object], str, str]] = {
    "a blocked bot": (
        lambda world: world.telegram.block(PERSON), f"telegram:{PERSON}", "blocked by the user",
    ),
    "a group that may not be written to": (
        lambda world: setattr(world.telegram.api.chats[GROUP], "may_write", False), f"telegram:{GROUP}",
        "may not write in Desk",
    ),
    "a group that is gone": (lambda world: world.telegram.api.chats.pop(GROUP), f"telegram:{GROUP}", "chat not found"),
    "a wrong token of Telegram's": (
        set_env(TELEGRAM_TOKEN="7000000001:AAwrong"), "telegram", "Telegram refused the token",
    ),
    "Telegram with trouble": (
        lambda world: world.telegram.inject(Fault(method="getMe", status=502)), "telegram", "Bad Gateway",
    ),
    "Telegram behind somebody's page": (
        lambda world: world.telegram.inject(Fault(method="getMe", status=502, page=True)), "telegram",
        "what answered is not Telegram",
    ),
    "a wrong token of a further bot": (further_bot, "telegram-desk2", "Telegram refused the token"),
    "a wrong token of Discord's": (set_env(DISCORD_TOKEN="wrong.token.here"), "discord", "Discord refused the token"),
    "a channel that cannot be seen": (
        lambda world: setattr(world.channel, "forbidden", True), "discord:",
        "the bot has no access there",
    ),
    "an RPC that refuses": (lambda world: world.rpc.inject(HttpError(status=403)), "rpc 127", "does not allow this"),
    "an RPC that breaks off": (lambda world: world.rpc.inject(Reset()), "rpc 127", "could not be asked"),
    "an RPC that stands still": (stand_still, "rpc 127", "does not move"),
    "an RPC that nobody runs": (
        set_env(RPC_URLS="http://127.0.0.1:9", WS_URL="ws://127.0.0.1:9"), "rpc 127.0.0.1:9", "no connection",
    ),
    "an RPC in the clear": (set_env(RPC_URLS="http://rpc.example/x"), "rpc", "not encrypted"),
    "routes that are none": (
        lambda world: write(world.folder / "routes.toml", "[[route]]\nto = 7\n"), "routes", "routes.toml",
    ),
    "a database others can read": (
        lambda world: (world.folder / "keel.sqlite3").chmod(0o644), "database file", "others can read its secrets",
    ),
    "a heartbeat nobody hears": (
        set_env(HEARTBEAT_URLS="http://127.0.0.1:9/x"), "heartbeat 127.0.0.1", "it cannot be reached",
    ),
    "settings that are none": (set_env(CHECK_INTERVAL_S="soon"), "settings", "CHECK_INTERVAL_S"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "subject", "text"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_found_and_comes_with_a_remedy(
    world: World, spoil: Callable[[World], object], subject: str, text: str
) -> None:
    spoil(world)
    found = await world.look()

    wrong = [fact for fact in found if fact.standing is Standing.WRONG]
    assert [fact for fact in wrong if fact.subject.startswith(subject) and text in fact.text and fact.remedy], wrong
    assert len(wrong) == 1, wrong


ADVICE: dict[str, tuple[Callable[[World], object], str, str]] = {
    "one endpoint alone": (lambda _: None, "rpc", "there is one endpoint"),
    "nothing that wakes people": (lambda _: None, "do not disturb", "no CRITICAL rings through it"),
    "no backups": (set_env(BACKUP_DIR="off"), "backups", "none are made"),
    "a group without the right to pin": (
        lambda world: setattr(world.telegram.api.chats[GROUP], "may_pin", False), f"telegram:{GROUP}", "not pin",
    ),
    "a channel without embeds": (
        lambda world: setattr(world.channel, "may_embed", False), "discord:",
        "lacks Embed Links",
    ),
    "a slow endpoint": (
        lambda world: world.rpc.inject(Delay(seconds=1.2), methods=["getSlot"], count=1), "rpc 127", "takes up to ",
    ),
    "no websocket": (set_env(WS_URL="ws://127.0.0.1:9"), "websocket 127.0.0.1:9", "could not be reached"),
    "no heartbeat": (set_env(HEARTBEAT_URLS=""), "heartbeat", "none is configured"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "subject", "text"), ADVICE.values(), ids=ADVICE)
async def test_what_could_be_better_is_advice_and_no_failure(
    world: World, spoil: Callable[[World], object], subject: str, text: str
) -> None:
    spoil(world)
    found = await world.look()

    advice = [fact for fact in found if fact.standing is Standing.ADVICE and fact.subject.startswith(subject)]
    assert [fact for fact in advice if text in fact.text and fact.remedy], found
    assert passed(found), [fact for fact in found if fact.standing is Standing.WRONG]


async def test_settings_others_can_read_are_wrong(world: World) -> None:
    found = await world.look(mode=0o644)

    (wrong,) = (fact for fact in found if fact.standing is Standing.WRONG)
    assert (wrong.subject, wrong.remedy) == ("settings file", f"chmod 600 {world.env_file}")
