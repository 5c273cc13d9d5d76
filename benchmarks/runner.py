"""Timing: medians of repeated runs, of several jobs in turn, with the garbage collector out of the way."""

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

_SAMPLE_S = 5e-3  # quicker calls are repeated until a sample takes this long, or the clock itself would be measured
_LARGEST_REPEAT = 10_000
_WARM_UPS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to time. ``prepare`` runs before every call and is not counted."""

    call: Callable[[], object]
    prepare: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Wall time of one call, in seconds: median and best of ``rounds`` samples."""

    median_s: float
    best_s: float
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure.

    Attributes:
        quick_rounds: Samples of jobs that take microseconds; likewise ``slow_rounds`` for those that take longer.
        processes: Starts of a process.
        watch_s: How long the bot runs before its memory is looked at.
    """

    quick_rounds: int
    slow_rounds: int
    processes: int
    watch_s: float


THOROUGH = Effort(quick_rounds=100, slow_rounds=15, processes=7, watch_s=20.0)
QUICK = Effort(quick_rounds=20, slow_rounds=3, processes=2, watch_s=5.0)


def time_in_turn(jobs: Sequence[Job], rounds: int) -> list[Timing]:
    """One timing per job. Jobs take turns within a round, so what else the machine does meets all of them alike."""
    repeats = [_repeats(job) for job in jobs]
    samples: list[list[float]] = [[] for _ in jobs]
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for job, repeat, own in zip(jobs, repeats, samples, strict=True):
                own.append(_sample_s(job, repeat))
    finally:
        gc.enable()
    return [Timing(median_s=statistics.median(own), best_s=min(own), rounds=rounds) for own in samples]


async def time_awaited(call: Callable[[], Awaitable[object]], rounds: int, *, pause_s: float) -> Timing:
    """A timing of something that waits for a network, with a pause before every call."""
    samples: list[float] = []
    for _ in range(_WARM_UPS):
        await call()
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            await asyncio.sleep(pause_s)
            start_ns = time.perf_counter_ns()
            await call()
            samples.append((time.perf_counter_ns() - start_ns) / 1e9)
    finally:
        gc.enable()
    return Timing(median_s=statistics.median(samples), best_s=min(samples), rounds=rounds)


def _repeats(job: Job) -> int:
    """Calls per sample, found while warming up."""
    once_s = min(_sample_s(job, 1) for _ in range(_WARM_UPS))
    return 1 if job.prepare else max(1, min(_LARGEST_REPEAT, round(_SAMPLE_S / max(once_s, 1e-9))))


def _sample_s(job: Job, repeat: int) -> float:
    if job.prepare is not None:
        job.prepare()
    call = job.call
    start_ns = time.perf_counter_ns()
    for _ in range(repeat):
        call()
    return (time.perf_counter_ns() - start_ns) / 1e9 / repeat
