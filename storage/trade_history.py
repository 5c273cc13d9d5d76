"""What went out so far, looked back upon: for caps, and for the reconciliation of a start."""

import json
from datetime import datetime

from risk.model.proposal import Leg, LegState
from storage import proposal_rows
from storage.columns import integer, to_us
from storage.errors import StorageDefect
from storage.store import Store

_WENT_OUT = (LegState.SIGNED, LegState.SENT, LegState.LANDED, LegState.RESTING, LegState.FILLED, LegState.PARTIAL)
_GIVEN_UP = (LegState.EXPIRED, LegState.SKIPPED, LegState.FAILED)
_UNITS = 1e15  # 1e-9 of the base asset times 1e-6 USD


class TradeHistory:
    """Looks back; changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def sent_usd(self, account_id: str, since: datetime) -> float:
        """Notional, at worst prices, of an account's orders that were signed since and may have been filled."""
        statement = (
            "SELECT DISTINCT leg.proposal, leg.number, leg.size_raw_1e9,"
            " CASE WHEN leg.limit_raw_1e6 > 0 THEN leg.limit_raw_1e6 ELSE leg.trigger_raw_1e6 END AS price_raw_1e6"
            " FROM leg_attempts AS signed JOIN proposal_legs AS leg USING (proposal, number)"
            " JOIN proposals AS whole USING (proposal)"
            " WHERE whole.account_id = ? AND signed.signed_at >= ? AND leg.size_raw_1e9 IS NOT NULL"
            " AND leg.state IN (SELECT value FROM json_each(?))"
        )
        given = [account_id, to_us(since), json.dumps(_WENT_OUT)]
        rows = await self._store.run(lambda db: list(db.query(statement, given)))
        return sum(integer(row, "size_raw_1e9") * integer(row, "price_raw_1e6") / _UNITS for row in rows)

    async def given_up(self, since: datetime) -> tuple[tuple[str, Leg], ...]:
        """Orders signed since of which nothing is expected any more, with their proposals' ids and latest bytes."""
        statement = (
            "SELECT DISTINCT leg.proposal, leg.number FROM proposal_legs AS leg"
            " JOIN leg_attempts AS signed USING (proposal, number)"
            " WHERE signed.signed_at >= ? AND leg.state IN (SELECT value FROM json_each(?))"
            " ORDER BY leg.proposal, leg.number"
        )
        given = [to_us(since), json.dumps(_GIVEN_UP)]
        rows = await self._store.run(lambda db: list(db.query(statement, given)))
        return tuple([await self._leg(integer(row, "proposal"), integer(row, "number")) for row in rows])

    async def _leg(self, proposal_number: int, number: int) -> tuple[str, Leg]:
        proposal = await self._store.run(lambda db: proposal_rows.read(db, proposal_number))
        if proposal is None:
            raise StorageDefect("An order has no proposal; this is a defect of Keel, please report it.")
        return proposal.proposal_id, proposal.legs[number - 1]
