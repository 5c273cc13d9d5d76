"""Each transport with a person on its other side, so that one suite can hold all of them to the contract."""

import asyncio
import contextlib
import io
import os
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from bot.messages import Address, Transport
from bot.transports.console import CONSOLE_CHAT, CONSOLE_USER, ConsoleTransport
from bot.transports.discord import DiscordTransport, DiscordUrls
from bot.transports.named import NamedTransport
from bot.transports.telegram import TelegramTransport
from tests.support.discord_server import DiscordServer
from tests.support.telegram_server import TelegramServer

ANN = 1001


class World(Protocol):
    """A transport, already entered unless ``down``, and what its user sees and does."""

    transport: Transport
    address: Address
    user_id: str

    async def type(self, text: str) -> None: ...

    async def press(self, label: str) -> None:
        """The newest button with this label."""
        ...

    def text(self) -> str:
        """Everything on the screen, oldest first."""
        ...

    def latest(self) -> str:
        """The newest message, as it is now."""
        ...

    def labels(self) -> tuple[str, ...]:
        """What can be pressed under the newest message."""
        ...

    def pictures(self) -> list[bytes]: ...

    def files(self) -> list[tuple[str, bytes]]:
        """What was attached that is no picture: how each is called, and what is in it."""
        ...

    async def recover(self) -> None:
        """Brings the platform back after it was down at entry."""
        ...


def now() -> datetime:
    return datetime.now(UTC)


async def hurried_sleep(seconds: float) -> None:
    """Back-off in tests."""
    await asyncio.sleep(min(seconds, 0.01))


class TelegramWorld:
    def __init__(self, server: TelegramServer, transport: TelegramTransport) -> None:
        self.server = server
        self.transport: Transport = transport
        self.address = Address(transport="telegram", chat=str(ANN))
        self.user_id = str(ANN)

    async def type(self, text: str) -> None:
        await self.server.say(ANN, text)

    async def press(self, label: str) -> None:
        message = next(one for one in reversed(self.server.messages(ANN)) if label in one.labels)
        await self.server.press(ANN, message, label)

    def text(self) -> str:
        return "\n".join(message.text for message in self.server.messages(ANN))

    def latest(self) -> str:
        return self.server.messages(ANN)[-1].text

    def labels(self) -> tuple[str, ...]:
        return self.server.messages(ANN)[-1].labels

    def pictures(self) -> list[bytes]:
        return [message.photo for message in self.server.messages(ANN) if message.photo is not None]

    def files(self) -> list[tuple[str, bytes]]:
        documents = [message.document for message in self.server.messages(ANN)]
        return [(document.name, document.content) for document in documents if document is not None]

    async def recover(self) -> None:
        await self.server.start()


class DiscordWorld:
    """Direct messages, where what begins with a slash is a slash command."""

    def __init__(self, server: DiscordServer, transport: DiscordTransport) -> None:
        self.server = server
        self.transport: Transport = transport
        self.channel = server.direct(ANN)
        self.address = Address(transport="discord", chat=str(self.channel.channel_id))
        self.user_id = str(ANN)

    async def type(self, text: str) -> None:
        if text.startswith("/"):
            name, _, args = text[1:].partition(" ")
            await self.server.slash(ANN, name, args)
        else:
            await self.server.say(ANN, text)

    async def press(self, label: str) -> None:
        message = next(one for one in reversed(self.server.messages(self.channel)) if label in one.labels)
        await self.server.press(ANN, message, label)

    def text(self) -> str:
        return "\n".join(message.text for message in self.server.messages(self.channel, seen_by=ANN))

    def latest(self) -> str:
        return self.server.messages(self.channel)[-1].text

    def labels(self) -> tuple[str, ...]:
        return self.server.messages(self.channel)[-1].labels

    def pictures(self) -> list[bytes]:
        return [data for name, data in self._attached() if name.endswith(".png")]

    def files(self) -> list[tuple[str, bytes]]:
        return [(name, data) for name, data in self._attached() if not name.endswith(".png")]

    def _attached(self) -> list[tuple[str, bytes]]:
        messages = self.server.messages(self.channel)
        return [one for message in messages for one in zip(message.file_names, message.files, strict=True)]

    async def recover(self) -> None:
        await self.server.start()


