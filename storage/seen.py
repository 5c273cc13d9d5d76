"""What was already acted on, so that a press or an update that is played again has one effect."""

from datetime import datetime

from storage.columns import to_us
from storage.store import Store


class Seen:
    """Ids of presses and of platform updates. The caller puts the transport into the key."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def first_time(self, key: str, now: datetime) -> bool:
        """Remember a key; False where it is known already. Of several at once exactly one hears True."""
        return await self._store.atomic(
            lambda db: (
                db.execute(
                    "INSERT INTO seen (key, seen_at) VALUES (?, ?) ON CONFLICT (key) DO NOTHING", [key, to_us(now)]
                ).rowcount
                == 1
            )
        )

    async def forget_before(self, moment: datetime) -> int:
        """Drop keys that no platform plays again; how many there were."""
        return await self._store.atomic(
            lambda db: db.execute("DELETE FROM seen WHERE seen_at < ?", [to_us(moment)]).rowcount
        )
