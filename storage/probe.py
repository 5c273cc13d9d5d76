"""Whether the memory takes anything: a row of some size is written and taken back, durably."""

from datetime import datetime
from typing import TYPE_CHECKING

from storage.columns import to_us
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

_KEY = "probe "
_SIZE = 16_384  # characters: several pages, so that it is known that there is room for what alerts need


class Probe:
    """Asked now and then, so that a full disk is known before something has to be remembered."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, now: datetime) -> None:
        """Raises: StorageError."""

        def both(db: "Database") -> None:
            key = _KEY.ljust(_SIZE, ".")
            db.execute("INSERT INTO seen (key, seen_at) VALUES (?, ?)", [key, to_us(now)])
            db.execute("DELETE FROM seen WHERE key = ?", [key])

        await self._store.atomic(both)
