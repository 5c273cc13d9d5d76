"""What is done about a damaged database: set aside as it is, and the newest sound backup put in its place.

A mark beside the file says that it must not be used any more, from the moment somebody knows until another is there.
"""

import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage.backup import checked_file, restore
from storage.errors import DatabaseCorrupt, StorageError, translated
from storage.file_lock import FileLock
from storage.journal import why_damaged
from storage.read_only import read_only

_SUFFIXES = ("-shm", "-wal", "")  # a journal that stayed behind would be played into whatever comes next
_MOST_CHARACTERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescue:
    """What became of a damaged database.

    Attributes:
        why: What is wrong with it.
        kept: Where it lies now, untouched.
        restored: The backup that took its place; None for an empty file.
    """

    why: str
    kept: Path
    restored: Path | None


def mark_damaged(database: Path, why: str) -> None:
    """From now on no process uses this file, whatever becomes of this one. A disk that takes no mark is no obstacle."""
    with contextlib.suppress(OSError):
        mark = _mark_of(database)
        mark.touch(mode=0o600)
        mark.write_text(why[:_MOST_CHARACTERS], encoding="utf-8")


def look_through(database: Path) -> None:
    """Look at every page, beside whoever uses the file. Raises: DatabaseCorrupt; StorageError where it cannot."""
    try:
        raw = read_only(database)
        try:
            verdict = raw.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            raw.close()
    except sqlite3.Error as exc:
        raise translated(exc, str(database)) from exc
    if verdict != "ok":
        raise DatabaseCorrupt(f"The database {database} is damaged ({verdict}); keel run sets it aside by itself.")


def why_unusable(database: Path) -> str:
    """What can be said of a database before it is opened: an earlier process gave it up, or its journal is damaged."""
    with contextlib.suppress(FileNotFoundError):
        return _mark_of(database).read_text(encoding="utf-8", errors="replace") or "an earlier process gave it up"
    return why_damaged(database)


def rescued(database: Path, backups: Sequence[Path], why: str, now: datetime) -> Rescue:
    """Set a damaged database aside and restore the first of the backups that is sound; without one, the file itself
    where only its journal was damaged. Where nothing is sound there is no database afterwards, and a new one may begin.

    Raises: DatabaseLocked while a process runs on it; StorageError, OSError where the disk refuses. It may be repeated.
    """
    mark_damaged(database, why)
    lock = FileLock(database)
    try:
        kept = _set_aside(database, now)
    finally:
        lock.release()
    restored = None
    for candidate in (*backups, kept):
        try:
            checked_file(candidate)
            restore(candidate, database, now)
        except StorageError:
            continue  # an older one may be sound
        restored = candidate
        break
    _mark_of(database).unlink(missing_ok=True)
    return Rescue(why=why, kept=kept, restored=restored)


def _set_aside(database: Path, now: datetime) -> Path:
    """Where the file lies now, its journal beside it; where an earlier try has left it, if there is none any more."""
    kept = database.with_name(f"{database.name}.damaged-{now:%Y%m%dT%H%M%S%fZ}")
    if not database.exists():
        kept = max(database.parent.glob(f"{database.name}.damaged-*Z"), default=kept)
    for suffix in _SUFFIXES:
        part = database.with_name(database.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    return kept


def _mark_of(database: Path) -> Path:
    return database.with_name(database.name + ".damaged")
