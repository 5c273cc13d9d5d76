"""The clockwork: runs are counted, errors stop nothing, and a watchdog notices when checks do not succeed."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from bot.observing import Nobody
from bot.process import JobState
from bot.schedule import Schedule, once, run_once
from bot.watchdog import Watchdog
from storage import DiskFull
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.bot_world import BotWorld, bot_world
from tests.support.clock import FakeClock
from tests.support.waiting import until
from venues.errors import VenueUnavailable


async def succeed() -> None:
    pass


async def fail() -> None:
    raise RuntimeError("https://rpc.example/very-secret-key refused")


async def test_a_job_that_fails_is_counted_and_does_not_stop_the_clockwork() -> None:
    clock = FakeClock()
    runs: list[int] = []

    async def sometimes() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise RuntimeError("once")

    schedule = Schedule(clock)
    schedule.every(0.01, "sometimes", sometimes)
    async with schedule:
        await until(lambda: len(runs) >= 3)

    state = schedule.jobs["sometimes"]
    assert state.failures == 1
    assert state.runs >= 3


async def test_two_jobs_run_side_by_side_and_one_that_hangs_holds_up_no_other() -> None:
    clock, hang = FakeClock(), asyncio.Event()
    ticks: list[int] = []

    async def tick() -> None:
        ticks.append(1)

    schedule = Schedule(clock, last_runs_s=0.01)
    schedule.every(0.01, "hangs", lambda: _waited(hang))
    schedule.every(0.01, "ticks", tick)
    async with schedule:
        await until(lambda: len(ticks) >= 3)
        assert schedule.jobs["hangs"].runs == 1


async def test_what_has_begun_comes_to_its_end_before_the_clockwork_does() -> None:
    begun, done = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        begun.set()
        await asyncio.sleep(0.05)
        done.set()

    schedule = Schedule(FakeClock())
    schedule.every(60.0, "slowly", slowly)
    async with schedule:
        await begun.wait()

    assert done.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def _waited(event: asyncio.Event) -> None:
    await event.wait()


async def test_a_run_longer_than_its_interval_is_counted() -> None:
    clock, state = FakeClock(), JobState(interval_s=5.0)

    await run_once("check", lambda: clock.sleep(5.0), state, clock)
    assert state.overruns == 0
    await run_once("check", lambda: clock.sleep(5.1), state, clock)

    assert (state.overruns, state.runs) == (1, 2)
    assert state.last_duration_s == pytest.approx(5.1)


async def test_a_failed_run_ends_but_does_not_succeed_and_shows_no_foreign_text() -> None:
    clock, state = FakeClock(), JobState(interval_s=5.0)
    await run_once("check", succeed, state, clock)
    good = clock.now()
    clock.pass_s(5)
    await run_once("check", fail, state, clock)

    assert (state.last_succeeded, state.last_finished) == (good, clock.now())
    assert state.last_error == "RuntimeError, see the log"


async def test_an_error_of_ours_is_shown_as_its_sentence() -> None:
    async def full() -> None:
        raise DiskFull("There is no room left; free some space.")

    clock, state = FakeClock(), JobState(interval_s=5.0)
    await run_once("check", full, state, clock)

    assert state.last_error == "There is no room left; free some space."


async def test_a_failed_job_is_one_line_in_the_log() -> None:
    clock, state = FakeClock(), JobState(interval_s=5.0)
    with structlog.testing.capture_logs() as logs:
        await run_once("check", fail, state, clock)

    assert [(entry["event"], entry["job"]) for entry in logs] == [("job.failed", "check")]


async def watched(world: BotWorld) -> tuple[Watchdog, JobState]:
    check = JobState(interval_s=5.0)
    clock = world.clock
    return Watchdog(check=check, desk=world.app.desk, clock=clock, started_at=clock.now()), check


async def test_the_watchdog_tells_when_checks_stop_and_when_they_are_back(figure: Gauge) -> None:
    async with bot_world() as world:
        dog, check = await watched(world)
        await run_once("check", succeed, check, world.clock)
        world.clock.pass_s(15)
        await dog.look()
        world.clock.pass_s(1)
        await dog.look()
        await dog.look()
        await world.deliver()
        assert [alert.first for alert in world.alerts] == ["CRITICAL Keel: no health check for 16 s"]
        figure(Measure.TOLD_AFTER, world.clock.monotonic_s())

        await run_once("check", succeed, check, world.clock)
        await dog.look()
        await world.deliver()
        assert world.alerts[-1].first == "RESOLVED Keel: health checks run again"


async def test_checks_that_run_and_fail_are_no_checks_to_the_watchdog(figure: Gauge) -> None:
    async with bot_world() as world:
        dog, check = await watched(world)
        told_s: list[float] = []
        for _ in range(5):
            world.clock.pass_s(5)
            await run_once("check", fail, check, world.clock)
            await dog.look()
            await world.deliver()
            told_s += [world.clock.monotonic_s()] if world.alerts else []

        (alert,) = world.alerts
        figure(Measure.TOLD_AFTER, told_s[0])
        assert alert.first == "CRITICAL Keel: no health check for 20 s: RuntimeError, see the log"


async def test_a_check_that_never_finished_is_noticed_from_the_start() -> None:
    async with bot_world() as world:
        dog, _ = await watched(world)
        world.clock.pass_s(16)
        await dog.look()
        await world.deliver()

        assert world.heads == ["CRITICAL"]


async def test_a_venue_that_is_down_fails_no_check() -> None:
    async with bot_world() as world:
        world.reader.error = VenueUnavailable("down")
        state = JobState(interval_s=5.0)
        await run_once("check", world.app.watch.check, state, world.clock)

        assert (state.failures, state.last_succeeded) == (0, world.clock.now())


async def test_what_falls_due_during_a_run_is_left_out_without_a_word_and_the_next_one_comes(
    caplog: pytest.LogCaptureFixture, figure: Gauge
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    runs: list[int] = []

    async def slow_at_first() -> None:
        runs.append(1)
        begun.set()
        if len(runs) == 1:
            await go_on.wait()

    schedule = Schedule(FakeClock())
    schedule.every(0.02, "slow", slow_at_first)
    with caplog.at_level(logging.DEBUG, logger="apscheduler"):
        async with schedule:
            await begun.wait()
            await asyncio.sleep(0.15)
            figure(Measure.RUNS, len(runs))
            go_on.set()
            await until(lambda: len(runs) >= 2)

    assert "maximum number of running instances" not in caplog.text


async def test_after_the_clock_was_set_back_what_was_planned_runs_at_once(figure: Gauge) -> None:
    runs: list[int] = []

    async def tick() -> None:
        runs.append(1)

    schedule = Schedule(FakeClock())
    schedule.every(60.0, "tick", tick)
    async with schedule:
        await until(lambda: len(runs) == 1)
        (job,) = schedule._scheduler.get_jobs()
        job.modify(next_run_time=datetime.now(UTC) + timedelta(hours=2))  # as when the clock goes back two hours
        schedule.catch_up()
        await until(lambda: len(runs) == 2)
        schedule.catch_up()  # nothing is overdue any more
        await asyncio.sleep(0.05)
        figure(Measure.RUNS, len(runs))


async def test_whoever_counts_hears_of_every_run_and_of_how_late_it_was() -> None:
    clock, state, heard = FakeClock(), JobState(interval_s=5.0), Heard()
    await run_once("check", succeed, state, clock, heard)
    clock.pass_s(5)
    await run_once("check", fail, state, clock, heard)
    clock.pass_s(8)
    await run_once("check", lambda: clock.sleep(2), state, clock, heard)

    assert heard.runs == [("check", 0.0, 0.0, True), ("check", 0.0, 0.0, False), ("check", 2.0, 3.0, True)]


class Heard(Nobody):
    """Who counts."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, float, float, bool]] = []

    def job_ran(self, name: str, *, duration_s: float, lag_s: float, succeeded: bool) -> None:
        self.runs.append((name, duration_s, lag_s, succeeded))


