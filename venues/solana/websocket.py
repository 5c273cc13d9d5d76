"""One websocket to a node: texts out, texts in, every failure in our own words and without the URL."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus, InvalidURI

from venues.errors import VenueError, VenueRejected, VenueUnavailable
from venues.solana.endpoint import HTTP_REFUSALS, RateLimited, pause_s
from venues.solana.settings import host_of

_PING_EVERY_S = 10.0
_GOODBYE_S = 1.0  # how long the end waits for the other side's
_WAITING_FRAMES = 1_024
_TOO_LARGE: Final = 1009
_TOO_MANY_REQUESTS: Final = 429

# The library logs the request line, and the path may hold a key.
_SILENT = logging.getLogger(f"{__name__}.library")
_SILENT.disabled = True


class Connect(connect):
    """A connection to exactly the URL that was set."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Go nowhere else: whoever redirects would see the key."""
        return exc


class Socket:
    """An open connection. Every method raises VenueUnavailable once it is lost."""

    def __init__(self, host: str, connection: ClientConnection) -> None:
        self.host, self._connection = host, connection

    async def send(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed as exc:
            raise self._closed(exc) from exc

    async def receive(self) -> str | bytes:
        """The next message, as soon as there is one."""
        try:
            return await self._connection.recv()
        except ConnectionClosed as exc:
            raise self._closed(exc) from exc

    def _closed(self, exc: ConnectionClosed) -> VenueUnavailable:
        if exc.sent is not None and exc.sent.code == _TOO_LARGE:
            return VenueUnavailable(f"{self.host} sent a message longer than any that was asked for")
        if exc.rcvd is not None:
            return VenueUnavailable(f"{self.host} has closed the websocket ({exc.rcvd.code})")
        return VenueUnavailable(f"the websocket of {self.host} broke off")


@asynccontextmanager
async def opened(url: str, *, timeout_s: float, max_bytes: int) -> AsyncIterator[Socket]:
    """A websocket to ``url``, closed on the way out.

    Raises: VenueUnavailable when trying again may help, VenueRejected when it will not.
    """
    host = host_of(url)
    connection = await _connected(url, host, timeout_s, max_bytes)
    try:
        yield Socket(host, connection)
    finally:
        await connection.close()


async def _connected(url: str, host: str, timeout_s: float, max_bytes: int) -> ClientConnection:
    try:
        return await Connect(
            url, open_timeout=timeout_s, ping_interval=_PING_EVERY_S, ping_timeout=_PING_EVERY_S,
            close_timeout=_GOODBYE_S, max_size=max_bytes, max_queue=_WAITING_FRAMES, compression=None, logger=_SILENT,
        )  # fmt: skip
    except InvalidStatus as exc:
        raise _refused(host, exc) from exc
    except TimeoutError as exc:
        raise VenueUnavailable(f"{host} did not open a websocket within {timeout_s:g} s") from exc
    except InvalidURI:
        # Its text is the URL, and so would be its traceback.
        raise VenueRejected("the websocket URL is none; check WS_URL") from None
    except (InvalidProxy, ImportError) as exc:
        raise VenueRejected("the proxy of the environment cannot carry a websocket; check its variables") from exc
    except (InvalidHandshake, EOFError) as exc:
        raise VenueUnavailable(f"{host} does not answer as a websocket does") from exc
    except OSError as exc:
        raise VenueUnavailable(f"{host} could not be reached for a websocket") from exc


def _refused(host: str, exc: InvalidStatus) -> VenueError:
    status, headers = exc.response.status_code, exc.response.headers
    if status == _TOO_MANY_REQUESTS:
        return RateLimited(f"{host} allows no more websockets for now (429)", pause_s(headers.get("Retry-After")))
    if 300 <= status < 400:
        return VenueRejected(f"{host} sends websockets elsewhere ({status}), which is not followed; set WS_URL")
    if status in HTTP_REFUSALS:
        return VenueRejected(f"{host} {HTTP_REFUSALS[status]} ({status}, websocket)")
    return VenueUnavailable(f"{host} refused a websocket with HTTP status {status}")
