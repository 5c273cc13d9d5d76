"""Backups: whole, of one moment, private, believed only when checked; and put back without ever being without."""

import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from risk.model.proposal import Purpose
from risk.model.trading import TradingState
from storage import (
    Audit,
    BackupUnverified,
    DatabaseCorrupt,
    DatabaseForeign,
    DatabaseLocked,
    DatabaseTooNew,
    DatabaseUnavailable,
    DiskFull,
    Lives,
    Seen,
    StandingApprovals,
    StorageError,
    Store,
    TradingStates,
)
from storage import backup as backups
from storage.backup import back_up, checked_file, restore, stamped
from tests.storage.builders import NOW, after
from tests.storage.trading_builders import Desk, make_draft, make_standing


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "keel.db"


async def remember(database: Path, *keys: str) -> None:
    async with await Store.open(database) as store:
        for key in keys:
            await Seen(store).first_time(key, NOW)


async def remembered(database: Path) -> list[str]:
    async with await Store.open(database) as store:
        return await store.run(lambda db: [row["key"] for row in db.query("SELECT key FROM seen ORDER BY key")])


def write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def damage(database: Path) -> None:
    raw = bytearray(database.read_bytes())
    for page in range(40_960, len(raw) - 4_096, 4_096):
        raw[page : page + 200] = bytes(range(200))
    database.write_bytes(raw)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


async def test_a_backup_beside_a_live_store_holds_what_was_committed_and_leaves_the_journal_alone(
    database: Path, tmp_path: Path
) -> None:
    target = tmp_path / "copy.sqlite3"
    async with await Store.open(database) as store:
        await Seen(store).first_time("before", NOW)
        journal = database.with_name("keel.db-wal").read_bytes()
        checked = back_up(database, target)
        assert database.with_name("keel.db-wal").read_bytes() == journal
        await Seen(store).first_time("after", NOW)
    assert checked.rows["seen"] == 1
    assert checked.row_count == sum(checked.rows.values())
    assert checked.size_bytes == target.stat().st_size
    assert await remembered(target) == ["before"]
    assert await remembered(database) == ["after", "before"]


async def test_a_backup_is_for_its_owners_eyes_and_one_plain_file(database: Path, tmp_path: Path) -> None:
    await remember(database, "x")
    folder = tmp_path / "backups"
    folder.mkdir()
    old_mask = os.umask(0)
    try:
        back_up(database, folder / "copy.sqlite3")
    finally:
        os.umask(old_mask)
    assert names(folder) == {"copy.sqlite3"}
    assert mode(folder / "copy.sqlite3") == 0o600


async def test_a_database_whose_process_was_killed_is_backed_up_with_its_journal(
    database: Path, tmp_path: Path
) -> None:
    async with await Store.open(database) as store:
        await Seen(store).first_time("in the journal", NOW)
        for suffix in ("", "-wal", "-shm"):  # what a kill would leave
            shutil.copy(f"{database}{suffix}", f"{tmp_path / 'dead.db'}{suffix}")
    back_up(tmp_path / "dead.db", tmp_path / "copy.sqlite3")
    assert await remembered(tmp_path / "copy.sqlite3") == ["in the journal"]


