"""One answer for everybody who asks while it is on its way, a failure included."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs one piece of work at a time. Whoever joins while it runs gets its result; without anybody left it ends.

    Taking turns instead, ten readers of a venue that hangs would wait for it one after the other.
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._work = work
        self._task: asyncio.Task[T] | None = None
        self._waiting = 0

    @property
    def busy(self) -> bool:
        return self._task is not None and not self._task.done()

    async def join(self) -> T:
        """The result of the work that runs now, or of new work where none does. Raises: whatever the work raises."""
        if self._task is None or self._task.done():
            self._task, self._waiting = asyncio.create_task(self._work()), 0
        task = self._task
        self._waiting += 1
        try:
            # Shielded: one who gives up must not take the answer from the others.
            return await asyncio.shield(task)
        finally:
            if task is self._task:
                self._waiting -= 1
                if not self._waiting and not task.done():
                    self._task = None
                    task.cancel()
