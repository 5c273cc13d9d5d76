"""What a check finds on one machine, and how it is shown."""

import json
import os
import shutil
import stat
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.backup_plan import BackupPlan
from bot.checking import clock, machine, memory
from bot.checking.clock import Witness, date_of
from bot.checking.facts import Fact, Standing, advice, as_json, as_text, ok, passed, wrong
from storage import Lives, Store
from storage.backup import back_up, stamped
from tests.storage.builders import NOW, after


def file(path: Path, mode: int) -> Path:
    path.write_text("SECRET=x")
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("mode", "standing"), [(0o600, Standing.OK), (0o400, Standing.OK), (0o640, Standing.WRONG), (0o604, Standing.WRONG)]
)
def test_a_file_of_secrets_is_for_its_owner_alone(tmp_path: Path, mode: int, standing: Standing) -> None:
    found = machine.secret_file(file(tmp_path / ".env", mode), "settings file")

    assert found is not None
    assert found.standing is standing
    if standing is Standing.WRONG:
        assert found.remedy == f"chmod 600 {tmp_path}/.env"


def test_a_file_that_is_not_there_is_no_fact(tmp_path: Path) -> None:
    assert machine.secret_file(tmp_path / ".env", "settings file") is None


@pytest.mark.parametrize(
    ("mode", "standing"),
    [
        (0o700, Standing.OK), (0o755, Standing.ADVICE), (0o750, Standing.ADVICE), (0o777, Standing.WRONG),
        (0o1777, Standing.ADVICE),
    ],
)  # fmt: skip
def test_a_folder_in_which_anybody_may_replace_files_is_wrong(tmp_path: Path, mode: int, standing: Standing) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(mode)

    found = machine.folder(folder, "database folder")
    assert found.standing is standing
    # Nobody must be told to close a folder that everybody uses, such as /tmp.
    assert not (mode & stat.S_ISVTX and "chmod" in found.remedy)


