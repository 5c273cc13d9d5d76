"""An answer that may take long: something within a second, the answer in its place when it is there."""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

import structlog

from bot.messages import (
    Address,
    DeliveryError,
    InParts,
    Line,
    Message,
    MessageRef,
    Transport,
    Unreachable,
)

log = structlog.get_logger()

PATIENCE_S = 0.6  # what is left of the second is the platform's
_LAST_WORDS_S = 2.0
Accepted = Callable[[Message, MessageRef], Awaitable[None]]
_STOPPED = Message(blocks=(Line("Keel was stopped before this was calculated. Ask again once it runs."),))


class Patience:
    """Sends answers; those that take longer are announced, and then stand where the announcement stood.

    Args:
        seconds: How long an answer may take before something else is said first; infinite waits for every answer, for
            transcripts that are to be the same at every run.
        accepted: Called with every answer, or part of one, that its platform took.
    """

    def __init__(self, seconds: float = PATIENCE_S, *, accepted: Accepted | None = None) -> None:
        self._timeout = None if math.isinf(seconds) else seconds
        self._accepted = accepted or _nothing_more

    async def answer(
        self,
        transport: Transport,
        address: Address,
        answering: Coroutine[Any, Any, Message],
        *,
        meanwhile: Callable[[], Awaitable[Message]],
        failed: Callable[[BaseException], Message],
    ) -> None:
        """Raises: DeliveryError.

        Args:
            failed: What is said instead of an answer that could not be made.
        """
        making = asyncio.create_task(answering)
        ref: MessageRef | None = None
        try:
            await asyncio.wait((making,), timeout=self._timeout)
            if not making.done():
                ref = await _announced(transport, address, meanwhile)
                await asyncio.wait((making,))
        except BaseException as exc:
            making.cancel()
            if ref is not None and isinstance(exc, asyncio.CancelledError):
                with contextlib.suppress(DeliveryError, TimeoutError):
                    async with asyncio.timeout(_LAST_WORDS_S):
                        await transport.edit(ref, _STOPPED)
            raise
        error = making.exception()
        message = making.result() if error is None else failed(error)
        if ref is None:
            await self._accepted(message, await transport.send(address, message))
        else:
            await self._put_in_place(transport, ref, message)

    async def _put_in_place(self, transport: Transport, ref: MessageRef, message: Message) -> None:
        first, rest = _divided(transport, message)
        try:
            await transport.edit(ref, first)
        except Unreachable:
            raise
        except DeliveryError as exc:
            # The announcement is gone, or cannot be changed now: the answer is said all the same.
            log.warning("announcement.not_replaced", transport=transport.name, error=str(exc))
            await self._accepted(message, await transport.send(ref.address, message))
            return
        await self._accepted(first, ref)
        if rest is not None:
            await self._accepted(rest, await transport.send(ref.address, rest))


async def _nothing_more(message: Message, ref: MessageRef) -> None:
    """Nobody wants to know."""


async def _announced(
    transport: Transport, address: Address, meanwhile: Callable[[], Awaitable[Message]]
) -> MessageRef | None:
    """Where the announcement stands; None where it did not get through, and the answer goes out by itself."""
    try:
        return await transport.send(address, await meanwhile())
    except DeliveryError as exc:
        log.warning("announcement.failed", transport=transport.name, error=str(exc))
        return None


def _divided(transport: Transport, message: Message) -> tuple[Message, Message | None]:
    """What one message holds, and what comes after it: an edit cannot become several messages."""
    if not isinstance(transport, InParts) or transport.parts(message) <= 1:
        return message, None
    blocks = message.blocks
    fitting = [at for at in range(1, len(blocks)) if transport.parts(Message(blocks=blocks[:at])) == 1]
    if not fitting:
        return message, None
    most = max(fitting)
    return Message(blocks=blocks[:most], tone=message.tone), replace(message, blocks=blocks[most:])
