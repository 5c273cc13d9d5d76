"""The one connection: a file that is ours, private, sound, of a known schema, and safe against a power cut."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from storage.errors import DatabaseCorrupt, DatabaseForeign, DatabaseUnavailable, translated
from storage.file_lock import FileLock
from storage.migrations import migrate, refuse_newer

if TYPE_CHECKING:
    from sqlite_utils import Database

MEMORY = ":memory:"
APPLICATION_ID = 0x4B45454C  # "KEEL", in the header of every file of ours


class Connection:
    """An open database and the lock that keeps others out. Belongs to the thread that made it.

    Attributes:
        db: For the functions of this package that run in that thread.
        where: Path, or ":memory:", for sentences.
    """

    def __init__(self, path: Path | str, *, busy_timeout: timedelta) -> None:
        # Here and not at the top: sqlite_utils brings pandas, more than a second that nobody should wait for.
        from sqlite_utils import Database

        self.where = str(path)
        self._lock: FileLock | None = None
        if self.where != MEMORY:
            file = Path(path)
            self._lock = FileLock(file)
        try:
            if self.where != MEMORY:
                _make_private(Path(path))
            raw = sqlite3.connect(self.where, timeout=busy_timeout.total_seconds(), isolation_level=None)
        except sqlite3.Error as exc:
            self._unlock()
            raise translated(exc, self.where) from exc
        except BaseException:
            self._unlock()
            raise
        try:
            # Plug-ins of other programs have no business in here.
            self.db: Database = Database(raw, recursive_triggers=False, execute_plugins=False)
            self._prepare()
        except sqlite3.Error as exc:
            raw.close()
            self._unlock()
            raise translated(exc, self.where) from exc
        except BaseException:
            raw.close()
            self._unlock()
            raise

    def close(self) -> None:
        """Close the file, then let the next process in."""
        try:
            self.db.close()
        finally:
            self._unlock()

    @contextmanager
    def atomic(self) -> Iterator["Database"]:
        """All or nothing. BEGIN IMMEDIATE: sqlite-utils' own is deferred, and fails where a read turns into a write."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
            self.db.commit()
        except BaseException:
            self.db.rollback()
            raise

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _prepare(self) -> None:
        db = self.db
        refuse_foreign(db, self.where)
        # Before anything of a later version is read, checked or changed.
        refuse_newer(db, self.where)
        if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise DatabaseCorrupt(
                f"The database {self.where} is damaged; keel run sets it aside by itself and takes the newest sound "
                "backup."
            )
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA foreign_keys=ON")
        db.execute("PRAGMA trusted_schema=OFF")
        with self.atomic():
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            migrate(db)


def refuse_foreign(db: "Database", where: str) -> None:
    """Raises: DatabaseForeign for a file that another program made."""
    application_id = db.execute("PRAGMA application_id").fetchone()[0]
    empty = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if application_id != APPLICATION_ID and not (application_id == 0 and empty):
        raise DatabaseForeign(f"The file {where} is a database of another program; choose another DATABASE_PATH.")


def _make_private(path: Path) -> None:
    """Create the file for its owner's eyes only, or take the others' rights away.

    Must come before SQLite opens it: closing any other descriptor of the file drops SQLite's locks on it. The -wal and
    -shm files take over the rights of the database.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise DatabaseUnavailable(f"The path {path} is not a file; choose another DATABASE_PATH.")
            if stat.S_IMODE(mode) & 0o077:
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as exc:
        raise DatabaseUnavailable(
            f"The database {path} cannot be opened ({exc.strerror}); check its folder and its permissions."
        ) from exc
