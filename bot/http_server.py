"""A very small HTTP/1.1 server for machines: beats and metrics. Strict, bounded, one request a connection.

No frameworks and no cleverness: what is not plainly a short request of a known kind is refused and the line is cut.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Self

import structlog

log = structlog.get_logger()

_HEAD_BYTES = 8 * 1024
_HEADERS = 64
_PATIENCE_S = 5.0  # for a whole request, and for the answer to be taken
_AT_ONCE = 32
_REQUEST_LINE = re.compile(r"(?P<method>[A-Z]{1,16}) (?P<target>/[!-~]{0,2000}) HTTP/1\.[01]")
_HEADER = re.compile(r"(?P<name>[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}):[ \t]*(?P<value>[\x20-\x7e\t]{0,4096}?)[ \t]*")
_ONCE = frozenset({"content-length", "transfer-encoding", "host"})
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. ``headers`` by lower-case name; ``path`` without its query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One answer."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = _TEXT
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


Handler = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):
    """A request that is not answered in earnest. The text is for whoever wrote the client."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        self.status = status
        super().__init__(text)


def refused(status: HTTPStatus, text: str, **headers: str) -> Response:
    """A sentence and why."""
    return Response(status=status, body=f"{text}\n".encode(), headers=headers)


class HttpServer:
    """Listens while it is entered.

    Args:
        name: For the log and the names of tasks.
        longest_body: A longer one is refused unread.
    """

    def __init__(self, handler: Handler, *, host: str, port: int, name: str, longest_body: int = 0) -> None:
        self._handler, self._host, self._port, self._name = handler, host, port, name
        self._longest_body = longest_body
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Raises: OSError where the port cannot be had."""
        self._server = await asyncio.start_server(self._accept, self._host, self._port, limit=_HEAD_BYTES)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    @property
    def port(self) -> int:
        """The one that is listened to, where port 0 was asked for."""
        if self._server is None:
            raise RuntimeError("the server is not entered")
        return int(self._server.sockets[0].getsockname()[1])

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        try:
            if task is None or len(self._serving) >= _AT_ONCE:
                return
            self._serving.add(task)
            async with asyncio.timeout(_PATIENCE_S):
                await self._serve(reader, writer)
        except (TimeoutError, OSError, EOFError):
            pass  # a client that is slow or gone is no news
        except asyncio.CancelledError:
            pass  # the server is being left; the task is of asyncio's making and nobody awaits it
        except Exception:
            # The top of a connection: a defect in one answer must not end the listening.
            log.exception("http.failed", server=self._name)
        finally:
            if task is not None:
                self._serving.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await self._request(reader)
        except Refusal as refusal:
            response = refused(refusal.status, str(refusal))
        else:
            response = await self._handler(request)
            if request.method == "HEAD":
                response = Response(status=response.status, content_type=response.content_type)
        writer.write(_rendered(response))
        await writer.drain()

    async def _request(self, reader: asyncio.StreamReader) -> Request:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head of the request is too long") from None
        method, path, headers = _parsed(head)
        return Request(method=method, path=path, headers=headers, body=await self._body(reader, headers))

    async def _body(self, reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
        if "transfer-encoding" in headers:
            raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "send a Content-Length, not chunks")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and len(length) <= 9):
            raise Refusal(HTTPStatus.BAD_REQUEST, "the Content-Length is no number")
        if int(length) > self._longest_body:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {self._longest_body} bytes")
        return await reader.readexactly(int(length))


def _parsed(head: bytes) -> tuple[str, str, Mapping[str, str]]:
    """Raises: Refusal."""
    lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    first = _REQUEST_LINE.fullmatch(lines[0])
    if first is None or len(lines) > _HEADERS + 1:
        raise Refusal(HTTPStatus.BAD_REQUEST, "this is no HTTP/1.1 request")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        found = _HEADER.fullmatch(line)
        if found is None:
            raise Refusal(HTTPStatus.BAD_REQUEST, "a header is malformed")
        name = found["name"].lower()
        if name in headers and name in _ONCE:
            # Twice the same length is how two servers are made to see two requests.
            raise Refusal(HTTPStatus.BAD_REQUEST, f"the header {name} stands there twice")
        headers.setdefault(name, found["value"])
    return first["method"], first["target"].partition("?")[0], headers


def _rendered(response: Response) -> bytes:
    head = [
        f"HTTP/1.1 {response.status.value} {response.status.phrase}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body)}",
        "Cache-Control: no-store",
        "Connection: close",
        *(f"{name}: {value}" for name, value in response.headers.items()),
    ]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + response.body
