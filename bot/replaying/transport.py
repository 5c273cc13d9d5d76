"""A chat platform on which nobody reads: it takes every message at once and counts."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from bot.messages import (
    UNLIMITED,
    Address,
    CommandHint,
    Incoming,
    Limits,
    Message,
    MessageRef,
    Press,
    TransportHealth,
)

NAME = "replay"


class CountingTransport:
    """Implements bot.messages.Transport.

    Attributes:
        messages: How many a person would have received.
        digest: Of every one of them, word for word, with the time it came.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now, self._since = now, now()
        self.messages = 0
        self.digest = hashlib.sha256()

    @property
    def name(self) -> str:
        return NAME

    async def __aenter__(self) -> "CountingTransport":
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing was started."""

    async def incoming(self) -> AsyncIterator[Incoming]:
        await asyncio.Event().wait()  # nobody ever answers
        nobody: tuple[Incoming, ...] = ()
        for one in nobody:
            yield one

    @property
    def limits(self) -> Limits:
        return UNLIMITED

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        self.messages += 1
        self.digest.update(f"{self._now().isoformat()} {message!r}\n".encode())
        return MessageRef(address=address, message_id=str(self.messages))

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Never rings, so it does not count."""

    async def pin(self, ref: MessageRef) -> None:
        pass

    async def answer(self, press: Press, text: str = "") -> None:
        """Nobody presses."""

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        """There is no menu."""

    def health(self) -> TransportHealth:
        return TransportHealth(connected=True, detail="counts messages", since=self._since)
