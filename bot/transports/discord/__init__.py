"""Discord over its gateway and REST; over a channel's webhook, where these fail, by ``webhook_transport``.

Importing this package does not import the discord library: it is loaded in a thread when the transport is entered.
"""

from bot.transports.discord.pings import Pings, parse_pings
from bot.transports.discord.transport import DiscordTransport
from bot.transports.discord.urls import DiscordUrls, checked_urls, checked_webhook

__all__ = [
    "DiscordTransport",
    "DiscordUrls",
    "Pings",
    "checked_urls",
    "checked_webhook",
    "parse_pings",
]
