"""A clock that tests move by hand."""

from datetime import UTC, datetime, timedelta


class HandClock:
    """Stands still until ``pass_s``; both faces of time move together."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start, self._passed_s = start, 0.0

    def pass_s(self, seconds: float) -> None:
        self._passed_s += seconds

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic_s(self) -> float:
        return self._passed_s
