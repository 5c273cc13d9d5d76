"""The check asks the data service one small question, and never fails because of it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import stamina

from bot.checking.facts import Standing
from bot.checking.past import ask_past
from bot.config import load_settings
from tests.support.data_server import DAY, DataServer, Failure


@pytest.fixture(autouse=True)
def no_waiting_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


async def said(url: str, *, venue: str = "drift") -> list[tuple[Standing, str]]:
    settings = load_settings(None, venue=venue, data_url=url, rpc_urls="https://rpc.example.com", accounts="A=main")
    return [(fact.standing, f"{fact.subject}: {fact.text}") for fact in (await ask_past(settings, 5.0)).facts]


async def test_a_service_with_bars_up_to_now_is_in_order() -> None:
    today = int(datetime.now(UTC).timestamp()) // DAY * DAY
    async with DataServer() as server:
        server.fill("SOL-PERP", "D", today - 5 * DAY, 6)
        assert await said(server.url) == [(Standing.OK, "history 127.0.0.1: it answers, with bars of SOL up to now")]


async def test_one_that_lags_fails_or_knows_nothing_is_worth_advice() -> None:
    today = int(datetime.now(UTC).timestamp()) // DAY * DAY
    async with DataServer() as server:
        server.fill("SOL-PERP", "D", today - 5 * DAY, 3)
        server.fill("SOL-PERP", "60", today, 1)
        ((standing, text),) = await said(server.url)
        assert standing is Standing.ADVICE
        assert "newest day of SOL began" in text
        server.failure = Failure(status=500)
        ((standing, text),) = await said(server.url)
        assert standing is Standing.ADVICE
        assert "in trouble (500)" in text


async def test_who_asks_nobody_is_told_so_and_paper_needs_none() -> None:
    assert await said("off") == [(Standing.OK, "history: nobody is asked for it (DATA_URL=off), imported bars serve")]
    assert await said("off", venue="paper") == []
