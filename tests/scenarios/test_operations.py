"""The process as those see it who run it: its service manager, its dead-man service, its log, its backups."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.scenarios.conftest import Stage, Start, fall_to, recover
from tests.support.beat_server import BeatServer
from tests.support.cut_proxy import free_port
from tests.support.keel_process import KeelProcess, run_keel
from tests.support.phone import Phone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import SolanaRpc
from tests.support.telegram import Fault, TelegramServer

ROOT = Path(__file__).resolve().parents[2]
LONG_S = 60.0  # a busy machine
PULSE_S = 60.0


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(path))

    def close(self) -> None:
        self._socket.close()

    async def until(self, line: str, times: int = 1) -> None:
        """Until so many notices with this line came."""
        async with asyncio.timeout(LONG_S):
            while sum(line in notice.split("\n") for notice in self.heard) < times:
                self.heard.append((await asyncio.get_running_loop().sock_recv(self._socket, 4096)).decode())

    def nothing_for_now(self) -> None:
        """Forget what has come so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(4096)
        self.heard.clear()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with contextlib.closing(Manager(tmp_path / "notify")) as found:
        yield found


@pytest.fixture
async def service() -> AsyncIterator[BeatServer]:
    async with BeatServer() as server:
        yield server


async def test_the_service_manager_hears_of_readiness_of_life_and_of_the_end(
    start: Start, manager: Manager, figure: Gauge
) -> None:
    began = time.monotonic()
    bot = await start(NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="1000000")
    await manager.until("READY=1")
    unit = (ROOT / "deploy" / "keel.service").read_text(encoding="utf-8")
    waits_s = sum(float(seconds) for seconds in re.findall(r"^(?:WatchdogSec|RestartSec)=(\d+)$", unit, re.MULTILINE))
    assert waits_s > 1
    figure.took(Measure.RESTARTED_AFTER, waits_s + time.monotonic() - began)
    await manager.until("WATCHDOG=1", times=4)
    assert any("STATUS=watching 1 account, worst " in notice for notice in manager.heard)

    os.kill(bot.pid, signal.SIGSTOP)
    await asyncio.sleep(0.2)
    manager.nothing_for_now()
    await asyncio.sleep(1.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await manager.until("WATCHDOG=1")
    figure(Measure.SIGNS, len(manager.heard))
    os.kill(bot.pid, signal.SIGCONT)
    await manager.until("WATCHDOG=1")
    assert await bot.stop() == 0
    await manager.until("STOPPING=1")


async def test_a_dead_man_service_hears_beats_until_the_process_is_dead(
    start: Start, service: BeatServer, figure: Gauge
) -> None:
    changes = {"HEARTBEAT_URLS": f"{service.url}/ping/canary-of-the-url", "HEARTBEAT_EVERY_S": "0.2"}
    bot = await start(**changes)
    await service.more(3, LONG_S)
    await bot.kill()
    await asyncio.sleep(0.5)  # for one that was on its way
    beats = len(service.beats)
    await asyncio.sleep(1.0)
    figure(Measure.SIGNS, len(service.beats) - beats)
    again = await start(**changes)
    await service.more(2, LONG_S)
    assert "canary-of-the-url" not in bot.output + again.output


async def test_a_dead_man_service_that_hangs_disturbs_nothing(
    start: Start, service: BeatServer, phone: Phone, scene: OnePosition, rpc: SolanaRpc, figure: Gauge
) -> None:
    service.hangs = True
    bot = await start(HEARTBEAT_URLS=f"{service.url}/x,http://127.0.0.1:9/gone", HEARTBEAT_EVERY_S="0.1")
    await phone.link(await bot.link_code())
    await bot.until(lambda: bot.logged("heartbeat.failed"), "a beat that was not taken", LONG_S)
    fall_to("LIQUIDATING", scene, rpc)
    with figure.timing(Measure.TOLD_AFTER):
        await phone.alert("LIQUIDATING", timeout_s=LONG_S)
    status = await phone.ask("/status")
    assert "Heartbeat to 127.0.0.1 (2): FAILING for " in status


async def test_prometheus_reads_what_the_process_does(
    start: Start, phone: Phone, scene: OnePosition, rpc: SolanaRpc
) -> None:
    port = free_port()
    bot = await start(METRICS_PORT=str(port))
    await phone.link(await bot.link_code())
    fall_to("LIQUIDATING", scene, rpc)
    await phone.alert("LIQUIDATING", timeout_s=LONG_S)
    await bot.until(lambda: bot.logged("alert.delivered"), "a delivery", LONG_S)
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    for wanted in (
        'keel_job_runs_total{job="check",outcome="ok"}', 'keel_accounts{tier="LIQUIDATING"} 1.0',
        'keel_deliveries_total{outcome="sent",tier="LIQUIDATING",transport="telegram"}',
        "keel_delivery_latency_seconds_bucket", "keel_event_loop_lag_seconds_count", "keel_unprotected_minutes_total",
        "keel_data_age_seconds ",
    ):  # fmt: skip
        assert wanted in text
    labels = re.findall(r'="([^"]*)"', text)
    assert not {scene.user, str(phone.user), "main"} & set(labels)


async def test_a_chat_has_one_silent_status_message_that_outlives_a_kill_and_hears_what_happened_meanwhile(
    start: Start, phone: Phone, telegram: TelegramServer, scene: OnePosition, rpc: SolanaRpc
) -> None:
    bot = await start()
    await phone.link(await bot.link_code())
    await phone.until(lambda: phone.pulse is not None and phone.pulse.pinned, "status message", PULSE_S)
    pulse = phone.pulse
    assert pulse is not None
    assert (pulse.silent, telegram.api.chats[phone.user].loud_pins) == (True, 0)
    assert pulse.text.startswith("Pulse: watching 1 account, ")
    assert await bot.stop() == 0
    bot = await start()
    await bot.started()
    await phone.ask("/health")
    await bot.kill()
    fall_to("LIQUIDATING", scene, rpc)
    await start()
    await phone.until(lambda: phone.absences, "word of the kill", LONG_S)
    (told,) = phone.absences  # and none of the restart before it
    assert "It was killed or lost power: from about " in told.text
    assert "LIQUIDATING" in told.text.split("now", 1)[1]
    await phone.alert("LIQUIDATING", timeout_s=LONG_S)
    await phone.until(lambda: pulse.edits and "LIQUIDATING" in pulse.text, "an edit of the status", PULSE_S)
    assert [one for one in phone.messages if one.text.startswith("Pulse: ")] == [pulse]
    assert (await phone.ask("/pulse off")).startswith("Status is off here.")
    await phone.until(lambda: pulse.text.startswith("Status is no longer"), "its end", PULSE_S)


async def test_every_line_of_the_log_is_one_json_object_and_nothing_else_is_written(
    start: Start, stage: Stage, phone: Phone, telegram: TelegramServer, scene: OnePosition, rpc: SolanaRpc,
    service: BeatServer,
) -> None:  # fmt: skip
    bot = await start(
        LOG_LEVEL="DEBUG", HEARTBEAT_URLS=service.url, METRICS_PORT=str(free_port()), BACKUP_DIR="backups"
    )
    code = await bot.link_code()
    await phone.link(code)
    telegram.inject(Fault(method="sendMessage", status=502, times=2))
    fall_to("LIQUIDATING", scene, rpc)
    await phone.alert("LIQUIDATING", timeout_s=LONG_S)
    await phone.ask("/chart")
    recover(scene, rpc)
    assert await bot.stop() == 0
    lines = [json.loads(line, parse_constant=_refuse) for line in bot.stderr.splitlines()]
    assert len(lines) > 20
    for line in lines:
        assert {"event", "level", "timestamp"} <= line.keys(), line
        assert line["level"] in ("debug", "info", "warning", "error", "critical")
    assert bot.stdout == f"link code: {code}\n"
    (made,) = bot.logged("backup.made")
    assert (stage.folder / "backups" / made["file"]).stat().st_size == made["size_bytes"]


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


async def test_two_processes_never_share_a_memory(bot: KeelProcess, stage: Stage) -> None:
    for command in ("run", "standby"):
        env = {**stage.env, "HEARTBEAT_SECRET": "0123456789abcdef"}
        second = await run_keel(command, env=env, folder=stage.folder)
        assert second.code == 2, second.stderr
        assert f"is in use by process {bot.pid}; stop that one first" in second.stderr
    assert bot.running


# Backups.


async def test_a_backup_beside_a_live_bot_brings_it_back_and_nothing_is_lost_or_said_twice(
    start: Start, stage: Stage, phone: Phone, telegram: TelegramServer, scene: OnePosition, rpc: SolanaRpc
) -> None:
    """The drill: alerts before, during and after a backup; the disk breaks; the backup is put back."""
    bot = await start()
    await phone.link(await bot.link_code())
    await phone.quiet()
    # One alert waits in the outbox while the backup is made.
    telegram.inject(Fault(method="sendMessage", status=502, times=None))
    fall_to("LIQUIDATING", scene, rpc)
    await bot.until(lambda: bot.logged("delivery.retry"), "an alert that cannot leave", LONG_S)
    made = await run_keel("backup", "drill.sqlite3", env=stage.env, folder=stage.folder)
    assert (made.code, made.stderr) == (0, "")
    assert "checked" in made.stdout
    lives = await run_keel("alive", env=stage.env, folder=stage.folder)
    assert (lives.code, lives.stdout[:8], lives.stderr) == (0, "runs for", "")
    refused = await run_keel("restore", "drill.sqlite3", env=stage.env, folder=stage.folder)
    assert refused.code == 2
    assert f"in use by process {bot.pid}" in refused.stderr

    await bot.kill()
    database = Path(stage.env["DATABASE_PATH"])
    break_disk(database)
    looked = await run_keel("check", env=stage.env, folder=stage.folder)
    assert looked.code == 1
    assert "is damaged" in looked.stdout
    before = len(phone.alerts)
    telegram.heal()
    restored = await run_keel("restore", "drill.sqlite3", env=stage.env, folder=stage.folder)
    assert (restored.code, restored.stderr) == (0, "")
    assert f"kept as {database}.replaced-" in restored.stdout

    again = await start()
    waited = await phone.alert("LIQUIDATING", after=before, timeout_s=LONG_S)
    await phone.until(lambda: phone.absences, "word of the restore", LONG_S)
    assert "was restored from a backup" in phone.absences[-1].text
    assert "link code" not in again.stdout
    assert (await phone.ask("/health")).splitlines()[0].endswith("LIQUIDATING")
    assert sum(one.text.startswith("LIMIT ") for one in phone.messages) == 1
    recover(scene, rpc)
    await phone.until(lambda: len(phone.alerts) > before + 1, "the recovery", LONG_S)
    assert [one.number for one in phone.alerts[before:] if one.head == "LIQUIDATING"] == [waited.number]
    assert await again.stop() == 0


def break_disk(database: Path) -> None:
    database.write_bytes(b"what a disk may return " * 10_000)
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
