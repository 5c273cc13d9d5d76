"""Where every account stands, so that a restart neither hides nor repeats a warning."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from risk.decisions.tiers import TierState
from storage.columns import text
from storage.rows import tier_state_of, tier_state_row
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


class TierStates:
    """Read at start. They are written with the incidents that follow from them; see Incidents.apply_assessment."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self) -> Mapping[str, TierState]:
        """States by account id."""
        return await self._store.run(
            lambda db: {text(row, "account_id"): tier_state_of(row) for row in db.query("SELECT * FROM tier_states")}
        )


def save(db: "Database", states: Mapping[str, TierState]) -> None:
    """Replace the states of these accounts, in the caller's transaction."""
    db.table("tier_states").upsert_all(
        [tier_state_row(account_id, state) for account_id, state in states.items()], pk="account_id"
    )
