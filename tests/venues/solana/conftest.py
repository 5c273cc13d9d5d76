"""Clocks and a quiet stamina for the tests of the Solana venues."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import stamina

from tests.venues.solana.reading import NOON


class StillClock:
    """Time that moves when told; implements risk.ports.Clock."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_s)

    def monotonic_s(self) -> float:
        return self.passed_s

    async def sleep(self, seconds: float) -> None:
        self.passed_s += seconds


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture(autouse=True)
def no_waiting_between_attempts() -> Iterator[None]:
    """Retries happen at once, and as often as in production."""
    with stamina.set_testing(True, attempts=2, cap=True):
        yield
