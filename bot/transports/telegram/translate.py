"""The library's errors as ours. Their texts, causes and frames hold the token, so nothing of them is kept but words."""

import re
from datetime import timedelta

import httpx
from telegram import error as library

from bot.messages import Address, DeliveryError, Refused, RetryAfter, TryAgain, Unreachable
from bot.transports.telegram.errors import MessageGone, NoTextThere, PolledElsewhere, TokenRefused, TopicGone
from bot.transports.telegram.updates import TRANSPORT

# Telegram has one status, 400, for most refusals; its texts are all there is to tell them apart.
_CHAT_IS_GONE = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "chat_write_forbidden",
    "group chat was deactivated",
    "bot was kicked",
    "not enough rights to send text",
    "have no rights to send",
    "need administrator rights",
)
_MESSAGE_IS_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")
_NO_TEXT_THERE = ("no text in the message to edit",)
_TOPIC_IS_GONE = ("message thread not found", "topic_closed", "topic_deleted", "topic_id_invalid")
NOT_MODIFIED = "message is not modified"


def translated(error: library.TelegramError, *, token: str) -> DeliveryError:
    """What the caller can do about ``error``. Raise it outside the handler, so that it carries no context."""
    words = without_token(error.message, token)
    match error:
        case library.InvalidToken():
            return TokenRefused()
        case library.Conflict():
            return PolledElsewhere()
        case library.RetryAfter():
            wait = error.retry_after
            return RetryAfter(wait.total_seconds() if isinstance(wait, timedelta) else float(wait))
        case library.ChatMigrated(new_chat_id=chat):
            moved_to = Address(transport=TRANSPORT, chat=str(chat))
            return Unreachable("the group became a supergroup: send to its new address", moved_to=moved_to)
        case library.Forbidden():
            return Unreachable(f"Telegram refuses this chat ({words}): unblock or add the bot, then send /start")
        case library.BadRequest():
            return _refusal(words)
        case library.TimedOut():
            return TryAgain("Telegram did not answer in time", unknown=not _never_sent(error))
        case _:
            return TryAgain(_trouble(error, words), unknown=_broken_off(error))


def without_token(text: str, token: str) -> str:
    """``text`` with the token, and its secret half in any quoting, blanked; the library changes the case of texts."""
    for secret in (token, token.partition(":")[2]):
        if secret:
            text = re.sub(re.escape(secret), "[token]", text, flags=re.IGNORECASE)
    return text


def _refusal(words: str) -> DeliveryError:
    said = words.lower()

    def among(phrases: tuple[str, ...]) -> bool:
        return any(phrase in said for phrase in phrases)

    if among(_CHAT_IS_GONE):
        return Unreachable(f"Telegram refuses this chat ({words}): add the bot there, then send /start")
    if among(_TOPIC_IS_GONE):
        return TopicGone(f"the topic is closed or gone ({words})")
    if among(_MESSAGE_IS_GONE):
        return MessageGone(f"the message cannot be edited any more ({words})")
    if among(_NO_TEXT_THERE):
        return NoTextThere(words)
    return Refused(f"Telegram refused the message ({words})")


def _trouble(error: library.TelegramError, words: str) -> str:
    """A network error's words may quote a URL or a page of a proxy, a status' words come from Telegram."""
    cause = error.__cause__
    if isinstance(cause, httpx.HTTPError):
        return f"Telegram cannot be reached ({type(cause).__name__})"
    return f"Telegram has trouble ({words[:120]})"


def _never_sent(error: library.TelegramError) -> bool:
    return isinstance(error.__cause__, httpx.ConnectTimeout | httpx.PoolTimeout)


def _broken_off(error: library.TelegramError) -> bool:
    """The connection ended after the request may have been read."""
    return isinstance(error.__cause__, httpx.HTTPError) and not isinstance(
        error.__cause__, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol
    )
