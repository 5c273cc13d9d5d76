"""How fast Telegram takes messages: 30 a second in all, one a second to one chat, 20 a minute to one group.

Any stretch of time counts, not the one a clock begins. What is refused for haste is counted, and is not sent.
"""

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field
from time import monotonic

from tests.support.telegram.errors import ApiError

_COUNTED = ("send", "edit")  # beginnings of the methods that are messages; an answer to a press is none


@dataclass(slots=True)
class Window:
    """At most so many within any so many seconds."""

    most: int
    per_s: float
    moments: deque[float] = field(default_factory=deque)

    def wait_s(self, now: float) -> float:
        """How long until there is room; 0 where there is."""
        while self.moments and self.moments[0] <= now - self.per_s:
            self.moments.popleft()
        over = len(self.moments) - self.most
        return 0.0 if over < 0 else self.moments[over] + self.per_s - now


@dataclass(slots=True)
class Limits:
    """Kept to where ``enforced``; without it everything is taken, as by a server that looks the other way.

    Attributes:
        broken: How often somebody sent more.
    """

    enforced: bool = False
    broken: int = 0
    _in_all: Window = field(default_factory=lambda: Window(30, 1.0))
    _chats: dict[int, Window] = field(default_factory=lambda: defaultdict(lambda: Window(1, 1.0)))
    _groups: dict[int, Window] = field(default_factory=lambda: defaultdict(lambda: Window(20, 60.0)))

    def check(self, method: str, chat: int | None) -> None:
        """A message arrives. Raises: ApiError 429."""
        now = monotonic()
        wait_s = max((window.wait_s(now) for window in self._windows(method, chat)), default=0.0)
        if wait_s > 0:
            self.broken += 1
            retry_after = math.ceil(wait_s)
            raise ApiError(429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after)

    def took(self, method: str, chat: int | None) -> None:
        """It was accepted. What is refused for another reason does not count."""
        for window in self._windows(method, chat):
            window.moments.append(monotonic())

    def _windows(self, method: str, chat: int | None) -> list[Window]:
        if not self.enforced or chat is None or not method.lower().startswith(_COUNTED):
            return []
        return [self._in_all, self._chats[chat], *([self._groups[chat]] if chat < 0 else [])]
