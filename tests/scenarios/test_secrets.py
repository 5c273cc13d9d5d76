"""A canary in every secret setting, a whole bot at DEBUG, everything failing that can fail: nobody hears a canary.

All canaries have one word in common, so that a part of one, or another case or encoding of it, is found as well.
"""

import asyncio
import json
import resource
import stat
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from bot.config import Settings
from bot.secret_settings import secret_names
from storage import LinkClaim, People, Pins, Role, Store
from storage.handles import HANDLE_LENGTH
from tests.bot.secrets.canaries import CANARIES, LISTS
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.scenarios.conftest import Stage, Start, fall_to
from tests.scenarios.test_trades import PAPER, card, pressed
from tests.support.beat_server import BeatServer
from tests.support.cut_proxy import free_port
from tests.support.discord_screen import Screen
from tests.support.discord_server import DiscordServer
from tests.support.discord_server import Drop as DiscordDrop
from tests.support.discord_server import Fault as DiscordFault
from tests.support.keel_process import Finished, KeelProcess, bare, keel, run_keel
from tests.support.leaks import WORD, leaks_below, leaks_in
from tests.support.phone import Phone
from tests.support.scenarios import OnePosition
from tests.support.services import HttpService
from tests.support.solana_rpc import UPGRADE, Garbage, HttpError, RateLimit, Refusal, Reset, SolanaRpc
from tests.support.telegram import Drop, Fault, TelegramServer

LONG_S = 60.0  # a machine that stands still for seconds
ANN = 3001
PAGER = "canary-pager-key-31c5aa70"
IN_FILES = ("telegram_token", "discord_token", "heartbeat_secret", "rpc_urls")
KILOBYTE = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Everybody the bot talks to. None of them is a stranger: each knows the canaries that are meant for it."""

    telegram: TelegramServer
    discord: DiscordServer
    beats: BeatServer
    pager: HttpService
    rpc: SolanaRpc

    def secrets(self) -> dict[str, str]:
        """A value for every secret setting that leads to this machine, with its canary in it."""
        guild = self.discord.add_guild("Desk")
        guild.members.add(ANN)
        webhook = self.discord.api.next_id()
        token = CANARIES["discord_webhook_url"].rpartition("/")[2]
        self.discord.api.webhooks[webhook] = (token, self.discord.add_channel(guild).channel_id)
        beats = self.beats.url
        return {
            "rpc_urls": f"{self.rpc.url}/canary-rpc-path-6c1f0a93?api-key=canary-rpc-query-51b7",
            "ws_url": f"{self.rpc.ws_url}/canary-ws-path-0d9e44b1",
            "telegram_token": self.telegram.token,
            "discord_token": self.discord.token,
            "discord_webhook_url": f"{self.discord.api_url}/webhooks/{webhook}/{token}",
            "heartbeat_urls": f"{beats}/canary-beat-2f7c81aa/keel/beat,post+{beats}/canary-post-77aa01cd",
            "heartbeat_secret": CANARIES["heartbeat_secret"],
            "standby_telegram_token": CANARIES["standby_telegram_token"],
            "standby_discord_token": CANARIES["standby_discord_token"],
            "standby_heartbeat_urls": f"{beats}/ping/canary-standby-90ee12bb",
        }

    def told(self) -> str:
        """All that the bot said to people and services, edits and files included."""
        said: list[object] = [
            [
                (one.text, one.source, one.keyboard, one.edits, one.photo, one.document)
                for one in self.telegram.messages()
            ],
            list(self.telegram.answers.values()),
            [(one.text, one.labels, one.edits, one.files) for one in self.discord.api.sent],
            [request.body for request in self.beats.beats],
            self.pager.taken,
        ]
        return repr(said)


@pytest.fixture
async def outside(rpc: SolanaRpc) -> AsyncIterator[Outside]:
    async with (
        TelegramServer(token=CANARIES["telegram_token"]) as telegram,
        DiscordServer(token=CANARIES["discord_token"]) as discord,
        BeatServer() as beats,
        HttpService() as pager,
    ):
        yield Outside(telegram=telegram, discord=discord, beats=beats, pager=pager, rpc=rpc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A stage whose every secret is a canary; ``keepers`` are the files that have to hold some."""

    env: Mapping[str, str]
    folder: Path
    keepers: tuple[Path, ...]


