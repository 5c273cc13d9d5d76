"""Copies of the database: made beside the process that writes it, believed after they were checked, put back with care.

A backup is one file, private to its owner, that appears under its name whole or not at all.
"""

import errno
import os
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from risk.model.trading import TradingState
from storage.columns import to_us
from storage.connection import refuse_foreign
from storage.errors import (
    BackupUnverified,
    DatabaseCorrupt,
    DatabaseUnavailable,
    DiskFull,
    StorageError,
    translated,
)
from storage.file_lock import FileLock
from storage.migrations import refuse_newer, schema_version
from storage.read_only import read_only
from storage.standing import revoke
from storage.trading_state import set_state

if TYPE_CHECKING:
    from sqlite_utils import Database

_KEEL = "keel"
_RESTORED = "the memory was restored from a backup and knows nothing of orders since; compare /orders with the venue"
_SUFFIXES = ("-wal", "-shm")
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A database file that was looked through.

    Attributes:
        schema: Number of the last step it has seen.
        rows: Number of rows by table.
    """

    path: Path
    size_bytes: int
    schema: int
    rows: Mapping[str, int]

    @property
    def row_count(self) -> int:
        return sum(self.rows.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What became of a restore. ``replaced`` is the file that was there before; None where there was none."""

    checked: CheckedFile
    replaced: Path | None


