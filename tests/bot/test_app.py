"""The wired process: it starts, watches, delivers, answers, and leaves nothing behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import structlog

from bot.app import App, Pace, assemble
from bot.clock import SystemClock
from bot.commands.registry import all_commands
from bot.messages import Address, Command, Person
from bot.roster import Roster, Watched
from risk.decisions.tiers import TierThresholds
from storage import Receiver, Store
from tests.support.recording_transport import RecordingTransport
from tests.support.tuned_reader import TunedReader, at_ratio
from tests.support.waiting import until

CONSOLE = Receiver(transport="console", chat="console")


@contextlib.asynccontextmanager
async def serving(
    *transports: RecordingTransport, reader: TunedReader, check_s: float = 0.05
) -> AsyncIterator[tuple[App, asyncio.Event]]:
    """A process in real time, until the end of the block."""
    clock, stop = SystemClock(), asyncio.Event()
    roster = Roster([Watched(account_id="a1", nickname="main", thresholds=TierThresholds())])
    with ThreadPoolExecutor(max_workers=1) as executor:
        async with await Store.open(":memory:") as store:
            app = assemble(
                store=store, reader=reader, roster=roster, transports=transports, clock=clock, venue="paper",
                executor=executor, console=CONSOLE, pace=Pace(check_interval=timedelta(seconds=check_s)),
            )  # fmt: skip
            running = asyncio.create_task(app.serve(stop))
            try:
                yield app, stop
            finally:
                stop.set()
                await running


@pytest.fixture
def console() -> RecordingTransport:
    return RecordingTransport(now=SystemClock().now, name="console")


@pytest.fixture
def reader() -> TunedReader:
    return TunedReader(SystemClock(), "a1")


async def test_a_fall_is_seen_by_the_clockwork_and_said(console: RecordingTransport, reader: TunedReader) -> None:
    async with serving(console, reader=reader) as (app, _):
        await until(lambda: reader.reads >= 2)
        reader.accounts["a1"] = at_ratio(110)
        await until(lambda: [one for one in console.sent if one.first.startswith("CRITICAL main: ")])

        assert set(app.services.process.jobs) >= {
            "check", "limits", "equity", "housekeeping", "moves", "watchdog", "fallback", "escalation", "audit",
        }  # fmt: skip
        assert app.services.process.jobs["check"].failures == 0


async def test_questions_are_answered_and_the_menu_is_filled(console: RecordingTransport, reader: TunedReader) -> None:
    asked = Command(
        sender=Person(transport="console", user_id="local"), address=Address(transport="console", chat="console"),
        text="/status", sent_at=SystemClock().now(),
    )  # fmt: skip
    async with serving(console, reader=reader):
        console.hear(asked)
        await until(lambda: [one for one in console.sent if one.first.startswith("Keel: ")])
        await until(lambda: console.hints)

        assert {hint.name for hint in console.hints} == set(all_commands())


async def test_a_transport_that_ends_ends_nothing_else(console: RecordingTransport, reader: TunedReader) -> None:
    async with serving(console, reader=reader):
        console.end()
        reads = reader.reads
        await until(lambda: reader.reads > reads + 3)
        reader.accounts["a1"] = at_ratio(110)
        await until(lambda: [one for one in console.sent if one.first.startswith("CRITICAL main: ")])


async def test_stopping_leaves_no_task_behind(console: RecordingTransport, reader: TunedReader) -> None:
    with structlog.testing.capture_logs() as logs:
        async with serving(console, reader=reader):
            await until(lambda: reader.reads >= 1)
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert [entry["event"] for entry in logs if entry["event"].startswith("app.")] == ["app.started", "app.stopped"]


async def test_a_transport_with_a_defect_takes_the_process_down_loudly(
    console: RecordingTransport, reader: TunedReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    broke = asyncio.Event()

    async def broken() -> AsyncIterator[Command]:
        broke.set()
        raise RuntimeError("a defect")
        yield

    monkeypatch.setattr(console, "incoming", broken)
    with pytest.raises(BaseExceptionGroup, match="unhandled errors in a TaskGroup"):
        async with serving(console, reader=reader):
            await broke.wait()
