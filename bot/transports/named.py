"""A second bot on a platform: the same transport with another token, known by a name of its own.

Addresses carry the name, so whatever is sent to a chat goes out through the bot it was heard by. Who somebody is does
not depend on the bot they speak to: a person carries the platform.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Self

from bot.messages import (
    Address,
    Command,
    CommandHint,
    Guest,
    Incoming,
    InParts,
    Limits,
    Membership,
    Message,
    MessageRef,
    Press,
    Refused,
    Transport,
    TransportHealth,
    Unreachable,
)


class NamedTransport:
    """A transport under another name; see bot.messages.Transport."""

    def __init__(self, inner: Transport, name: str) -> None:
        self._inner, self._name = inner, name

    def __repr__(self) -> str:
        return f"NamedTransport({self._name!r}, {self._inner!r})"

    @property
    def name(self) -> str:
        return self._name

    @property
    def limits(self) -> Limits:
        return self._inner.limits

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._inner.__aexit__(*exc)

    async def incoming(self) -> AsyncIterator[Incoming]:
        async for incoming in self._inner.incoming():
            yield self._heard(incoming)

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        try:
            return self._ours(await self._inner.send(self._theirs(address), message, key=key))
        except Unreachable as error:
            if error.moved_to is None:
                raise
            moved = Unreachable(str(error), moved_to=self._here(error.moved_to))
        raise moved

    def parts(self, message: Message) -> int:
        """See bot.messages.InParts; one where the platform does not say."""
        return self._inner.parts(message) if isinstance(self._inner, InParts) else 1

    async def edit(self, ref: MessageRef, message: Message) -> None:
        await self._inner.edit(self._their_ref(ref), message)

    async def pin(self, ref: MessageRef) -> None:
        await self._inner.pin(self._their_ref(ref))

    async def answer(self, press: Press, text: str = "") -> None:
        await self._inner.answer(replace(press, message=self._their_ref(press.message)), text)

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        await self._inner.announce(hints)

    async def leave(self, group: Address) -> None:
        """See bot.messages.Guest. Raises: Refused, where nobody can be invited in the first place."""
        if not isinstance(self._inner, Guest):
            raise Refused("this platform has no groups to leave")
        await self._inner.leave(self._theirs(group))

    def health(self) -> TransportHealth:
        return self._inner.health()

    def _heard(self, incoming: Incoming) -> Incoming:
        match incoming:
            case Command():
                return replace(incoming, address=self._here(incoming.address))
            case Press():
                return replace(incoming, message=self._ours(incoming.message))
            case Membership():
                return replace(incoming, group=self._here(incoming.group))

    def _here(self, address: Address) -> Address:
        return replace(address, transport=self._name)

    def _theirs(self, address: Address) -> Address:
        return replace(address, transport=self._inner.name)

    def _ours(self, ref: MessageRef) -> MessageRef:
        return replace(ref, address=self._here(ref.address))

    def _their_ref(self, ref: MessageRef) -> MessageRef:
        return replace(ref, address=self._theirs(ref.address))
