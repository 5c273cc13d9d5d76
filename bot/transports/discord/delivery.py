"""Sending, editing and answering so that no form of refusal means silence."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import structlog

from bot.messages import Address, DeliveryError, Message, MessageRef, Press, Refused, RetryAfter, Tone, Unreachable
from bot.transports.discord.errors import MessageGone, NotAllowed, ThreadGone, TooLate
from bot.transports.discord.render import Content, notice, parts_of, ways, whole
from bot.transports.discord.replies import Replies, Reply

if TYPE_CHECKING:
    from bot.transports.discord.wire import Wire

_PATIENCE_S = 30.0  # for the rest of a message whose beginning has arrived: sending all of it again would be worse
_TOO_LATE = "Discord no longer waits for this answer, and nobody else may see it: ask again"

log = structlog.get_logger()


class Place(Protocol):
    """Where one message goes, part by part."""

    address: Address

    async def post(self, content: Content, *, silent: bool) -> str:
        """Returns the id of the new message. Raises: DeliveryError."""
        ...


class ChannelPlace:
    """A channel, a thread in it, or direct messages."""

    def __init__(self, wire: "Wire", address: Address) -> None:
        self._wire = wire
        self.address = replace(address, reply_to="")

    async def post(self, content: Content, *, silent: bool) -> str:
        try:
            return await self._wire.send(_channel(self.address), content, silent=silent)
        except (ThreadGone, Unreachable) as gone:
            if not self.address.thread or isinstance(gone, NotAllowed):
                raise
            log.warning("discord.thread_gone", chat=self.address.chat, thread=self.address.thread, reason=str(gone))
        self.address = replace(self.address, thread="")  # the same people read the channel around the thread
        return await self._wire.send(_channel(self.address), content, silent=silent)


class ReplyPlace:
    """Where somebody waits for an answer."""

    def __init__(self, wire: "Wire", address: Address, reply: Reply) -> None:
        self._wire = wire
        self._reply = reply
        self.address = address

    async def post(self, content: Content, *, silent: bool) -> str:
        reply = self._reply
        if reply.unanswered:
            message_id = await self._wire.fill(reply.token, content)
            reply.unanswered = False
        else:
            message_id = await self._wire.follow(reply.token, content, hidden=reply.hidden)
        if reply.hidden:
            reply.own.add(message_id)
        return message_id


async def send(
    wire: "Wire", replies: Replies, address: Address, message: Message, *, sleep: Callable[[float], Awaitable[None]]
) -> MessageRef:
    """Sends all parts, in order, buttons and pictures on the last. Raises: DeliveryError."""
    place = await _place(wire, replies, address)
    message_id = ""
    for number, part in enumerate(parts_of(message)):
        while True:
            try:
                message_id = await _post_somehow(place, part, silent=message.tone is Tone.QUIET)
                break
            except TooLate:
                place = _without_reply(wire, replies, address)
            except RetryAfter as wait:
                if number == 0 or wait.seconds > _PATIENCE_S:
                    raise
                await sleep(wait.seconds)
    return MessageRef(address=place.address, message_id=message_id)


async def edit(wire: "Wire", replies: Replies, ref: MessageRef, message: Message) -> None:
    """Replaces a message, cut where it exceeds one. Raises: DeliveryError."""
    reply = await replies.open(ref.address.reply_to)
    *better, last = ways(whole(message))
    for content in better:
        try:
            return await _edit(wire, reply, ref, content)
        except (MessageGone, TooLate):
            raise
        except (Refused, NotAllowed) as error:
            log.warning("discord.degraded", doing="edit", chat=ref.address.chat, reason=str(error))
    await _edit(wire, reply, ref, last)


async def answer(wire: "Wire", replies: Replies, press: Press, text: str) -> None:
    """The small text that only whoever pressed sees; without one, the acknowledgement is all. Raises: DeliveryError."""
    reply = await replies.open(press.press_id)
    if reply is not None and text.strip():
        await wire.follow(reply.token, Content(text=notice(text)), hidden=True)


async def _place(wire: "Wire", replies: Replies, address: Address) -> Place:
    if not address.reply_to:
        return ChannelPlace(wire, address)
    reply = await replies.open(address.reply_to)
    return ReplyPlace(wire, address, reply) if reply else _without_reply(wire, replies, address)


def _without_reply(wire: "Wire", replies: Replies, address: Address) -> Place:
    """The channel itself, where everybody who reads it may read the answer. Raises: TooLate."""
    reply = replies.known(address.reply_to)
    if reply is None or reply.hidden:
        raise TooLate(_TOO_LATE)
    return ChannelPlace(wire, address)


async def _post_somehow(place: Place, part: Content, *, silent: bool) -> str:
    *better, last = ways(part)
    for content in better:
        try:
            return await place.post(content, silent=silent)
        except (ThreadGone, TooLate):
            raise
        except (Refused, NotAllowed) as error:  # files and buttons have permissions and limits of their own
            log.warning("discord.degraded", doing="send", chat=place.address.chat, reason=str(error))
    return await place.post(last, silent=silent)


async def _edit(wire: "Wire", reply: Reply | None, ref: MessageRef, content: Content) -> None:
    if reply is not None and ref.message_id in reply.own:
        if ref.message_id == reply.original:
            await wire.fill(reply.token, content)
        else:
            await wire.edit_answer(reply.token, _number(ref.message_id), content)
        return
    try:
        await wire.edit(_channel(ref.address), _number(ref.message_id), content)
    except Unreachable as gone:
        if isinstance(gone, NotAllowed):
            raise
        failure: DeliveryError = MessageGone(f"the message cannot be edited any more: {gone}")
        raise failure from None


def _channel(address: Address) -> int:
    """A thread is a channel of its own. Raises: Unreachable."""
    return _number(address.thread or address.chat)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Unreachable("this is no address of Discord: link the chat again with /start")
    return int(text)
