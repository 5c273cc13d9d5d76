"""One RPC URL: a question out, a parsed answer in, every failure in our own words and without the URL."""

import asyncio
import json
from typing import Protocol, TypeVar

import httpx
from solana.rpc.providers.async_http import AsyncHTTPProvider
from solders.errors import SerdeJSONError
from solders.rpc import errors as rpc_errors
from solders.rpc.requests import Body

from venues.errors import VenueError, VenueRejected, VenueUnavailable
from venues.solana.settings import host_of

LARGE_ANSWER = 2**20
_LONGEST_MESSAGE = 160
_LONGEST_PAUSE_S = 30.0
_REFUSALS = (
    rpc_errors.InvalidParamsMessage,
    rpc_errors.InvalidRequestMessage,
    rpc_errors.KeyExcludedFromSecondaryIndexMessage,
    rpc_errors.MethodNotFoundMessage,
    rpc_errors.ParseErrorMessage,
)
_HTTP_REFUSALS = {
    401: "wants another key; check RPC_URLS",
    403: "does not allow this request; check the key in RPC_URLS or use another provider",
    404: "has no RPC at this path; check RPC_URLS",
    410: "no longer serves this request; use another provider",
    413: "refuses a request of this size; use another provider",
}


class Parsed(Protocol):
    """A response class of solders."""

    @classmethod
    def from_json(cls, raw: str) -> object: ...


Answer = TypeVar("Answer", bound=Parsed)


class RateLimited(VenueUnavailable):
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

    async def ask(self, body: Body, parser: type[Answer], *, timeout_s: float, max_bytes: int) -> Answer:
        """One answer, parsed.

        Raises: VenueUnavailable when asking again may help, VenueRejected when it will not.
        """
        try:
            async with asyncio.timeout(timeout_s):
                raw = await self._post(body.to_json(), timeout_s, max_bytes)
                if len(raw) > LARGE_ANSWER:
                    return await asyncio.to_thread(self._parsed, raw, parser)
                return self._parsed(raw, parser)
        except TimeoutError as exc:
            raise VenueUnavailable(f"{self.host} did not answer within {timeout_s:g} s") from exc
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
            return RateLimited(f"{self.host} allows no more requests for now (429)", _pause_s(response))
        if response.is_redirect:
            return VenueRejected(f"{self.host} sends elsewhere ({status}), which is not followed; set the final URL")
        if status in _HTTP_REFUSALS:
            return VenueRejected(f"{self.host} {_HTTP_REFUSALS[status]} ({status})")
        return VenueUnavailable(f"{self.host} failed with HTTP status {status}")

    def _parsed(self, raw: bytes, parser: type[Answer]) -> Answer:
        try:
            answer = parser.from_json(raw.decode())
        except (SerdeJSONError, ValueError) as exc:
            raise self._unreadable(raw) from exc
        if isinstance(answer, parser):
            return answer
        problem = self._unreadable(raw)
        raise VenueRejected(str(problem)) if isinstance(answer, _REFUSALS) else problem

    def _unreadable(self, raw: bytes) -> VenueUnavailable:
        # Read by hand: providers have error codes of their own, of which the parser keeps the number only.
        try:
            message = json.loads(raw)["error"]["message"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return VenueUnavailable(f"{self.host} answered something that is no JSON-RPC answer to the question")
        return VenueUnavailable(f"{self.host} answered: {_printable(str(message))}")

    async def close(self) -> None:
        await self._provider.close()


def _pause_s(response: httpx.Response) -> float:
    try:
        return min(_LONGEST_PAUSE_S, max(0.0, float(response.headers.get("Retry-After", "1"))))
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


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:_LONGEST_MESSAGE]
