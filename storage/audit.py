"""What happened, who did it and why: rows that are only ever added, each sealed with the hash of the one before."""

import hashlib
import json
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from storage.columns import ReadRow, encodable, integer, member, moment, text, to_us
from storage.store import Store
from storage.trading_json import canonical
from storage.trading_records import AuditAction, AuditEntry, AuditVerdict

if TYPE_CHECKING:
    from sqlite_utils import Database

_PAGE = 1_000


def append(db: "Database", entry: AuditEntry) -> AuditEntry:
    """Add a row, in the transaction of what it explains. Returns it with its number and its seal."""
    count, head = db.execute("SELECT row_count, hash FROM audit_head").fetchone()
    sealed = replace(
        entry, seq=count + 1, prev_hash=head, actor=encodable(entry.actor), account_id=encodable(entry.account_id)
    )
    sealed = replace(sealed, hash=seal(sealed))
    db.execute(
        "INSERT INTO audit_log VALUES (:seq, :at, :action, :actor, :proposal_id, :account_id, :facts_json,"
        " :prev_hash, :hash)",
        {
            "seq": sealed.seq, "at": to_us(sealed.at), "action": sealed.action.value, "actor": sealed.actor,
            "proposal_id": sealed.proposal_id, "account_id": sealed.account_id, "facts_json": sealed.facts_json,
            "prev_hash": sealed.prev_hash, "hash": sealed.hash,
        },
    )  # fmt: skip
    return sealed


def seal(entry: AuditEntry) -> str:
    """SHA-256 of the hash before and of the row as a JSON list, without blanks, in UTF-8."""
    row = canonical(
        [entry.seq, to_us(entry.at), entry.action.value, entry.actor, entry.proposal_id, entry.account_id,
         entry.facts_json]
    )  # fmt: skip
    return hashlib.sha256((entry.prev_hash + row).encode()).hexdigest()


class Audit:
    """Reading of what was written down."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def entries(self, most: int, account_ids: Collection[str] | None = None) -> tuple[AuditEntry, ...]:
        """The latest, newest first.

        Args:
            account_ids: Only what concerns these, or no account at all; None for everything.
        """
        which, given = "", {"most": most, "accounts": ""}
        if account_ids is not None:
            which = "WHERE account_id = '' OR account_id IN (SELECT value FROM json_each(:accounts))"
            given["accounts"] = json.dumps(sorted(account_ids))
        sql = f"SELECT * FROM audit_log {which} ORDER BY seq DESC LIMIT :most"  # noqa: S608  # a part of our own
        return await self._store.run(lambda db: tuple(_entry_of(row) for row in db.query(sql, given)))

    async def all(self) -> AsyncIterator[AuditEntry]:
        """Every one, oldest first, a page at a time. Raises: BadRow for one that cannot be read."""
        done = 0
        while page := await self._page(done):
            for row in page:
                yield _entry_of(row)
            done = integer(page[-1], "seq")

    async def verify(self) -> AuditVerdict:
        """Read everything and compute every seal again. What is added meanwhile is not looked at."""
        count, head, last = await self._store.run(
            lambda db: db.execute(
                "SELECT row_count, hash, (SELECT coalesce(max(seq), 0) FROM audit_log) FROM audit_head"
            ).fetchone()
        )
        before, read = "", 0
        while read < min(count, last) and (page := await self._page(read)):
            for row in page[: count - read]:
                if (broken := _broken(row, read + 1, before)) is not None:
                    return AuditVerdict(ok=False, rows=read, broken_at=read + 1, why=broken)
                read, before = read + 1, text(row, "hash")
        if last > count:
            return AuditVerdict(ok=False, rows=read, broken_at=count + 1, why=f"row {count + 1} was added from outside")
        if read < count:
            return AuditVerdict(
                ok=False,
                rows=read,
                broken_at=read + 1,
                why=f"its end is missing: {read} of {count} rows are left",
            )
        if before != head:
            return AuditVerdict(ok=False, rows=read, broken_at=read, why=f"row {read} is not the one that was written")
        return AuditVerdict(ok=True, rows=read, head_hash=head)

    async def head(self) -> tuple[int, str]:
        """How many rows there are, and the seal of the last one; empty for none."""
        count, seal = await self._store.run(lambda db: db.execute("SELECT row_count, hash FROM audit_head").fetchone())
        return int(count), str(seal)

    async def seals(self, numbers: Collection[int]) -> dict[int, str]:
        """The seals of these rows, by their number, as far as there are such rows."""
        sql = "SELECT seq, hash FROM audit_log WHERE seq IN (SELECT value FROM json_each(?))"
        wanted = json.dumps(sorted(numbers))
        return await self._store.run(lambda db: {int(seq): str(seal) for seq, seal in db.execute(sql, [wanted])})

    async def exists(self) -> bool:
        """Whether the file was ever opened by a version that keeps one; one that is only looked at may be older."""
        return await self._store.run(lambda db: db.table("audit_log").exists())

    async def _page(self, after: int) -> list[ReadRow]:
        return await self._store.run(
            lambda db: list(db.query("SELECT * FROM audit_log WHERE seq > ? ORDER BY seq LIMIT ?", [after, _PAGE]))
        )


def _broken(row: ReadRow, expected: int, before: str) -> str | None:
    if row["seq"] != expected:
        return f"row {expected} is missing"
    if row["prev_hash"] != before:
        return f"row {expected} does not follow the one before it"
    # Computed from the columns themselves: an edited row need not be one that can be read.
    again = canonical(
        [row["seq"], row["at"], row["action"], row["actor"], row["proposal_id"], row["account_id"], row["facts_json"]]
    )
    if hashlib.sha256((before + again).encode()).hexdigest() != row["hash"]:
        return f"row {expected} was changed"
    return None


def _entry_of(row: ReadRow) -> AuditEntry:
    return AuditEntry(
        seq=integer(row, "seq"),
        at=moment(row, "at"),
        action=member(AuditAction, row, "action"),
        actor=text(row, "actor"),
        proposal_id=text(row, "proposal_id"),
        account_id=text(row, "account_id"),
        facts_json=text(row, "facts_json"),
        prev_hash=text(row, "prev_hash"),
        hash=text(row, "hash"),
    )
