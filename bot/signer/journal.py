"""What was decided, on disk before anything is given out: lines of JSON, each sealed with the one before.

A part begins with all of the state so far, so only the last part is read at start. Parts are numbered from 1; a new one
is complete before it has its name. A line that was cut short is cut off; anything else that does not fit is refused.
"""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.signer.errors import Broken, Unfit
from bot.signer.files import open_guarded, read_all, require_own_folder, sync_folder, write_new, write_whole
from bot.signer.records import Malformed, canonical, fields_of, made, object_of
from bot.signer.state import (
    Begun,
    Checkpoint,
    Entered,
    Event,
    Locked,
    Refused,
    Signed,
    Started,
    State,
    Torn,
    Unlocked,
)

FIRST_SEAL = "0" * 64
ROWS_A_PART = 2_000
_MOST_PART_BYTES = 2**28
_MOST_LEGS = 2**20
_KINDS: dict[str, type[Event]] = {
    "checkpoint": Checkpoint,
    "begun": Begun,
    "started": Started,
    "entered": Entered,
    "signed": Signed,
    "refused": Refused,
    "locked": Locked,
    "unlocked": Unlocked,
    "torn": Torn,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_PART = re.compile(r"journal-(\d{6,})\.jsonl")
_SEALED = b',"seal":"'
_TAIL_BYTES = len(_SEALED) + 64 + len(b'"}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line.

    Attributes:
        before: Seal of the row before.
    """

    number: int
    at_s: int
    event: Event
    before: str
    seal: str


def line_of(number: int, at_s: int, event: Event, before: str) -> tuple[bytes, str]:
    """A line with its newline, and its seal."""
    body = canonical(
        {"at_s": at_s, "before": before, "event": fields_of(event), "kind": _NAMES[type(event)], "number": number}
    )
    seal = hashlib.sha256(body).hexdigest()
    return body[:-1] + _SEALED + seal.encode("ascii") + b'"}\n', seal


def read_line(line: bytes) -> Row:
    """A row from a line without its newline. Raises: Malformed where its seal does not fit."""
    body, seal = line[:-_TAIL_BYTES] + b"}", line[-_TAIL_BYTES:]
    found = hashlib.sha256(body).hexdigest()
    if seal != _SEALED + found.encode("ascii") + b'"}':
        raise Malformed("its seal does not fit")
    fields = object_of(body)
    number, at_s, before, kind = (fields.get(name) for name in ("number", "at_s", "before", "kind"))
    if not (isinstance(number, int) and isinstance(at_s, int) and isinstance(before, str) and isinstance(kind, str)):
        raise Malformed("it is no row of a journal")
    if kind not in _KINDS:
        raise Malformed("no event is of its kind")
    event = made(_KINDS[kind], fields.get("event"), kind, most_items=_MOST_LEGS)
    return Row(number=number, at_s=at_s, event=event, before=before, seal=found)


def parts(folder: Path) -> list[tuple[int, Path]]:
    """Parts of a journal, oldest first."""
    found = ((_PART.fullmatch(one.name), one) for one in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in found if match)


def rows(path: Path, before: Row | None = None) -> Iterator[Row]:
    """Rows of one part in a chain; a cut last line is left out. Raises: Unfit where they do not fit together.

    Args:
        before: The last row of the part before; None where that is not looked at.
    """
    kept, _ = _split(_content(path), path)
    if not kept:
        raise Unfit(_damaged(path, 1, "it is empty"))
    for at, line in enumerate(kept, 1):
        try:
            row = read_line(line)
        except Malformed as problem:
            raise Unfit(_damaged(path, at, str(problem))) from None
        if at == 1 and not isinstance(row.event, Checkpoint | Begun):
            raise Unfit(_damaged(path, at, "a part does not begin so"))
        if before is not None and (row.before, row.number) != (before.seal, before.number + 1):
            raise Unfit(_damaged(path, at, "it does not follow the line before"))
        before = row
        yield row


def read_journal(folder: Path) -> Iterator[Row]:
    """All rows that are still there, checked as one chain. Also while a signer writes it.

    Raises: Unfit at the first thing that does not fit.
    """
    last: Row | None = None
    state, part_before = State(), 0
    for number, path in parts(folder):
        if part_before and number != part_before + 1:
            raise Unfit(f"part {part_before + 1} of the journal is missing; put it back from a copy")
        for row in rows(path, last):
            if last is None and number == 1 and (row.number, row.before) != (1, FIRST_SEAL):
                raise Unfit(f"{path.name} does not begin with row 1; put it back from a copy")
            if last is not None and isinstance(row.event, Checkpoint) and row.event != state.checkpoint():
                raise Unfit(f"{path.name} does not go on where the part before ended; put both back from a copy")
            state, last = state.after(row.event, number=row.number, at_s=row.at_s), row
            yield row
        part_before = number


class Journal:
    """The open journal of one signer; the folder is its alone until it ends."""

    def __init__(self, folder: Path) -> None:
        """Raises: Unfit for a folder that is not fit, is in use, or whose journal was changed."""
        require_own_folder(folder, "the state folder")
        self._folder, self._lock = folder, _locked(folder)
        self.state, self.number, self.head = State(), 0, FIRST_SEAL
        self.torn: Torn | None = None
        self._broken = False
        self._rows_in_part = 0
        self._descriptor = -1
        try:
            self._open_last()
        except BaseException:
            self.close()
            raise

    def _open_last(self) -> None:
        for stale in self._folder.glob("journal-*.new"):
            stale.unlink()  # was never part of it
        existing = parts(self._folder)
        self._part = existing[-1][0] if existing else 0
        if not existing:
            return
        path = existing[-1][1]
        for row in rows(path):
            self._take(row)
        self._descriptor = _appending(path)
        self._mend(path)

    def _mend(self, path: Path) -> None:
        """Cut what a kill left of a line, or end a line that lacks its end alone."""
        content = _content(path)
        _, rest = _split(content, path)
        if rest:
            self.torn = Torn(cut_bytes=len(rest), digest=hashlib.sha256(rest).hexdigest())
            os.ftruncate(self._descriptor, len(content) - len(rest))
        elif not content.endswith(b"\n"):
            write_whole(self._descriptor, b"\n")
        os.fsync(self._descriptor)

    def _take(self, row: Row) -> None:
        self.state = self.state.after(row.event, number=row.number, at_s=row.at_s)
        self.number, self.head = row.number, row.seal
        self._rows_in_part += 1

    def begin(self, at_s: int, *, by_uid: int) -> str:
        """The new id of the journal, which is written down in it. Raises: Broken."""
        event = Begun(journal_id=secrets.token_hex(16), by_uid=by_uid)
        self.write(event, at_s)
        return event.journal_id

    def require_begun(self) -> None:
        """Raises: Unfit for an empty folder, which may be one whose journal was taken away."""
        if not self.state.journal_id:
            raise Unfit(
                f"there is no journal in {self._folder}. If this signer has signed before, put its journal back: "
                "without it, today's caps begin again, and what was signed could be signed twice. To begin one on "
                "purpose, run keel signer begin with the same file"
            )

    @property
    def is_broken(self) -> bool:
        return self._broken

    def require_whole(self) -> None:
        """Raises: Broken once a line could not be written."""
        if self._broken:
            raise Broken("the journal could not be written, so nothing is signed; mend the disk, start again")

    def write(self, event: Event, at_s: int) -> None:
        """On disk, and in the state, when this returns. Raises: Broken, from then on always."""
        self.require_whole()
        try:
            if self._descriptor < 0:
                self._begin_part(event, at_s)
                return
            if self._rows_in_part >= ROWS_A_PART:
                self._begin_part(self.state.checkpoint(), at_s)
            line, seal = line_of(self.number + 1, at_s, event, self.head)
            write_whole(self._descriptor, line)
            os.fsync(self._descriptor)
        except (OSError, Unfit) as exc:
            # What is on disk now is not known: only reading it again, at the next start, can tell.
            self._broken = True
            raise Broken("the journal cannot be written, so nothing is signed; mend the disk, start again") from exc
        self._take(Row(number=self.number + 1, at_s=at_s, event=event, before=self.head, seal=seal))

    def _begin_part(self, event: Event, at_s: int) -> None:
        """Raises: OSError, Unfit."""
        line, seal = line_of(self.number + 1, at_s, event, self.head)
        path = self._folder / f"journal-{self._part + 1:06d}.jsonl"
        new = path.with_suffix(".new")
        write_new(new, line, 0o600)
        new.rename(path)
        sync_folder(self._folder)
        descriptor = _appending(path)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._part, self._rows_in_part = descriptor, self._part + 1, 0
        self._take(Row(number=self.number + 1, at_s=at_s, event=event, before=self.head, seal=seal))

    def close(self) -> None:
        for descriptor in (self._descriptor, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._lock = -1
        self._broken = True


def _locked(folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise Unfit(f"another signer works in {folder}; end it first, or give this one a state folder") from None
    return descriptor


def _appending(path: Path) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _content(path: Path) -> bytes:
    content = read_all(open_guarded(path, f"the journal {path.name}"), _MOST_PART_BYTES)
    if len(content) > _MOST_PART_BYTES:
        raise Unfit(f"{path} is larger than a part of a journal can be; put it back from a copy")
    return content


def _split(content: bytes, path: Path) -> tuple[list[bytes], bytes]:
    """Whole lines, and what of a last one was written before a kill.

    Raises: Unfit where that is a whole row with another byte for its newline, which no kill leaves behind.
    """
    *kept, rest = content.split(b"\n")
    for end in (rest, rest[:-1]):
        try:
            read_line(end)
        except Malformed:
            continue
        if end is rest:
            return [*kept, rest], b""
        raise Unfit(_damaged(path, len(kept) + 1, "it does not end as a line does"))
    return kept, rest


def _damaged(path: Path, line: int, problem: str) -> str:
    return (
        f"{path.name} was changed or damaged: line {line}: {problem}. Nothing is signed on it. Find out who could "
        "write there, then put it back from a copy; or move the whole state folder away, make an empty one, and run "
        "keel signer begin, with lower caps for today"
    )
