"""What the library raises, as what a caller can do. The wire tests cover the rest."""

from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest

from bot.messages import DeliveryError, Refused, RetryAfter, TryAgain, Unreachable
from bot.transports.discord.errors import (
    AlreadyAcknowledged,
    MessageGone,
    NoAccess,
    NotAllowed,
    ThreadGone,
    ThreadThere,
    TokenRefused,
    TooLate,
    seconds,
)
from bot.transports.discord.translate import translated, without_token

TOKEN = "MTQwMDAw.Gx1yZ2.secret-Half_of-it"


def refusal(status: int, code: int = 0, words: str = "No", retry_after: str = "") -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="", headers={"Retry-After": retry_after})
    return discord.HTTPException(response, {"code": code, "message": words})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal(400, 50035), Refused),
        (refusal(400, 50006), Refused),
        (refusal(413, 40005), Refused),
        (refusal(401), TokenRefused),
        (refusal(401, 50027), TooLate),
        (refusal(403, 50001), NoAccess),
        (refusal(403, 50013), NotAllowed),
        (refusal(403, 50007), NoAccess),
        (refusal(403, 50005), MessageGone),
        (refusal(404, 10003), Unreachable),
        (refusal(404, 10008), MessageGone),
        (refusal(404, 10015), TooLate),
        (refusal(404, 10062), TooLate),
        (refusal(400, 40060), AlreadyAcknowledged),
        (refusal(400, 50083), ThreadGone),
        (refusal(400, 160005), ThreadGone),
        (refusal(400, 160004), ThreadThere),
        (refusal(429), RetryAfter),
        (refusal(503), TryAgain),
        (discord.LoginFailure("no"), TokenRefused),
        (discord.RateLimited(31.0), RetryAfter),
        (aiohttp.ClientPayloadError(), TryAgain),
        (ConnectionResetError(), TryAgain),
        (KeyError("id"), TryAgain),
    ],
    ids=lambda value: str(value) if isinstance(value, Exception) else "",
)
def test_refusals_are_told_apart_by_their_codes(error: Exception, expected: type[DeliveryError]) -> None:
    assert type(translated(error, sent=False, token=TOKEN)) is expected


@pytest.mark.parametrize("sent", [True, False])
def test_only_a_request_that_may_have_been_read_is_unknown(sent: bool) -> None:
    found = translated(aiohttp.ServerDisconnectedError(), sent=sent, token=TOKEN)
    assert isinstance(found, TryAgain)
    assert found.unknown is sent


def test_a_limit_says_how_long() -> None:
    found = translated(refusal(429, retry_after="7"), sent=True, token=TOKEN)
    assert isinstance(found, RetryAfter)
    assert found.seconds == 7


@pytest.mark.parametrize(
    ("told", "read"), [("1.5", 1.5), (2, 2.0), (-1, 0.0), ("soon", None), (None, None), ({}, None), (True, 1.0)]
)
def test_a_wait_is_read_from_whatever_says_it(told: object, read: float | None) -> None:
    assert seconds(told) == read


@pytest.mark.parametrize("text", [f"a {TOKEN} b", TOKEN.lower(), f"x{TOKEN.rpartition('.')[2].upper()}x"])
def test_no_case_of_the_token_survives(text: str) -> None:
    assert "secret" not in without_token(text, TOKEN).lower()


def test_discords_words_are_shown_and_a_proxys_page_is_not() -> None:
    assert "Missing Access, code 50001" in str(translated(refusal(403, 50001, "Missing Access"), sent=True, token="t"))
    page: Any = SimpleNamespace(status=403, reason="", headers={})
    assert "evil" not in str(translated(discord.Forbidden(page, "<html>evil</html>"), sent=True, token="t"))
