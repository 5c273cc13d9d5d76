"""How the standby sounds: every message says who speaks, and with a borrowed token it only speaks."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Self

from bot.messages import (
    Address,
    CommandHint,
    Incoming,
    Limits,
    Line,
    Message,
    MessageRef,
    Press,
    Transport,
    TransportHealth,
)

SIGNED = Line("Said by the standby.")
SIGNED_BORROWED = Line("Said by the standby: it cannot hear you, and its alert numbers are its own.")


class StandbyVoice:
    """A transport whose messages say that it is the standby; see bot.messages.Transport.

    Args:
        borrowed: The token is the primary's, which alone may listen on it: no buttons, for a press would reach the
            primary and mean another alert there, and no menu.
    """

    def __init__(self, inner: Transport, *, borrowed: bool) -> None:
        self._inner, self._borrowed = inner, borrowed

    def __repr__(self) -> str:
        return f"StandbyVoice({self._inner!r})"

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def limits(self) -> Limits:
        return self._inner.limits

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._inner.__aexit__(*exc)

    def incoming(self) -> AsyncIterator[Incoming]:
        return self._inner.incoming()

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        return await self._inner.send(address, self._signed(message), key=key)

    async def edit(self, ref: MessageRef, message: Message) -> None:
        await self._inner.edit(ref, self._signed(message))

    async def pin(self, ref: MessageRef) -> None:
        await self._inner.pin(ref)

    async def answer(self, press: Press, text: str = "") -> None:
        await self._inner.answer(press, text)

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        if not self._borrowed:
            await self._inner.announce(hints)

    def health(self) -> TransportHealth:
        return self._inner.health()

    def _signed(self, message: Message) -> Message:
        if self._borrowed:
            return replace(message, blocks=(*message.blocks, SIGNED_BORROWED), buttons=())
        return replace(message, blocks=(*message.blocks, SIGNED))
