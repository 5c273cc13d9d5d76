"""Transports on loopback servers, and time one can set."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.messages import Address, Command, Membership, Press, Transport
from bot.transports.discord import DiscordTransport, DiscordUrls
from bot.transports.telegram import TelegramTransport
from tests.contracts.transport_worlds import hurried_sleep
from tests.support.discord.patience import lengthen_waits
from tests.support.discord_server import Channel, DiscordServer
from tests.support.telegram_server import TelegramServer

ANN = 1001
TRADERS = 1_400_000_000_000_055_555


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


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    lengthen_waits(monkeypatch)


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
    return TelegramTransport(server.token, now=time.now, base_url=server.url, sleep=time.sleep, answer_s=30.0)


@pytest.fixture
async def transport(idle: TelegramTransport) -> AsyncIterator[TelegramTransport]:
    async with idle:
        yield idle


@pytest.fixture
def ann() -> Address:
    return Address(transport="telegram", chat=str(ANN))


@pytest.fixture
async def discord_server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
def desk(discord_server: DiscordServer) -> Channel:
    """A channel of a guild, which has to be there before the bot comes."""
    guild = discord_server.add_guild("Desk")
    guild.roles[ANN] = (TRADERS,)
    return discord_server.add_channel(guild, "alerts")


@pytest.fixture
def discord_idle(discord_server: DiscordServer, desk: Channel, time: Time) -> DiscordTransport:
    """Not entered yet."""
    return discord_of(discord_server, time)


@pytest.fixture
async def discord(discord_idle: DiscordTransport, discord_server: DiscordServer) -> AsyncIterator[DiscordTransport]:
    """Listening."""
    async with discord_idle:
        await discord_server.wait_for(lambda: discord_server.gateway.live)
        yield discord_idle


@pytest.fixture
def direct(discord_server: DiscordServer) -> Address:
    """Ann's direct messages."""
    return at(discord_server.direct(ANN))


def discord_of(server: DiscordServer, time: Time, **more: Any) -> DiscordTransport:
    urls = DiscordUrls(api=server.api_url, gateway=server.gateway_url)
    about: dict[str, Any] = {"token": server.token, "now": time.now, "sleep": time.sleep, "answer_s": 30.0}
    return DiscordTransport(**(about | {"urls": urls} | more))


def at(channel: Channel) -> Address:
    if channel.parent is not None:
        return Address(transport="discord", chat=str(channel.parent), thread=str(channel.channel_id))
    return Address(transport="discord", chat=str(channel.channel_id))


async def heard(transport: Transport, count: int = 1) -> list[Command | Press]:
    """The next things somebody wrote or pressed."""
    found: list[Command | Press] = []
    async with asyncio.timeout(30):
        async for incoming in transport.incoming():
            if not isinstance(incoming, Membership):
                found.append(incoming)
            if len(found) == count:
                break
    return found


async def heard_command(transport: Transport) -> Command:
    (incoming,) = await heard(transport)
    assert isinstance(incoming, Command)
    return incoming


async def heard_press(transport: Transport) -> Press:
    (incoming,) = await heard(transport)
    assert isinstance(incoming, Press)
    return incoming