@pytest.fixture
def loaded(stage: Stage, outside: Outside) -> Loaded:
    secrets, kept = outside.secrets(), stage.folder / "kept"
    assert set(secrets) == set(secret_names(Settings)), "a new secret setting needs a canary here"
    assert all(WORD in value.lower() for value in secrets.values())
    kept.mkdir(mode=0o700)
    env = {
        **stage.env, "TELEGRAM_BASE_URL": outside.telegram.url, "DISCORD_API_URL": outside.discord.api_url,
        "DISCORD_GATEWAY_URL": outside.discord.gateway_url, "HEARTBEAT_EVERY_S": "0.3", "SLOT_STALL_S": "1",
        "BACKUP_DIR": str(stage.folder / "backups"), "METRICS_PORT": str(free_port()),
    }  # fmt: skip
    del env["RPC_URLS"], env["TELEGRAM_TOKEN"]
    for name, value in secrets.items():
        if name in IN_FILES:
            file = kept / name
            file.write_text(value.replace(",", "\n") if name in LISTS else value)
            file.chmod(0o600)
            env[f"{name.upper()}_FILE"] = str(file)
        else:
            env[name.upper()] = value
    routes = stage.folder / "routes.toml"
    routes.write_text(
        f'[services.pager]\nurl = "json://canary:canary-password@{outside.pager.host}/{PAGER}"\n'
        '[fallback]\norder = ["telegram", "discord", "discord-webhook", "service:pager"]\nafter = "1 s"\n'
    )
    routes.chmod(0o600)
    return Loaded(env=env, folder=stage.folder, keepers=(kept, routes))


