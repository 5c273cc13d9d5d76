"""Time as the fake node needs it; any clock with these two methods will do."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Timepiece(Protocol):
    def now(self) -> datetime: ...

    def monotonic_s(self) -> float: ...


class WallClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()
