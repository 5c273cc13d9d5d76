"""How late the event loop is: while one thing keeps it, nothing is delivered, answered or beaten."""

import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

log = structlog.get_logger()

EVERY_S = 0.25
_WORTH_A_LINE_S = 1.0
_REMEMBERED = 240  # looks, a minute


class LoopWatch:
    """Sleeps a little, again and again, and notes how much longer it took.

    Args:
        observe: Called with every lag, in seconds.
        sleep: The loop's own, not an injected clock's: it is the loop that is measured.
    """

    def __init__(
        self,
        *,
        sleep: Callable[[float], Awaitable[None]],
        monotonic_s: Callable[[], float] = time.monotonic,
        observe: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._sleep, self._monotonic_s, self._observe = sleep, monotonic_s, observe
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)
        self.stalls = 0

    @property
    def worst_s(self) -> float:
        """The longest lag of the last minute."""
        return max(self._recent, default=0.0)

    async def run(self) -> NoReturn:
        """Measure until cancelled."""
        while True:
            began_s = self._monotonic_s()
            await self._sleep(EVERY_S)
            lag_s = max(0.0, self._monotonic_s() - began_s - EVERY_S)
            self._recent.append(lag_s)
            self._observe(lag_s)
            if lag_s >= _WORTH_A_LINE_S:
                self.stalls += 1
                log.warning("loop.stalled", lag_s=round(lag_s, 3))
