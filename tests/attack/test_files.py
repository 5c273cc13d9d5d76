"""Files somebody else may have written: settings, routes, bars and trades. Each is taken whole or refused."""

import csv
import gzip
import io
import os
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.alerts.routes_file import BadRoutes, load_routes, parse_routes
from bot.audit import _csv_row
from bot.config import BadSettings, Settings, load_settings
from bot.env_file import write_env
from bot.history.trades_import import BadTrades, read_trades
from venues.replay import text_file
from venues.replay.bars import read_file
from venues.replay.errors import BadRecording

COUNT = 120
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TRADES = (
    "ts,market,side,size,price,fee_usd,order_id\n1700000000,SOL-PERP,buy,1,100,0.1,a1\n"
    "2025-01-01T00:00:00Z,BTC-PERP,sell,2,50000,,b\n"
)
BARS = "ts,open,high,low,close,volume\n" + "".join(
    f"{1_700_000_000 + 86_400 * day},1,2,0.5,1.5,9\n" for day in range(9)
)
ROUTES = (Path(__file__).parents[2] / "routes.example.toml").read_text(encoding="utf-8")
ODD = (
    "[", "]", '"', "'", "{", "}", "=", "\n", "#", "9" * 5_000, "nan", "inf", "0000-00-00", "\ud800", "\x00", "\u202e",
    "[" * 2_000, "a." * 500, "1e400", "'''", "\r", "\t", ",", "1_0", "\u0661",
)  # fmt: skip


def broken(text: str, dice: Random) -> bytes:
    """A few places of it cut out, doubled or replaced."""
    for _ in range(dice.randint(1, 4)):
        at, length = dice.randrange(len(text) + 1), dice.randrange(30)
        match dice.randrange(3):
            case 0:
                text = text[:at] + text[at + length :]
            case 1:
                text = text[:at] + dice.choice(ODD) + text[at:]
            case _:
                text = text[:at] + text[at - length : at] + text[at:]
    return text.encode("utf-8", "surrogatepass")


def test_whatever_was_done_to_a_file_it_is_taken_or_refused_in_a_sentence(tmp_path: Path) -> None:
    dice, refused, file = Random(3), 0, tmp_path / "SOL.csv"
    readers: tuple[tuple[str, Callable[[], object]], ...] = (
        (TRADES, lambda: read_trades(file, now=NOW)),
        (BARS, lambda: read_file(file, "SOL")),
        (ROUTES, lambda: load_routes(file, environment={}, required=True)),
    )
    for _ in range(COUNT):
        for text, read in readers:
            file.write_bytes(broken(text, dice))
            try:
                read()
            except (BadRecording, BadRoutes) as exc:
                refused += bool(str(exc))
    assert refused > COUNT


def test_a_name_of_fifty_thousand_parts_is_refused_before_it_is_read() -> None:
    with pytest.raises(BadRoutes, match="characters"):
        parse_routes("a." * 50_000 + "b = 1")


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 100_000, "a = " + "9" * 6_000, "a = " + "{a = " * 5_000, "a." * 1_900 + "b = 1"]
)
def test_routes_that_are_nested_or_endless_are_refused(text: str) -> None:
    with pytest.raises(BadRoutes):
        parse_routes(text)


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_file, "LARGEST_BYTES", 1 << 16)
    for name, content in (("SOL.csv.gz", gzip.compress(b"\0" * (1 << 24))), ("SOL.csv", b"1" * (1 << 17))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadTrades, match="export it in parts"):
            read_trades(tmp_path / name, now=NOW)


@pytest.mark.parametrize("figure", ["1_0", "\u0661", "nan", "inf", "1e999", "0x1", " ", "-1"])
def test_a_size_that_is_no_plain_number_is_refused(figure: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TRADES.replace(",buy,1,", f",buy,{figure},"), encoding="utf-8")
    with pytest.raises(BadTrades, match="line 2: the size is"):
        read_trades(tmp_path / "t.csv", now=NOW)


@given(st.text(max_size=20))
@example("=1+1")
@example(" =1+1")
@example("\uff1d1+1")
@example("\t=1+1")
@example("@SUM(A1)")
@example("a\n=1+1")
def test_no_cell_of_an_export_is_a_formula_and_every_row_is_one_row(text: str) -> None:
    text = text.replace("\x00", "")
    line = _csv_row((text, 1, "x"))
    ((cell, number, last),) = csv.reader(io.StringIO(line, newline=""))
    assert cell.removeprefix("'") == text.removeprefix("'") or cell == text
    assert cell.lstrip()[:1] not in ("=", "+", "-", "@", "\uff1d") or cell.lstrip()[:1] == ""
    assert (number, last) == ("1", "x")


ENV_VALUES = (
    "", "1", "-1", "nan", "inf", "1e400", "9" * 5_000, "true", "\u0661", "a=b,c=d", ",,,", "=", "[]", "{}", "${HOME}",
    "https://user:hunter2@h/", "127.0.0.1:99999", "\x01", "\u202e", "2@1", "main=2@nan", "x" * 9_000, "/dev/zero", "'",
)  # fmt: skip


def test_settings_are_taken_or_refused_in_a_sentence_without_any_value(tmp_path: Path) -> None:
    dice, names, refused, told = Random(2), sorted(Settings.model_fields), 0, 0
    for _ in range(COUNT):
        lines = [f"{dice.choice(names).upper()}={dice.choice(ENV_VALUES)}" for _ in range(dice.randint(1, 5))]
        (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")
        try:
            load_settings(tmp_path / ".env")
        except BadSettings as exc:
            refused += 1
            told += "hunter2" in str(exc)
    assert COUNT > refused > COUNT / 4
    assert told == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("TRADING_MAX_ORDER_USD 100", "line 1, cannot be read"),
        ("VENUE=paper\n'TRADING_DAILY_USD=5", "line 2, cannot be read"),
        ("TRADING_MAX_ORDER_US=100", "TRADING_MAX_ORDER_USD is one"),
        ("trading_reduceonly=true", "TRADING_REDUCE_ONLY is one"),
        ("TRADING_DAILY_USD=10\nTRADING_DAILY_USD=1000000", "a second time"),
    ],
)
def test_a_cap_that_would_be_passed_over_in_silence_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    with pytest.raises(BadSettings, match=says):
        load_settings(tmp_path / ".env")


def test_a_misspelled_cap_of_the_environment_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TRADING_MAX_ORDER", "5")
    with pytest.raises(BadSettings, match="TRADING_MAX_ORDER is no setting"):
        load_settings(None)


@pytest.mark.parametrize("value", ["a\nTRADING_ENABLED=true", "a\rb", "\x00", "\u2028x"])
def test_a_setting_cannot_smuggle_in_another_one(value: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="no line"):
        write_env(tmp_path / ".env", {"ACCOUNTS": value})
    assert not (tmp_path / ".env").exists()


def test_the_example_of_routes_is_toml_to_begin_with() -> None:
    assert isinstance(tomllib.loads(ROUTES), dict)