async def test_a_bot_whose_every_secret_is_marked_says_none_of_them_whatever_fails(
    loaded: Loaded, outside: Outside, scene: OnePosition, figure: Gauge
) -> None:
    phone = Phone(outside.telegram)
    async with keel("run", env=loaded.env, folder=loaded.folder) as bot:
        code = await bot.link_code()
        await phone.link(code)
        await Screen(outside.discord, ANN).connected()
        await bot.until(lambda: bot.logged("backup.made"), "a backup", LONG_S)
        await outside.beats.more(2, LONG_S)

        await _break_the_node(bot, outside.rpc)
        await _break_the_chats(bot, phone, outside, scene)
        await _break_the_disk(bot, phone, loaded)

        metrics = await _metrics(loaded)
        exported, checked, crashed, _ = await asyncio.gather(
            run_keel("audit", "export", "--format", "json", env=loaded.env, folder=loaded.folder),
            run_keel("check", env=loaded.env, folder=loaded.folder),
            _crash(loaded),
            _ask(phone),
        )
        assert await bot.stop(LONG_S) == 0

    everything = {
        "the log": bot.stderr, "standard output": bot.stdout, "the metrics": metrics, "what was told": outside.told(),
        "an export": _all_of(exported), "a check": _all_of(checked), "a crash": _all_of(crashed),
    }  # fmt: skip
    found = [f"{where}: {leak}" for where, content in everything.items() for leak in leaks_in(content)]
    found += leaks_below(loaded.folder, but=loaded.keepers)
    assert found == []
    figure(Measure.OVERHEARD, len(found))

    # All of it did happen, and the ways in which it is looked at do see.
    assert "[secret]" in bot.stderr
    assert "process.crashed" in crashed.stderr
    assert "RuntimeError" in crashed.stderr
    assert {json.loads(line)["level"] for line in bot.stderr.splitlines()} >= {"debug", "info", "warning", "error"}
    assert leaks_below(loaded.folder) != []
    for path in loaded.folder.rglob("keel.sqlite3*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for path in (loaded.folder / "backups").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((loaded.folder / "backups").stat().st_mode) == 0o700


PIN, WRONG_PIN = "739184620517", "194837265019"
BOB = 1002


async def test_a_pin_a_code_and_a_button_are_nowhere_but_hashed(
    start: Start, stage: Stage, phone: Phone, figure: Gauge
) -> None:
    """What is too short, or too many, to be taken out of texts is put into none, at DEBUG, by no path."""
    await _owner_with_a_pin(stage, phone)
    bot = await start(**PAPER, TRADING_PIN_ABOVE_USD="1", BACKUP_DIR="backups")
    await bot.started()
    invitation = await phone.ask("/invite viewer for Bob", LONG_S)
    code = next(word for word in invitation.split() if len(word) == 9 and word[4] == "-")
    bob = Phone(phone.server, BOB)
    assert "WRNG-C0DE" not in await bob.ask("/start WRNG-C0DE", LONG_S)
    assert (await bob.ask(f"/start {code}", LONG_S)).startswith("Linked")

    await phone.say("/flatten")
    await phone.until(lambda: any(one.text.startswith("Flatten main") for one in phone.messages), "a card", LONG_S)
    asked = card(phone, "Flatten main")
    handles = [key.data.rpartition(":")[2] for key in asked.keys]
    assert {len(handle) for handle in handles} == {HANDLE_LENGTH}
    await pressed(phone, asked, "Confirm")
    answers = [await phone.ask(f"/pin {WRONG_PIN}", LONG_S), await phone.ask(f"/pin {PIN}", LONG_S)]
    assert answers[0].startswith("That is not your PIN")
    assert answers[1].startswith("Right.")
    await phone.until(lambda: "· ended" in asked.text, "the end of the trade", LONG_S)
    await run_keel("backup", "backups", env={"DATABASE_PATH": stage.env["DATABASE_PATH"]}, folder=stage.folder)
    exported = await run_keel("audit", "export", env={"DATABASE_PATH": stage.env["DATABASE_PATH"]}, folder=stage.folder)
    assert await bot.stop() == 0

    # A code that was asked for in a chat is shown there, and there alone.
    secret = {PIN, WRONG_PIN, code, code.replace("-", ""), *handles}
    assert len(secret) >= 6
    written = {"the log": bot.output, "an export": exported.stdout + exported.stderr}
    written |= {path.name: path.read_bytes().decode("latin-1") for path in stage.folder.rglob("*") if path.is_file()}
    found = [f"{where}: {one}" for where, text in written.items() for one in secret if one in text]
    found += [one.text for one in phone.messages if PIN in one.text or WRONG_PIN in one.text]
    assert found == []
    figure(Measure.OVERHEARD, len(found))
    assert "pin_right" in exported.stdout.lower().replace(" ", "_")  # it is noted that it was right, not what it was
    assert len(written) >= 4


async def _owner_with_a_pin(stage: Stage, phone: Phone) -> None:
    async with await Store.open(Path(stage.env["DATABASE_PATH"])) as store:
        people, now = People(store), datetime.now(UTC)
        code = await people.issue_link_code(now, Role.ADMIN, timedelta(hours=1), owner=True)
        claim = LinkClaim(
            person_id="ann", transport="telegram", user_id=str(phone.user), display_name="Ann", chat=str(phone.chat)
        )
        await people.redeem_link_code(code, claim, now)
        await Pins(store).set("ann", PIN, now)


async def _break_the_node(bot: KeelProcess, rpc: SolanaRpc) -> None:
    """Everything a node can do wrong, its own words quoting the address and the keys in every encoding it may use."""
    quoted = (
        f"no more calls for {rpc.url}/canary-rpc-path-6c1f0a93?api-key=canary-rpc-query-51b7 CANARY-RPC-PATH-6C1F0A93"
    )
    for fault in (
        HttpError(status=401), HttpError(status=403), HttpError(status=500), RateLimit(retry_after_s=0.1), Reset(),
        HttpError(status=307, location=f"{rpc.url}/canary-rpc-path-6c1f0a93"), Garbage(body=quoted),
        Garbage(body=json.dumps({"error": {"message": [quoted], "data": quoted}})), Refusal(message=quoted),
        Refusal(code=-32_602, message=quoted),
    ):  # fmt: skip
        rpc.inject(fault, count=3)
        rpc.inject(fault, methods=[UPGRADE], count=1)
    rpc.drop_websockets()
    rpc.say_over_websockets(quoted)
    await bot.until(lambda: bot.logged("check.venue_failed")[3:], "failed checks", LONG_S)
    rpc.heal()


async def _break_the_chats(bot: KeelProcess, phone: Phone, outside: Outside, scene: OnePosition) -> None:
    """Every status a platform has, pages of proxies that quote the address, connections that end."""
    telegram, discord, beats = outside.telegram, outside.discord, outside.beats
    leaked = f"Internal: bot{telegram.token} {CANARIES['heartbeat_secret']}"
    for status in (401, 403, 409, 500):
        telegram.inject(Fault(method="getUpdates", status=status, description=f"{leaked} {status}"))
        discord.inject(DiscordFault(path="/messages", status=status, words=f"{discord.token} {leaked}"))
    discord.inject(DiscordFault(path="/messages", status=429, retry_after=0.2))
    for method in ("getUpdates", "edit", "answer"):
        telegram.inject(Fault(method=method, status=502, page=True))
        telegram.inject(Fault(method=method, drop=Drop.BEFORE))
        telegram.inject(Fault(method=method, drop=Drop.AFTER))
    for fault in (
        Fault(method="send", status=502, page=True), Fault(method="send", status=429, retry_after=1),
        Fault(method="send", drop=Drop.BEFORE), Fault(method="send", status=500, description=leaked, times=None),
    ):  # fmt: skip
        telegram.inject(fault)
    discord.inject(DiscordFault(path="/webhooks", status=500, page=True))
    discord.inject(DiscordFault(path="/webhooks", status=403, words=leaked))
    discord.inject(DiscordFault(path="/messages", drop=DiscordDrop.BEFORE))
    discord.gateway.cut()
    beats.status, beats.body = HTTPStatus.INTERNAL_SERVER_ERROR, leaked.encode()
    outside.pager.status = 500
    fall_to("CRITICAL", scene, outside.rpc)
    await bot.until(lambda: bot.logged("delivery.retry"), "a failed delivery", LONG_S)
    await bot.until(lambda: bot.logged("heartbeat.failed"), "a beat that was not taken", LONG_S)
    await discord.wait_for(lambda: len([call for call in discord.calls if "/webhooks/" in call.path]) > 1, LONG_S)
    telegram.inject(Fault(method="send", status=403, description=leaked))
    telegram.heal()
    discord.heal()
    beats.status, beats.body, outside.pager.status = HTTPStatus.OK, b"", 200
    await phone.until(lambda: phone.alerts, "an alert", LONG_S)  # which one it is by now is another story


async def _break_the_disk(bot: KeelProcess, phone: Phone, loaded: Loaded) -> None:
    """No file may grow any more: the next change cannot be stored."""
    before = resource.prlimit(bot.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, (KILOBYTE, before[1]))
    await phone.say("/mute main 1h")
    await bot.until(lambda: "torage" in bot.stderr or "disk" in bot.stderr.lower(), "word of the disk", LONG_S)
    resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, before)


