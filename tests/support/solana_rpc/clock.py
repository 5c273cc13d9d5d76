"""Time as the fake node needs it; any clock with these two methods will do."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Timepiece(Protocol):
    def now(self) -> datetime: ...

    def monotonic_s(self) -> float: ...


_LONGEST_STEP_S = 2.0


class WallClock:
    """The machine's own time, of which a machine that stands still loses all but the beginning: no slots leap."""

    def __init__(self) -> None:
        self._looked_s = self._passed_s = time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        before, self._looked_s = self._looked_s, time.monotonic()
        self._passed_s += min(self._looked_s - before, _LONGEST_STEP_S)
        return self._passed_s
