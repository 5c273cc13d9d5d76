"""A loopback Telegram in a process of its own, so that its work is not counted as the product's.

    python -m benchmarks.platform

reads one JSON object a line and answers each with one: see ``Platform``.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.node import ROOT
from tests.support.telegram import Fault, SentMessage, TelegramServer

_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message the platform took. ``at_s`` is of the machine's monotonic clock, the same in all processes."""

    chat: int
    at_s: float
    text: str


class Platform:
    """A loopback Telegram, asked from another process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, **settings: Any) -> AsyncIterator[Self]:
        """Started, with private chats 1 to ``chats``; ``latency_s`` before every answer, ``enforced`` limits."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.platform",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT, limit=2**28,
        )  # fmt: skip
        platform = cls(process)
        try:
            await platform.ask(do="set", **settings)
            yield platform
        finally:
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()

    async def ask(self, **question: Any) -> Any:
        """One answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        async with asyncio.timeout(_PATIENCE_S):
            return json.loads(await self._process.stdout.readline())

    async def url(self) -> str:
        return str(await self.ask(do="url"))

    async def token(self) -> str:
        return str(await self.ask(do="token"))

    async def count(self) -> int:
        """How many messages arrived."""
        return int(await self.ask(do="count"))

    async def broken(self) -> int:
        """How often a limit was broken."""
        return int(await self.ask(do="broken"))

    async def arrivals(self) -> list[Arrival]:
        """What arrived, in order."""
        return [Arrival(**one) for one in await self.ask(do="arrivals")]

    async def hold(self, chat: int, retry_after: int, times: int) -> None:
        """The next messages to a chat are told to wait."""
        await self.ask(do="hold", chat=chat, retry_after=retry_after, times=times)


class _Taken(list[SentMessage]):
    """Messages, and when each was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.at_s: list[float] = []

    def append(self, message: SentMessage) -> None:
        super().append(message)
        self.at_s.append(time.monotonic())


async def _serve() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with TelegramServer() as server:
        taken = _Taken()
        server.api.sent = taken
        while line := await reader.readline():
            sys.stdout.write(json.dumps(_answer(server, taken, json.loads(line))) + "\n")
            sys.stdout.flush()


def _answer(server: TelegramServer, taken: _Taken, question: dict[str, Any]) -> Any:
    match question.pop("do"):
        case "set":
            for chat in range(1, question.get("chats", 0) + 1):
                server.add_user(chat, f"Person {chat}")
            server.latency_s = question.get("latency_s", 0.0)
            server.limits.enforced = question.get("enforced", False)
        case "url":
            return server.url
        case "token":
            return server.token
        case "count":
            return len(taken)
        case "broken":
            return server.limits.broken
        case "hold":
            server.inject(Fault(method="send", status=429, **question))
        case "arrivals":
            return [
                {"chat": message.chat, "at_s": at_s, "text": message.text}
                for message, at_s in zip(taken, taken.at_s, strict=True)
            ]
    return None


if __name__ == "__main__":
    asyncio.run(_serve())
