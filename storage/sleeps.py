"""Nights that somebody sleeps through, until the morning report has been told."""

from datetime import datetime
from typing import TYPE_CHECKING

from storage.audit import append
from storage.columns import ReadRow, encodable, integer, maybe_moment, moment, text, to_us
from storage.errors import StorageDefect
from storage.proposal_buttons import place_of
from storage.proposal_rows import number_of, proposal_id
from storage.store import Store
from storage.trading_json import facts
from storage.trading_records import AuditAction, AuditEntry, CardPlace, Sleep

if TYPE_CHECKING:
    from sqlite_utils import Database


class Sleeps:
    """Use cases."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(
        self,
        proposal_id: str,
        *,
        person_id: str,
        place: CardPlace,
        ends_at: datetime,
        body_json: str,
        now: datetime,
    ) -> Sleep:
        """The orders of a sleep proposal rest. The same one begun again is the one that is there.

        Raises: StorageDefect where there is no such proposal.
        """
        return await self._store.atomic(lambda db: _begin(db, proposal_id, person_id, place, ends_at, body_json, now))

    async def due(self, now: datetime) -> tuple[Sleep, ...]:
        """Those that are over and not yet reported, oldest first."""
        return await self._sleeps("WHERE reported_at IS NULL AND ends_at <= ? ORDER BY ends_at", to_us(now))

    async def standing(self, now: datetime, account_id: str | None = None) -> tuple[Sleep, ...]:
        """Those that last now, of one account or of all."""
        return await self._sleeps(
            "WHERE reported_at IS NULL AND ends_at > ?1 AND (?2 IS NULL OR sleeps.account_id = ?2) ORDER BY ends_at",
            to_us(now), account_id,
        )  # fmt: skip

    async def reported(self, sleep_id: int, now: datetime) -> bool:
        """The morning report was told, or somebody woke before; False where that was known."""
        return await self._store.atomic(lambda db: _reported(db, sleep_id, now))

    async def _sleeps(self, which: str, *given: str | int | None) -> tuple[Sleep, ...]:
        return await self._store.run(
            lambda db: tuple(_sleep_of(row) for row in db.query(f"{_ALL} {which}", list(given)))
        )


_ALL = "SELECT * FROM sleeps"


def _begin(
    db: "Database", proposal: str, person_id: str, place: CardPlace, ends_at: datetime, body_json: str, now: datetime
) -> Sleep:
    number = number_of(proposal)
    account = db.execute("SELECT account_id FROM proposals WHERE proposal = ?", [number]).fetchone()
    if account is None:
        raise StorageDefect(f"There is no proposal {proposal!r}; this is a defect of Keel, please report it.")
    new = db.execute(
        "INSERT INTO sleeps (account_id, proposal, person_id, transport, chat, thread, body_json, began_at, ends_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (proposal) DO NOTHING",
        [
            account[0], number, encodable(person_id), place.transport, encodable(place.chat), encodable(place.thread),
            encodable(body_json), to_us(now), to_us(ends_at),
        ],
    )  # fmt: skip
    (row,) = db.query(f"{_ALL} WHERE proposal = ?", [number])
    sleep = _sleep_of(row)
    if new.rowcount == 1:
        _note(db, AuditAction.SLEEP_BEGAN, sleep, now, person_id)
    return sleep


def _reported(db: "Database", sleep_id: int, now: datetime) -> bool:
    changed = db.execute(
        "UPDATE sleeps SET reported_at = ? WHERE sleep = ? AND reported_at IS NULL", [to_us(now), sleep_id]
    )
    if changed.rowcount != 1:
        return False
    (row,) = db.query(f"{_ALL} WHERE sleep = ?", [sleep_id])
    _note(db, AuditAction.SLEEP_REPORTED, _sleep_of(row), now, "keel")
    return True


def _note(db: "Database", action: AuditAction, sleep: Sleep, now: datetime, by: str) -> None:
    entry = AuditEntry(
        at=now, action=action, actor=by, proposal_id=sleep.proposal_id, account_id=sleep.account_id,
        facts_json=facts(began_at=sleep.began_at, ends_at=sleep.ends_at),
    )  # fmt: skip
    append(db, entry)


def _sleep_of(row: ReadRow) -> Sleep:
    return Sleep(
        sleep_id=integer(row, "sleep"),
        account_id=text(row, "account_id"),
        proposal_id=proposal_id(integer(row, "proposal")),
        person_id=text(row, "person_id"),
        place=place_of(row),
        body_json=text(row, "body_json"),
        began_at=moment(row, "began_at"),
        ends_at=moment(row, "ends_at"),
        reported_at=maybe_moment(row, "reported_at"),
    )
