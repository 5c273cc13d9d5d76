"""How far the signer's journal has been seen to reach, so that one that was put back, or begun anew, is noticed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.columns import integer, text
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenJournal:
    """A journal as its signer showed it.

    Attributes:
        journal: Its own random name.
        head: Seal of its last row.
    """

    journal: str
    rows: int
    head: str

    def why_not(self, later: "SeenJournal") -> str:
        """Why ``later`` cannot be what this one became, a clause; empty where it can.

        >>> seen = SeenJournal(journal="a", rows=7, head="x")
        >>> seen.why_not(SeenJournal(journal="a", rows=9, head="y"))
        ''
        >>> seen.why_not(SeenJournal(journal="a", rows=6, head="w"))
        'the signer forgot: its journal had 7 rows and has 6'
        """
        if later.journal != self.journal:
            return "the signer keeps another journal than before"
        if later.rows < self.rows:
            return f"the signer forgot: its journal had {self.rows} rows and has {later.rows}"
        if later.rows == self.rows and later.head != self.head:
            return f"the signer's journal was written anew: row {self.rows} is another one than before"
        return ""


class SignerMemory:
    """Use cases."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def latest(self) -> SeenJournal | None:
        """The furthest that was seen and believed; None before the first, also in a database of an older version."""
        return await self._store.run(lambda db: _latest(db) if db.table("signer_journal").exists() else None)

    async def see(self, found: SeenJournal) -> str:
        """Remember it if it can be what the last one became. Returns: why it cannot, a clause; empty where it can."""

        def compared(db: "Database") -> str:
            before = _latest(db)
            why = "" if before is None else before.why_not(found)
            if not why and before != found:
                _put(db, found)
            return why

        return await self._store.atomic(compared)

    async def accept(self, found: SeenJournal) -> None:
        """From now on this is the one, whatever was there before: somebody has said so."""
        await self._store.atomic(lambda db: _put(db, found))


def _latest(db: "Database") -> SeenJournal | None:
    for row in db.query("SELECT journal, rows, head FROM signer_journal"):
        return SeenJournal(journal=text(row, "journal"), rows=integer(row, "rows"), head=text(row, "head"))
    return None


def _put(db: "Database", found: SeenJournal) -> None:
    db.execute("INSERT OR REPLACE INTO signer_journal VALUES (1, ?, ?, ?)", [found.journal, found.rows, found.head])
