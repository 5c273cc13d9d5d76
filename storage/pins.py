"""PINs that people give beside a press, hashed and slow to guess.

Every guess is counted before it is compared, durably: neither many at once nor a restart gives anybody more of them.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from storage.audit import append
from storage.columns import ReadRow, encodable, integer, maybe_moment, to_us
from storage.errors import BadPin
from storage.store import Store
from storage.trading_json import facts
from storage.trading_records import AuditAction, AuditEntry, PinCheck, PinVerdict

if TYPE_CHECKING:
    from sqlite_utils import Database

WRONG_ALLOWED = 5
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)

_PIN = re.compile(r"[0-9]{4,12}", re.ASCII)
_SALT_BYTES = 16
_COST = 1 << 14  # of scrypt: 16 MB and some 50 ms a guess


class Pins:
    """Use cases."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def set(self, person_id: str, pin: str, now: datetime, *, by: str = "") -> None:
        """A new PIN in place of the one before; a lock ends with that.

        Args:
            by: Who set it, where it was not that person.

        Raises: BadPin.
        """
        if not _PIN.fullmatch(pin):
            raise BadPin("A PIN is 4 to 12 digits; choose another one.")
        salt = secrets.token_bytes(_SALT_BYTES)
        hashed = await asyncio.to_thread(_hash, pin, salt, _COST)

        def put(db: "Database") -> None:
            db.execute(
                "INSERT OR REPLACE INTO pins (person_id, salt, hash, cost, set_at, wrong, locks)"
                " VALUES (?, ?, ?, ?, ?, 0, 0)",
                [encodable(person_id), salt, hashed, _COST, to_us(now)],
            )
            _note(db, AuditAction.PIN_SET, person_id, now, by=by)

        await self._store.atomic(put)

    async def clear(self, person_id: str, now: datetime, *, by: str = "") -> bool:
        """No PIN any more; False where there was none."""

        def clear(db: "Database") -> bool:
            if db.execute("DELETE FROM pins WHERE person_id = ?", [encodable(person_id)]).rowcount != 1:
                return False
            _note(db, AuditAction.PIN_CLEARED, person_id, now, by=by)
            return True

        return await self._store.atomic(clear)

    async def has(self, person_id: str) -> bool:
        """Whether they have one."""
        row = await self._store.run(lambda db: _row(db, person_id))
        return row is not None

    async def check(self, person_id: str, pin: str, now: datetime) -> PinCheck:
        """Is this their PIN? One that is right is good for one confirmation within two minutes."""
        row = await self._store.atomic(lambda db: _count(db, person_id, now))
        if isinstance(row, PinCheck):
            return row
        salt, expected, cost = bytes(row["salt"]), bytes(row["hash"]), integer(row, "cost")
        given = await asyncio.to_thread(_hash, pin, salt, cost)
        right = hmac.compare_digest(given, expected)
        return await self._store.atomic(lambda db: _settle(db, person_id, row, now, right=right))


def _hash(pin: str, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(pin.encode("utf-8", "replace"), salt=salt, n=cost, r=8, p=1)


def _row(db: "Database", person_id: str) -> ReadRow | None:
    return next(iter(db.query("SELECT * FROM pins WHERE person_id = ?", [encodable(person_id)])), None)


def _count(db: "Database", person_id: str, now: datetime) -> ReadRow | PinCheck:
    """Take one guess off, as if it were wrong; the row to compare with, or why nobody listens."""
    row = _row(db, person_id)
    if row is None:
        return PinCheck(verdict=PinVerdict.NONE)
    locked_until = maybe_moment(row, "locked_until")
    if locked_until is not None and locked_until > now:
        return PinCheck(verdict=PinVerdict.LOCKED, until=locked_until)
    wrong, locks, until = integer(row, "wrong") + 1, integer(row, "locks"), None
    if wrong >= WRONG_ALLOWED:
        until = now + min(LONGEST_LOCK, FIRST_LOCK * 2 ** min(locks, 16))
        wrong, locks = 0, locks + 1
    # With a lock, a right one that was given before and not used yet is worth nothing either.
    db.execute(
        "UPDATE pins SET wrong = :wrong, locks = :locks, locked_until = :until,"
        " verified_at = CASE WHEN :until IS NULL THEN verified_at END WHERE person_id = :person",
        {
            "wrong": wrong, "locks": locks, "until": None if until is None else to_us(until),
            "person": encodable(person_id),
        },
    )  # fmt: skip
    counted = _row(db, person_id)
    return PinCheck(verdict=PinVerdict.NONE) if counted is None else counted


def _settle(db: "Database", person_id: str, counted: ReadRow, now: datetime, *, right: bool) -> PinCheck:
    until = maybe_moment(counted, "locked_until")
    if right:
        # Only the PIN that was compared: it may have been set anew meanwhile. And no lock that others began meanwhile
        # is opened by it.
        changed = db.execute(
            "UPDATE pins SET wrong = 0, locks = 0, locked_until = NULL, verified_at = ?"
            " WHERE person_id = ? AND hash = ? AND locks <= ?",
            [to_us(now), encodable(person_id), bytes(counted["hash"]), integer(counted, "locks")],
        )
        if changed.rowcount == 1:
            _note(db, AuditAction.PIN_RIGHT, person_id, now)
            return PinCheck(verdict=PinVerdict.RIGHT)
        row = _row(db, person_id)
        until = until if row is None else maybe_moment(row, "locked_until")
    if until is not None:
        _note(db, AuditAction.PIN_LOCKED, person_id, now, until=until)
        return PinCheck(verdict=PinVerdict.LOCKED, until=until)
    left = WRONG_ALLOWED - integer(counted, "wrong")
    _note(db, AuditAction.PIN_WRONG, person_id, now, left=left)
    return PinCheck(verdict=PinVerdict.WRONG, left=left)


def _note(
    db: "Database", action: AuditAction, person_id: str, now: datetime, *, by: str = "", **values: object
) -> None:
    append(
        db, AuditEntry(at=now, action=action, actor=by or person_id, facts_json=facts(person_id=person_id, **values))
    )
