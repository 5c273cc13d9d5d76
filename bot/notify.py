"""Telling one person something that is no alert, wherever they can be reached in private."""

import structlog

from bot.commands.spec import Services
from bot.messages import Address, DeliveryError, Message

log = structlog.get_logger()


async def tell(services: Services, person_id: str, message: Message, *, but_for: Address | None = None) -> int:
    """Say something in every private chat of somebody who is linked; how many took it.

    Args:
        but_for: A chat that knows already.
    """
    told = 0
    for chat in await services.people.chats():
        address = Address(transport=chat.transport, chat=chat.chat, thread=chat.thread)
        transport = services.process.transports.get(chat.transport)
        if chat.person_id != person_id or not chat.private or transport is None or address == but_for:
            continue
        try:
            await transport.send(address, message)
            told += 1
        except DeliveryError as exc:
            log.warning("notify.failed", transport=chat.transport, error=str(exc))
    return told
