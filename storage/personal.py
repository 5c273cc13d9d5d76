"""What belongs to a person: what they call accounts, and how they like to read."""

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from storage.columns import encodable, text, to_us
from storage.errors import BadRow
from storage.settings import Setting
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

T = TypeVar("T")


class Personal:
    """Nicknames and settings by person id."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def nicknames(self, person_id: str) -> dict[str, str]:
        """What somebody calls accounts, by account id; empty where they call them as everybody does."""
        return await self._store.run(
            lambda db: {
                text(row, "account_id"): text(row, "nickname")
                for row in db.query("SELECT * FROM nicknames WHERE person_id = ?", [person_id])
            }
        )

    async def all_nicknames(self) -> dict[tuple[str, str], str]:
        """What everybody calls accounts, by person id and account id."""
        return await self._store.run(
            lambda db: {
                (text(row, "person_id"), text(row, "account_id")): text(row, "nickname")
                for row in db.query("SELECT * FROM nicknames")
            }
        )

    async def name_account(self, person_id: str, account_id: str, nickname: str) -> bool:
        """Call an account something. False where they call another one so; whatever the case."""
        return await self._store.atomic(lambda db: _name(db, person_id, account_id, encodable(nickname)))

    async def forget_nickname(self, person_id: str, account_id: str) -> bool:
        """Call an account again as everybody does. False where they did."""
        return await self._store.atomic(
            lambda db: (
                db.execute(
                    "DELETE FROM nicknames WHERE person_id = ? AND account_id = ?", [person_id, account_id]
                ).rowcount
                == 1
            )
        )

    async def get(self, setting: Setting[T], person_id: str) -> T | None:
        """What somebody set; None where they set nothing.

        Raises: BadRow for a stored text that the setting does not know.
        """
        stored = (await self.stored(person_id)).get(setting.key)
        if stored is None:
            return None
        try:
            return setting.decode(stored)
        except ValueError as exc:
            raise BadRow(f"The stored setting {setting.key} reads {stored!r}; set it again.") from exc

    async def stored(self, person_id: str) -> dict[str, str]:
        """All settings of somebody as they are stored, by key."""
        return await self._store.run(
            lambda db: {
                text(row, "key"): text(row, "value")
                for row in db.query("SELECT * FROM person_settings WHERE person_id = ?", [person_id])
            }
        )

    async def everybodys(self, setting: Setting[T]) -> dict[str, T]:
        """One setting of everybody who set it, by person id; unreadable ones are left out."""
        rows = await self._store.run(
            lambda db: [
                (text(row, "person_id"), text(row, "value"))
                for row in db.query("SELECT * FROM person_settings WHERE key = ?", [setting.key])
            ]
        )
        found: dict[str, T] = {}
        for person_id, value in rows:
            try:
                found[person_id] = setting.decode(value)
            except ValueError:
                continue
        return found

    async def put(self, setting: Setting[T], value: T, person_id: str, now: datetime) -> None:
        """Set a value."""
        row = {
            "person_id": person_id, "key": setting.key, "value": encodable(setting.encode(value)),
            "changed_at": to_us(now),
        }  # fmt: skip
        await self._store.atomic(lambda db: db.table("person_settings").upsert(row, pk=("person_id", "key")))

    async def forget(self, setting: Setting[T], person_id: str) -> None:
        """Back to the default."""
        await self._store.atomic(
            lambda db: db.execute(
                "DELETE FROM person_settings WHERE person_id = ? AND key = ?", [person_id, setting.key]
            )
        )


def _name(db: "Database", person_id: str, account_id: str, nickname: str) -> bool:
    # The column compares without regard to case.
    taken = db.execute(
        "SELECT 1 FROM nicknames WHERE person_id = ? AND nickname = ? AND account_id <> ?",
        [person_id, nickname, account_id],
    ).fetchone()
    if taken is not None:
        return False
    row = {"person_id": person_id, "account_id": account_id, "nickname": nickname}
    db.table("nicknames").upsert(row, pk=("person_id", "account_id"))
    return True
