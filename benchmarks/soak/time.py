"""Time that runs ahead: for the loop, for the injected Clock, and for the one library that asks neither.

Everything that waits in the bot waits on its event loop: the Clock's sleep, asyncio.timeout, the patience of the HTTP
clients. So it is the loop whose clock runs ahead, and nothing in the bot needs to know. A timer that is due in 5 s is
due in 50 ms at 100 times the speed.

What the machine takes for work counts once, not a hundred times: while a callback runs, or a thread that the loop waits
for, time passes as on the wall. Or a disk that needs 10 ms would look like one that needs a second, and a machine that
stalls for three seconds like an outage of five minutes. Where the machine cannot keep up the simulation is slower, and
nothing else changes. Stalls that are meant come from ``Pace.stall``.

What stays in real time: SQLite's wait for a lock (the soak opens its store with a short one), and the thread of
discord.py that sends heartbeats, whose interval is told by the server.
"""

import asyncio
import contextlib
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
_MOST_OF_A_STEP_S = 0.05  # of work that counts: more of it is the machine's affair
_FOR_EVER_S = 1.0


class Pace:
    """How far simulated time has come, and how fast it goes.

    Attributes:
        busy: Threads that the loop waits for.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.now_s = 0.0
        self.busy = 0
        self._began_s = self._seen_s = time.monotonic()

    @property
    def behind_s(self) -> float:
        """Real seconds by which the simulation is later than it should be; below 0 where it is early."""
        return (time.monotonic() - self._began_s) - self.now_s / self.speed

    def stall(self, seconds: float) -> None:
        """The loop stood still for so long: everything that fell due meanwhile is due now."""
        self.now_s += seconds

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """A thread works, and somebody in the loop waits for it."""
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1

    def select(self, real: Callable[[float | None], list[Any]], timeout_s: float | None) -> list[Any]:
        """What happened on the sockets, and the time that passed until it did, or until the next timer."""
        self._pass(min(_MOST_OF_A_STEP_S, self._elapsed_s()))
        if timeout_s is not None and timeout_s <= 0:
            return real(0)
        most_s = _FOR_EVER_S if timeout_s is None else timeout_s
        if self.busy:
            found = real(most_s)
            self._pass(min(most_s, self._elapsed_s()))
            return found
        wait_s = max(0.0, min(most_s / self.speed, most_s / self.speed - self.behind_s))
        found = real(wait_s)
        took_s = self._elapsed_s()
        self._pass(min(most_s, took_s * self.speed) if found else most_s)
        return found

    def _elapsed_s(self) -> float:
        before_s, self._seen_s = self._seen_s, time.monotonic()
        return self._seen_s - before_s

    def _pass(self, seconds: float) -> None:
        self.now_s += seconds


class _PacedSelector(selectors.DefaultSelector):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def select(self, timeout: float | None = None) -> list[Any]:
        return self._pace.select(super().select, timeout)


class PacedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock is a Pace."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        super().__init__(_PacedSelector(pace))

    def time(self) -> float:
        return self.pace.now_s

    def run_in_executor(  # type: ignore[override]  # the stubs know its arguments more exactly
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        running = super().run_in_executor(executor, func, *args)
        self.pace.busy += 1
        running.add_done_callback(self._worked)
        return running

    def _worked(self, _: asyncio.Future[Any]) -> None:
        self.pace.busy -= 1


class SoakClock:
    """Simulated time; implements risk.ports.Clock. ``step`` is how far somebody has set the wall clock."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.step = timedelta(0)

    def now(self) -> datetime:
        return START + timedelta(seconds=self._pace.now_s) + self.step

    def monotonic_s(self) -> float:
        return self._pace.now_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@contextlib.contextmanager
def everywhere(clock: SoakClock) -> Iterator[None]:
    """The scheduler's library reads the calendar itself, and the process's uptime is the machine's: both are told
    simulated time."""
    import apscheduler.schedulers.base

    import bot.lifetime
    import bot.schedule

    class Calendar(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # no date is ever a Calendar
            return clock.now().astimezone(tz)

    with contextlib.ExitStack() as changed:
        for module in (bot.schedule, apscheduler.schedulers.base):
            changed.enter_context(mock.patch.object(module, "datetime", Calendar))
        uptime = SimpleNamespace(clock_gettime=lambda _: clock.monotonic_s(), CLOCK_MONOTONIC=0)
        changed.enter_context(mock.patch.object(bot.lifetime, "time", uptime))
        yield


def run_paced(main: Callable[[Pace, SoakClock], Coroutine[Any, Any, T]], speed: float) -> T:
    """asyncio.run with time that runs ahead."""
    pace = Pace(speed)
    clock = SoakClock(pace)
    with everywhere(clock), asyncio.Runner(loop_factory=lambda: PacedLoop(pace)) as runner:
        return runner.run(main(pace, clock))
