"""What may wait, sent through a platform's last lane: no alert and no answer ever stands behind it."""

import asyncio

from bot.alerts.budgets import Ticket
from bot.alerts.sender import Lane, Sender
from bot.messages import Address, Message, MessageRef, RetryAfter

_PATIENCE_S = 5.0
_LATER_S = 5.0


class Unhurried:
    """The last lane of a sender. Raises RetryAfter where alerts need all the room there is."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def send(self, address: Address, message: Message) -> MessageRef:
        """See bot.messages.Transport."""
        return await self._sender.say(await self._turn(address), address, message, key="")

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """See bot.messages.Transport."""
        await self._sender.correct(await self._turn(ref.address), ref, message)

    async def pin(self, ref: MessageRef) -> None:
        """See bot.messages.Transport."""
        await self._sender.pin(ref)

    async def _turn(self, address: Address) -> Ticket:
        """A place of the platform's, but none of the chat's: an alert for it that comes right after must not wait."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                (ticket,) = await self._sender.turn(Lane.EDIT)
        except TimeoutError:
            raise RetryAfter(_LATER_S) from None
        if self._sender.place_of(address) in self._sender.busy():
            self._sender.give_back(ticket)
            raise RetryAfter(_LATER_S)
        return ticket
