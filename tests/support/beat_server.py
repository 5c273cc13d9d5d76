"""Somebody who is beaten to: a dead-man service on loopback, which notes what it gets and fails on demand."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Self

from bot.http_server import HttpServer, Request, Response


class BeatServer:
    """Used as ``async with BeatServer() as server``.

    Attributes:
        beats: Requests so far, oldest first.
        status: What it answers.
        hangs: Whether it answers at all.
    """

    def __init__(self) -> None:
        self.beats: list[Request] = []
        self.status = HTTPStatus.OK
        self.body = b""
        self.hangs = False
        self._changed = asyncio.Condition()
        self._server = HttpServer(self._answer, host="127.0.0.1", port=0, name="beats", longest_body=1_000_000)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._server.__aexit__(*exc)

    async def wait_for(self, holds: Callable[[], Any], timeout_s: float = 30.0) -> None:
        """Until something holds; asked after every request. Raises: TimeoutError."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(holds)

    async def more(self, number: int = 1, timeout_s: float = 30.0) -> None:
        """Until so many more have come."""
        before = len(self.beats)
        await self.wait_for(lambda: len(self.beats) >= before + number, timeout_s)

    async def _answer(self, request: Request) -> Response:
        async with self._changed:
            self.beats.append(request)
            self._changed.notify_all()
        if self.hangs:
            await asyncio.Event().wait()
        return Response(status=self.status, body=self.body)
