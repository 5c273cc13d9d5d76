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

    async def latest(self) -> int:
        """Of the last process that took one; 0 for none."""
        return int(await self._store.run(lambda db: db.execute("SELECT epoch FROM signer_epoch").fetchone()[0]))
