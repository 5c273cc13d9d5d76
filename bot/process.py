"""What the process knows of itself: since when it runs, how its jobs fare, which transports it has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.messages import Transport


@dataclass(slots=True, kw_only=True)
class JobState:
    """One scheduled job.

    Attributes:
        overruns: Runs that took longer than the interval.
        failures: Runs that ended in an error; the last one is in ``last_error``, fit to be shown.
        last_succeeded: When a run last ended without one.
    """

    interval_s: float
    runs: int = 0
    overruns: int = 0
    failures: int = 0
    last_started: datetime | None = None
    last_finished: datetime | None = None
    last_succeeded: datetime | None = None
    last_duration_s: float = 0.0
    last_error: str = ""


@dataclass(slots=True, kw_only=True)
class ProcessState:
    """Facts for /status. Written by the jobs, read by people."""

    started_at: datetime
    venue: str
    trading_enabled: bool
    transports: Mapping[str, Transport]
    jobs: dict[str, JobState] = field(default_factory=dict)
