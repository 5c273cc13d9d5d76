"""Telegram over long polling.

Importing this package does not import the telegram library: it is loaded in a thread when the transport is entered.
"""

from bot.transports.telegram.base_url import OFFICIAL_URL, checked_base_url
from bot.transports.telegram.transport import TelegramTransport

__all__ = ["OFFICIAL_URL", "TelegramTransport", "checked_base_url"]
