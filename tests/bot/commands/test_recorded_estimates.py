"""The account that was recorded of the real venue, on real bars: what /var, /liqprob and /size say agrees."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.history.bars_import import import_files
from bot.messages import Picture, Table
from risk.margin.snapshot import snapshot_of
from tests.support.bot_world import BotWorld, bot_world
from tests.support.clock import FakeClock
from tests.support.reading import book_of
from tests.support.recorded import recorded_world
from tests.support.recording_transport import Sent

ASSETS = ("BTC", "ETH", "JUP", "SOL")
THE_DAY_AFTER = datetime(2025, 11, 13, 6, 0, tzinfo=UTC)  # the last whole bar closed at midnight


@pytest.fixture
async def world(material: Path, tmp_path: Path) -> AsyncIterator[BotWorld]:
    recorded = recorded_world(material, "hlm_btc_jup")
    (user,) = recorded.expected
    database, clock = tmp_path / "keel.sqlite3", FakeClock(THE_DAY_AFTER)
    bars = [material / "data" / "prices" / "daily_bybit_perp" / f"{asset}.csv.gz" for asset in ASSETS]
    await import_files(database, bars, asset="", interval=None, clock=clock)
    async with bot_world(database=database, clock=clock) as opened:
        opened.reader.accounts[opened.account] = snapshot_of(book_of(recorded.world, [user]), user)
        await opened.check()
        yield opened


def cells(answer: Sent) -> dict[str, tuple[str, ...]]:
    tables = [block for block in answer.message.blocks if isinstance(block, Table)]
    return {row[0]: row[1:] for table in tables for row in table.rows}


@pytest.mark.parametrize("text", ["/risk", "/var", "/var 99 7d", "/vol", "/corr", "/beta", "/size BTC", "/liqprob",
                                  "/backtest"])  # fmt: skip
async def test_every_question_has_an_answer(text: str, world: BotWorld) -> None:
    answer = await world.answer(text)

    assert answer.first.startswith("main: ")
    assert "not enough" not in answer.text
    assert not re.search(r"\b(nan|inf|None)\b", answer.text)
    assert "history 6 h 00 min old" in answer.text, answer.text


async def test_all_four_assets_are_in_the_correlations(world: BotWorld) -> None:
    answer = await world.answer("/corr")

    assert any(isinstance(block, Picture) for block in answer.message.blocks)
    found = await world.app.services.desks.risk(world.account).calculate_correlation_matrix()
    assert found.assets == ASSETS


async def test_the_value_at_risk_is_one_number_wherever_it_is_shown(world: BotWorld) -> None:
    var, risk = await world.answer("/var"), await world.answer("/risk")

    (share,) = re.findall(r", (\d+\.\d%) of equity", var.first)
    assert cells(risk)["VaR 95% 1 d"] == (share,)
