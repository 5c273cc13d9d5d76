"""Notices on their way to people: queued with their incident, claimed under a lease, settled by what really happened.

Order. Urgent notices go first, then old ones. Notices of one incident to one receiver keep their order, so a tier is
not announced after the one that followed it, with one exception: a notice that failed is overtaken by a worse one.
Good news never overtakes bad news. What a delivered notice has overtaken is superseded.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from risk.decisions.incidents import LastNotice
from risk.decisions.tiers import Tier
from storage.columns import Row, encodable, integer, maybe_moment, member, moment, text, to_us
from storage.errors import StorageDefect
from storage.records import MessageCopy, Notice, OutboxCounts, OutboxState, Receiver
from storage.rows import copy_of, notice_of
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


class Outbox:
    """Delivery's view of the notices. They come in through Incidents.apply_assessment.

    Reports name the epoch of the claim they belong to. One whose lease ran out and was claimed again no longer decides
    what happens next, but a message it did deliver exists and is remembered.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim_deliveries(
        self, now: datetime, limit: int, lease: timedelta, *, transport: str | None = None
    ) -> tuple[Notice, ...]:
        """Take notices that are due, most urgent first; a notice whose lease ran out is due again.

        Args:
            transport: Only those for this one; None for any.

        Returns: Notices that nobody else is given until ``now + lease``, or until a report frees them.
        """
        return await self._store.atomic(lambda db: _claim(db, now, limit, lease, transport))

    async def delivered(self, outbox_id: str, epoch: int, message_id: str, now: datetime) -> bool:
        """The platform accepted this message. Counts however late it is reported: the message exists.

        Returns: False where another delivery was reported before; the notice keeps the message of that one, and this
            one is remembered as a further copy.
        Raises: StorageDefect for a notice that was never queued or a claim that never was.
        """
        return await self._store.atomic(lambda db: _delivered(db, outbox_id, epoch, message_id, now))

    async def retry_later(self, outbox_id: str, epoch: int, at: datetime, error: str) -> bool:
        """An attempt failed; try again at a moment. False where the claim no longer holds, and nothing changes."""
        return await self._store.atomic(
            lambda db: _report(db, _RETRY, outbox_id, epoch, due_at=to_us(at), last_error=encodable(error))
        )

    async def postpone(self, outbox_id: str, epoch: int, until: datetime) -> bool:
        """Give a claim back untried, because the chat has to wait. No attempt is counted. False as for retry_later."""
        return await self._store.atomic(lambda db: _report(db, _POSTPONE, outbox_id, epoch, due_at=to_us(until)))

    async def dead_letter(self, outbox_id: str, epoch: int, error: str) -> bool:
        """Give up on a notice that its platform refuses for good. False as for retry_later."""
        return await self._store.atomic(lambda db: _report(db, _DEAD, outbox_id, epoch, last_error=encodable(error)))

    async def abandon_leases(self, now: datetime) -> int:
        """Make every claim of an earlier process due at once. For the start, before anything is claimed."""
        return await self._store.atomic(
            lambda db: (
                db.execute(
                    "UPDATE outbox SET state = 'pending', due_at = ? WHERE state = 'leased'", [to_us(now)]
                ).rowcount
            )
        )

    async def last_notices(self, receiver: Receiver) -> dict[int, LastNotice]:
        """What this receiver heard last of each incident that is not over for them, by incident id.

        A notice counts from the moment it is queued, so nobody is told twice while a platform is down. Dead ones count
        too, or a chat that refuses everything would be given a new notice at every check.
        """
        return await self._store.run(lambda db: _last_notices(db, receiver))

    async def copies(self, incident_id: int) -> tuple[MessageCopy, ...]:
        """All messages of an incident that platforms accepted, oldest first."""
        return await self._store.run(
            lambda db: tuple(
                copy_of(row)
                for row in db.query(
                    "SELECT * FROM message_copies WHERE incident_id = ? ORDER BY sent_at, message_id", [incident_id]
                )
            )
        )

    async def bodies(self, incident_id: int) -> dict[str, str]:
        """What the notices of an incident say, by outbox id."""
        return await self._store.run(
            lambda db: {
                text(row, "outbox_id"): text(row, "body_json")
                for row in db.query("SELECT outbox_id, body_json FROM outbox WHERE incident_id = ?", [incident_id])
            }
        )

    async def waiting_since(self, before: datetime, limit: int) -> tuple[Notice, ...]:
        """Undelivered notices that were queued before a moment, oldest first: candidates for another route."""
        return await self._store.run(
            lambda db: tuple(
                notice_of(row)
                for row in db.query(
                    "SELECT * FROM outbox WHERE state IN ('pending', 'leased') AND created_at < ? ORDER BY seq LIMIT ?",
                    [to_us(before), limit],
                )
            )
        )

    async def dead_letters(self, limit: int) -> tuple[Notice, ...]:
        """Notices that were given up, newest first."""
        return await self._store.run(
            lambda db: tuple(
                notice_of(row)
                for row in db.query("SELECT * FROM outbox WHERE state = 'dead' ORDER BY seq DESC LIMIT ?", [limit])
            )
        )

    async def counts(self) -> OutboxCounts:
        """The outbox in a few numbers."""
        return await self._store.run(_counts)


