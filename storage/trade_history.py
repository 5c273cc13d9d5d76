"""What went out so far, looked back upon: for caps, and for the reconciliation of a start."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from risk.model.proposal import Leg, LegState, ProposalState
from risk.model.trading import PRICE_UNITS
from storage import proposal_rows
from storage.columns import encodable, integer, member, text, to_us
from storage.errors import StorageDefect
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

_WENT_OUT = (LegState.SIGNED, LegState.SENT, LegState.LANDED, LegState.RESTING, LegState.FILLED, LegState.PARTIAL)
_GIVEN_UP = (LegState.EXPIRED, LegState.SKIPPED, LegState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeCounts:
    """How many there are in each state. ``orders`` are the legs of proposals, as their latest revisions have them."""

    proposals: Mapping[ProposalState, int]
    orders: Mapping[LegState, int]


class TradeHistory:
    """Looks back; changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def sent_usd(self, account_id: str, since: datetime, *, adding_only: bool = True) -> float:
        """Notional of an account's orders that were signed since and may have been filled; see Leg.notional_usd.

        Args:
            adding_only: Without those that only reduce.
        """
        statement = (
            "SELECT leg.*, whole.account_id, NULL AS signature FROM proposal_legs AS leg"
            " JOIN proposals AS whole USING (proposal)"
            " WHERE whole.account_id = :account AND leg.market IS NOT NULL"
            " AND (leg.reduce_only = 0 OR NOT :adding_only)"
            " AND leg.state IN (SELECT value FROM json_each(:states)) AND EXISTS ("
            "SELECT 1 FROM leg_attempts AS signed WHERE signed.proposal = leg.proposal AND signed.number = leg.number"
            " AND signed.signed_at >= :since)"
        )
        given = {
            "account": encodable(account_id), "since": to_us(since), "states": json.dumps(_WENT_OUT),
            "adding_only": int(adding_only),
        }  # fmt: skip

        def legs(db: "Database") -> list[Leg]:
            return [proposal_rows.leg_of(row, text(row, "account_id")) for row in db.query(statement, given)]

        return sum(leg.notional_raw_1e6 for leg in await self._store.run(legs)) / PRICE_UNITS

    async def counts(self) -> TradeCounts:
        """All there ever were, by where they stand."""

        def count(db: "Database") -> TradeCounts:
            proposals = db.query("SELECT state, count(*) AS number FROM proposals GROUP BY state")
            legs = db.query("SELECT state, count(*) AS number FROM proposal_legs GROUP BY state")
            return TradeCounts(
                proposals={member(ProposalState, row, "state"): integer(row, "number") for row in proposals},
                orders={member(LegState, row, "state"): integer(row, "number") for row in legs},
            )

        return await self._store.run(count)

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