async def test_a_job_that_hangs_is_noticed_and_so_is_its_end(figure: Gauge) -> None:
    async with bot_world() as world:
        clock = world.clock
        check, limits = JobState(interval_s=5.0), JobState(interval_s=20.0)
        dog = Watchdog(
            check=check,
            desk=world.app.desk,
            clock=clock,
            started_at=clock.now(),
            jobs={"check": check, "limits": limits},
        )
        limits.last_started = clock.now()
        for _ in range(13):
            clock.pass_s(5)
            await run_once("check", succeed, check, clock)
            await dog.look()
        await world.deliver()
        assert [alert.first for alert in world.alerts] == [
            "WARNING Keel: the job limits has been running for 65 s and does not end"
        ]
        figure(Measure.TOLD_AFTER, clock.monotonic_s())
        limits.last_finished = clock.now()
        await dog.look()
        await world.deliver()
        assert world.alerts[-1].first == "RESOLVED Keel: the job limits ends again"


async def test_a_watchdog_that_slept_itself_gives_the_checks_their_turn_first(figure: Gauge) -> None:
    async with bot_world() as world:
        dog, check = await watched(world)
        await run_once("check", succeed, check, world.clock)
        await dog.look()
        world.clock.pass_s(3_600)  # the machine slept
        await dog.look()
        await run_once("check", succeed, check, world.clock)
        await dog.look()
        await world.deliver()

        figure(Measure.FALSE_ALARMS, len(world.alerts))


async def test_a_job_may_be_called_before_its_turn_and_is_never_put_off() -> None:
    runs: list[int] = []

    async def count() -> None:
        runs.append(1)

    schedule = Schedule(FakeClock())
    schedule.every(3_600, "rare", count)
    schedule.every(0.01, "often", succeed)
    async with schedule:
        await until(lambda: len(runs) == 1)
        schedule.soon("rare", after_s=0.01)
        await until(lambda: len(runs) == 2)
        schedule.soon("often", after_s=3_600)
        before = schedule.jobs["often"].runs
        await until(lambda: schedule.jobs["often"].runs > before + 1)


async def test_what_waits_for_something_is_set_off_once() -> None:
    there: list[bool] = []
    called: list[int] = []

    async def nothing() -> None:
        assert not called or there

    job = once(nothing, lambda: bool(there), lambda: called.append(1))
    await job()
    assert called == []
    there.append(True)
    await job()
    await job()
    assert called == [1]
