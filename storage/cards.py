"""What a card that asks before something is done is about, where its button cannot hold all of it.

The handle in the button names it; the row says what is meant, and goes with the first press that takes it.
"""

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from storage.columns import moment, text, to_us
from storage.handles import handle_digest
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

_HANDLE_BYTES = 12


class Cards:
    """Cards that wait for an answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, body_json: str, now: datetime, expires_at: datetime) -> str:
        """Remember what a card means; returns the handle for its button. Those that expired are forgotten."""
        handle = secrets.token_urlsafe(_HANDLE_BYTES)

        def store(db: "Database") -> None:
            db.execute("DELETE FROM cards WHERE expires_at < ?", [to_us(now)])
            row = {"handle": _stored(handle), "body_json": body_json, "expires_at": to_us(expires_at)}
            db.table("cards").insert(row)

        await self._store.atomic(store)
        return handle

    async def take(self, handle: str, now: datetime) -> str | None:
        """What a card means, once: of several presses one gets it. None where it expired, was taken, or never was."""

        def taken(db: "Database") -> str | None:
            row = next(iter(db.query("SELECT * FROM cards WHERE handle = ?", [_stored(handle)])), None)
            if row is None:
                return None
            db.execute("DELETE FROM cards WHERE handle = ?", [_stored(handle)])
            return text(row, "body_json") if moment(row, "expires_at") >= now else None

        return await self._store.atomic(taken)


def _stored(handle: str) -> str:
    """A handle is worth something to whoever has it; what is stored of it is worth nothing."""
    return handle_digest(handle).hex()
