"""The audit for people outside the bot: is it what was written, and all of it as CSV or JSON. Beside a running bot."""

import csv
import io
import json
import unicodedata
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from pathlib import Path

from storage import Audit, AuditEntry, AuditVerdict, DatabaseUnavailable, Store

_BREAKS, _BEGINS_FORMULA = "\t\r\n", "=+-@|%"
COLUMNS = ("seq", "at", "action", "actor", "proposal_id", "account_id", "facts", "prev_hash", "hash")


class ExportFormat(StrEnum):
    """How the audit is written out. JSON is one list; in CSV the facts are JSON in their column."""

    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The newest rows of an audit, oldest first, as far as they fit into a file of a limited size."""

    content: bytes
    rows: int


async def verify(database: Path) -> AuditVerdict:
    """Compute every seal again. Changes nothing. Raises: StorageError."""
    async with Store.looking(database) as store:
        return await (await _audit(store)).verify()


def verdict_sentence(verdict: AuditVerdict) -> str:
    """What came of it; of a sound one the last seal as well, which tells it from a rewritten one."""
    if not verdict.ok:
        return f"The audit is broken at row {verdict.broken_at}: {verdict.why}. The {verdict.rows} before are sound."
    if not verdict.rows:
        return "The audit is sound: it has no rows yet."
    return f"The audit is sound: {verdict.rows} rows, the last one sealed {verdict.head_hash}."


async def exported(database: Path, as_format: ExportFormat) -> AsyncIterator[str]:
    """The whole audit, oldest first, in pieces of text. Raises: StorageError."""
    async with Store.looking(database) as store:
        async for piece in written((await _audit(store)).all(), as_format):
            yield piece


async def written(entries: AsyncIterator[AuditEntry], as_format: ExportFormat) -> AsyncIterator[str]:
    """Entries in the order given, in pieces of text."""
    if as_format is ExportFormat.CSV:
        yield _csv_row(COLUMNS)
        async for entry in entries:
            yield _csv_entry(entry)
        return
    before = "[\n"
    async for entry in entries:
        yield before + _json_entry(entry)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def excerpt(newest_first: Iterable[AuditEntry], as_format: ExportFormat, *, most_bytes: int) -> Excerpt:
    """As ``written`` has it, without the oldest rows where it would be too long."""
    is_csv = as_format is ExportFormat.CSV
    head, between, end = (_csv_row(COLUMNS), "", "") if is_csv else ("[\n", ",\n", "\n]\n")
    kept: list[str] = []
    room = most_bytes - len(f"{head}{end}".encode())
    for entry in newest_first:
        row = _csv_entry(entry) if is_csv else _json_entry(entry)
        room -= len(f"{row}{between}".encode())
        if room < 0:
            break
        kept.append(row)
    if not kept and not is_csv:
        return Excerpt(content=b"[]\n", rows=0)
    return Excerpt(content=f"{head}{between.join(reversed(kept))}{end}".encode(), rows=len(kept))


async def _audit(store: Store) -> Audit:
    audit = Audit(store)
    if not await audit.exists():
        raise DatabaseUnavailable(f"The database {store.where} has no audit yet; start keel run on it once.")
    return audit


def _csv_entry(entry: AuditEntry) -> str:
    return _csv_row(_cells(entry, entry.facts_json))


def _json_entry(entry: AuditEntry) -> str:
    cells = _cells(entry, json.loads(entry.facts_json))
    return json.dumps(dict(zip(COLUMNS, cells, strict=True)), ensure_ascii=False)


def _cells(entry: AuditEntry, facts: object) -> tuple[object, ...]:
    return (
        entry.seq, entry.at.astimezone(UTC).isoformat(), entry.action.value, entry.actor, entry.proposal_id,
        entry.account_id, facts, entry.prev_hash, entry.hash,
    )  # fmt: skip


def _csv_row(cells: tuple[object, ...]) -> str:
    line = io.StringIO()
    # Of breaks, the writer quotes those of its own line ends alone, and readers take any.
    csv.writer(line, lineterminator="\r\n").writerow([_tame(cell) for cell in cells])
    return f"{line.getvalue().removesuffix(chr(13) + chr(10))}\n"


def _tame(cell: object) -> object:
    """A spreadsheet must not take text for a formula; some read wide letters and what stands behind blanks as one."""
    if not isinstance(cell, str) or not cell:
        return cell
    first = unicodedata.normalize("NFKC", cell.lstrip() or cell)[:1]
    return f"'{cell}" if cell[0] in _BREAKS or first in _BEGINS_FORMULA else cell
