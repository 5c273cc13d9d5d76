"""The store itself: who may open it, what it promises, what it says when it cannot."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from risk.decisions.tiers import Tier, TierState
from storage import (
    DatabaseCorrupt,
    DatabaseForeign,
    DatabaseLocked,
    DatabaseTooNew,
    DatabaseUnavailable,
    DiskFull,
    Incidents,
    IncidentStep,
    Outbox,
    StorageDefect,
    Store,
    StoreClosed,
    TierStates,
)
from storage.errors import StorageError, translated
from tests.storage.builders import assess, make_cause, make_incident, make_notice

if TYPE_CHECKING:
    from sqlite_utils import Database

ROOT = Path(__file__).resolve().parents[2]


async def pragma(store: Store, name: str) -> object:
    return await store.run(lambda db: db.execute(f"PRAGMA {name}").fetchone()[0])


async def test_a_file_is_durable_private_and_checks_its_references(file_store: Store) -> None:
    assert await pragma(file_store, "journal_mode") == "wal"
    assert await pragma(file_store, "synchronous") == 2  # FULL
    assert await pragma(file_store, "foreign_keys") == 1
    await assess(file_store, steps=[IncidentStep(before=None, after=make_incident())])
    folder = Path(file_store.where).parent
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == dict.fromkeys(["keel.db", "keel.db-wal", "keel.db-shm", "keel.db.lock"], 0o600)


async def test_a_file_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "keel.db"
    async with await Store.open(path):
        pass
    path.chmod(0o644)
    async with await Store.open(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_everything_runs_in_one_thread_that_is_not_the_loops(store: Store) -> None:
    names = await asyncio.gather(*(store.run(lambda db: threading.current_thread().name) for _ in range(20)))
    assert len(set(names)) == 1
    assert threading.current_thread().name not in names


async def test_what_was_stored_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "keel.db"
    async with await Store.open(path) as store:
        await assess(store, steps=[IncidentStep(before=None, after=make_incident())])
    async with await Store.open(path) as store:
        assert await Incidents(store).open_incidents() == (make_incident(),)


async def test_a_function_that_raises_stores_nothing(store: Store) -> None:
    def half_done(db: "Database") -> None:
        db.execute("INSERT INTO seen (key, seen_at) VALUES ('a', 1)")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await store.atomic(half_done)
    assert await store.run(lambda db: db.table("seen").count) == 0


async def test_a_second_store_on_the_same_file_is_refused_with_a_sentence(file_store: Store) -> None:
    with pytest.raises(DatabaseLocked, match=r"keel\.db is in use by process \d+; stop that one first"):
        await Store.open(file_store.where)


async def test_a_second_process_on_the_same_file_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "keel.db"
    holding = "import sys; from pathlib import Path; from storage.file_lock import FileLock\n"
    holding += "lock = FileLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(  # noqa: ASYNC220 - one short-lived holder, started before anything waits
        [sys.executable, "-c", holding, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(DatabaseLocked, match=f"process {other.pid};"):
            await Store.open(path)
        other.kill()
        other.wait()
    async with await Store.open(path):
        pass


async def test_a_failed_opening_lets_the_next_one_in(tmp_path: Path) -> None:
    path = tmp_path / "keel.db"
    path.write_bytes(b"this is no database at all, and long enough to be looked at" * 20)
    with pytest.raises(DatabaseCorrupt, match="keel run sets it aside by itself"):
        await Store.open(path)
    path.unlink()
    async with await Store.open(path):
        pass


async def test_a_page_that_was_overwritten_is_found_at_opening(tmp_path: Path) -> None:
    path = tmp_path / "keel.db"
    async with await Store.open(path) as store:
        for number in range(200):
            await assess(
                store,
                steps=[
                    IncidentStep(before=None, after=make_incident(number + 1, cause=make_cause(f"account {number}")))
                ],
            )
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 3)
    with pytest.raises(DatabaseCorrupt):
        await Store.open(path)


async def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE songs (title TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(DatabaseForeign, match="another program"):
        await Store.open(path)
    assert path.read_bytes() == before


async def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "keel.db"
    async with await Store.open(path) as store:
        await store.atomic(lambda db: db.execute("INSERT INTO schema_migrations VALUES (9999, 'of the future')"))
    before = path.read_bytes()
    with pytest.raises(DatabaseTooNew, match=r"schema 9999 .* install the newer one"):
        await Store.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", ["missing/keel.db", "."])
async def test_a_place_where_no_file_can_be_is_refused_with_a_sentence(tmp_path: Path, place: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"(check|choose)"):
        await Store.open(tmp_path / place)


async def test_another_program_that_keeps_writing_is_named_as_the_cause(tmp_path: Path) -> None:
    path = tmp_path / "keel.db"
    async with await Store.open(path, busy_timeout=timedelta(milliseconds=20)) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseLocked, match="held by another program"):
            await assess(store, steps=[IncidentStep(before=None, after=make_incident())])
        other.execute("ROLLBACK")
        other.close()
        await assess(store, steps=[IncidentStep(before=None, after=make_incident())])


@pytest.mark.parametrize("where", ["memory", "file"])
async def test_a_full_disk_stores_nothing_of_the_change_and_keeps_everything_before(tmp_path: Path, where: str) -> None:
    async with await Store.open(":memory:" if where == "memory" else tmp_path / "keel.db") as store:
        before = make_incident()
        await assess(store, steps=[IncidentStep(before=None, after=before)])
        pages = await pragma(store, "page_count")
        await pragma(store, f"max_page_count = {pages}")
        second = make_incident(2, cause=make_cause("second"))
        with pytest.raises(DiskFull, match="free some space"):
            await assess(
                store,
                steps=[IncidentStep(before=None, after=second)],
                notices=[make_notice(incident_id=2, body_json="x" * 1_000_000)],
                tier_states={"second": TierState(tier=Tier.HIGH, known=Tier.HIGH)},
            )
        assert await Incidents(store).open_incidents() == (before,)
        assert await TierStates(store).load() == {}
        assert (await Outbox(store).counts()).pending == 0
        await pragma(store, "max_page_count = 100000")
        await assess(store, steps=[IncidentStep(before=None, after=second)])
        assert await Incidents(store).open_incidents() == (before, second)


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "keel.db")
    await store.close()
    await store.close()
    with pytest.raises(StoreClosed, match="open it again"):
        await Outbox(store).counts()


async def test_closing_finishes_what_was_asked_for(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "keel.db")
    writing = asyncio.create_task(assess(store, steps=[IncidentStep(before=None, after=make_incident())]))
    await asyncio.sleep(0)
    await store.close()
    await writing
    async with await Store.open(tmp_path / "keel.db") as again:
        assert len(await Incidents(again).open_incidents()) == 1


async def test_a_cancelled_caller_leaves_a_whole_change_or_none(store: Store) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(db: "Database") -> None:
        db.execute("INSERT INTO seen (key, seen_at) VALUES ('begun', 1)")
        started.set()
        go_on.wait(5)
        db.execute("INSERT INTO seen (key, seen_at) VALUES ('ended', 1)")

    begun = asyncio.create_task(store.atomic(slow))
    never = asyncio.create_task(store.atomic(lambda db: db.execute("INSERT INTO seen VALUES ('never', 1)")))
    await asyncio.to_thread(started.wait, 5)
    begun.cancel()
    never.cancel()
    await asyncio.gather(begun, never, return_exceptions=True)
    go_on.set()
    keys = await store.run(lambda db: [row["key"] for row in db.query("SELECT key FROM seen ORDER BY key")])
    assert keys == ["begun", "ended"]


async def test_an_opening_that_is_cancelled_lets_the_next_one_in(tmp_path: Path) -> None:
    path = tmp_path / "keel.db"
    opening = asyncio.create_task(Store.open(path))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    for _ in range(500):
        try:
            store = await Store.open(path)
        except DatabaseLocked:
            await asyncio.sleep(0.01)
        else:
            await store.close()
            return
    pytest.fail("the lock was never released")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO seen (key, seen_at) VALUES ('a', 'not a number')",
        "INSERT INTO no_such_table VALUES (1)",
        "INSERT INTO chats VALUES ('telegram', '1', '', 'nobody', 1, 0)",
    ],
)
async def test_what_the_schema_refuses_is_called_a_defect(store: Store, statement: str) -> None:
    with pytest.raises(StorageDefect, match="please report it"):
        await store.atomic(lambda db: db.execute(statement))


async def test_a_number_beyond_64_bits_is_a_defect_and_not_a_crash_of_the_binding(store: Store) -> None:
    with pytest.raises(StorageDefect, match="too large"):
        await store.atomic(lambda db: db.execute("INSERT INTO seen VALUES ('a', ?)", [2**63]))


def test_every_error_is_a_storage_error_and_ends_like_a_sentence() -> None:
    for code in range(1, 27):
        exc = sqlite3.OperationalError("cause")
        exc.sqlite_errorcode = code | (3 << 8)
        error = translated(exc, "keel.db")
        assert isinstance(error, StorageError)
        assert str(error).endswith(".")
        assert ";" in str(error)


def test_importing_the_package_does_not_import_sqlite_utils() -> None:
    # It brings pandas, and the demo prints its first line before that.
    probe = "import sys, storage; sys.exit(int(any(name in sys.modules for name in ('sqlite_utils', 'pandas'))))"
    assert subprocess.run([sys.executable, "-c", probe], cwd=ROOT, check=False).returncode == 0


async def test_a_cursor_never_leaves_the_thread_of_the_database(file_store: Store) -> None:
    """Thrown away in another thread, it would reset a statement that the next call is using."""
    assert await file_store.run(lambda db: db.execute("SELECT 1")) is None
    assert await file_store.atomic(lambda db: db.conn.executemany("DELETE FROM seen WHERE 0 = ?", [(1,)])) is None
