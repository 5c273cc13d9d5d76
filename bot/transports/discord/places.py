"""Where messages go and stand: a channel, a thread, or an answer that its token alone reaches."""

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import structlog

from bot.messages import Address, DeliveryError, MessageRef, Unreachable
from bot.transports.discord.errors import MessageGone, NotAllowed, ThreadGone, TooLate
from bot.transports.discord.render import Content
from bot.transports.discord.replies import Replies, Reply

if TYPE_CHECKING:
    from bot.transports.discord.wire import Accepted, Wire

_TOO_LATE = "Discord no longer waits for this answer, and nobody else may see it: ask again"

log = structlog.get_logger()


class Place(Protocol):
    """Where one message goes, part by part."""

    address: Address

    async def post(self, content: Content, *, silent: bool, nonce: str) -> "Accepted":
        """Raises: DeliveryError."""
        ...


class ChannelPlace:
    """A channel, a thread in it, or direct messages.

    Args:
        asked: Where the message was addressed to, when a thread in it was chosen instead.
    """

    def __init__(self, wire: "Wire", address: Address, *, asked: Address | None = None) -> None:
        self._wire = wire
        self._asked = asked if asked != address else None
        self.address = replace(address, reply_to="")

    async def post(self, content: Content, *, silent: bool, nonce: str) -> "Accepted":
        try:
            return await self._wire.send(channel_of(self.address), content, silent=silent, nonce=nonce)
        except (ThreadGone, Unreachable) as gone:
            # A thread that somebody addressed may be for fewer eyes than the channel around it: where the bot was shut
            # out of it, the channel is told nothing. If it was deleted or locked, its readers read the channel.
            if not self.address.thread or (self._asked is None and isinstance(gone, NotAllowed)):
                raise
            log.warning("discord.thread_gone", chat=self.address.chat, thread=self.address.thread, reason=str(gone))
        self.address = replace(self.address, thread="")
        return await self._wire.send(channel_of(self.address), content, silent=silent, nonce=nonce)


class ReplyPlace:
    """Where somebody waits for an answer. Discord compares no nonces there."""

    def __init__(self, wire: "Wire", address: Address, reply: Reply) -> None:
        self._wire = wire
        self._reply = reply
        self.address = address

    async def post(self, content: Content, *, silent: bool, nonce: str) -> "Accepted":
        reply = self._reply
        if reply.unanswered:
            accepted = await self._wire.fill(reply.token, content)
            reply.unanswered = False
        else:
            accepted = await self._wire.follow(reply.token, content, hidden=reply.hidden)
        if reply.hidden:
            reply.own.add(accepted.message_id)
        return accepted


class Standing:
    """A message that can be given another form, by whatever way reaches it."""

    def __init__(self, wire: "Wire", reply: Reply | None, ref: MessageRef) -> None:
        self._wire = wire
        self._reply = reply
        self._ref = ref

    async def become(self, content: Content) -> "Accepted":
        """Raises: DeliveryError."""
        reply, ref = self._reply, self._ref
        if reply is not None and ref.message_id in reply.own:
            if ref.message_id == reply.original:
                return await self._wire.fill(reply.token, content)
            return await self._wire.edit_answer(reply.token, number(ref.message_id), content)
        channel_id, message_id = located(ref)
        try:
            return await self._wire.edit(channel_id, message_id, content)
        except Unreachable as gone:
            if isinstance(gone, NotAllowed):
                raise
            failure: DeliveryError = MessageGone(f"the message cannot be edited any more: {gone}")
        raise failure from None


def without_reply(wire: "Wire", replies: Replies, address: Address) -> Place:
    """The channel itself, where everybody who reads it may read the answer. Raises: TooLate."""
    reply = replies.known(address.reply_to)
    if reply is None or reply.hidden:
        raise TooLate(_TOO_LATE)
    return ChannelPlace(wire, address)


def reference(address: Address, place: Address, message_id: str) -> MessageRef:
    """A message that was addressed to ``address`` and stands at ``place``.

    Where these are two channels, the id names its own: whoever stores an id stores it with whom it was addressed to.
    """
    at, asked = channel_of(place), channel_of(address)
    return MessageRef(address=place, message_id=message_id if at == asked else f"{at}/{message_id}")


def located(ref: MessageRef) -> tuple[int, int]:
    """Channel and message. Raises: Unreachable."""
    channel, _, message = ref.message_id.rpartition("/")
    return number(channel) if channel else channel_of(ref.address), number(message)


def channel_of(address: Address) -> int:
    """A thread is a channel of its own. Raises: Unreachable."""
    return number(address.thread or address.chat)


def number(text: str) -> int:
    """An id of Discord's. Raises: Unreachable."""
    if not (text.isascii() and text.isdigit()):
        raise Unreachable("this is no address of Discord: link the chat again with /start")
    return int(text)
