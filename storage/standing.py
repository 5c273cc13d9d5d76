"""Standing approvals: a yes given beforehand, for orders that only reduce, within a cap and a time.

They come in through Proposals.press, when an ARM proposal is confirmed, and are used through
Proposals.approve_standing.
"""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from risk.model.proposal import StandingTerms
from risk.model.trading import PRICE_UNITS
from storage.audit import append
from storage.columns import ReadRow, integer, maybe_moment, moment, text, to_us
from storage.proposal_rows import WORDS, proposal_id
from storage.standing_use import standing_number
from storage.store import Store
from storage.trading_json import facts, from_json
from storage.trading_records import AuditAction, AuditEntry, StandingApproval

if TYPE_CHECKING:
    from sqlite_utils import Database


class StandingApprovals:
    """Use cases."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, standing_id: str) -> StandingApproval | None:
        """One, whatever became of it."""
        number = standing_number(standing_id)
        found = await self._store.run(
            lambda db: [_approval_of(row) for row in db.query(f"{_ALL} WHERE standing = ?", [number])]
        )
        return next(iter(found), None)

    async def active(self, now: datetime, account_id: str | None = None) -> tuple[StandingApproval, ...]:
        """Those that hold now, those that end first first; of all accounts for None."""
        given = {"now": to_us(now), "account": account_id}
        return await self._store.run(lambda db: tuple(_approval_of(row) for row in db.query(_ACTIVE, given)))

    async def revoke(
        self, by: str, now: datetime, *, standing_id: str | None = None, account_ids: Collection[str] | None = None
    ) -> int:
        """Take back one, or all of some accounts, at once: nothing more is signed on them. How many held until now.

        Args:
            standing_id: None for all.
            account_ids: Only what is of these; None for all accounts.
        """
        return await self._store.atomic(lambda db: revoke(db, by, now, standing_id, account_ids))


def revoke(db: "Database", by: str, now: datetime, standing_id: str | None, account_ids: Collection[str] | None) -> int:
    """See StandingApprovals.revoke; inside a transaction."""
    held = [_approval_of(row) for row in db.query(_ACTIVE, {"now": to_us(now), "account": None})]
    gone = [
        one
        for one in held
        if standing_id in (None, one.standing_id) and (account_ids is None or one.terms.account_id in account_ids)
    ]
    for one in gone:
        number = standing_number(one.standing_id)
        db.execute("UPDATE standing_approvals SET revoked_at = ? WHERE standing = ?", [to_us(now), number])
        db.execute("UPDATE proposals SET changes = changes + 1 WHERE standing = ?", [number])
        entry = AuditEntry(
            at=now, action=AuditAction.DISARMED, actor=by, proposal_id=one.granted_for, account_id=one.terms.account_id,
            facts_json=facts(standing_id=one.standing_id, used_usd=one.used_usd),
        )  # fmt: skip
        append(db, entry)
    return len(gone)


_ALL = "SELECT * FROM standing_approvals"

_ACTIVE = f"""
    {_ALL} WHERE revoked_at IS NULL AND expires_at > :now AND (:account IS NULL OR account_id = :account)
    ORDER BY expires_at, standing
"""


def _approval_of(row: ReadRow) -> StandingApproval:
    return StandingApproval(
        standing_id=f"S{integer(row, 'standing')}",
        terms=StandingTerms(
            account_id=text(row, "account_id"),
            markets=frozenset(from_json(WORDS, row, "markets_json")),
            cap_usd=integer(row, "cap_raw_1e6") / PRICE_UNITS,
            expires_at=moment(row, "expires_at"),
        ),
        used_usd=integer(row, "used_raw_1e6") / PRICE_UNITS,
        granted_by=from_json(WORDS, row, "granted_by_json"),
        granted_for=proposal_id(integer(row, "granted_for")),
        granted_at=moment(row, "granted_at"),
        revoked_at=maybe_moment(row, "revoked_at"),
    )
