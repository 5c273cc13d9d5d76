"""The signs of life of a whole bot, gathered; and time without protection, added up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import structlog

from bot.loop_watch import EVERY_S, LoopWatch
from bot.messages import TryAgain
from bot.protection import Protection
from bot.schedule import run_once
from bot.vitals import Organ, Patience, StreamSign, said
from bot.wellbeing import Wellbeing
from storage import Progress
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.bot_world import HOME, BotWorld, bot_world
from tests.support.clock import FakeClock

PATIENCE = Patience(delivery=timedelta(seconds=20))


@dataclass
class Ward:
    """A bot and who looks at it."""

    world: BotWorld
    wellbeing: Wellbeing
    stream: StreamSign | None = None

    async def after(self, seconds: float, *, check: bool = True) -> str:
        """What stands still after a while in which the health check ran, or did not."""
        self.world.clock.pass_s(seconds)
        if check:
            process = self.world.app.services.process
            await run_once("check", self.world.app.watch.check, process.jobs["check"], self.world.clock)
        return said(await self.wellbeing.look())


@pytest.fixture
async def ward() -> AsyncIterator[Ward]:
    async with bot_world() as world:
        process = world.app.services.process
        process.jobs = world.app._schedule().jobs
        wellbeing = Wellbeing(
            process=process, deliveries=world.app.deliveries, progress=Progress(world.store), clock=world.clock,
            stream=lambda: found.stream, patience=PATIENCE,
        )  # fmt: skip
        found = Ward(world, wellbeing)
        yield found


async def test_a_bot_that_works_is_well(ward: Ward) -> None:
    assert await ward.after(5) == ""
    assert await ward.after(3_600) == ""


async def test_checks_that_stop_are_noticed(ward: Ward) -> None:
    await ward.after(5)
    assert await ward.after(15, check=False) == ""
    assert await ward.after(1, check=False) == "no health check for 16 s"
    assert await ward.after(1) == ""


async def test_a_stream_that_is_gone_is_noticed_and_none_is_none(ward: Ward) -> None:
    ward.stream = StreamSign(connected=False, since=ward.world.clock.now())
    assert await ward.after(60) == ""
    assert await ward.after(1) == "no stream of the venue for 61 s"
    ward.stream = None
    assert await ward.after(1) == ""


async def test_an_alert_nobody_hears_is_noticed_until_somebody_does(ward: Ward) -> None:
    world = ward.world
    world.put(110)
    world.transport.fail(HOME, *(TryAgain("down") for _ in range(50)))
    await ward.after(5)
    await world.deliver()
    assert await ward.after(19) == ""
    assert await ward.after(2) == "an alert for chat has waited for 21 s and nobody has heard it"
    world.transport._failures.clear()
    world.clock.pass_s(60)
    await world.deliver()
    assert await ward.after(2) == ""


async def test_a_platform_that_is_down_is_noticed_when_it_is_the_only_way(ward: Ward) -> None:
    ward.world.transport.connected = False
    found = await ward.wellbeing.signs()
    assert not found.deliveries[0].connected


async def test_a_memory_that_fails_or_hangs_is_noticed(ward: Ward) -> None:
    await ward.after(5)
    store = ward.world.store
    await store.atomic(lambda db: db.execute("ALTER TABLE outbox RENAME TO gone"))
    with structlog.testing.capture_logs() as logs:
        ward.world.clock.pass_s(2)
        await ward.wellbeing.look()
        ward.world.clock.pass_s(21)
        assert "nothing could be stored for 21 s" in said(await ward.wellbeing.look())
    assert [entry["event"] for entry in logs] == ["wellbeing.memory_failed"]
    await store.atomic(lambda db: db.execute("ALTER TABLE gone RENAME TO outbox"))
    ward.world.clock.pass_s(2)
    assert Organ.MEMORY not in {one.organ for one in await ward.wellbeing.look()}


async def test_many_who_ask_at_once_share_one_look(ward: Ward) -> None:
    before = await ward.world.store.run(lambda db: db.conn.total_changes)
    answers = await asyncio.gather(*(ward.wellbeing.look() for _ in range(20)))

    assert len({id(answer) for answer in answers}) == 1
    assert await ward.world.store.run(lambda db: db.conn.total_changes) == before


# Time without protection.


def test_time_in_which_an_account_was_not_assessed_adds_up() -> None:
    clock = FakeClock()
    protection = Protection(clock=clock)
    protection.start(unwatched_s=60.0, accounts=3)
    for unassessed, seconds in ((0, 10.0), (2, 10.0), (0, 10.0), (3, 1.0)):
        clock.pass_s(seconds)
        protection.tick(unassessed, 3)

    assert protection.unprotected_s == pytest.approx(60 + 10 + 1)
    assert protection.unprotected_account_s == pytest.approx(180 + 20 + 3)


def test_time_in_which_the_process_stood_still_protects_nobody() -> None:
    clock = FakeClock()
    protection = Protection(clock=clock)
    protection.start(unwatched_s=0.0, accounts=2)
    clock.pass_s(90)
    protection.tick(0, 2)

    assert (protection.unprotected_s, protection.unprotected_account_s) == (90, 180)


# The loop.


async def test_a_loop_that_is_kept_busy_is_measured_and_said(figure: Gauge) -> None:
    clock = FakeClock()
    lags: list[float] = []
    busy = [0.0, 0.3, 1.5]

    async def sleep(seconds: float) -> None:
        if not busy:
            raise asyncio.CancelledError
        clock.pass_s(seconds + busy.pop(0))

    watch = LoopWatch(sleep=sleep, monotonic_s=clock.monotonic_s, observe=lags.append)
    with structlog.testing.capture_logs() as logs, contextlib.suppress(asyncio.CancelledError):
        await watch.run()

    assert lags == pytest.approx([0.0, 0.3, 1.5], abs=1e-9)
    assert watch.worst_s == pytest.approx(1.5)
    figure(Measure.NOTICED, watch.stalls)
    assert [entry["event"] for entry in logs] == ["loop.stalled"]
    assert EVERY_S < 1