def back_up(source: Path, target: Path) -> CheckedFile:
    """Copy a database, in use or not, to ``target``, whatever is there. Blocks for as long as it takes to read it.

    The copy is of one moment: everything committed before it, nothing of later. The source is only read, and never
    checkpointed. Nothing appears under the target's name before the copy was found sound and as long as its source.

    Raises: StorageError; then whatever was at ``target`` is still there.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        _create_private(partial)
        expected = _copied(source, partial)
        checked = checked_file(partial)
        if checked.rows != expected:
            raise BackupUnverified(
                f"The copy of {source} has other numbers of rows than its source; look at the disk, then try again."
            )
        _settle(partial, target)
        return CheckedFile(path=target, size_bytes=checked.size_bytes, schema=checked.schema, rows=checked.rows)
    except sqlite3.Error as exc:
        raise translated(exc, str(source)) from exc
    except OSError as exc:
        raise _os_error(exc, target) from exc
    finally:
        _remove(partial)


def checked_file(path: Path) -> CheckedFile:
    """Look through a whole database file that nobody writes to.

    Raises: DatabaseUnavailable, DatabaseForeign, DatabaseTooNew, DatabaseCorrupt.
    """
    from sqlite_utils import Database

    try:
        raw = read_only(path)
        try:
            db = Database(raw, recursive_triggers=False, execute_plugins=False)
            refuse_foreign(db, str(path))
            refuse_newer(db, str(path))
            verdict = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if verdict != "ok" or db.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise DatabaseCorrupt(f"The file {path} is damaged; take another backup.")
            schema = schema_version(db)
            if schema == 0:
                raise DatabaseCorrupt(f"The file {path} is empty; take another backup.")
            return CheckedFile(path=path, size_bytes=path.stat().st_size, schema=schema, rows=_rows(db))
        finally:
            raw.close()
    except sqlite3.Error as exc:
        if isinstance(error := translated(exc, str(path)), DatabaseCorrupt):
            raise DatabaseCorrupt(f"The file {path} is damaged; take another backup.") from exc
        raise error from exc


def restore(backup: Path, database: Path, now: datetime) -> Restored:
    """Put a backup in the place of the database. The file that was there is kept beside it, under its own name.

    At no moment is there no database: a machine that goes down half-way has the old one or the new one.

    Raises: DatabaseLocked while a process runs on it; DatabaseUnavailable, DatabaseForeign, DatabaseTooNew,
        DatabaseCorrupt for a file that cannot serve; then nothing has changed.
    """
    if backup.exists() and database.exists() and backup.samefile(database):
        raise DatabaseUnavailable(f"{backup} is the database itself; name a backup of it.")
    if not backup.is_file():
        raise DatabaseUnavailable(f"There is no backup file {backup}; name one that keel backup has made.")
    checked = checked_file(backup)
    lock = FileLock(database)
    try:
        partial = database.with_name(f".{database.name}.{os.getpid()}.part")
        try:
            _create_private(partial)
            # Through SQLite: a backup may have come with a journal of its own.
            if _copied(backup, partial) != checked.rows:
                raise BackupUnverified(f"The copy of {backup} differs from it; look at the disk, then try again.")
            _mark_restored(partial, now)
            _stop_trading(partial, now)
            replaced = None
            if database.exists():
                replaced = _set_aside(database, now)
            else:
                _set_journal_aside(database, now)
            _settle(partial, database)
            return Restored(checked=checked, replaced=replaced)
        except sqlite3.Error as exc:
            raise translated(exc, str(database)) from exc
        except OSError as exc:
            raise _os_error(exc, database) from exc
        finally:
            _remove(partial)
    finally:
        lock.release()


def stamped(prefix: str, now: datetime) -> str:
    """A file name with a moment in it that sorts by time.

    >>> from datetime import UTC
    >>> stamped("keel", datetime(2026, 1, 5, 12, 0, tzinfo=UTC))
    'keel-20260105T120000Z.sqlite3'
    """
    return f"{prefix}-{now:{_STAMP}}.sqlite3"


def _copied(source: Path, target: Path) -> Mapping[str, int]:
    """Copy in one step and count what was there; target is a plain file afterwards, without a journal beside it."""
    from sqlite_utils import Database

    reading = read_only(source)
    try:
        # The transaction holds one moment still, for the counting and for the copy. It keeps no writer waiting.
        reading.execute("BEGIN")
        rows = _rows(Database(reading, recursive_triggers=False, execute_plugins=False))
        writing = sqlite3.connect(target, isolation_level=None)
        try:
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode=DELETE")
        finally:
            writing.close()
        reading.execute("ROLLBACK")
        return rows
    finally:
        reading.close()


def _rows(db: "Database") -> dict[str, int]:
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    return {name: int(db.execute(f"SELECT count(*) FROM [{name}]").fetchone()[0]) for name in names}  # noqa: S608  # names come from the schema


def _mark_restored(partial: Path, now: datetime) -> None:
    """So that the next process knows why it remembers nothing of late. A backup of an early version has no lives."""
    raw = sqlite3.connect(partial, isolation_level=None)
    try:
        if raw.execute("SELECT 1 FROM sqlite_schema WHERE name = 'lives'").fetchone():
            raw.execute(
                "UPDATE lives SET restored_at = ? WHERE life_id = (SELECT max(life_id) FROM lives)", [to_us(now)]
            )
    finally:
        raw.close()


def _stop_trading(partial: Path, now: datetime) -> None:
    """Whatever was stopped or taken back after the backup would be in force again: a memory that ever traded wakes up
    halted, and with no standing approval. One that never did stays as it is."""
    from sqlite_utils import Database

    raw = sqlite3.connect(partial, isolation_level=None)
    try:
        known = raw.execute("SELECT 1 FROM sqlite_schema WHERE name = 'proposals'").fetchone()
        if known is None or raw.execute("SELECT 1 FROM proposals").fetchone() is None:
            return
        db = Database(raw, recursive_triggers=False, execute_plugins=False)
        raw.execute("BEGIN IMMEDIATE")
        set_state(db, TradingState.HALTED, _KEEL, _RESTORED, now)
        revoke(db, _KEEL, now, None, None)
        # What still waits for a yes here may have had one since, and have gone out: it is not asked about again.
        raw.execute("UPDATE proposals SET expires_at = min(expires_at, ?) WHERE state = 'open'", [to_us(now)])
        raw.execute("COMMIT")
    finally:
        raw.close()


def _set_aside(database: Path, now: datetime) -> Path:
    """A second name for the database, which stays where it is; what is in its journal is folded in first.

    A journal that stayed beside the new file would be played into it.
    """
    replaced = _unused(database.with_name(f"{database.name}.replaced-{now:{_STAMP}}"))
    if _readable(database):
        _fold(database)
    else:
        # Too damaged to be opened: its journal goes with it, for whoever wants to look.
        for suffix in _SUFFIXES:
            journal = database.with_name(database.name + suffix)
            if journal.exists():
                journal.rename(replaced.with_name(replaced.name + suffix))
    _second_name(database, replaced)
    return replaced


def _set_journal_aside(database: Path, now: datetime) -> None:
    """Of a database that somebody moved away: it would be played into the next one."""
    for suffix in _SUFFIXES:
        journal = database.with_name(database.name + suffix)
        if journal.exists():
            journal.rename(_unused(database.with_name(f"{database.name}.replaced-{now:{_STAMP}}{suffix}")))


def _readable(database: Path) -> bool:
    """Asked without the right to write: opening a damaged file for writing may remove its journal."""
    try:
        raw = read_only(database)
        try:
            raw.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        finally:
            raw.close()
    except sqlite3.Error:
        return False
    return True


def _fold(database: Path) -> None:
    raw = sqlite3.connect(database, isolation_level=None)
    try:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        raw.execute("PRAGMA journal_mode=DELETE").fetchone()
    finally:
        raw.close()


def _second_name(file: Path, other: Path) -> None:
    try:
        other.hardlink_to(file)
    except OSError:  # a file system without links
        shutil.copy2(file, other)
        other.chmod(0o600)


def _unused(path: Path) -> Path:
    number, candidate = 1, path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate


def _create_private(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    os.close(descriptor)


def _settle(partial: Path, target: Path) -> None:
    """Make a finished file durable, then give it its name at one stroke."""
    _sync(partial, os.O_RDWR)
    partial.replace(target)
    _sync(target.parent, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(partial: Path) -> None:
    for suffix in ("", "-journal", *_SUFFIXES):
        partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def _os_error(exc: OSError, path: Path) -> StorageError:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"There is no room for {path}; free some space, nothing was changed.")
    return DatabaseUnavailable(f"{path} cannot be written ({exc.strerror}); check its folder and its permissions.")