def test_a_folder_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    assert machine.folder(tmp_path / "no", "x").remedy == f"mkdir -m 700 {tmp_path}/no"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Of a disk."""

    free: int


@pytest.mark.parametrize(("free_mb", "standing"), [(50, Standing.WRONG), (500, Standing.ADVICE), (5_000, Standing.OK)])
def test_room_on_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free_mb: int, standing: Standing) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free=free_mb * 2**20))

    assert machine.room(tmp_path / "not" / "yet.db").standing is standing


def test_time_zones_are_known_here() -> None:
    assert machine.time_zones(NOW).standing is Standing.OK


# The clock.


def witness(off_s: float, *, took_s: float = 0.1, spread_s: float = 1.0) -> Witness:
    """Somebody whose clock is this far behind ours."""
    return Witness(who="somebody", said=after(-off_s), earliest=NOW, latest=after(took_s), spread_s=spread_s)


@pytest.mark.parametrize(
    ("off_s", "standing", "text"),
    [
        (0.0, Standing.OK, "agrees with somebody"),
        (0.9, Standing.OK, "agrees with somebody"),
        (3.5, Standing.OK, "agrees with somebody"),
        (10.0, Standing.ADVICE, "9 s ahead of somebody"),
        (-10.0, Standing.ADVICE, "9 s behind somebody"),
        (120.0, Standing.WRONG, "119 s ahead of somebody"),
        (-120.0, Standing.WRONG, "119 s behind somebody"),
    ],
)
def test_a_clock_that_is_off_is_said_with_how_far(off_s: float, standing: Standing, text: str) -> None:
    found = clock.clock([witness(off_s)])

    assert (found.standing, found.text) == (standing, text)


def test_a_slow_answer_is_no_proof_of_a_wrong_clock() -> None:
    assert clock.clock([witness(-8.0, took_s=9.0)]).standing is Standing.OK


def test_one_witness_with_a_wrong_clock_convinces_nobody() -> None:
    assert clock.clock([witness(0.0), witness(9_999.0)]).standing is Standing.OK
    assert clock.clock([witness(500.0), witness(500.0), witness(0.0)]).standing is Standing.WRONG
    assert clock.clock([]).standing is Standing.ADVICE


def test_a_header_that_is_no_date_is_none() -> None:
    assert date_of("") is None
    assert date_of("Mon, 99 Jan 2026 12:00:00 GMT") is None


# The memory.


async def lived(database: Path, *, seen_s: float = 0.0, ailing: str = "", stopped: bool = False) -> None:
    async with await Store.open(database) as store:
        lives = Lives(store)
        await lives.begin(NOW)
        await lives.seen(after(seen_s), ailing)
        if stopped:
            await lives.end(after(seen_s))


@pytest.mark.parametrize(
    ("life", "asked_s", "text"),
    [
        ({"seen_s": 60.0}, 70.0, "runs for 70 s, last sign 10 s ago"),
        ({"seen_s": 60.0}, 106.0, "the last sign of life is 46 s old"),
        (
            {"seen_s": 60.0, "ailing": "no health check for 20 s"},
            70.0,
            "it runs and is not well: no health check for 20 s",
        ),
        ({"seen_s": 60.0, "stopped": True}, 70.0, "stopped 10 s ago"),
    ],
)
async def test_the_sign_of_life(tmp_path: Path, life: dict[str, float], asked_s: float, text: str) -> None:
    await lived(tmp_path / "keel.db", **life)  # type: ignore[arg-type]  # its arguments
    found = await memory.sign_of_life(tmp_path / "keel.db", after(asked_s))

    assert found.text == text
    assert bool(found.remedy) is not text.startswith("runs")


async def test_without_a_memory_nobody_lives(tmp_path: Path) -> None:
    assert (await memory.sign_of_life(tmp_path / "keel.db", NOW)).standing is Standing.WRONG


async def test_a_memory_in_use_says_by_whom(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "keel.db") as store:
        await Lives(store).begin(NOW)
        found = await memory.remembered(tmp_path / "keel.db", after(5))

    by_subject = {fact.subject: fact for fact in found.facts}
    assert by_subject["process"].text == f"the database is used by process {os.getpid()}"
    assert by_subject["life"].text == "runs for 5 s, last sign 5 s ago"
    assert by_subject["people"].standing is Standing.WRONG
    assert found.chats == ()
    again = await memory.remembered(tmp_path / "keel.db", NOW)
    assert "no process uses the database" in [fact.text for fact in again.facts]


async def test_a_damaged_memory_says_what_to_do(tmp_path: Path) -> None:
    file(tmp_path / "keel.db", 0o600)
    found = await memory.remembered(tmp_path / "keel.db", NOW)

    assert not passed(found.facts)
    assert found.chats is None
    damaged = next(fact for fact in found.facts if fact.subject == "database")
    assert "keel run sets it aside, puts the newest sound backup in its place and halts trading" in damaged.text
    assert "keel restore FILE" in damaged.remedy


async def made_backups(folder: Path, database: Path, *moments: datetime) -> None:
    await lived(database)
    folder.mkdir()  # noqa: ASYNC240  # at once
    for moment in moments:
        back_up(database, folder / stamped("keel", moment))


@pytest.mark.parametrize(("asked_h", "standing"), [(1, Standing.OK), (47, Standing.OK), (49, Standing.WRONG)])
async def test_backups_are_to_be_young(tmp_path: Path, asked_h: float, standing: Standing) -> None:
    await made_backups(tmp_path / "b", tmp_path / "keel.db", NOW, NOW - timedelta(days=1))
    found = memory.backups(BackupPlan(folder=tmp_path / "b"), NOW + timedelta(hours=asked_h))

    assert found.standing is standing
    assert "the newest of 2 is" in found.text


async def test_a_backup_that_is_no_good_is_worse_than_none(tmp_path: Path) -> None:
    await made_backups(tmp_path / "b", tmp_path / "keel.db", NOW)
    (newest,) = (tmp_path / "b").iterdir()  # a folder of one file
    newest.write_bytes(b"nothing of use")

    assert memory.backups(BackupPlan(folder=tmp_path / "b"), NOW).standing is Standing.WRONG
    assert memory.backups(BackupPlan(folder=tmp_path / "none"), NOW).standing is Standing.ADVICE
    assert memory.backups(None, NOW).remedy == "take BACKUP_DIR=off away, or name a folder on another disk"


# How it is shown.

FACTS = [
    ok("settings", "valid"),
    advice("rpc", "there is one endpoint", "name a second one"),
    wrong("telegram", "Telegram refused\nthe token", "check TELEGRAM_TOKEN"),
]


def test_every_fact_is_a_line_and_every_remedy_stands_below_its_own() -> None:
    assert as_text(FACTS).split("\n") == [
        "ok      settings: valid",
        "advice  rpc: there is one endpoint",
        "        -> name a second one",
        "WRONG   telegram: Telegram refused the token",
        "        -> check TELEGRAM_TOKEN",
        "1 thing to be put right.",
    ]
    assert as_text(FACTS[:2]).endswith("All is in order.")


def test_advice_does_not_make_a_check_fail() -> None:
    assert passed(FACTS[:2])
    assert not passed(FACTS)


def test_as_json_it_is_one_object() -> None:
    found = json.loads(as_json(FACTS))

    assert found["ok"] is False
    assert found["facts"][1] == {
        "subject": "rpc", "standing": "advice", "text": "there is one endpoint", "remedy": "name a second one",
    }  # fmt: skip
    assert isinstance(FACTS[0], Fact)