class ConsoleWorld:
    """A console in a pipe."""

    def __init__(self, transport: ConsoleTransport, out: io.StringIO, typed: int, pictures: Path) -> None:
        self.transport: Transport = transport
        self.address = Address(transport="console", chat=CONSOLE_CHAT)
        self.user_id = CONSOLE_USER
        self._out = out
        self._typed = typed
        self._pictures = pictures

    async def type(self, text: str) -> None:
        os.write(self._typed, f"{text}\n".encode())

    async def press(self, label: str) -> None:
        numbers = re.findall(rf"\[(\d+)\] {re.escape(label)}", self._out.getvalue())
        await self.type(numbers[-1])

    def text(self) -> str:
        return self._out.getvalue()

    def latest(self) -> str:
        return self._out.getvalue().rstrip("\n").rsplit("\n\n", 1)[-1]

    def labels(self) -> tuple[str, ...]:
        return tuple(re.findall(r"\[\d+\] (.+?)(?=  \[|$)", self.latest(), re.MULTILINE))

    def pictures(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self._pictures.glob("*.png"))]

    def files(self) -> list[tuple[str, bytes]]:
        found = [path for path in sorted(self._pictures.iterdir()) if path.suffix != ".png"]
        return [(path.name.partition("-")[2], path.read_bytes()) for path in found]

    async def recover(self) -> None:
        """A terminal that is only read from a closed pipe stays so; writing never stopped."""


@contextlib.asynccontextmanager
async def telegram_world(folder: Path, *, down: bool = False) -> AsyncIterator[TelegramWorld]:
    async with TelegramServer() as server:
        server.add_user(ANN)
        if down:
            await server.stop()
        transport = TelegramTransport(server.token, now=now, base_url=server.url, sleep=hurried_sleep, answer_s=30.0)
        async with transport:
            yield TelegramWorld(server, transport)


@contextlib.asynccontextmanager
async def second_bot_world(folder: Path, *, down: bool = False) -> AsyncIterator[TelegramWorld]:
    """A second token on Telegram, under a name of its own."""
    async with TelegramServer() as server:
        server.add_user(ANN)
        if down:
            await server.stop()
        inner = TelegramTransport(server.token, now=now, base_url=server.url, sleep=hurried_sleep, answer_s=30.0)
        async with NamedTransport(inner, "telegram-desk2") as transport:
            world = TelegramWorld(server, inner)
            world.transport, world.address = transport, Address(transport="telegram-desk2", chat=str(ANN))
            yield world


@contextlib.asynccontextmanager
async def discord_world(folder: Path, *, down: bool = False) -> AsyncIterator[DiscordWorld]:
    async with DiscordServer() as server:
        urls = DiscordUrls(api=server.api_url, gateway=server.gateway_url)
        if down:
            await server.stop()
        transport = DiscordTransport(server.token, now=now, urls=urls, sleep=hurried_sleep, answer_s=30.0)
        async with transport:
            yield DiscordWorld(server, transport)


@contextlib.asynccontextmanager
async def console_world(folder: Path, *, down: bool = False) -> AsyncIterator[ConsoleWorld]:
    reading, typed = os.pipe()
    out = io.StringIO()
    with os.fdopen(reading) as stdin:
        transport = ConsoleTransport(now=now, stdin=stdin, stdout=out, pictures_dir=folder)
        if down:
            os.close(typed)
        try:
            async with transport:
                yield ConsoleWorld(transport, out, typed, folder)
        finally:
            if not down:
                os.close(typed)


Open = Callable[..., contextlib.AbstractAsyncContextManager[World]]
WORLDS: dict[str, Open] = {
    "telegram": telegram_world, "second bot": second_bot_world, "discord": discord_world, "console": console_world,
}  # fmt: skip
