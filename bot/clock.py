"""The system's clock, and one that runs ahead for scripts."""

import asyncio
import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """Real time; implements risk.ports.Clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ScriptClock:
    """Time that passes only when somebody sleeps, from a given start; implements risk.ports.Clock."""

    def __init__(self, start: datetime) -> None:
        self._start, self._passed_s = start, 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic_s(self) -> float:
        return self._passed_s

    async def sleep(self, seconds: float) -> None:
        self._passed_s += max(0.0, seconds)
        await asyncio.sleep(0)
