"""Reading what people write and press: nothing lost, nothing twice."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from bot.messages import DeliveryError, Incoming, RetryAfter, TryAgain
from bot.transports.telegram.errors import TokenRefused
from bot.transports.telegram.health import HealthRecord
from bot.transports.telegram.updates import incoming_of

if TYPE_CHECKING:
    from bot.transports.telegram.wire import Wire

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """An update on its way to whoever reads; ``next_offset`` confirms it."""

    incoming: Incoming
    next_offset: int


class Poller:
    """Asks for updates and hands them over one by one.

    Telegram forgets an update when a poll asks for a later one, so the next poll waits until all of this one were
    taken. What nobody took before the transport was left comes again after the next start.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        health: HealthRecord,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._health = health
        self._queue: asyncio.Queue[_Taken | None] = asyncio.Queue()
        self._username: str | None = None
        self._offset: int | None = None
        self._taken_offset: int | None = None
        self._ended = False

    async def run(self, wire: "Wire") -> None:
        """Polls until cancelled, whatever happens."""
        failures = 0
        while True:
            try:
                await self._step(wire)
            except DeliveryError as error:
                failures += 1
                self._health.failed(error)
                await self._sleep(_wait_s(error, failures))
            except Exception as error:  # noqa: BLE001 - the top of the polling task: a bot gone deaf must not stay so
                failures += 1
                log.error("telegram.poll_failed", error=type(error).__name__)
                self._health.failed(TryAgain("reading from Telegram failed: see the log"))
                await self._sleep(_LONGEST_WAIT_S)
            else:
                failures = 0
                self._health.worked()

    async def incoming(self) -> AsyncIterator[Incoming]:
        while not self._ended:
            taken = await self._queue.get()
            self._queue.task_done()
            if taken is None:
                return
            self._taken_offset = taken.next_offset
            yield taken.incoming

    async def end(self, wire: "Wire | None") -> None:
        """Ends incoming() and confirms what was taken. ``run`` has ended."""
        self._ended = True
        self._queue.put_nowait(None)
        if wire is not None and self._taken_offset is not None:
            try:
                await wire.confirm(self._taken_offset)
            except DeliveryError as error:
                log.warning("telegram.unconfirmed", reason=str(error))

    async def _step(self, wire: "Wire") -> None:
        if self._username is None:
            username = await wire.username()
            await wire.clear_webhook()
            self._username = username
            return
        await self._queue.join()
        for update in await wire.updates(self._offset):
            self._offset = update.update_id + 1
            incoming = incoming_of(update, username=self._username, now=self._now())
            if incoming is not None:
                self._queue.put_nowait(_Taken(incoming=incoming, next_offset=self._offset))


def _wait_s(error: DeliveryError, failures: int) -> float:
    if isinstance(error, RetryAfter):
        return error.seconds
    if isinstance(error, TokenRefused):
        return _LONGEST_WAIT_S
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(failures - 1, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the bots that lost Telegram together
