"""The Telegram transport: what connects the parts of this package and owns their life."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Self

import structlog

from bot.messages import (
    Address,
    CommandHint,
    DeliveryError,
    Incoming,
    Limits,
    Message,
    MessageRef,
    Press,
    Rate,
    TransportHealth,
    TryAgain,
)
from bot.transports.telegram import delivery, sounding
from bot.transports.telegram.base_url import OFFICIAL_URL
from bot.transports.telegram.health import HealthRecord
from bot.transports.telegram.polling import Poller
from bot.transports.telegram.render import parts_of
from bot.transports.telegram.updates import TRANSPORT

if TYPE_CHECKING:
    from bot.transports.telegram.wire import Wire

# About 30 messages a second in all, one a second to one chat, 20 a minute to one group, whose ids are negative.
_LIMITS = Limits(
    in_all=Rate(most=30, per_s=1.0),
    per_chat=Rate(most=1, per_s=1.0),
    per_group=Rate(most=20, per_s=60.0),
    group_prefix="-",
)

log = structlog.get_logger()


class TelegramTransport:
    """Telegram by long polling; see bot.messages.Transport.

    Args:
        token: What @BotFather gave. It appears in no log, error or representation.
        now: Aware time, for records.
        base_url: As checked_base_url returns it.
        sleep: Waits out back-off; injected in tests.
        answer_s: How long Telegram may take to answer a request.
        poll_s: How long Telegram may hold a poll that has nothing to report.
        listens: False where another process reads what people write to this bot, which only one may: this one sends.

    Raises: ValueError, for an empty token.
    """

    def __init__(
        self,
        token: str,
        *,
        now: Callable[[], datetime],
        base_url: str = OFFICIAL_URL,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        answer_s: float = 15.0,
        poll_s: float = 25.0,
        listens: bool = True,
    ) -> None:
        self._token = token.strip()
        if not self._token:
            raise ValueError("TELEGRAM_TOKEN is empty: set the token @BotFather gave, or leave Telegram off")
        self._base_url = base_url
        self._sleep = sleep
        self._answer_s = answer_s
        self._poll_s = poll_s
        self._listens = listens
        self._health = HealthRecord(now)
        self._poller = Poller(now=now, sleep=sleep, health=self._health)
        self._task: asyncio.Task[None] | None = None
        self._loading: asyncio.Task[Wire] | None = None

    def __repr__(self) -> str:
        return f"TelegramTransport({self._health.current.detail!r})"

    @property
    def name(self) -> str:
        return TRANSPORT

    async def __aenter__(self) -> Self:
        # The library takes a quarter of a second to import: not on the event loop.
        self._loading = asyncio.create_task(asyncio.to_thread(self._load), name="telegram.load")
        self._task = asyncio.create_task(self._run(), name="telegram.poll")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Ends the tasks and confirms what was taken; waits for Telegram at most a few seconds."""
        loading, task = self._loading, self._task
        self._loading = self._task = None
        if loading is None or task is None:
            return
        task.cancel()
        await asyncio.wait((task,))
        wire = await loading
        was_connected = self._health.current.connected
        self._health.left()
        try:
            async with asyncio.timeout(min(3.0, self._answer_s)):
                await self._poller.end(wire if was_connected else None)
        except TimeoutError:
            log.warning("telegram.unconfirmed", reason="Telegram did not answer in time")
        await wire.close()

    async def incoming(self) -> AsyncIterator[Incoming]:
        async for incoming in self._poller.incoming():
            yield incoming

    @property
    def limits(self) -> Limits:
        return _LIMITS

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        """Telegram knows no keys: what is sent twice arrives twice."""
        return await delivery.send(await self._wire(), address, message, sleep=self._sleep)

    def parts(self, message: Message) -> int:
        return len(parts_of(message))

    async def edit(self, ref: MessageRef, message: Message) -> None:
        await delivery.edit(await self._wire(), ref, message)

    async def leave(self, group: Address) -> None:
        """See bot.messages.Guest."""
        await (await self._wire()).leave(group.chat)

    async def pin(self, ref: MessageRef) -> None:
        await (await self._wire()).pin(ref.address.chat, ref.message_id)

    async def answer(self, press: Press, text: str = "") -> None:
        try:
            await (await self._wire()).answer(press.press_id, text)
        except DeliveryError as error:
            log.info("telegram.answer_failed", reason=str(error))

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        try:
            await (await self._wire()).announce(hints)
        except DeliveryError as error:
            log.warning("telegram.announce_failed", reason=str(error))

    def health(self) -> TransportHealth:
        return self._health.current

    def _load(self) -> "Wire":
        from bot.transports.telegram.wire import Wire

        return Wire(self._token, base_url=self._base_url, answer_s=self._answer_s, poll_s=self._poll_s)

    async def _run(self) -> None:
        wire = await self._wire()
        if self._listens:
            await self._poller.run(wire)
        else:
            await sounding.run(wire, self._health, sleep=self._sleep)

    async def _wire(self) -> "Wire":
        if self._loading is None:
            raise TryAgain("Telegram is not running here: enter the transport first")
        return await asyncio.shield(self._loading)
