"""The library's errors as ours. Their texts and frames hold tokens, so nothing of them is kept but Discord's words."""

import re

import aiohttp
import discord

from bot.messages import DeliveryError, RetryAfter, TryAgain
from bot.transports.discord.errors import TokenRefused, answered, seconds

# The last three: what the library trips over in an answer that is not Discord's.
LIBRARY_ERRORS = (discord.DiscordException, aiohttp.ClientError, OSError, ValueError, TypeError, LookupError)


def translated(error: Exception, *, sent: bool, token: str) -> DeliveryError:
    """What the caller can do about ``error``. Raise it outside the handler, so that it carries no context.

    Args:
        error: One of LIBRARY_ERRORS.
        sent: Whether Discord may have read the request.
        token: What must not be repeated.
    """
    match error:
        case discord.LoginFailure():
            return TokenRefused()
        case discord.RateLimited():
            return RetryAfter(error.retry_after)
        case discord.HTTPException():
            wait_s = seconds(getattr(error.response, "headers", {}).get("Retry-After"))
            words = without_token(error.text.replace("\n", " "), token)
            return answered(error.status, error.code, words, retry_after_s=wait_s)
        case aiohttp.ClientError() | OSError():
            return TryAgain(f"Discord cannot be reached ({type(error).__name__})", unknown=sent)
        case _:
            return TryAgain("Discord's answer cannot be read", unknown=sent)


def without_token(text: str, token: str) -> str:
    """``text`` with the token and its secret last part blanked, whatever the case."""
    for secret in (token, token.rpartition(".")[2]):
        if secret:
            text = re.sub(re.escape(secret), "[token]", text, flags=re.IGNORECASE)
    return text
