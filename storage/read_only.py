"""A look into a database beside the process that owns it: locks nobody out, changes nothing, never checkpoints."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from storage.connection import refuse_foreign
from storage.errors import DatabaseUnavailable, translated
from storage.migrations import refuse_newer

if TYPE_CHECKING:
    from sqlite_utils import Database


def read_only(path: Path, *, busy_timeout: timedelta = timedelta(seconds=5)) -> sqlite3.Connection:
    """A connection that cannot write. Raises: DatabaseUnavailable where there is no file; sqlite3.Error."""
    if not path.is_file():
        raise DatabaseUnavailable(f"There is no database at {path}; check DATABASE_PATH.")
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=busy_timeout.total_seconds(),
        isolation_level=None,
    )  # fmt: skip


class ReadOnlyConnection:
    """Takes the place of storage.connection.Connection where nothing is to be written.

    Raises: DatabaseUnavailable, DatabaseForeign, DatabaseTooNew, DatabaseCorrupt.
    """

    def __init__(self, path: Path | str) -> None:
        from sqlite_utils import Database

        self.where = str(path)
        try:
            raw = read_only(Path(path))
        except sqlite3.Error as exc:
            raise translated(exc, self.where) from exc
        try:
            self.db: Database = Database(raw, recursive_triggers=False, execute_plugins=False)
            refuse_foreign(self.db, self.where)
            refuse_newer(self.db, self.where)
        except sqlite3.Error as exc:
            raw.close()
            raise translated(exc, self.where) from exc
        except BaseException:
            raw.close()
            raise

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def atomic(self) -> Iterator["Database"]:
        """One moment, however many questions are asked of it. SQLite itself refuses whatever would change something."""
        self.db.execute("BEGIN")
        try:
            yield self.db
        finally:
            self.db.rollback()
