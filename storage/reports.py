"""What became of a claim. In the caller's transaction.

Reports name the epoch of the claim they belong to. One whose lease ran out and was claimed again no longer decides
what happens next, but a message it did deliver exists and is remembered.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from storage.columns import encodable, integer, member, text, to_us
from storage.errors import StorageDefect
from storage.records import Batch, OutboxState

if TYPE_CHECKING:
    from sqlite_utils import Database


def delivered(
    db: "Database",
    batch: Batch,
    message_id: str,
    now: datetime,
    *,
    acked: Collection[int],
    bodies: Mapping[str, str],
) -> bool:
    """The platform accepted this message; False where another delivery of all of it was reported before."""
    first = False
    for notice in batch.notices:
        row = next(iter(db.query("SELECT * FROM outbox WHERE outbox_id = ?", [notice.outbox_id])), None)
        if row is None or not 1 <= batch.epoch <= integer(row, "lease_epoch"):
            raise StorageDefect(
                f"A delivery of notice {notice.outbox_id} was reported that nobody had claimed; "
                "this is a defect of Keel, please report it."
            )
        given = {
            **row, "message_id": message_id, "now": to_us(now), "shown_as_acked": int(notice.incident_id in acked)
        }  # fmt: skip
        db.execute(_REMEMBER_COPY, given)
        if member(OutboxState, row, "state") is OutboxState.SENT:
            continue
        first = True
        body = bodies.get(notice.outbox_id, text(row, "body_json"))
        db.execute(_SENT, {**given, "body_json": body})
        db.execute(_SUPERSEDE_OVERTAKEN, given)
    return first


def retry_later(db: "Database", batch: Batch, at: datetime, error: str, *, unknown: bool) -> bool:
    """An attempt failed. Unless it is certain that nothing arrived, the same notices go out together again."""
    return _report(db, _RETRY, batch, due_at=to_us(at), error=encodable(error), keep=int(unknown or batch.uncertain))


def postpone(db: "Database", batch: Batch, until: datetime, why: str) -> bool:
    """Given back untried."""
    return _report(db, _POSTPONE, batch, due_at=to_us(until), error=encodable(why), keep=int(batch.uncertain))


def refused(db: "Database", batch: Batch, at: datetime, error: str, most: int) -> bool:
    """The platform refuses what it says. What has been refused so often is given up; else each is tried alone."""
    return _report(db, _REFUSED, batch, due_at=to_us(at), error=encodable(error), most=most)


def _report(db: "Database", change: str, batch: Batch, **values: int | str) -> bool:
    return db.execute(change, {"key": batch.key, "epoch": batch.epoch, **values}).rowcount > 0


# An incident that somebody took on since it was worded is shown so by an edit.
_REMEMBER_COPY = """
    INSERT INTO message_copies (
        outbox_id, message_id, incident_id, transport, chat, thread, route, sent_at, edit_due_at
    ) VALUES (
        :outbox_id, :message_id, :incident_id, :transport, :chat, :thread, :route, :now,
        (SELECT :now FROM incidents WHERE incident_id = :incident_id AND acked_by NOTNULL AND NOT :shown_as_acked)
    ) ON CONFLICT (outbox_id, message_id) DO NOTHING
"""

_SENT = """
    UPDATE outbox SET state = 'sent', message_id = :message_id, sent_at = :now, body_json = :body_json,
        last_error = ''
    WHERE seq = :seq
"""

_SUPERSEDE_OVERTAKEN = """
    UPDATE outbox SET state = 'superseded'
    WHERE state = 'pending' AND seq < :seq AND severity <= :severity
        AND incident_id = :incident_id AND transport = :transport AND chat = :chat AND thread = :thread
"""

_OURS = "WHERE batch = :key AND lease_epoch = :epoch AND state = 'leased'"

_RETRY = f"""
    UPDATE outbox SET state = 'pending', attempts = attempts + 1, due_at = :due_at, last_error = :error,
        batch = CASE WHEN :keep THEN batch END
    {_OURS}
"""  # noqa: S608  # a part of our own

_POSTPONE = f"""
    UPDATE outbox SET state = 'pending', due_at = :due_at, last_error = :error, batch = CASE WHEN :keep THEN batch END
    {_OURS}
"""  # noqa: S608  # a part of our own

_REFUSED = f"""
    UPDATE outbox SET state = iif(refusals + 1 >= :most, 'dead', 'pending'), attempts = attempts + 1,
        refusals = refusals + 1, due_at = :due_at, last_error = :error, batch = NULL
    {_OURS}
"""  # noqa: S608  # a part of our own


_BODIES_A_PIECE = 5


def last_bodies(db: "Database", incident_ids: Collection[int]) -> Mapping[int, Sequence[str]]:
    """The last few notices of each incident as they were worded, newest first."""
    found: dict[int, list[str]] = {}
    for incident_id, body in db.execute(
        "SELECT incident_id, body_json FROM (SELECT incident_id, body_json, seq,"
        " row_number() OVER (PARTITION BY incident_id ORDER BY seq DESC) AS place"
        " FROM outbox INDEXED BY outbox_by_incident WHERE incident_id IN (SELECT value FROM json_each(?)))"
        " WHERE place <= ? ORDER BY incident_id, seq DESC",
        [json.dumps(sorted(incident_ids)), _BODIES_A_PIECE],
    ):
        found.setdefault(incident_id, []).append(body)
    return found
