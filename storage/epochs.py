"""Which start of the bot this is: a number that every process before was below. The signer refuses older ones."""

from datetime import datetime
from typing import TYPE_CHECKING

from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


class Epochs:
    """Use cases."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, now: datetime) -> int:
        """The number of a process that begins now; stored before it is used.

        The second of the start, so that a process with another database, or with a restored one, is told from this as
        well; and always more than the last one of this database, whatever the clock says.
        """

        def raised(db: "Database") -> int:
            (before,) = db.execute("SELECT epoch FROM signer_epoch").fetchone()
            epoch = max(int(before) + 1, int(now.timestamp()))
            db.execute("UPDATE signer_epoch SET epoch = ?", [epoch])
            return epoch

        return await self._store.atomic(raised)

    async def memory_name(self) -> str:
        """What the signer knows this database by, and every copy of it: two databases both have a P1."""
        return str(await self._store.run(lambda db: _one(db, "memory_name", "name") or ""))

    async def latest(self) -> int:
        """Of the last process that took one; 0 for none."""
        return int(await self._store.run(lambda db: _one(db, "signer_epoch", "epoch") or 0))


def _one(db: "Database", table: str, column: str) -> str | int | None:
    """None in a database of an older version, which is only looked at."""
    if not db.table(table).exists():
        return None
    return next((row[column] for row in db.table(table).rows), None)
