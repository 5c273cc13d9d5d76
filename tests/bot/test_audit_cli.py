"""keel audit and keel pin: beside a running bot, or instead of it."""

import asyncio
import csv
import io
import json
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from bot.cli import main
from risk.model.trading import TradingState
from storage import Grant, LinkClaim, People, Pins, PinVerdict, Role, Store, TradingStates
from storage.connection import APPLICATION_ID
from tests.bot.test_cli import own_logging  # noqa: F401  # a fixture, used by being here
from tests.storage.builders import NOW

T = TypeVar("T")


def done(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def keel(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, list(arguments), input=typed)


async def halt(path: Path, *reasons: str) -> None:
    async with await Store.open(path) as store:
        for reason in reasons:
            await TradingStates(store).set(TradingState.HALTED, by="=ann", reason=reason, now=NOW)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "keel.sqlite3"
    done(halt(path, "Enough.", 'With "quotes", and\nlines.'))
    return path


def behind_our_back(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_sound_audit_is_said_to_be_sound(database: Path) -> None:
    result = keel("audit", "verify", "--database", str(database))
    assert result.exit_code == 0
    assert result.stdout.startswith("The audit is sound: 2 rows, the last one sealed ")


def test_a_changed_audit_ends_with_1_and_names_the_row(database: Path) -> None:
    behind_our_back(database, "DROP TRIGGER audit_log_holds", "UPDATE audit_log SET actor = 'eve' WHERE seq = 2")
    result = keel("audit", "verify", "--database", str(database))
    assert result.exit_code == 1
    assert result.stdout == "The audit is broken at row 2: row 2 was changed. The 1 before are sound.\n"


async def test_the_audit_is_read_while_the_bot_has_the_file(database: Path) -> None:
    async with await Store.open(database) as store:
        await TradingStates(store).set(TradingState.ACTIVE, by="ann", reason="", now=NOW)
        result = await asyncio.to_thread(keel, "audit", "verify", "--database", str(database))
        assert "3 rows" in result.stdout
        refused = await asyncio.to_thread(keel, "pin", "clear", "ann", "--database", str(database))
    assert refused.exit_code == 2
    assert "is in use by process" in refused.stderr


def test_csv_has_a_row_for_each_and_nothing_a_spreadsheet_would_run(database: Path) -> None:
    result = keel("audit", "export", "--database", str(database))
    rows = list(csv.DictReader(io.StringIO(result.stdout)))

    assert [row["seq"] for row in rows] == ["1", "2"]
    assert rows[0]["at"] == "2026-01-05T12:00:00+00:00"
    assert rows[0]["actor"] == "'=ann"
    assert json.loads(rows[1]["facts"])["reason"] == 'With "quotes", and\nlines.'


def test_json_is_one_list_also_in_a_file(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit.json"
    result = keel("audit", "export", "--database", str(database), "--format", "json", "--out", str(out))
    entries = json.loads(out.read_text(encoding="utf-8"))

    assert result.stdout == ""
    assert [entry["facts"]["reason"] for entry in entries] == ["Enough.", 'With "quotes", and\nlines.']
    assert entries[1]["prev_hash"] == entries[0]["hash"]


def test_an_empty_audit_is_an_empty_list(tmp_path: Path) -> None:
    done(halt(tmp_path / "keel.sqlite3"))
    arguments = ("--database", str(tmp_path / "keel.sqlite3"))
    assert json.loads(keel("audit", "export", "--format", "json", *arguments).stdout) == []
    assert keel("audit", "verify", *arguments).stdout == "The audit is sound: it has no rows yet.\n"


def test_a_file_that_is_missing_or_older_is_said_to_be(tmp_path: Path) -> None:
    missing = keel("audit", "verify", "--database", str(tmp_path / "none"))
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert "There is no database at" in missing.stderr
    older = tmp_path / "older"
    behind_our_back(older, f"PRAGMA application_id={APPLICATION_ID}", "CREATE TABLE seen (key TEXT) STRICT")
    result = keel("audit", "export", "--database", str(older))
    assert result.exit_code == 2
    assert "has no audit yet; start keel run on it once" in result.stderr


# PINs.


async def link(path: Path, *names: str) -> None:
    async with await Store.open(path) as store:
        for number, name in enumerate(names):
            code = await People(store).issue_link_code(NOW, Role.TRADER, NOW - NOW.replace(year=2025))
            claim = LinkClaim(
                person_id=f"p{number}", transport="telegram", user_id=name + str(number), display_name=name, chat="1"
            )
            await People(store).redeem_link_code(code, claim, NOW)
            await People(store).give(f"p{number}", [Grant(account_id="main", role=Role.TRADER)])


async def verdict(path: Path, person: str, pin: str) -> PinVerdict:
    async with await Store.open(path) as store:
        return (await Pins(store).check(person, pin, NOW)).verdict


@pytest.mark.parametrize(("person", "person_id"), [("ada", "p0"), ("p0", "p0"), ("console", "console")])
def test_a_pin_is_set_by_name_or_id_and_taken_away(database: Path, person: str, person_id: str) -> None:
    done(link(database, "Ada", "Bob"))
    result = keel("pin", "set", person, "--database", str(database), typed="2468\n")
    assert result.exit_code == 0
    assert "has a new PIN" in result.stdout
    assert "2468" not in result.output
    assert done(verdict(database, person_id, "2468")) is PinVerdict.RIGHT
    assert "has no PIN any more" in keel("pin", "clear", person, "--database", str(database)).stdout
    assert "had no PIN" in keel("pin", "clear", person, "--database", str(database)).stdout


def test_a_pin_that_is_none_is_refused(database: Path) -> None:
    result = keel("pin", "set", "console", "--database", str(database), typed="12\n")
    assert result.exit_code == 2
    assert result.stderr == "keel: A PIN is 4 to 12 digits; choose another one.\n"


def test_somebody_unknown_or_ambiguous_is_asked_for_again(database: Path) -> None:
    done(link(database, "Ada", "Ada"))
    unknown = keel("pin", "set", "eve", "--database", str(database), typed="2468\n")
    assert (unknown.exit_code, "Nobody is called eve" in unknown.stderr) == (2, True)
    both = keel("pin", "set", "ada", "--database", str(database), typed="2468\n")
    assert (both.exit_code, "Ada (p0), Ada (p1)" in both.stderr) == (2, True)
