"""The last good summary of every account: what is shown, with its age, when the venue is silent or the bot is new."""

from collections.abc import Sequence

from storage.records import LastGood
from storage.rows import last_good_of, last_good_row
from storage.store import Store


class Snapshots:
    """One summary per account; a newer one replaces it, an older one does not."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def save(self, summaries: Sequence[LastGood]) -> None:
        """Store a batch in one transaction."""
        if not summaries:
            return
        rows = [last_good_row(summary) for summary in summaries]
        await self._store.atomic(lambda db: [db.execute(_SAVE, row) for row in rows])

    async def last_good(self, account_id: str) -> LastGood | None:
        """The newest summary of an account; None before the first."""
        return await self._store.run(
            lambda db: next(
                (last_good_of(row) for row in db.query("SELECT * FROM snapshots WHERE account_id = ?", [account_id])),
                None,
            )
        )


_SAVE = """
    INSERT INTO snapshots (account_id, body_json, slot, observed_at)
    VALUES (:account_id, :body_json, :slot, :observed_at)
    ON CONFLICT (account_id) DO UPDATE SET
        body_json = excluded.body_json, slot = excluded.slot, observed_at = excluded.observed_at
    WHERE excluded.observed_at >= snapshots.observed_at
"""