async def test_a_copy_that_lacks_rows_is_not_kept_and_what_was_there_stays(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await remember(database, "x")
    target = tmp_path / "copy.sqlite3"
    back_up(database, target)
    before = target.read_bytes()
    honest = backups._copied
    monkeypatch.setattr(backups, "_copied", lambda *paths: {**honest(*paths), "seen": 99})
    with pytest.raises(BackupUnverified, match="other numbers of rows"):
        back_up(database, target)
    assert target.read_bytes() == before
    assert not [name for name in names(tmp_path) if "copy" in name and name != "copy.sqlite3"]


async def test_a_damaged_source_gives_no_backup(database: Path, tmp_path: Path) -> None:
    await remember(database, *(f"key {number}" for number in range(2_000)))
    damage(database)
    with pytest.raises(StorageError):
        back_up(database, tmp_path / "copy.sqlite3")
    assert "copy.sqlite3" not in names(tmp_path)
    assert not [name for name in names(tmp_path) if name.endswith(".part")]


def test_no_database_no_backup(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="There is no database at"):
        back_up(tmp_path / "nothing.db", tmp_path / "copy.sqlite3")
    assert names(tmp_path) == set()


async def test_a_folder_that_cannot_be_written_is_a_sentence(database: Path, tmp_path: Path) -> None:
    await remember(database, "x")
    with pytest.raises(DatabaseUnavailable, match="cannot be written"):
        back_up(database, tmp_path / "no such folder" / "copy.sqlite3")


async def test_a_full_disk_is_said(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await remember(database, "x")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull, match="no room"):
        back_up(database, tmp_path / "copy.sqlite3")
    assert not [name for name in names(tmp_path) if "copy" in name]


# Restoring.


async def test_a_restore_brings_back_what_was_and_keeps_what_is(database: Path, tmp_path: Path) -> None:
    await remember(database, "old")
    back_up(database, tmp_path / "copy.sqlite3")
    await remember(database, "new")
    done = restore(tmp_path / "copy.sqlite3", database, NOW)
    assert done.checked.rows["seen"] == 1
    assert done.replaced == tmp_path / "keel.db.replaced-20260105T120000Z"
    assert await remembered(database) == ["old"]
    assert await remembered(done.replaced) == ["new", "old"]
    assert mode(database) == 0o600


async def test_a_restored_memory_knows_that_it_is_one(database: Path, tmp_path: Path) -> None:
    async with await Store.open(database) as store:
        await Lives(store).begin(NOW)
        back_up(database, tmp_path / "copy.sqlite3")
    restore(tmp_path / "copy.sqlite3", database, after(60))
    async with await Store.open(database) as store:
        life = await Lives(store).begin(after(90))
        again = await Lives(store).begin(after(99))
    assert life is not None
    assert again is not None
    assert (life.restored_at, again.restored_at) == (after(60), None)


async def test_a_restored_memory_that_traded_wakes_up_halted_and_allows_nothing_beforehand(
    database: Path, tmp_path: Path
) -> None:
    async with await Store.open(database) as store:
        desk = await Desk.over(store)
        await desk.press(await desk.put(make_draft(purpose=Purpose.ARM, legs=(), standing=make_standing())))
        assert len(await StandingApprovals(store).active(NOW)) == 1
        back_up(database, tmp_path / "copy.sqlite3")
        # What is stopped and taken back behind it would be in force again.
        await TradingStates(store).set(TradingState.HALTED, by="ann", reason="enough", now=after(1))
        await StandingApprovals(store).revoke(by="ann", now=after(1))
    restore(tmp_path / "copy.sqlite3", database, after(60))
    async with await Store.open(database) as store:
        status = await TradingStates(store).get()
        assert (status.state, status.by, status.since) == (TradingState.HALTED, "keel", after(60))
        assert "restored from a backup" in status.reason
        assert await StandingApprovals(store).active(after(61)) == ()
        assert (await Audit(store).verify()).ok


async def test_a_restored_memory_that_never_traded_is_not_halted(database: Path, tmp_path: Path) -> None:
    await remember(database, "a")
    back_up(database, tmp_path / "copy.sqlite3")
    restore(tmp_path / "copy.sqlite3", database, after(60))
    async with await Store.open(database) as store:
        assert (await TradingStates(store).get()).state is TradingState.ACTIVE
        assert await Audit(store).entries(5) == ()


async def test_looking_beside_a_live_store_sees_everything_and_changes_nothing(database: Path) -> None:
    async with await Store.open(database) as store:
        await Seen(store).first_time("x", NOW)
        async with Store.looking(database) as looking:
            assert await looking.atomic(lambda db: db.execute("SELECT count(*) FROM seen").fetchone()[0]) == 1
            with pytest.raises(StorageError):
                await Seen(looking).first_time("y", NOW)
        assert await Seen(store).first_time("y", NOW)
    with pytest.raises(DatabaseUnavailable, match="There is no database"):
        Store.looking(database.with_name("nothing.db"))


async def test_a_second_restore_at_the_same_moment_overwrites_no_kept_file(database: Path, tmp_path: Path) -> None:
    await remember(database, "old")
    back_up(database, tmp_path / "copy.sqlite3")
    kept = {restore(tmp_path / "copy.sqlite3", database, NOW).replaced for _ in range(3)}
    assert len(kept) == 3


async def test_a_restore_where_nothing_was_is_a_plain_copy(database: Path, tmp_path: Path) -> None:
    await remember(database, "old")
    elsewhere = tmp_path / "other.db"
    back_up(database, tmp_path / "copy.sqlite3")
    assert restore(tmp_path / "copy.sqlite3", elsewhere, NOW).replaced is None
    assert await remembered(elsewhere) == ["old"]


async def test_what_a_killed_process_left_in_its_journal_is_in_the_kept_file_and_not_in_the_new_one(
    database: Path, tmp_path: Path
) -> None:
    await remember(database, "old")
    back_up(database, tmp_path / "copy.sqlite3")
    async with await Store.open(database) as store:
        await Seen(store).first_time("in the journal", NOW)
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(f"{database}{suffix}", f"{tmp_path / 'dead.db'}{suffix}")
    done = restore(tmp_path / "copy.sqlite3", tmp_path / "dead.db", NOW)
    assert await remembered(tmp_path / "dead.db") == ["old"]
    assert done.replaced is not None
    assert await remembered(done.replaced) == ["in the journal", "old"]


async def test_a_database_too_damaged_to_be_opened_is_kept_as_it_is(database: Path, tmp_path: Path) -> None:
    await remember(database, "old")
    back_up(database, tmp_path / "copy.sqlite3")
    write(database, b"not a database at all" * 1_000)
    write(database.with_name("keel.db-wal"), b"a journal of something")
    done = restore(tmp_path / "copy.sqlite3", database, NOW)
    assert done.replaced is not None
    assert done.replaced.read_bytes().startswith(b"not a database")
    assert done.replaced.with_name(f"{done.replaced.name}-wal").read_bytes() == b"a journal of something"
    assert await remembered(database) == ["old"]


async def test_a_running_process_is_not_pulled_out_from_under_its_people(database: Path, tmp_path: Path) -> None:
    async with await Store.open(database) as store:
        await Seen(store).first_time("here", NOW)
        back_up(database, tmp_path / "copy.sqlite3")
        with pytest.raises(DatabaseLocked, match=f"in use by process {os.getpid()}"):
            restore(tmp_path / "copy.sqlite3", database, NOW)
        assert not await Seen(store).first_time("here", NOW)
    assert names(tmp_path) == {"keel.db", "keel.db.lock", "copy.sqlite3"}


async def bad_files(tmp_path: Path) -> dict[str, tuple[Path, type[StorageError]]]:
    await remember(tmp_path / "good.db", *(f"key {number}" for number in range(500)))
    back_up(tmp_path / "good.db", tmp_path / "good.sqlite3")
    empty, foreign, text = (tmp_path / name for name in ("empty.sqlite3", "foreign.sqlite3", "text.sqlite3"))
    empty.touch()
    text.write_text("a list of things to do\n" * 100)
    with sqlite3.connect(foreign) as raw:
        raw.execute("CREATE TABLE somebody_elses (x)")
    raw.close()
    newer = tmp_path / "newer.sqlite3"
    shutil.copy(tmp_path / "good.sqlite3", newer)
    with sqlite3.connect(newer) as raw:
        raw.execute("INSERT INTO schema_migrations VALUES (9999, 'of the future')")
    raw.close()
    cut = tmp_path / "cut.sqlite3"
    cut.write_bytes((tmp_path / "good.sqlite3").read_bytes()[:-20_000])
    return {
        "missing": (tmp_path / "missing.sqlite3", DatabaseUnavailable),
        "a folder": (tmp_path, DatabaseUnavailable),
        "empty": (empty, DatabaseCorrupt),
        "somebody else's": (foreign, DatabaseForeign),
        "no database": (text, DatabaseCorrupt),
        "of a later version": (newer, DatabaseTooNew),
        "cut off": (cut, DatabaseCorrupt),
        "itself": (tmp_path / "keel.db", DatabaseUnavailable),
    }


@pytest.mark.parametrize(
    "what",
    ["missing", "a folder", "empty", "somebody else's", "no database", "of a later version", "cut off", "itself"],
)
async def test_a_file_that_cannot_serve_is_refused_and_nothing_changes(
    what: str, database: Path, tmp_path: Path
) -> None:
    await remember(database, "here")
    file, error = (await bad_files(tmp_path))[what]
    before = names(tmp_path)
    with pytest.raises(error):
        restore(file, database, NOW)
    assert names(tmp_path) - before <= {f"{file.name}-wal", f"{file.name}-shm"}
    assert await remembered(database) == ["here"]


async def test_a_backup_that_is_not_there_is_what_is_named(database: Path, tmp_path: Path) -> None:
    for wrong in (tmp_path / "nofile", tmp_path):
        with pytest.raises(DatabaseUnavailable, match=r"There is no backup file .*; name one that keel backup"):
            restore(wrong, database, NOW)


async def test_a_restore_that_is_cut_off_half_way_leaves_a_database(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await remember(database, "old")
    back_up(database, tmp_path / "copy.sqlite3")
    await remember(database, "new")

    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    for step in ("_copied", "_set_aside", "_settle", "_second_name"):
        with monkeypatch.context() as patched:
            patched.setattr(backups, step, power_cut)
            with pytest.raises(KeyboardInterrupt):
                restore(tmp_path / "copy.sqlite3", database, NOW)
        assert await remembered(database) == ["new", "old"], step


async def test_a_backup_says_what_is_in_it(database: Path, tmp_path: Path) -> None:
    await remember(database, "x", "y")
    back_up(database, tmp_path / stamped("keel", NOW))
    checked = checked_file(tmp_path / "keel-20260105T120000Z.sqlite3")
    assert checked.rows["seen"] == 2
    assert checked.schema >= 6


async def test_a_journal_that_was_left_behind_is_not_played_into_what_is_restored(
    database: Path, tmp_path: Path
) -> None:
    left = tmp_path / "left"
    async with await Store.open(database) as store:
        await Seen(store).first_time("before", NOW)
        back_up(database, tmp_path / "copy.sqlite3")
        await Seen(store).first_time("after", NOW)
        shutil.copy(database.with_name("keel.db-wal"), left)
    database.unlink()  # noqa: ASYNC240  # at once
    left.rename(database.with_name("keel.db-wal"))

    restore(tmp_path / "copy.sqlite3", database, after(60))

    assert await remembered(database) == ["before"]
    assert len([name for name in names(tmp_path) if name.startswith("keel.db.replaced-")]) == 1
