"""Trades from a file: whole or not at all, each once, and what is wrong is named by its line."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.config import load_settings
from bot.data_url import checked_data_url
from bot.history.status import status_lines
from bot.history.trades_import import BadTrades, import_trades, owners_in, read_trades
from risk.model.account import Side
from risk.performance_tracker import PerformanceTracker
from storage import Accounts, AccountSource, EquityLog, FillLog, Store, WatchedAccount
from tests.support.clock import FakeClock
from venues.solana import profiles
from venues.solana.addresses import parse_key, user_address

HEADER = "ts,market,side,size,price,fee_usd,order_id\n"
ROWS = HEADER + (
    "2026-01-02T00:00:00Z,SOL-PERP,sell,10,110,0.40,8\n"
    "2026-01-01T00:00:00+01:00,SOL-PERP,buy,10,100,0.35,7\n"
    "\n"
    "1767398400,BTC-PERP,SHORT,0.1,90000,-0.2,\n"
)
NOW = datetime(2026, 1, 5, tzinfo=UTC)


async def database(tmp_path: Path, *nicknames: str) -> Path:
    path = tmp_path / "keel.sqlite3"
    async with await Store.open(path) as store:
        for name in nicknames:
            await Accounts(store).watch(
                WatchedAccount(
                    account_id=f"account-of-{name}", nickname=name, venue="paper", source=AccountSource.FILE,
                    added_at=NOW,
                )
            )  # fmt: skip
    return path


def file(tmp_path: Path, text: str = ROWS) -> Path:
    found = tmp_path / "trades.csv"
    found.write_text(text, encoding="utf-8")
    return found


async def test_trades_become_round_trips_and_the_same_file_counts_once(tmp_path: Path) -> None:
    path, clock = await database(tmp_path, "main"), FakeClock(NOW)
    done = await import_trades(path, file(tmp_path), account="", clock=clock)
    assert done.sentence == "trades.csv: 3 trades of main, 3 new"
    assert (await import_trades(path, file(tmp_path), account="MAIN", clock=clock)).new == 0
    async with await Store.open(path) as store:
        tracker = PerformanceTracker("account-of-main", EquityLog(store), clock, fills=FillLog(store))
        (trip,) = await tracker.round_trips()
    assert trip.pnl_usd == pytest.approx(100.0 - 0.75)


def test_times_sides_and_rebates_are_read_as_people_write_them(tmp_path: Path) -> None:
    first, second, third = read_trades(file(tmp_path, "\ufeff" + ROWS), now=NOW)
    assert first.at == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert (second.order_id, second.side) == ("8", Side.SELL)
    assert (third.side, third.fee_usd, third.order_id) == (Side.SELL, -0.2, "")
    packed = tmp_path / "trades.csv.gz"
    packed.write_bytes(gzip.compress(ROWS.encode()))
    assert len(read_trades(packed, now=NOW)) == 3


GOOD = "2026-01-01T00:00:00Z,SOL-PERP,buy,1,100,0,1\n"
BAD = {
    "a wrong header": ("time,market\n", r"line 1: the header is not ts,market,side,size,price,fee_usd,order_id"),
    "an empty file": ("", "line 1: the header"),
    "only a header": (HEADER, "no trades below its header"),
    "no time": (HEADER + GOOD + "yesterday,SOL-PERP,buy,1,100,0,1\n", "line 3: 'yesterday' is no time"),
    "milliseconds": (HEADER + "1767225600000,SOL-PERP,buy,1,100,0,1\n", "line 2: .*write Unix seconds"),
    "the future": (HEADER + "2027-01-01,SOL-PERP,buy,1,100,0,1\n", "line 2: .* cannot be"),
    "no market": (HEADER + "2026-01-01,,buy,1,100,0,1\n", "line 2 has no market"),
    "no side": (HEADER + "2026-01-01,SOL-PERP,up,1,100,0,1\n", "line 2: 'up' is no side; write buy or sell"),
    "a negative size": (HEADER + GOOD + GOOD + "2026-01-01,SOL-PERP,buy,-1,100,0,1\n", "line 4: the size is -1"),
    "no price": (HEADER + "2026-01-01,SOL-PERP,buy,1,,0,1\n", "line 2: the price is ''"),
    "an infinite price": (HEADER + "2026-01-01,SOL-PERP,buy,1,inf,0,1\n", "line 2: the price is 'inf'"),
    "a fee in words": (HEADER + "2026-01-01,SOL-PERP,buy,1,100,little,1\n", "line 2: the fee is 'little'"),
    "too few columns": (HEADER + "2026-01-01,SOL-PERP,buy\n", "line 2 has 3 of 7 columns"),
    "half a quote": (HEADER + '2026-01-01,"SOL', "not a CSV file"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD.keys())
async def test_one_bad_line_and_nothing_is_stored(text: str, said: str, tmp_path: Path) -> None:
    path = await database(tmp_path, "main")
    with pytest.raises(BadTrades, match=said):
        await import_trades(path, file(tmp_path, text), account="", clock=FakeClock(NOW))
    async with await Store.open(path) as store:
        assert await FillLog(store).counts() == {}


async def test_it_asks_whose_trades_they_are_where_that_is_not_clear(tmp_path: Path) -> None:
    path = await database(tmp_path, "main", "other")
    with pytest.raises(BadTrades, match="--account with one of: main, other"):
        await import_trades(path, file(tmp_path), account="", clock=FakeClock(NOW))
    with pytest.raises(BadTrades, match="no account called 'third'"):
        await import_trades(path, file(tmp_path), account="third", clock=FakeClock(NOW))
    assert (await import_trades(path, file(tmp_path), account="account-of-other", clock=FakeClock(NOW))).new == 3


async def test_a_file_that_is_not_there_or_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadTrades, match="cannot be read"):
        read_trades(tmp_path / "none.csv", now=NOW)
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadTrades, match="not UTF-8"):
        read_trades(tmp_path / "x.csv", now=NOW)


def test_the_commands_take_in_and_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_PATH", str(tmp_path / "keel.sqlite3"))
    (tmp_path / "SOL.csv").write_text(
        "ts,open,high,low,close,volume\n2026-01-01,1,1,1,1,1\n2026-01-02,1,1,1,1,1\n2026-01-03,1,1,1,1,1\n"
    )
    run = CliRunner()
    assert "Nothing is known yet" in run.invoke(main, ["history", "status"]).output
    assert run.invoke(main, ["history", "import"]).exit_code == 2
    assert "3 bars of SOL" in run.invoke(main, ["history", "import", "SOL.csv"]).output
    assert "history of SOL: 3 of 500 days" in run.invoke(main, ["history", "status"]).output
    refused = run.invoke(main, ["history", "import", "--trades", str(file(tmp_path, "x\n"))])
    assert refused.exit_code == 2
    assert "line 1: the header is not" in refused.output


async def test_status_counts_fills_by_nickname(tmp_path: Path) -> None:
    path = await database(tmp_path, "main")
    await import_trades(path, file(tmp_path), account="", clock=FakeClock(NOW))
    assert await status_lines(path, FakeClock(NOW)) == ["fills of main: 3"]


@pytest.mark.parametrize(
    "url", ["https://data.example.org/v1/", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"]
)
def test_a_data_url_is_encrypted_or_this_machine(url: str) -> None:
    assert checked_data_url(f" {url} ") == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["http://data.example.org", "ftp://a.b", "data.example.org", "https://", "https://me:pw@a.b", "https://a.b?k=v",
     "https://[", "https://a.b:x"],
)  # fmt: skip
def test_any_other_one_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(ValueError, match="write https://HOST"):
        checked_data_url(url)


AUTHORITY = "11111111111111111111111111111112"


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A bot that was configured and never ran."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_PATH", str(tmp_path / "keel.sqlite3"))
    monkeypatch.setenv("VENUE", "drift")
    return monkeypatch


def taken_in(tmp_path: Path, *more: str) -> str:
    rows = ROWS.replace("2026", "2025").replace("1767398400", "1735862400")
    return CliRunner().invoke(main, ["history", "import", "--trades", str(file(tmp_path, rows)), *more]).output


def test_an_account_that_the_settings_name_counts_before_the_first_run(
    tmp_path: Path, fresh: pytest.MonkeyPatch
) -> None:
    fresh.setenv("ACCOUNTS", f"{AUTHORITY}:0=main")
    assert "3 trades of main, 3 new" in taken_in(tmp_path)
    assert "3 trades of main, 0 new" in taken_in(tmp_path, "--account", f"{AUTHORITY}:0")
    assert "3 trades of main, 0 new" in taken_in(tmp_path, "--account", "Main")


async def test_its_trades_are_where_the_running_bot_looks_for_them(tmp_path: Path) -> None:
    settings = load_settings(None, asks_venue=False, venue="drift", accounts=f"{AUTHORITY}:1=main,{AUTHORITY}")
    profile = profiles.load("drift")
    address = str(user_address(profile, bytes(parse_key(AUTHORITY)), 1))
    assert [(one.account_id, one.nickname) for one in owners_in(settings)] == [
        (address, "main"), (AUTHORITY, AUTHORITY[:4]),
    ]  # fmt: skip
    path = await database(tmp_path, "main")
    named = owners_in(settings)
    await import_trades(path, file(tmp_path), account="main", clock=FakeClock(NOW), named=named)
    async with await Store.open(path) as store:
        assert await FillLog(store).counts() == {address: 3}, "the settings say who main is"


def test_without_any_account_it_says_where_to_name_one(tmp_path: Path, fresh: pytest.MonkeyPatch) -> None:
    fresh.delenv("ACCOUNTS", raising=False)
    assert "none yet: name it in ACCOUNTS, or start keel run once" in taken_in(tmp_path)
    fresh.setenv("ACCOUNTS", "nonsense=main")
    assert "is not a Solana address" in taken_in(tmp_path)
