"""Sending and editing so that no form of refusal means silence."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from bot.messages import Address, Message, MessageRef, Refused, RetryAfter, Tone
from bot.transports.telegram.errors import MessageGone, NoTextThere, TopicGone
from bot.transports.telegram.render import Content, parts_of, replacing, sending

if TYPE_CHECKING:
    from bot.transports.telegram.wire import Wire

_BETWEEN_PARTS_S = 1.05  # a chat takes one message a second, and its parts are messages
_PATIENCE_S = 30.0  # for the rest of a message whose beginning has arrived: sending all of it again would be worse

log = structlog.get_logger()


async def send(
    wire: "Wire", address: Address, message: Message, *, sleep: Callable[[float], Awaitable[None]]
) -> MessageRef:
    """Sends all parts, in order, the buttons on the last. Raises: DeliveryError."""
    parts = parts_of(message)
    message_id = 0
    thread = address.thread
    for number, part in enumerate(parts):
        ways = sending(part, message.buttons if number == len(parts) - 1 else ())
        if number:
            await sleep(_BETWEEN_PARTS_S)
        while True:
            try:
                message_id = await _send_somehow(wire, address.chat, thread, ways, silent=message.tone is Tone.QUIET)
                break
            except TopicGone as gone:
                if not thread:
                    raise
                log.warning("telegram.topic_gone", chat=address.chat, thread=thread, reason=str(gone))
                thread = ""  # the same people read the chat around the topic
            except RetryAfter as wait:
                if number == 0 or wait.seconds > _PATIENCE_S:
                    raise
                await sleep(wait.seconds)
    return MessageRef(address=address, message_id=str(message_id))


async def edit(wire: "Wire", ref: MessageRef, message: Message) -> None:
    """Replaces a message, cut where it exceeds one. Raises: DeliveryError."""
    has_text = True
    refusal = Refused("there is no form left to try")
    for content in replacing(message):
        if not has_text and content.attached is None and not content.caption:
            continue
        try:
            return await wire.edit(ref.address.chat, ref.message_id, content)
        except MessageGone:
            raise
        except NoTextThere as error:
            has_text = False
            refusal = error
        except Refused as error:
            refusal = error
            log.warning("telegram.degraded", doing="edit", chat=ref.address.chat, reason=str(error))
    raise refusal


async def _send_somehow(wire: "Wire", chat: str, thread: str, ways: tuple[Content, ...], *, silent: bool) -> int:
    *better, last = ways
    for content in better:
        try:
            return await wire.send(chat, thread, content, silent=silent)
        except TopicGone:
            raise
        except Refused as error:
            log.warning("telegram.degraded", doing="send", chat=chat, reason=str(error))
    return await wire.send(chat, thread, last, silent=silent)
