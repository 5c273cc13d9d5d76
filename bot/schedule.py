"""The clockwork: APScheduler in our loop, with the settings that never skip a check in silence."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.process import JobState
from risk.errors import RiskError
from risk.ports import Clock
from storage import StorageError

log = structlog.get_logger()

Job = Callable[[], Awaitable[None]]


class Schedule:
    """Jobs at fixed intervals. One run of a job at a time; a late run is done, not dropped.

    Args:
        last_runs_s: How long the end waits for runs that have begun.
    """

    def __init__(self, clock: Clock, *, last_runs_s: float = 1.0) -> None:
        self._clock, self._last_runs_s = clock, last_runs_s
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

        async def run() -> None:
            # A task of its own: the scheduler cancels its tasks when it ends, and calls that an error.
            task = asyncio.create_task(run_once(name, job, state, self._clock), name=f"job.{name}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            await asyncio.wait((task,))

        self._scheduler.add_job(run, IntervalTrigger(seconds=seconds), id=name, next_run_time=datetime.now(UTC))

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


async def run_once(name: str, job: Job, state: JobState, clock: Clock) -> None:
    """One run of a job, counted. An error ends this run and is logged; the next one comes all the same."""
    state.last_started, started = clock.now(), clock.monotonic_s()
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


def _shown(error: Exception) -> str:
    """An error for /status. Only errors of ours have texts made for people; others may quote a URL and its key."""
    return f"{error}" if isinstance(error, RiskError | StorageError) else f"{type(error).__name__}, see the log"
