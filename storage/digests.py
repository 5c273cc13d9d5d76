"""Which day's digest was told to whom, and where they want it."""

from dataclasses import dataclass
from datetime import date

from storage.columns import ReadRow, text
from storage.errors import BadRow
from storage.records import Receiver
from storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestState:
    """The digest of one person.

    Attributes:
        told: The last local day whose digest was told.
        trying: The day whose telling began and was not reported done; None where none is.
    """

    person_id: str
    receiver: Receiver
    told: date
    trying: date | None = None


class Digests:
    """Daily digests by person."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> tuple[DigestState, ...]:
        """Everybody who wants one."""
        return await self._store.run(
            lambda db: tuple(_state_of(row) for row in db.query("SELECT * FROM digests ORDER BY person_id"))
        )

    async def put(self, state: DigestState) -> None:
        """Somebody wants one from now on, or wants it elsewhere."""
        row = {
            "person_id": state.person_id,
            "transport": state.receiver.transport,
            "chat": state.receiver.chat,
            "thread": state.receiver.thread,
            "told_day": state.told.isoformat(),
            "trying_day": state.trying.isoformat() if state.trying else "",
        }
        await self._store.atomic(lambda db: db.table("digests").upsert(row, pk="person_id"))

    async def off(self, person_id: str) -> bool:
        """Somebody wants none any more. False where they had none."""
        return await self._store.atomic(
            lambda db: db.execute("DELETE FROM digests WHERE person_id = ?", [person_id]).rowcount == 1
        )

    async def trying(self, person_id: str, day: date) -> None:
        """The digest of a day is on its way."""
        await self._store.atomic(
            lambda db: db.execute("UPDATE digests SET trying_day = ? WHERE person_id = ?", [day.isoformat(), person_id])
        )

    async def told(self, person_id: str, day: date) -> None:
        """The digest of a day was told."""
        await self._store.atomic(
            lambda db: db.execute(
                "UPDATE digests SET told_day = ?, trying_day = '' WHERE person_id = ?", [day.isoformat(), person_id]
            )
        )


def _state_of(row: ReadRow) -> DigestState:
    try:
        told = date.fromisoformat(text(row, "told_day"))
        trying = date.fromisoformat(text(row, "trying_day")) if row["trying_day"] else None
    except ValueError as exc:
        raise BadRow(f"The digest of person {row['person_id']} names no day; switch it off and on again.") from exc
    return DigestState(
        person_id=text(row, "person_id"),
        receiver=Receiver(transport=text(row, "transport"), chat=text(row, "chat"), thread=text(row, "thread")),
        told=told,
        trying=trying,
    )
