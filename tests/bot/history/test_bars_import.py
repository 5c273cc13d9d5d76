"""Bars from a file are found again under the name that lookups ask for, volume and all, and hours count as days."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.history.bars_import import import_files
from bot.history.status import status_lines
from bot.market_data import MarketDataManager
from risk.model.candles import Candles, Interval
from storage import CandleLog, Store
from tests.support.clock import FakeClock
from venues.replay.errors import BadRecording

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 4, 12, tzinfo=UTC)
HEADER = "ts,open,high,low,close,volume\n"


def bars(tmp_path: Path, n: int, span: timedelta, name: str = "SOL.csv", close: float = 2.0) -> Path:
    found = tmp_path / name
    rows = [f"{BEGIN + i * span:%Y-%m-%dT%H:%M:%SZ},1,3,1,{close},{10 + i}\n" for i in range(n)]
    found.write_text(HEADER + "".join(rows))
    return found


async def imported(tmp_path: Path, *files: Path, asset: str = "") -> Path:
    path = tmp_path / "keel.sqlite3"
    await import_files(path, files, asset=asset, interval=None, clock=FakeClock(NOW))
    return path


async def stored(path: Path, asset: str, interval: Interval) -> Candles:
    async with await Store.open(path) as store:
        return await MarketDataManager(CandleLog(store), FakeClock(NOW)).candles(asset, interval)


@pytest.mark.parametrize("asset", ["sol", "SOL", "sol-perp", " Sol-PERP "])
async def test_an_asset_is_stored_under_the_name_it_is_asked_for_by(asset: str, tmp_path: Path) -> None:
    path = await imported(tmp_path, bars(tmp_path, 3, timedelta(days=1), "x.csv"), asset=asset)
    assert len(await stored(path, "SOL", Interval.DAY)) == 3


async def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="names no asset; write such as SOL"):
        await imported(tmp_path, bars(tmp_path, 3, timedelta(days=1)), asset="-PERP")


async def test_volume_is_kept_and_is_unknown_where_the_file_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "SOL.csv"
    file.write_text(HEADER + "2026-01-01,1,1,1,1,5.5\n2026-01-02,1,1,1,1,\n2026-01-03,1,1,1,1,0\n")
    found = await stored(await imported(tmp_path, file), "SOL", Interval.DAY)
    assert [str(one) for one in found.volume] == ["5.5", "nan", "0.0"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2026-01-02,1,1,1,1,-5", "line 3: volume '-5' is none; write units from 0 up"),
        ("2026-01-02,1,1,1,1,many", "line 3: volume 'many' is none"),
        ("2026-01-02,1,1,1,1,inf", "line 3: volume 'inf' is none"),
        ("2026-01-02,1,1,1,1,1,234", "line 3 has 7 columns and the first line names 6"),
    ],
)
async def test_a_line_that_says_something_else_is_refused_and_nothing_is_stored(
    row: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "SOL.csv"
    file.write_text(HEADER + f"2026-01-01,1,1,1,1,5\n{row}\n2026-01-03,1,1,1,1,5\n")
    with pytest.raises(BadRecording, match=said):
        await imported(tmp_path, file)


async def test_hours_alone_are_days_and_are_told_so(tmp_path: Path) -> None:
    path = await imported(tmp_path, bars(tmp_path, 60, timedelta(hours=1)))  # two days and a half
    days = await stored(path, "SOL", Interval.DAY)
    assert (len(days), days.sources) == (2, ("SOL.csv from hours",))
    first, second = await status_lines(path, FakeClock(NOW))
    assert first.startswith("history of SOL: 2 of 500 days")
    assert first.endswith("from SOL.csv from hours")
    assert second.startswith("history of SOL: 60 of 12,000 hours")


async def test_hours_go_on_where_daily_bars_end_and_replace_none(tmp_path: Path) -> None:
    days = bars(tmp_path, 2, timedelta(days=1), "SOL.csv", close=1.5)
    hours = bars(tmp_path, 72, timedelta(hours=1), "SOL-PERP.csv")
    path = await imported(tmp_path, days, hours)
    found = await stored(path, "SOL", Interval.DAY)
    assert found.close_usd.tolist() == [1.5, 1.5, 2.0]
    assert len(await stored(path, "SOL", Interval.HOUR)) == 72


def test_bars_and_status_need_no_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_PATH", str(tmp_path / "keel.sqlite3"))
    monkeypatch.setenv("VENUE", "drift")
    monkeypatch.delenv("ACCOUNTS", raising=False)
    monkeypatch.delenv("RPC_URLS", raising=False)
    file = bars(tmp_path, 3, timedelta(days=1))
    run = CliRunner().invoke(main, ["history", "import", str(file)])
    assert (run.exit_code, "3 bars of SOL" in run.output) == (0, True), run.output
    assert "3 of 500 days" in CliRunner().invoke(main, ["history", "status"]).output
