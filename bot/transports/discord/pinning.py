"""Keeping a message in sight of its channel."""

from typing import TYPE_CHECKING

from bot.messages import DeliveryError, MessageRef, Refused
from bot.transports.discord.errors import NoAccess, NotAllowed
from bot.transports.discord.places import located

if TYPE_CHECKING:
    from bot.transports.discord.wire import Wire


async def pin(wire: "Wire", ref: MessageRef) -> None:
    """Raises: DeliveryError; Refused where the bot may write and not pin. One that is pinned already is fine."""
    channel_id, message_id = located(ref)
    failure: DeliveryError
    try:
        path = "/channels/{channel_id}/messages/pins/{message_id}"
        await wire.ask("PUT", path, {"channel_id": channel_id, "message_id": message_id})
        return
    except NoAccess:
        raise
    except NotAllowed:
        failure = Refused("Discord lets the bot pin nothing here: give it the permission Pin Messages")
    raise failure
