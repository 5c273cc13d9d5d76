"""A Telegram transport on a loopback server, and time one can set."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from bot.messages import Address
from bot.transports.telegram import TelegramTransport
from tests.contracts.transport_worlds import hurried_sleep
from tests.support.telegram_server import TelegramServer

ANN = 1001


@dataclass(slots=True)
class Time:
    """Stands still unless moved; remembers what was slept, and hurries."""

    at: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    slept_s: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        await hurried_sleep(seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        server.add_user(ANN)
        yield server


@pytest.fixture
def idle(server: TelegramServer, time: Time) -> TelegramTransport:
    """Not entered yet."""
    return TelegramTransport(server.token, now=time.now, base_url=server.url, sleep=time.sleep, answer_s=1.0)


@pytest.fixture
async def transport(idle: TelegramTransport) -> AsyncIterator[TelegramTransport]:
    async with idle:
        yield idle


@pytest.fixture
def ann() -> Address:
    return Address(transport="telegram", chat=str(ANN))