# The two clauses, in words: wait for an elder that is untried or in flight, never overtake a worse one, and where a
# notice has been overtaken, wait for what becomes of the overtaking one. INDEXED BY, because with thousands waiting the
# planner would otherwise sort them all: 80 ms instead of 1.
_CLAIM = """
    UPDATE outbox SET state = 'leased', due_at = :lease_until, lease_epoch = lease_epoch + 1
    WHERE seq IN (
        SELECT notice.seq FROM outbox AS notice INDEXED BY outbox_waiting
        WHERE notice.state IN ('pending', 'leased') AND notice.due_at <= :now
            AND (:transport IS NULL OR notice.transport = :transport)
            AND NOT EXISTS (
                SELECT 1 FROM outbox AS elder
                WHERE elder.state IN ('pending', 'leased')
                    AND elder.incident_id = notice.incident_id AND elder.transport = notice.transport
                    AND elder.chat = notice.chat AND elder.thread = notice.thread AND elder.seq < notice.seq
                    AND (elder.attempts = 0 OR elder.state = 'leased' OR elder.severity > notice.severity)
            )
            AND NOT EXISTS (
                SELECT 1 FROM outbox AS overtaking
                WHERE overtaking.state = 'leased'
                    AND overtaking.incident_id = notice.incident_id AND overtaking.transport = notice.transport
                    AND overtaking.chat = notice.chat AND overtaking.thread = notice.thread
                    AND overtaking.seq > notice.seq
            )
        ORDER BY notice.urgency DESC, notice.seq LIMIT :limit
    )
    RETURNING *
"""


def _claim(db: "Database", now: datetime, limit: int, lease: timedelta, transport: str | None) -> tuple[Notice, ...]:
    claimed = list(
        db.query(
            _CLAIM,
            {"now": to_us(now), "lease_until": to_us(now + lease), "limit": limit, "transport": transport},
        )
    )
    claimed.sort(key=lambda row: (-integer(row, "urgency"), integer(row, "seq")))
    return tuple(notice_of(row) for row in claimed)


def _delivered(db: "Database", outbox_id: str, epoch: int, message_id: str, now: datetime) -> bool:
    row = next(iter(db.query("SELECT * FROM outbox WHERE outbox_id = ?", [outbox_id])), None)
    if row is None or not 1 <= epoch <= integer(row, "lease_epoch"):
        raise StorageDefect(
            f"A delivery of notice {outbox_id} was reported that nobody had claimed; "
            "this is a defect of Keel, please report it."
        )
    values: Row = {**row, "message_id": message_id, "now": to_us(now)}
    db.execute(_REMEMBER_COPY, values)
    if member(OutboxState, row, "state") is OutboxState.SENT:
        return False
    db.execute("UPDATE outbox SET state = 'sent', message_id = :message_id, sent_at = :now WHERE seq = :seq", values)
    db.execute(_SUPERSEDE_OVERTAKEN, values)
    return True


_REMEMBER_COPY = """
    INSERT INTO message_copies (outbox_id, message_id, incident_id, transport, chat, thread, route, sent_at)
    VALUES (:outbox_id, :message_id, :incident_id, :transport, :chat, :thread, :route, :now)
    ON CONFLICT (outbox_id, message_id) DO NOTHING
"""

_SUPERSEDE_OVERTAKEN = """
    UPDATE outbox SET state = 'superseded'
    WHERE state = 'pending' AND seq < :seq AND severity <= :severity
        AND incident_id = :incident_id AND transport = :transport AND chat = :chat AND thread = :thread
"""

# What a report changes, where the claim it belongs to still holds.
_RETRY = """
    UPDATE outbox SET state = 'pending', attempts = attempts + 1, due_at = :due_at, last_error = :last_error
    WHERE outbox_id = :outbox_id AND lease_epoch = :epoch AND state = 'leased'
"""

_POSTPONE = """
    UPDATE outbox SET state = 'pending', due_at = :due_at
    WHERE outbox_id = :outbox_id AND lease_epoch = :epoch AND state = 'leased'
"""

_DEAD = """
    UPDATE outbox SET state = 'dead', attempts = attempts + 1, last_error = :last_error
    WHERE outbox_id = :outbox_id AND lease_epoch = :epoch AND state = 'leased'
"""


def _report(db: "Database", change: str, outbox_id: str, epoch: int, **values: int | str) -> bool:
    return db.execute(change, {"outbox_id": outbox_id, "epoch": epoch, **values}).rowcount == 1


def _last_notices(db: "Database", receiver: Receiver) -> dict[int, LastNotice]:
    # An incident is over for a receiver once they were told OK.
    rows = db.query(
        "SELECT incident_id, tier, coalesce(sent_at, created_at) AS heard_at FROM outbox"
        " WHERE tier <> ? AND seq IN ("
        "SELECT max(seq) FROM outbox WHERE transport = ? AND chat = ? AND thread = ? AND state <> 'superseded'"
        " GROUP BY incident_id)",
        [Tier.OK.value, receiver.transport, receiver.chat, receiver.thread],
    )
    return {
        integer(row, "incident_id"): LastNotice(tier=member(Tier, row, "tier"), at=moment(row, "heard_at"))
        for row in rows
    }


def _counts(db: "Database") -> OutboxCounts:
    by_state = {
        text(row, "state"): integer(row, "number")
        for row in db.query("SELECT state, count(*) AS number FROM outbox GROUP BY state")
    }
    (oldest,) = db.query("SELECT min(created_at) AS oldest FROM outbox WHERE state IN ('pending', 'leased')")
    return OutboxCounts(
        pending=by_state.get(OutboxState.PENDING, 0),
        leased=by_state.get(OutboxState.LEASED, 0),
        sent=by_state.get(OutboxState.SENT, 0),
        dead=by_state.get(OutboxState.DEAD, 0),
        superseded=by_state.get(OutboxState.SUPERSEDED, 0),
        waiting_since=maybe_moment(oldest, "oldest"),
    )
