"""The terminal as a chat: what the demo shows, and what works with no account anywhere."""

from bot.transports.console.transport import CONSOLE_CHAT, CONSOLE_USER, ConsoleTransport

__all__ = ["CONSOLE_CHAT", "CONSOLE_USER", "ConsoleTransport"]
