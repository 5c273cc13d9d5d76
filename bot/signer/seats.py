"""How many may be connected at once, and who has to leave for another. Pure, but that it cancels who leaves."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

SEATS = 64
RECENTLY_S = 60.0


class Cancelled(Protocol):
    def cancel(self) -> bool: ...


T = TypeVar("T", bound=Cancelled)


class Seats(Generic[T]):
    """Who has asked something lately stays. Who never asked leaves first, then who was silent for longest."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._silent: dict[T, None] = {}  # never asked anything, the longest there first
        self._asked_s: dict[T, float] = {}  # the one silent for longest first

    def make_room(self) -> bool:
        """Whether one more may sit down. All of them may have asked lately, and then it may not."""
        return len(self._silent) + len(self._asked_s) < SEATS or self.send_away()

    def send_away(self) -> bool:
        """Whether somebody leaves."""
        if not self._silent and not self._asked_s:
            return False
        leaves = next(iter(self._silent), None) or self._long_silent()
        if leaves is None:
            return False
        self.leave(leaves)
        leaves.cancel()
        return True

    def take(self, who: T) -> None:
        self._silent[who] = None

    def asked(self, who: T | None) -> None:
        """Something that could be read. Nothing for one that has left."""
        if who is None or (who not in self._silent and who not in self._asked_s):
            return
        self.leave(who)
        self._asked_s[who] = self._now_s()

    def leave(self, who: T) -> None:
        self._silent.pop(who, None)
        self._asked_s.pop(who, None)

    def _long_silent(self) -> T | None:
        who, at_s = next(iter(self._asked_s.items()))
        return who if self._now_s() - at_s > RECENTLY_S else None
