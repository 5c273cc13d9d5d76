"""Chats that cannot be reached any more. In the caller's transaction."""

from datetime import datetime
from typing import TYPE_CHECKING

from storage.columns import Row, encodable, moment, text, to_us
from storage.records import Receiver, UnreachableChat

if TYPE_CHECKING:
    from sqlite_utils import Database


def lost(db: "Database", receiver: Receiver, reason: str, now: datetime) -> bool:
    """Its platform says that a chat is gone: what waits for it is given up. False where that was known already."""
    row = _row(receiver, reason=encodable(reason), now=to_us(now))
    db.execute(_GIVE_UP, row)
    return db.execute(_MARK, row).rowcount == 1


def reached(db: "Database", receiver: Receiver) -> bool:
    """Something arrived in a chat. True where it had been lost: what it missed then counts as never told."""
    row = _row(receiver)
    if db.execute(_UNMARK, row).rowcount == 0:
        return False
    db.execute(_UNTELL, row)
    return True


def unreachable(db: "Database") -> tuple[UnreachableChat, ...]:
    """Those lost now, the longest first."""
    return tuple(
        UnreachableChat(
            receiver=Receiver(
                transport=text(row, "transport"), chat=text(row, "chat"), thread=text(row, "thread")
            ),
            reason=text(row, "reason"),
            since=moment(row, "since"),
        )
        for row in db.query("SELECT * FROM unreachable ORDER BY since, transport, chat, thread")
    )  # fmt: skip


def _row(receiver: Receiver, **more: int | str) -> Row:
    return {"transport": receiver.transport, "chat": receiver.chat, "thread": receiver.thread, **more}


_ITS = "transport = :transport AND chat = :chat AND thread = :thread"

_GIVE_UP = f"""
    UPDATE outbox SET state = 'dead', last_error = :reason
    WHERE state IN ('pending', 'leased') AND {_ITS}
"""  # noqa: S608  # a part of our own

_MARK = """
    INSERT INTO unreachable (transport, chat, thread, reason, since)
    VALUES (:transport, :chat, :thread, :reason, :now)
    ON CONFLICT (transport, chat, thread) DO NOTHING
"""

_UNMARK = f"DELETE FROM unreachable WHERE {_ITS}"  # noqa: S608  # a part of our own

_UNTELL = f"UPDATE outbox SET state = 'superseded' WHERE state = 'dead' AND refusals = 0 AND {_ITS}"  # noqa: S608  # ours
