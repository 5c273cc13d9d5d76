"""Messages of incidents that platforms accepted, and which of them show an incident as it is not any more."""

from datetime import datetime
from typing import TYPE_CHECKING

from storage.columns import ReadRow, integer, maybe_moment, text, to_us
from storage.records import MessageCopy, Receiver, StaleMessage
from storage.rows import copy_of, notice_of
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


class Copies:
    """What was said where. It comes in through Outbox.delivered, and becomes stale through Incidents.acknowledge."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_incident(self, incident_id: int) -> tuple[MessageCopy, ...]:
        """All messages that tell of an incident, oldest first."""
        return await self._store.run(
            lambda db: tuple(
                copy_of(row)
                for row in db.query(
                    "SELECT * FROM message_copies WHERE incident_id = ? ORDER BY sent_at, message_id", [incident_id]
                )
            )
        )

    async def stale(self, now: datetime, transport: str, limit: int) -> tuple[StaleMessage, ...]:
        """Messages of a transport to edit now, the longest stale first."""
        return await self._store.run(lambda db: _stale(db, now, transport, limit))

    async def shown(self, message: StaleMessage) -> None:
        """A message shows its incidents as they were when it was looked up, or later; it stays stale where one of them
        changed since."""
        await self._store.atomic(lambda db: db.execute(_SHOWN, _row(message, changes=message.changes)))

    async def edit_later(self, message: StaleMessage, at: datetime) -> None:
        """Editing failed; try again at a moment."""
        await self._store.atomic(lambda db: db.execute(_LATER, _row(message, at=to_us(at))))

    async def next_stale_at(self, transport: str, after: datetime) -> datetime | None:
        """When the next message will be due after a moment; None where none waits."""
        return await self._store.run(lambda db: _next_at(db, transport, after))


def make_stale(db: "Database", incident_id: int, now: datetime) -> None:
    """An incident changed hands: every message that shows it is to be edited. In the caller's transaction."""
    db.execute(
        "UPDATE message_copies SET edit_due_at = ?, edit_attempts = 0, changes = changes + 1 WHERE incident_id = ?",
        [to_us(now), incident_id],
    )


def _stale(db: "Database", now: datetime, transport: str, limit: int) -> tuple[StaleMessage, ...]:
    rows = list(db.query(_STALE, {"transport": transport, "now": to_us(now), "limit": limit}))
    return tuple(_message(db, row) for row in rows)


def _message(db: "Database", row: ReadRow) -> StaleMessage:
    notices = tuple(notice_of(one) for one in db.query(_NOTICES, dict(row)))
    receiver = Receiver(transport=text(row, "transport"), chat=text(row, "chat"), thread=text(row, "thread"))
    return StaleMessage(
        receiver=receiver,
        message_id=text(row, "message_id"),
        key=next((notice.batch for notice in notices if notice.batch), ""),
        notices=notices,
        attempts=integer(row, "attempts"),
        changes=integer(row, "changes"),
    )


def _next_at(db: "Database", transport: str, after: datetime) -> datetime | None:
    (row,) = db.query(
        "SELECT min(edit_due_at) AS due_at FROM message_copies WHERE transport = ? AND edit_due_at > ?",
        [transport, to_us(after)],
    )
    return maybe_moment(row, "due_at")


def _row(message: StaleMessage, **more: int) -> dict[str, int | str]:
    receiver = message.receiver
    return {
        "transport": receiver.transport, "chat": receiver.chat, "thread": receiver.thread,
        "message_id": message.message_id, **more,
    }  # fmt: skip


_STALE = """
    SELECT transport, chat, thread, message_id, max(edit_attempts) AS attempts, (
        SELECT sum(changes) FROM message_copies AS other
        WHERE other.transport = stale.transport AND other.chat = stale.chat AND other.thread = stale.thread
            AND other.message_id = stale.message_id
    ) AS changes
    FROM message_copies AS stale INDEXED BY message_copies_to_edit
    WHERE transport = :transport AND edit_due_at <= :now
    GROUP BY transport, chat, thread, message_id
    ORDER BY min(edit_due_at) LIMIT :limit
"""

_NOTICES = """
    SELECT outbox.* FROM outbox
    JOIN message_copies AS copy ON copy.outbox_id = outbox.outbox_id
    WHERE copy.transport = :transport AND copy.chat = :chat AND copy.thread = :thread
        AND copy.message_id = :message_id
    ORDER BY outbox.seq
"""

_ITS = "transport = :transport AND chat = :chat AND thread = :thread AND message_id = :message_id"

_SHOWN = f"""
    UPDATE message_copies SET edit_due_at = NULL, edit_attempts = 0
    WHERE {_ITS} AND (SELECT sum(changes) FROM message_copies WHERE {_ITS}) = :changes
"""  # noqa: S608  # a part of our own

_LATER = f"""
    UPDATE message_copies SET edit_due_at = :at, edit_attempts = edit_attempts + 1
    WHERE {_ITS} AND edit_due_at IS NOT NULL
"""  # noqa: S608  # a part of our own
