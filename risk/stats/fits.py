"""Slow results kept by what they were made of, so that a fit is done once a day and not once a question."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar

T = TypeVar("T")

_REMEMBERED = 256


class FitCache:
    """Remembers results by key; the least recently used make way. Shared by the desks of one process, by any thread."""

    def __init__(self, size: int = _REMEMBERED) -> None:
        self._size = size
        self._known: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = Lock()

    def known(self, key: Hashable) -> bool:
        """Whether asking would cost nothing."""
        with self._lock:
            return key in self._known

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result for a key, made where it is not known. Two threads may make it twice; both get one of them."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]  # type: ignore[return-value]  # a key is only ever used for one kind
        made = make()
        with self._lock:
            self._known[key] = made
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return made
