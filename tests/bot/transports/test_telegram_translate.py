"""What the library raises, as what a caller can do. The wire tests cover the rest."""

import httpx
import pytest
from telegram.error import BadRequest, NetworkError, TelegramError, TimedOut

from bot.messages import DeliveryError, Refused, TryAgain, Unreachable
from bot.transports.telegram.errors import MessageGone, NoTextThere, TopicGone
from bot.transports.telegram.translate import translated, without_token

TOKEN = "7000000001:AAsecret-Half_of-it"


def after(error: TelegramError, cause: Exception) -> TelegramError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (after(TimedOut(), httpx.ConnectTimeout("")), False),
        (after(TimedOut(), httpx.PoolTimeout("")), False),
        (after(TimedOut(), httpx.ReadTimeout("")), True),
        (after(TimedOut(), httpx.WriteTimeout("")), True),
        (after(NetworkError("x"), httpx.ConnectError("")), False),
        (after(NetworkError("x"), httpx.ReadError("")), True),
        (after(NetworkError("x"), httpx.RemoteProtocolError("")), True),
        (NetworkError("Bad Gateway"), False),
    ],
)
def test_only_a_request_that_may_have_been_read_is_unknown(error: TelegramError, unknown: bool) -> None:
    found = translated(error, token=TOKEN)
    assert isinstance(found, TryAgain)
    assert found.unknown is unknown


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Bad Request: chat not found", Unreachable),
        ("Bad Request: PEER_ID_INVALID", Unreachable),
        ("Bad Request: CHAT_WRITE_FORBIDDEN", Unreachable),
        ("Bad Request: not enough rights to send text messages to the chat", Unreachable),
        ("Bad Request: not enough rights to send photos to the chat", Refused),
        ("Bad Request: message to edit not found", MessageGone),
        ("Bad Request: message can't be edited", MessageGone),
        ("Bad Request: MESSAGE_ID_INVALID", MessageGone),
        ("Bad Request: there is no text in the message to edit", NoTextThere),
        ("Bad Request: message thread not found", TopicGone),
        ("Bad Request: TOPIC_CLOSED", TopicGone),
        ("Bad Request: can't parse entities: Unclosed start tag at byte offset 1", Refused),
        ("Bad Request: BUTTON_DATA_INVALID", Refused),
        ("something nobody has seen yet", Refused),
    ],
)
def test_refusals_are_told_apart_by_their_words(words: str, expected: type[DeliveryError]) -> None:
    assert type(translated(BadRequest(words), token=TOKEN)) is expected


@pytest.mark.parametrize("text", [f"a {TOKEN} b", f"a bot{TOKEN.lower()}", f"a {TOKEN.replace(':', '%3A')}"])
def test_no_quoting_of_the_token_survives(text: str) -> None:
    assert "secret" not in without_token(text, TOKEN).lower()
