"""What is common to ways out that nobody answers on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from bot.messages import CommandHint, Incoming, MessageRef, Press, TransportHealth


class SendOnly:
    """The half of bot.messages.Transport that hears. Nothing ever comes."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._left = asyncio.Event()
        self._health = TransportHealth(connected=True, detail="has not been needed yet", since=now())

    async def incoming(self) -> AsyncIterator[Incoming]:
        await self._left.wait()
        nothing: tuple[Incoming, ...] = ()
        for never in nothing:
            yield never

    async def pin(self, ref: MessageRef) -> None:
        """There is nothing to pin."""

    async def answer(self, press: Press, text: str = "") -> None:
        """Nobody presses."""

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        """There is no menu."""

    def health(self) -> TransportHealth:
        return self._health

    def _became(self, *, connected: bool, detail: str) -> None:
        """Note how the last message fared."""
        before = self._health
        if (connected, detail) != (before.connected, before.detail):
            since = before.since if connected == before.connected else self._now()
            self._health = TransportHealth(connected=connected, detail=detail, since=since)
