"""What people said would happen, so that it is no surprise when it does."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from risk.model.event_kinds import EventKind
from storage.columns import ReadRow, Row, encodable, finite, integer, maybe_moment, member, moment, real, text, to_us
from storage.event_records import Announcement
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


class Announcements:
    """Announcements. Those that are over stay, for whoever asks later who announced what."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def announce(
        self, *, account_id: str, kind: EventKind, amount_usd: float, counterpart: str, from_at: datetime,
        until_at: datetime, announced_by: str,
    ) -> Announcement:  # fmt: skip
        """Store one; its number comes with it. Raises: ValueError for an amount that is none."""
        row: Row = {
            "account_id": account_id,
            "kind": kind.value,
            "amount_usd": finite(amount_usd),
            "left_usd": finite(amount_usd),
            "counterpart": encodable(counterpart),
            "from_at": to_us(from_at),
            "until_at": to_us(until_at),
            "announced_by": announced_by,
        }
        return await self._store.atomic(lambda db: _insert(db, row))

    async def standing(self, now: datetime) -> tuple[Announcement, ...]:
        """Those whose time is not over and that were not taken back, oldest first. Used-up ones are among them."""
        return await self._store.run(
            lambda db: tuple(
                _announcement_of(row)
                for row in db.query(
                    "SELECT * FROM announcements WHERE until_at > ? AND withdrawn_at IS NULL ORDER BY announcement_id",
                    [to_us(now)],
                )
            )
        )

    async def around(self, when: datetime, leeway: timedelta = timedelta()) -> tuple[Announcement, ...]:
        """Those that held at a moment, which may lie back, or began or ended within ``leeway`` of it."""
        return await self._store.run(
            lambda db: tuple(
                _announcement_of(row)
                for row in db.query(
                    "SELECT * FROM announcements WHERE from_at <= ?2 AND until_at >= ?1"
                    " AND (withdrawn_at IS NULL OR withdrawn_at > ?1) ORDER BY announcement_id",
                    [to_us(when - leeway), to_us(when + leeway)],
                )
            )
        )

    async def withdraw(self, announcement_id: int, now: datetime) -> Announcement | None:
        """Take one back; None where there is none that stands."""
        return await self._store.atomic(lambda db: _withdraw(db, announcement_id, now))


def _insert(db: "Database", row: Row) -> Announcement:
    number = db.execute(_ANNOUNCE, row).lastrowid
    return _announcement_of(_row(db, int(number or 0)))


def _withdraw(db: "Database", announcement_id: int, now: datetime) -> Announcement | None:
    changed = db.execute(
        "UPDATE announcements SET withdrawn_at = ?1"
        " WHERE announcement_id = ?2 AND withdrawn_at IS NULL AND until_at > ?1",
        [to_us(now), announcement_id],
    ).rowcount
    return _announcement_of(_row(db, announcement_id)) if changed else None


def _row(db: "Database", announcement_id: int) -> ReadRow:
    # Read back rather than RETURNING, which gives a whole number in a REAL column as an integer.
    (row,) = db.query("SELECT * FROM announcements WHERE announcement_id = ?", [announcement_id])
    return dict(row)


_ANNOUNCE = """
    INSERT INTO announcements (
        account_id, kind, amount_usd, left_usd, counterpart, from_at, until_at, announced_by, withdrawn_at
    ) VALUES (:account_id, :kind, :amount_usd, :left_usd, :counterpart, :from_at, :until_at, :announced_by, NULL)
"""


def _announcement_of(row: ReadRow) -> Announcement:
    return Announcement(
        announcement_id=integer(row, "announcement_id"),
        account_id=text(row, "account_id"),
        kind=member(EventKind, row, "kind"),
        amount_usd=real(row, "amount_usd"),
        left_usd=real(row, "left_usd"),
        counterpart=text(row, "counterpart"),
        from_at=moment(row, "from_at"),
        until_at=moment(row, "until_at"),
        announced_by=text(row, "announced_by"),
        withdrawn_at=maybe_moment(row, "withdrawn_at"),
    )
