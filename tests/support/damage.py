"""Bytes changed in a database file and in the journal beside it, as a bad disk changes them."""

import struct
from pathlib import Path

_PAGE = 4_096
_FRAME = 24
_JOURNAL_HEAD = 32
_JUNK = bytes(range(256))


def journal_of(database: Path) -> Path:
    return database.with_name(database.name + "-wal")


def spoil_header(database: Path) -> None:
    """The first bytes, by which SQLite knows its own files."""
    _overwrite(database, 0, _JUNK[1:17])


def spoil_pages(database: Path) -> None:
    """Every page but the first, and every page that waits in the journal."""
    for at in range(_PAGE, database.stat().st_size, _PAGE):
        _overwrite(database, at, _JUNK)
    journal = journal_of(database)
    if journal.exists():
        for at in range(_JOURNAL_HEAD, journal.stat().st_size, _FRAME + _PAGE):
            _overwrite(journal, at + _FRAME, _JUNK)


def spoil_journal(database: Path, *, frame: int = 1) -> None:
    """One bit of a page that was committed, with other transactions stored behind it."""
    journal = journal_of(database)
    at = _JOURNAL_HEAD + (frame - 1) * (_FRAME + _PAGE) + _FRAME + 100
    _overwrite(journal, at, bytes([journal.read_bytes()[at] ^ 1]))


def frames_of(database: Path) -> int:
    """How many frames of the journal belong to what is stored now."""
    raw = journal_of(database).read_bytes()
    salts = raw[16:24]
    step = _FRAME + _PAGE
    return sum(raw[at + 8 : at + 16] == salts for at in range(_JOURNAL_HEAD, len(raw) - step + 1, step))


def commits_of(database: Path) -> list[int]:
    """Numbers of the frames that end a transaction."""
    raw, step = journal_of(database).read_bytes(), _FRAME + _PAGE
    return [
        number
        for number, at in enumerate(range(_JOURNAL_HEAD, len(raw) - step + 1, step), start=1)
        if struct.unpack_from(">I", raw, at + 4)[0]
    ]


def _overwrite(file: Path, at: int, content: bytes) -> None:
    with file.open("r+b") as open_file:
        open_file.seek(at)
        open_file.write(content)
