"""Notices into the outbox, inside the transaction of the incident they tell of. Outbox is the face of what follows."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from risk.decisions.incidents import NoticeReason, severity
from storage.columns import Row, not_nan, to_us
from storage.records import NewNotice, Receiver

if TYPE_CHECKING:
    from sqlite_utils import Database


def queue(db: "Database", notices: Sequence[NewNotice], now: datetime) -> tuple[str, ...]:
    """Add notices in the caller's transaction; the ids of those that wait for delivery now."""
    return tuple(notice.outbox_id for notice in notices if _queue_one(db, notice, to_us(now)))


def drop_repeats(db: "Database", incident_id: int) -> None:
    """Repeats that nobody has sent yet are not wanted any more. In the caller's transaction."""
    db.execute(
        "UPDATE outbox SET state = 'superseded' WHERE incident_id = ? AND reason = 'repeat_due' AND state = 'pending'",
        [incident_id],
    )


def readdress(db: "Database", old: Receiver, new: Receiver) -> None:
    """A chat has moved: what waits follows it, and so does the memory of what it heard. In the caller's transaction."""
    db.execute(
        "UPDATE outbox SET transport = ?, chat = ?, thread = ? WHERE transport = ? AND chat = ? AND thread = ?",
        [new.transport, new.chat, new.thread, old.transport, old.chat, old.thread],
    )


def _queue_one(db: "Database", notice: NewNotice, now_us: int) -> bool:
    row: Row = {
        "outbox_id": notice.outbox_id,
        "incident_id": notice.incident_id,
        "transport": notice.receiver.transport,
        "chat": notice.receiver.chat,
        "thread": notice.receiver.thread,
        "route": notice.receiver.route,
        "reason": notice.reason.value,
        "tier": notice.tier.value,
        "severity": severity(notice.tier),
        "body_json": notice.body_json,
        "rank": not_nan(notice.rank),
        "held": int(notice.hold_until is not None),
        "due_at": now_us if notice.hold_until is None else to_us(notice.hold_until),
        "now": now_us,
    }
    if notice.reason is NoticeReason.FIRST:  # it has no elders
        return db.execute(_INSERT, row).rowcount == 1
    if notice.reason is NoticeReason.REPEAT_DUE and db.execute(_ANY_WAITING, row).fetchone():
        return False  # what waits says the same or worse, and is still to be heard
    if notice.reason is NoticeReason.RESOLVED and not db.execute(_ANY_TOLD, row).fetchone():
        # It began and ended while its receiver wanted quiet: there is nothing left to say.
        db.execute(_SUPERSEDE_HELD, row)
        return False
    # DO NOTHING and not OR IGNORE, which would also hide a missing incident.
    if db.execute(_INSERT, row).rowcount == 0:
        return False
    db.execute(_SUPERSEDE_REPEATS, row)
    db.execute(_SUPERSEDE_HELD, row)
    return True


_ANY_WAITING = """
    SELECT 1 FROM outbox
    WHERE state IN ('pending', 'leased')
        AND incident_id = :incident_id AND transport = :transport AND chat = :chat AND thread = :thread
"""

_ANY_TOLD = """
    SELECT 1 FROM outbox
    WHERE NOT (state = 'superseded' OR (state = 'pending' AND held = 1 AND lease_epoch = 0))
        AND incident_id = :incident_id AND transport = :transport AND chat = :chat AND thread = :thread
"""

_INSERT = """
    INSERT INTO outbox (
        outbox_id, incident_id, transport, chat, thread, route, reason, tier, severity, urgency,
        body_json, created_at, state, attempts, due_at, lease_epoch, last_error, rank, held
    ) VALUES (
        :outbox_id, :incident_id, :transport, :chat, :thread, :route, :reason, :tier, :severity, :severity,
        :body_json, :now, 'pending', 0, :due_at, 0, '', :rank, :held
    ) ON CONFLICT (outbox_id) DO NOTHING
"""

_SUPERSEDE_REPEATS = """
    UPDATE outbox SET state = 'superseded'
    WHERE state = 'pending' AND reason = 'repeat_due' AND outbox_id <> :outbox_id
        AND incident_id = :incident_id AND transport = :transport AND chat = :chat AND thread = :thread
"""

# What is held has not been heard: the newest word takes its place.
_SUPERSEDE_HELD = """
    UPDATE outbox SET state = 'superseded'
    WHERE state = 'pending' AND held = 1 AND lease_epoch = 0 AND outbox_id <> :outbox_id
        AND incident_id = :incident_id AND transport = :transport AND chat = :chat AND thread = :thread
"""
