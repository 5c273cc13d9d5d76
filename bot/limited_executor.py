"""Threads for arithmetic, none of which may take all the others with it: what takes too long is given up.

A thread cannot be ended from outside. One that is stuck is left alone, another takes its place, and whoever waited for
it is told. No thread keeps the process from ending.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

import structlog

from risk.errors import CannotAssess

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")

_LIMIT_S = 90.0
_MOST_STUCK = 4
_LOOK_EVERY_S = 1.0


class TookTooLong(CannotAssess):
    """A calculation was given up. The text says what to do."""


@dataclass(slots=True, eq=False)
class _Work:
    future: Future[Any]
    call: Callable[[], Any]
    began_s: float = 0.0
    given_up: bool = False


class LimitedExecutor(Executor):
    """A few threads, each of which gets so long for one piece of work.

    Args:
        limit_s: From when it begins; waiting for a thread does not count.
        monotonic_s: What time is; with another one than the process's, call ``look`` by hand.
    """

    def __init__(
        self, workers: int, *, limit_s: float = _LIMIT_S, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit_s, self._monotonic_s = limit_s, monotonic_s
        self._waiting: SimpleQueue[_Work | None] = SimpleQueue()
        self._running: set[_Work] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._workers = workers
        self.stuck = 0
        for _ in range(workers):
            self._start()
        if monotonic_s is time.monotonic:
            threading.Thread(target=self._watch, name="work.watch", daemon=True).start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See Executor; the future may end with TookTooLong."""
        future: Future[T] = Future()
        if self._closed.is_set():
            raise RuntimeError("this executor was shut down")
        if self.stuck >= _MOST_STUCK:
            future.set_exception(TookTooLong(["calculations have stopped coming to an end; start Keel again"]))
            return future
        self._waiting.put(_Work(future, lambda: fn(*args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing new is begun. Nobody waits for what is under way: it may never end."""
        if not self._closed.is_set():
            self._closed.set()
            for _ in range(self._workers + self.stuck):
                self._waiting.put(None)

    def look(self) -> None:
        """Give up what takes too long."""
        now_s = self._monotonic_s()
        with self._lock:
            late = [work for work in self._running if now_s - work.began_s > self._limit_s]
            for work in late:
                work.given_up = True
                self._running.discard(work)
                self.stuck += 1
        for work in late:
            log.error("work.given_up", limit_s=self._limit_s, stuck=self.stuck)
            text = f"the calculation took more than {self._limit_s:.0f} s and was given up; ask for a shorter one"
            work.future.set_exception(TookTooLong([text]))
            self._start()

    def _start(self) -> None:
        threading.Thread(target=self._work, name="work", daemon=True).start()

    def _watch(self) -> None:
        while not self._closed.wait(_LOOK_EVERY_S):
            self.look()

    def _work(self) -> None:
        while (work := self._waiting.get()) is not None:
            if not work.future.set_running_or_notify_cancel():
                continue
            work.began_s = self._monotonic_s()
            with self._lock:
                self._running.add(work)
            outcome, problem = None, None
            try:
                outcome = work.call()
            except BaseException as exc:  # noqa: BLE001  # kept for whoever asks for the result, as a thread pool does
                problem = exc
            with self._lock:
                self._running.discard(work)
                if work.given_up:
                    self.stuck -= 1
                    return  # another thread has taken this one's place
            if problem is not None:
                work.future.set_exception(problem)
            else:
                work.future.set_result(outcome)
