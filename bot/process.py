"""What the process knows of itself: since when it runs, how its jobs fare, which transports it has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.messages import Transport
from bot.observing import Nobody, Observer


@dataclass(slots=True, kw_only=True)
class JobState:
    """One scheduled job.

    Attributes:
        started_s: When the last run began, on the monotonic clock; None before the first.
        overruns: Runs that took longer than the interval.
        failures: Runs that ended in an error; the last one is in ``last_error``, fit to be shown.
        last_succeeded: When a run last ended without one.
    """

    interval_s: float
    started_s: float | None = None
    runs: int = 0
    overruns: int = 0
    failures: int = 0
    last_started: datetime | None = None
    last_finished: datetime | None = None
    last_succeeded: datetime | None = None
    last_duration_s: float = 0.0
    last_error: str = ""


@dataclass(slots=True, kw_only=True)
class StreamState:
    """The venue's stream.

    Attributes:
        since: When it came up, or was lost; before its first book, when the process began.
        rejected: There is nothing to connect to, and asking again soon will not change that.
        updates: Books it has sent.
        reconnects: How often it was lost, or could not begin.
        last_error: Why, fit to be shown; empty while it is up.
    """

    since: datetime
    connected: bool = False
    rejected: bool = False
    last_update: datetime | None = None
    updates: int = 0
    reconnects: int = 0
    last_error: str = ""


@dataclass(slots=True, kw_only=True)
class ProcessState:
    """Facts for /status. Written by the jobs, read by people.

    Attributes:
        about: What else there is to say, each a function that returns lines.
        observer: Who counts what jobs and deliveries do.
        stream: None where the venue does not stream, or nobody follows it.
    """

    started_at: datetime
    venue: str
    trading_enabled: bool
    transports: Mapping[str, Transport]
    jobs: dict[str, JobState] = field(default_factory=dict)
    about: list[Callable[[], list[str]]] = field(default_factory=list)
    observer: Observer = field(default_factory=Nobody)
    stream: StreamState | None = None
