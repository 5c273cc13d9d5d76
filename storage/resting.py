"""Orders of ours that rest at the venue, as far as we know. They outlive the proposal they came from."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from risk.model.proposal import Purpose
from risk.model.trading import PlacedOrder
from storage.audit import append
from storage.columns import ReadRow, encodable, integer, maybe_moment, member, moment, text, to_us
from storage.errors import BadRow
from storage.proposal_rows import number_of, proposal_id, terms_of
from storage.store import Store
from storage.trading_json import facts
from storage.trading_records import AuditAction, AuditEntry, RestingEnd, RestingOrder

if TYPE_CHECKING:
    from sqlite_utils import Database


class Resting:
    """Use cases. They come in through Proposals.leg_happened with RESTS."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def standing(self, account_id: str | None = None) -> tuple[RestingOrder, ...]:
        """Those that rest now, oldest first; of all accounts for None."""
        return await self._orders(
            "WHERE resting.ended_at IS NULL AND (:account IS NULL OR resting.account_id = :account) ORDER BY row_id",
            account=account_id,
        )

    async def recent(self, account_id: str, most: int) -> tuple[RestingOrder, ...]:
        """Also those that ended, newest first."""
        return await self._orders(
            "WHERE resting.account_id = :account ORDER BY row_id DESC LIMIT :most", account=account_id, most=most
        )

    async def of(self, proposal: str) -> tuple[RestingOrder, ...]:
        """Those of a proposal, also those that ended, in the order in which they came to rest."""
        return await self._orders("WHERE resting.proposal = :proposal ORDER BY row_id", proposal=number_of(proposal))

    async def doom(self, row_ids: Collection[int]) -> None:
        """These are to be cancelled for as long as trading is halted, in place of those that were until now."""

        def put(db: "Database") -> None:
            db.execute("DELETE FROM halt_cancels")
            for row_id in row_ids:
                db.execute("INSERT INTO halt_cancels VALUES (?)", [row_id])

        await self._store.atomic(put)

    async def doomed(self) -> tuple[RestingOrder, ...]:
        """Those that rest although the halt in force is to cancel them, oldest first."""
        return await self._orders("JOIN halt_cancels USING (row_id) WHERE resting.ended_at IS NULL ORDER BY row_id")

    async def seen(self, row_id: int, placed: PlacedOrder) -> None:
        """How one stands at the venue that still rests: its id, where it was not known, and what was filled so far."""
        await self._store.atomic(
            lambda db: db.execute(
                "UPDATE resting_orders SET order_id = coalesce(:order_id, order_id), filled_raw_1e9 = :filled"
                " WHERE row_id = :row AND ended_at IS NULL",
                {"order_id": placed.order_id, "filled": placed.filled_raw_1e9, "row": row_id},
            )
        )

    async def ended(
        self, row_id: int, how: RestingEnd, now: datetime, reason: str = "", placed: PlacedOrder | None = None
    ) -> bool:
        """One does not rest any more; False where that was known."""
        return await self._store.atomic(lambda db: _ended(db, row_id, how, now, reason, placed))

    async def _orders(self, which: str, **given: str | int | None) -> tuple[RestingOrder, ...]:
        return await self._store.run(lambda db: tuple(_order_of(row) for row in db.query(f"{_ORDERS} {which}", given)))


def _ended(
    db: "Database", row_id: int, how: RestingEnd, now: datetime, reason: str, placed: PlacedOrder | None
) -> bool:
    changed = db.execute(
        "UPDATE resting_orders SET ended_at = :now, ended_how = :how, reason = :reason,"
        " order_id = coalesce(:order_id, order_id), filled_raw_1e9 = coalesce(:filled, filled_raw_1e9)"
        " WHERE row_id = :row AND ended_at IS NULL",
        {
            "now": to_us(now), "how": how.value, "reason": encodable(reason), "row": row_id,
            "order_id": None if placed is None else placed.order_id,
            "filled": None if placed is None else placed.filled_raw_1e9,
        },
    )  # fmt: skip
    if changed.rowcount != 1:
        return False
    (row,) = db.query(f"{_ORDERS} WHERE row_id = ?", [row_id])
    order = _order_of(row)
    db.execute("UPDATE proposals SET changes = changes + 1 WHERE proposal = ?", [row["proposal"]])
    entry = AuditEntry(
        at=now, action=AuditAction.RESTING_ENDED, actor="keel", proposal_id=order.proposal_id,
        account_id=order.account_id,
        facts_json=facts(leg=order.leg, order_id=order.order_id, how=how, reason=reason, terms=order.terms,
            placed=placed),
    )  # fmt: skip
    append(db, entry)
    return True


# Both have an order_id, a reason and what was filled; those of the leg are of the moment it came to rest.
_ORDERS = """
    SELECT resting.*, proposals.purpose, leg.market, leg.market_index, leg.side, leg.style, leg.size_raw_1e9,
        leg.limit_raw_1e6, leg.reduce_only, leg.expires_at_s, leg.trigger_raw_1e6, leg.triggers_above
    FROM resting_orders AS resting JOIN proposal_legs AS leg USING (proposal, number) JOIN proposals USING (proposal)
"""


def _order_of(row: ReadRow) -> RestingOrder:
    terms = terms_of(row, text(row, "account_id"))
    if terms is None:
        raise BadRow("A resting order has no terms; restore a backup.")
    return RestingOrder(
        row_id=integer(row, "row_id"),
        proposal_id=proposal_id(integer(row, "proposal")),
        leg=integer(row, "number"),
        account_id=text(row, "account_id"),
        order_id=None if row["order_id"] is None else integer(row, "order_id"),
        terms=terms,
        purpose=member(Purpose, row, "purpose"),
        placed_at=moment(row, "placed_at"),
        filled_raw_1e9=integer(row, "filled_raw_1e9"),
        ended_at=maybe_moment(row, "ended_at"),
        ended_how=None if row["ended_how"] is None else member(RestingEnd, row, "ended_how"),
        reason=text(row, "reason"),
    )
