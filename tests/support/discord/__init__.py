"""Discord on loopback: REST and gateway that speak the real protocol; see server."""

from tests.support.discord.errors import ApiError
from tests.support.discord.faults import Drop, Fault
from tests.support.discord.model import Call, Channel, EmbedBox, Guild, Interaction, Key, Revision, SentMessage
from tests.support.discord.server import DiscordServer

__all__ = [
    "ApiError",
    "Call",
    "Channel",
    "DiscordServer",
    "Drop",
    "EmbedBox",
    "Fault",
    "Guild",
    "Interaction",
    "Key",
    "Revision",
    "SentMessage",
]
