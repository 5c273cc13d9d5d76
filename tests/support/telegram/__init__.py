"""A Bot API server on loopback that speaks the real protocol; see server."""

from tests.support.telegram.errors import ApiError
from tests.support.telegram.faults import Drop, Fault
from tests.support.telegram.model import Call, Chat, Key, Revision, SentMessage
from tests.support.telegram.server import TelegramServer

__all__ = ["ApiError", "Call", "Chat", "Drop", "Fault", "Key", "Revision", "SentMessage", "TelegramServer"]
