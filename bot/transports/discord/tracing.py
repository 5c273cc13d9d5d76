"""What becomes of each request, seen below the library.

The library sleeps out a 429 itself, for up to half a minute, and asks again after a 5xx, for 25 s. Meanwhile something
more urgent may wait behind the message it holds, so both are told to the caller at once; who decides what goes out
next is the outbox. What the library knows of its limits it still waits for before it asks.
"""

import asyncio
import json
from contextvars import ContextVar
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp

from bot.messages import DeliveryError
from bot.transports.discord.errors import answered, seconds

_READ_S = 60.0  # for the rest of an answer that has begun, and for limits the library waits out behind it


@dataclass(slots=True, kw_only=True)
class Call:
    """One request of ours.

    Attributes:
        patience: Ends it when Discord does not answer.
        sent: Whether Discord may have read it.
        held_s: How long nothing at all may be asked, where Discord said so.
    """

    patience: asyncio.Timeout
    sent: bool = False
    held_s: float = 0.0


CURRENT: ContextVar[Call | None] = ContextVar("discord_call", default=None)


def tracing() -> aiohttp.TraceConfig:
    """For a session. Requests that are not ours, such as the gateway's, pass by."""
    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(_sent)
    config.on_request_end.append(_answered)
    return config


async def _sent(
    session: aiohttp.ClientSession, context: SimpleNamespace, parameters: aiohttp.TraceRequestHeadersSentParams
) -> None:
    call = CURRENT.get()
    if call is not None:
        call.sent = True


async def _answered(
    session: aiohttp.ClientSession, context: SimpleNamespace, parameters: aiohttp.TraceRequestEndParams
) -> None:
    """Raises: DeliveryError, for what only time can change."""
    call, response = CURRENT.get(), parameters.response
    if call is None:
        return
    if response.status == 429 or response.status >= 500:
        error = await _trouble(response, call)
        raise error
    if not call.patience.expired():
        call.patience.reschedule(asyncio.get_running_loop().time() + _READ_S)


async def _trouble(response: aiohttp.ClientResponse, call: Call) -> DeliveryError:
    body = _json(await response.text(errors="replace"))
    wait_s = seconds(body.get("retry_after", response.headers.get("Retry-After")))
    if response.status == 429 and (body.get("global") or "X-RateLimit-Global" in response.headers):
        call.held_s = wait_s or 0.0
    return answered(response.status, 0, "", retry_after_s=wait_s)


def _json(text: str) -> dict[str, object]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
