"""What the bot asks for when it is invited: no more than it uses."""

from typing import Final
from urllib.parse import urlencode

from bot.transports.discord.permissions import FOR_THREADS, NEEDED

_INVITE: Final = "https://discord.com/oauth2/authorize"
PERMISSIONS: Final = {**NEEDED, **FOR_THREADS}


def invitation(application_id: int) -> str:
    """Where somebody lets the bot into a server of theirs.

    >>> invitation(7).startswith("https://discord.com/oauth2/authorize?client_id=7&")
    True
    """
    asked = {
        "client_id": application_id,
        "scope": "bot applications.commands",
        "permissions": sum(PERMISSIONS.values()),
    }
    return f"{_INVITE}?{urlencode(asked)}"
