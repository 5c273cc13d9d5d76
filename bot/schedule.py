"""The clockwork: APScheduler in our loop, with the settings that never skip a check in silence."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.observing import Nobody, Observer
from bot.process import JobState
from risk.errors import RiskError
from risk.ports import Clock
from storage import StorageError

log = structlog.get_logger()

Job = Callable[[], Awaitable[None]]
Run = Callable[[], Coroutine[Any, Any, None]]


class Schedule:
    """Jobs at fixed intervals. One run of a job at a time; a run that is late is done all the same.

    Args:
        last_runs_s: How long the end waits for runs that have begun.
        observer: Hears of every run.
    """

    def __init__(self, clock: Clock, *, last_runs_s: float = 1.0, observer: Observer | None = None) -> None:
        self._clock, self._last_runs_s, self._observer = clock, last_runs_s, observer or Nobody()
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            # The default grace of one second silently skips a run that is later than that.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self.jobs: dict[str, JobState] = {}
        self._running: set[asyncio.Task[None]] = set()

    def every(self, seconds: float, name: str, job: Job) -> None:
        """Run a job at once and then every so many seconds."""
        state = self.jobs[name] = JobState(interval_s=seconds)
        line = _Line(name, partial(run_once, name, job, state, self._clock, self._observer), self._running)
        self._scheduler.add_job(line.due, IntervalTrigger(seconds=seconds), id=name, next_run_time=datetime.now(UTC))

    def soon(self, name: str, *, after_s: float = 0.0) -> None:
        """Let a job run before its turn, and at its interval from there on. What is due sooner stays as it is."""
        job, due = self._scheduler.get_job(name), datetime.now(UTC) + timedelta(seconds=after_s)
        if job is not None and (job.next_run_time is None or job.next_run_time > due):
            job.modify(next_run_time=due)

    def catch_up(self) -> None:
        """The wall clock was set, or the machine slept: what is overdue runs now, once, and nothing waits for a moment
        that was planned by another time."""
        now = datetime.now(UTC)
        for job in self._scheduler.get_jobs():
            if job.next_run_time is None or job.next_run_time - now > timedelta(seconds=self.jobs[job.id].interval_s):
                job.modify(next_run_time=now)
        self._scheduler.wakeup()

    async def __aenter__(self) -> "Schedule":
        self._scheduler.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Lets what has begun come to its end for a while, so that nothing is stored by half."""
        self._scheduler.pause()
        await asyncio.sleep(0)  # what the scheduler has just started begins
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=self._last_runs_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await asyncio.sleep(0)  # for the scheduler to hear of it
        self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)


def once(job: Job, happened: Callable[[], bool], then: Callable[[], None]) -> Job:
    """A job that sets something off after its first run by whose end something has happened."""
    over = False

    async def run() -> None:
        nonlocal over
        await job()
        if not over and happened():
            over = True
            then()

    return run


class _Line:
    """The runs of one job, one at a time. What falls due during a run is left out: the next one is not far."""

    def __init__(self, name: str, run: Run, running: set[asyncio.Task[None]]) -> None:
        self._name, self._run, self._running = name, run, running
        self._task: asyncio.Task[None] | None = None

    async def due(self) -> None:
        """Called by the scheduler, and at its end at once: a run it knows of it would cancel when it ends, and it would
        log every one that has to make way."""
        if self._task is None:
            task = self._task = asyncio.create_task(self._run(), name=f"job.{self._name}")
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self._running.discard(task)


async def run_once(name: str, job: Job, state: JobState, clock: Clock, observer: Observer | None = None) -> None:
    """One run of a job, counted. An error ends this run and is logged; the next one comes all the same."""
    state.last_started, started = clock.now(), clock.monotonic_s()
    lag_s = 0.0 if state.started_s is None else max(0.0, started - state.started_s - state.interval_s)
    state.started_s = started
    state.runs += 1
    succeeded = False
    try:
        await job()
        succeeded = True
    except Exception as exc:
        # The top of a job: whatever it was must not stop the clockwork.
        state.failures += 1
        state.last_error = _shown(exc)
        log.exception("job.failed", job=name)
    finally:
        state.last_duration_s = clock.monotonic_s() - started
        state.last_finished = clock.now()
        if succeeded:
            state.last_succeeded = state.last_finished
        if state.last_duration_s > state.interval_s:
            state.overruns += 1
            log.warning("job.overran", job=name, took_s=round(state.last_duration_s, 3), interval_s=state.interval_s)
        if observer is not None:
            observer.job_ran(name, duration_s=state.last_duration_s, lag_s=lag_s, succeeded=succeeded)


def _shown(error: Exception) -> str:
    """An error for /status. Only errors of ours have texts made for people; others may quote a URL and its key."""
    return f"{error}" if isinstance(error, RiskError | StorageError) else f"{type(error).__name__}, see the log"
