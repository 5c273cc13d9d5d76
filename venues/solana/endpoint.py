"""One RPC URL: a question out, a parsed answer in, every failure in our own words and without the URL."""

import asyncio
import json
from collections.abc import Callable
from typing import Protocol, TypeVar

import httpx
from solana.rpc.providers.async_http import AsyncHTTPProvider

from venues.errors import VenueError, VenueRejected, VenueUnavailable
from venues.solana.settings import host_of, without_keys

Answer = TypeVar("Answer")

_LARGE_ANSWER = 2**20
_LONGEST_MESSAGE = 160
_LONGEST_PAUSE_S = 30.0
# Codes of JSON-RPC and of the node that will be the same the next time.
_REFUSALS = {-32_700, -32_600, -32_601, -32_602, -32_010}
HTTP_REFUSALS = {
    401: "wants another key; check RPC_URLS",
    403: "does not allow this request; check the key in RPC_URLS or use another provider",
    404: "has no RPC at this path; check RPC_URLS",
    410: "no longer serves this request; use another provider",
    413: "refuses a request of this size; use another provider",
}


class Question(Protocol):
    """A JSON-RPC request; those of solders are."""

    def to_json(self) -> str: ...


class NotTaken(VenueUnavailable):
    """The endpoint surely has not taken the request: it was not reached, or said so."""


class NodeError(VenueError):
    """The node answered with an error of its own.

    Attributes:
        code: Of JSON-RPC, or the node's.
        data: What it says beside, of any shape.
    """

    code: int | None = None
    data: object = None


class NodeFailed(NodeError, VenueUnavailable):
    """Asking again may help."""


class NodeRefused(NodeError, VenueRejected):
    """It will be the same the next time."""


class RateLimited(NotTaken):
    """The endpoint asks for a pause.

    Attributes:
        pause_s: How long, as far as it says.
    """

    def __init__(self, text: str, pause_s: float) -> None:
        super().__init__(text)
        self.pause_s = pause_s


class Endpoint:
    """A connection pool to one RPC URL."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self.host = host_of(url)
        self._provider = AsyncHTTPProvider(url, timeout=timeout_s)
        self._url = url

    async def ask(
        self, body: Question, read: Callable[[object], Answer], *, timeout_s: float, max_bytes: int
    ) -> Answer:
        """One answer.

        Args:
            read: Makes the answer of the result; raises ValueError for a result of another shape.

        Raises: VenueUnavailable when asking again may help, VenueRejected when it will not.
        """
        try:
            async with asyncio.timeout(timeout_s):
                raw = await self._post(body.to_json(), timeout_s, max_bytes)
                if len(raw) > _LARGE_ANSWER:
                    return await asyncio.to_thread(self._parsed, raw, read)
                return self._parsed(raw, read)
        except TimeoutError as exc:
            raise VenueUnavailable(f"{self.host} did not answer within {timeout_s:g} s") from exc
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as exc:
            raise NotTaken(f"{self.host} could not be asked: {_cause(exc)}") from exc
        except httpx.HTTPError as exc:
            raise VenueUnavailable(f"{self.host} could not be asked: {_cause(exc)}") from exc

    async def _post(self, content: str, timeout_s: float, max_bytes: int) -> bytes:
        # Streamed, so that an endless answer, or a small one that unpacks to an endless one, is cut off.
        headers = {"Content-Type": "application/json"}
        parts, size = [], 0
        async with self._provider.session.stream(
            "POST", self._url, content=content, headers=headers, timeout=timeout_s, follow_redirects=False
        ) as response:
            if response.status_code != httpx.codes.OK:
                raise self._http_error(response)
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > max_bytes:
                    raise VenueRejected(f"{self.host} answered more than {max_bytes} bytes; use another provider")
        return b"".join(parts)

    def _http_error(self, response: httpx.Response) -> VenueError:
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return RateLimited(
                f"{self.host} allows no more requests for now (429)", pause_s(response.headers.get("Retry-After"))
            )
        if response.is_redirect:
            return VenueRejected(f"{self.host} sends elsewhere ({status}), which is not followed; set the final URL")
        if status in HTTP_REFUSALS:
            return VenueRejected(f"{self.host} {HTTP_REFUSALS[status]} ({status})")
        return VenueUnavailable(f"{self.host} failed with HTTP status {status}")

    def _parsed(self, raw: bytes, read: Callable[[object], Answer]) -> Answer:
        try:
            document = json.loads(raw)
            if not isinstance(document, dict):
                raise TypeError("a JSON-RPC answer is an object")
            if document.get("error") is None:
                return read(document["result"])
            error = document["error"]
            code, message, data = error.get("code"), error.get("message"), error.get("data")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
            raise VenueUnavailable(f"{self.host} answered something that is no answer to the question") from exc
        text = f"{self.host} answered: {printable_reason(str(message), self._url)}"
        problem: NodeError = NodeRefused(text) if code in _REFUSALS else NodeFailed(text)
        problem.code, problem.data = code if type(code) is int else None, data
        raise problem

    async def close(self) -> None:
        await self._provider.close()


def pause_s(retry_after: str | None) -> float:
    """How long a Retry-After header asks to wait, within reason; a second where it says nothing."""
    try:
        return min(_LONGEST_PAUSE_S, max(0.0, float(retry_after or "1")))
    except ValueError:
        return 1.0


def _cause(exc: httpx.HTTPError) -> str:
    words = {
        httpx.ConnectError: "no connection",
        httpx.RemoteProtocolError: "the connection broke off",
        httpx.ReadError: "the connection broke off",
        httpx.TimeoutException: "it took too long",
    }
    return next((text for kind, text in words.items() if isinstance(exc, kind)), type(exc).__name__)


def printable_reason(text: str, url: str) -> str:
    """A node's own words without what may be a key, fit for a log and for people."""
    text = without_keys(text, url)
    return "".join(char for char in text if char.isprintable())[:_LONGEST_MESSAGE]
