"""A pool whose work waits until a test lets it go."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any


class SlowExecutor(ThreadPoolExecutor):
    """One thread. While held, whatever is submitted begins and does not go on.

    Attributes:
        begun: Work submitted so far.
    """

    def __init__(self) -> None:
        super().__init__(max_workers=1)
        self._free = Event()
        self._free.set()
        self.begun = 0

    def hold(self) -> None:
        """From now on nothing is finished."""
        self._free.clear()

    def release(self) -> None:
        """What waits goes on."""
        self._free.set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.begun += 1

        def waiting() -> Any:
            assert self._free.wait(timeout=240), "nobody let the work go"
            return fn(*args, **kwargs)

        return super().submit(waiting)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._free.set()
        super().shutdown(wait, cancel_futures=cancel_futures)
