"""Which notices go out next, and with which of them in one message. In the caller's transaction.

What waits for one receiver goes out together. Three things go by themselves: what may have arrived already, in the
same company as then, so that the platform can tell a repeat; what a platform has refused, so that one bad notice does
not drag the others down; and what waits for a moment its receiver chose, until then.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from storage.columns import ReadRow, integer, maybe_text, text, to_us
from storage.records import Batch
from storage.rows import notice_of

if TYPE_CHECKING:
    from sqlite_utils import Database

MOST_IN_ONE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What may be taken.

    Attributes:
        most: How many messages.
        busy: Places that take nothing now.
        threads_apart: Whether a thread is a place of its own, or shares that of its chat.
        new_key: Makes the key of a message.
    """

    transport: str
    now: datetime
    lease: timedelta
    most: int
    busy: Collection[str]
    threads_apart: bool
    new_key: Callable[[], str]


def take(db: "Database", claim: Claim) -> tuple[Batch, ...]:
    """The most urgent messages, at most one for each place."""
    return tuple(batch for head in _heads(db, claim) if (batch := _taken(db, claim, head)) is not None)


def _heads(db: "Database", claim: Claim) -> list[ReadRow]:
    """The most urgent notice of each message that can go."""
    given = {
        "transport": claim.transport, "now": to_us(claim.now), "busy": json.dumps(sorted(claim.busy)),
        "apart": int(claim.threads_apart),
    }  # fmt: skip
    found: dict[str, ReadRow] = {}
    for row in db.query(_DUE, given):
        found.setdefault(text(row, "place"), row)
        if len(found) == claim.most:
            break
    return list(found.values())


def _taken(db: "Database", claim: Claim, head: ReadRow) -> Batch | None:
    before = maybe_text(head, "batch")
    key = before or claim.new_key()
    given = {
        **head, "now": to_us(claim.now), "lease_until": to_us(claim.now + claim.lease), "key": key,
        "most": MOST_IN_ONE,
    }  # fmt: skip
    fresh = _ALONE if integer(head, "refusals") else _TOGETHER
    which = fresh if before is None else _AGAIN
    if db.execute(f"{_LEASE} WHERE {which}", given).rowcount == 0:
        return None
    db.execute(_ONE_EPOCH, given)
    # Not RETURNING, which gives a whole REAL as an integer.
    rows = db.query("SELECT * FROM outbox WHERE batch = ? AND state = 'leased' ORDER BY seq", [key])
    notices = tuple(notice_of(row) for row in rows)
    return Batch(
        key=key, epoch=notices[0].lease_epoch, receiver=notices[0].receiver, notices=notices,
        uncertain=before is not None,
    )  # fmt: skip


# An elder of the same incident and receiver that goes out with another message is waited for while it is on its way,
# and while it is worse news: good news never overtakes bad news. And what has been overtaken waits for what becomes of
# the overtaking one.
_UNBLOCKED = """
    NOT EXISTS (
        SELECT 1 FROM outbox AS elder
        WHERE elder.state IN ('pending', 'leased')
            AND elder.incident_id = notice.incident_id AND elder.transport = notice.transport
            AND elder.chat = notice.chat AND elder.thread = notice.thread AND elder.seq < notice.seq
            AND (elder.batch IS NOT notice.batch OR elder.refusals > 0 OR notice.refusals > 0)
            AND ((elder.state = 'leased' AND elder.due_at > :now) OR elder.severity > notice.severity)
    ) AND NOT EXISTS (
        SELECT 1 FROM outbox AS overtaking
        WHERE overtaking.state = 'leased' AND overtaking.due_at > :now
            AND overtaking.incident_id = notice.incident_id AND overtaking.transport = notice.transport
            AND overtaking.chat = notice.chat AND overtaking.thread = notice.thread
            AND overtaking.seq > notice.seq
    )
"""

# INDEXED BY, because with thousands waiting the planner would otherwise sort them all: 80 ms instead of 1.
_DUE = f"""
    SELECT seq, transport, chat, thread, batch, refusals,
        CASE WHEN :apart AND thread <> '' THEN thread ELSE chat END AS place
    FROM outbox AS notice INDEXED BY outbox_waiting
    WHERE state IN ('pending', 'leased') AND transport = :transport AND due_at <= :now
        AND CASE WHEN :apart AND thread <> '' THEN thread ELSE chat END NOT IN (SELECT value FROM json_each(:busy))
        AND {_UNBLOCKED}
    ORDER BY urgency DESC, rank, seq
"""  # noqa: S608  # parts of our own

_LEASE = """
    UPDATE outbox SET state = 'leased', due_at = :lease_until, lease_epoch = lease_epoch + 1, batch = :key
"""

_ONE_EPOCH = """
    UPDATE outbox SET lease_epoch = (SELECT max(lease_epoch) FROM outbox WHERE batch = :key AND state = 'leased')
    WHERE batch = :key AND state = 'leased'
"""

_ALONE = "seq = :seq"

_AGAIN = "batch = :key AND state IN ('pending', 'leased')"

_TOGETHER = f"""
    seq IN (
        SELECT seq FROM outbox AS notice INDEXED BY outbox_waiting_by_receiver
        WHERE state IN ('pending', 'leased') AND transport = :transport AND chat = :chat AND thread = :thread
            AND state = 'pending' AND batch IS NULL AND refusals = 0 AND (held = 0 OR due_at <= :now)
            AND {_UNBLOCKED}
        ORDER BY urgency DESC, rank, seq LIMIT :most
    )
"""  # noqa: S608  # parts of our own