async def _ask(phone: Phone) -> None:
    """What tells most about the bot itself; nothing that was typed is repeated in the log either."""
    for command in ("/status", "/routes", "/people", "/ack", "/nonsense"):
        await phone.ask(command, LONG_S)


async def _metrics(loaded: Loaded) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://127.0.0.1:{loaded.env['METRICS_PORT']}/metrics")).text


_CRASHES = """
import sys
import bot.run

async def dies(settings, reader, store, clock):
    local = [value.get_secret_value() for value in settings.rpc_urls] + [settings.telegram_token.get_secret_value()]
    print("half a line of", local[0], end="")
    print("to whom it concerns:", *local, file=sys.stderr)
    try:
        raise KeyError(*local)
    except KeyError as cause:
        raise ExceptionGroup("all of it", [RuntimeError(settings, *local), OSError(5, *local)]) from cause

bot.run.roster_of = dies
from bot.cli import main
main(["run"])
"""


async def _crash(loaded: Loaded) -> Finished:
    """A bot with a defect: it prints its secrets, and dies of an error that has them in its arguments."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CRASHES, env=bare({**loaded.env, "DATABASE_PATH": "other.sqlite3"}, loaded.folder),
        cwd=loaded.folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await asyncio.wait_for(process.communicate(), LONG_S)
    return Finished(code=process.returncode or 0, stdout=out.decode(), stderr=error.decode())


def _all_of(ended: Finished) -> str:
    return f"{ended.stdout}\n{ended.stderr}"
