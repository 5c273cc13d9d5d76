"""What can go wrong with memory. The type says what the caller can do.

StorageError
├── DatabaseLocked        somebody else holds the file: stop them, then try again
├── DatabaseTooNew        written by a later version: upgrade, never downgrade
├── DatabaseForeign       a file of another program: choose another path
├── DatabaseCorrupt       damaged: set aside, restore a backup
│   └── BadRow            one row that this version does not understand
├── DiskFull              nothing was stored: make room, then try again
├── DatabaseUnavailable   cannot be opened, read or written
├── BackupUnverified      a copy that cannot be relied on; nothing was kept of it
├── StoreClosed           used after it was closed
├── ProposalOutdated      a proposal moved on meanwhile: read it again, decide again
├── SignedBefore          the same bytes belong to an order already: sign again a moment later
├── BadPin                no PIN: choose another
└── StorageDefect         the schema refused a statement: a defect of the program
"""

import sqlite3


class StorageError(Exception):
    """Base of every error this package raises on purpose. The text is one sentence that says what to do."""


class DatabaseLocked(StorageError):
    """Another process, or another connection, holds the file."""


class DatabaseTooNew(StorageError):
    """The file was written by a later version of Keel."""


class DatabaseForeign(StorageError):
    """The file is a database, but not one of Keel's."""


class DatabaseCorrupt(StorageError):
    """The file is damaged. Trading on what it says would be guessing."""


class BadRow(DatabaseCorrupt):
    """A stored row with a value of the wrong kind, or with a word this version does not know."""


class DiskFull(StorageError):
    """There was no room. What was stored before is unchanged."""


class DatabaseUnavailable(StorageError):
    """The file cannot be opened, read or written: folder, permissions or the disk itself."""


class BackupUnverified(StorageError):
    """A copy that does not say what its source says. It was not kept."""


class StoreClosed(StorageError):
    """The store was used after it was closed."""


class ProposalOutdated(StorageError):
    """A proposal is not any more what somebody decided about, or may not go on. Nothing of the decision was stored."""


class SignedBefore(StorageError):
    """These very bytes were signed for another order already: sent for both, they would count once."""


class BadPin(StorageError):
    """What was to be a PIN is none. The text never repeats it."""


class StorageDefect(StorageError):
    """A statement the schema refused. No circumstance of the machine explains it."""


_PRIMARY_CODE = 0xFF  # extended result codes carry the primary one in their low byte


def translated(exc: sqlite3.Error, where: str) -> StorageError:
    """The error of ours for one of SQLite's.

    Args:
        where: Path of the database, as it goes into the sentence.
    """
    match getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY_CODE:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return DatabaseLocked(f"The database {where} is held by another program; close it, then try again.")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return DatabaseCorrupt(
                f"The database {where} is damaged; keel run sets it aside by itself and takes the newest sound backup."
            )
        case sqlite3.SQLITE_FULL:
            return DiskFull(
                f"There is no room left for the database {where}; free some space, nothing of this change was stored."
            )
        case (
            sqlite3.SQLITE_CANTOPEN
            | sqlite3.SQLITE_READONLY
            | sqlite3.SQLITE_PERM
            | sqlite3.SQLITE_IOERR
            | sqlite3.SQLITE_NOMEM
            | sqlite3.SQLITE_NOLFS
            | sqlite3.SQLITE_PROTOCOL
        ):
            return DatabaseUnavailable(
                f"The database {where} cannot be used ({exc}); check its folder, its permissions and the disk."
            )
        case _:
            return StorageDefect(
                f"The database refused a statement ({exc}); this is a defect of Keel, please report it."
            )
