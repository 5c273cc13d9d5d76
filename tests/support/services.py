"""Services on this machine, as apprise reaches them: one that takes JSON over HTTP, and a mail server."""

import asyncio
import email
import email.policy
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self, cast

from aiohttp import web


@dataclass(slots=True)
class HttpService:
    """Takes what is posted to it, and answers as a test wants.

    Attributes:
        taken: Bodies of requests that were answered with success.
        status: What the next requests are answered with.
        delay_s: How long they are kept waiting.
        asked: How many requests came.
    """

    taken: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    status: int = 200
    delay_s: float = 0.0
    port: int = 0
    asked: int = 0
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked += 1
        await asyncio.sleep(self.delay_s)
        if 200 <= self.status < 300:
            self.taken.append(body)
            self.paths.append(request.path)
        return web.json_response({"ok": True}, status=self.status)


@dataclass(slots=True)
class MailServer:
    """As much of SMTP as it takes to be handed a letter.

    Attributes:
        refuse: Whether recipients are refused.
    """

    letters: list[EmailMessage] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refuse: bool = False
    port: int = 0
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 loopback")
        while line := (await reader.readline()).decode().strip():
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb == "DATA":
                say("354 go on")
                raw = await reader.readuntil(b"\r\n.\r\n")
                letter = email.message_from_bytes(raw[: -len(b".\r\n")], policy=email.policy.default)
                self.letters.append(letter)
                say("250 taken")
            elif verb == "EHLO":
                say("250-loopback")
                say("250 AUTH PLAIN")
            elif verb == "AUTH":
                self.logins.append(line)
                say("235 welcome")
            elif verb == "RCPT" and self.refuse:
                say("550 nobody of that name")
            elif verb == "QUIT":
                say("221 bye")
                break
            else:
                say("250 ok")
            await writer.drain()
        writer.close()
        await writer.wait_closed()


def text_of_letter(letter: EmailMessage) -> str:
    """What a letter says, in its plain form."""
    body = letter.get_body(preferencelist=("plain", "html"))
    assert body is not None
    return cast(str, body.get_content())
