"""A clock that tests move; implements risk.ports.Clock."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until somebody sleeps or ``pass_s`` is called; both faces of time move together."""

    def __init__(self, start: datetime = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)) -> None:
        self._start, self._passed_s = start, 0.0

    def pass_s(self, seconds: float) -> None:
        self._passed_s += seconds

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic_s(self) -> float:
        return self._passed_s

    async def sleep(self, seconds: float) -> None:
        self.pass_s(max(0.0, seconds))
