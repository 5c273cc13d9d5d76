"""Notices on their way to people: queued with their incident, claimed under a lease, settled by what really happened.

Order. Urgent notices go first, of those the ones nearest to danger, then old ones. What waits for one receiver goes out
as one message. A notice that failed is overtaken by a worse one of its incident, and no longer sent once that has
arrived; good news never overtakes bad news.
"""

import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from risk.decisions.incidents import LastNotice
from risk.decisions.tiers import Tier
from storage import claims, reach, reports
from storage.claims import Claim
from storage.columns import ReadRow, integer, maybe_moment, member, moment, text, to_us
from storage.records import Batch, Notice, OutboxCounts, OutboxState, Receipt, Receiver, UnreachableChat
from storage.rows import notice_of, receiver_of
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


def _new_key() -> str:
    return secrets.token_hex(12)


class Outbox:
    """Delivery's view of the notices. They come in through Incidents.apply_assessment; see storage.reports for what is
    said of them afterwards."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim(
        self,
        now: datetime,
        transport: str,
        *,
        most: int,
        lease: timedelta,
        busy: Collection[str] = (),
        threads_apart: bool = False,
        new_key: Callable[[], str] = _new_key,
    ) -> tuple[Batch, ...]:
        """Take what is due, the most urgent message first, at most one for each place; what a claim that ran out had
        taken is due again.

        Args:
            most: How many messages.
            busy: Places that take nothing now.
            threads_apart: Whether a thread is a place of its own; its chat is, otherwise.
            new_key: Makes the key of a message.

        Returns: Messages whose notices nobody else is given until ``now + lease``, or until a report frees them.
        """
        claim = Claim(
            transport=transport, now=now, lease=lease, most=most, busy=busy, threads_apart=threads_apart,
            new_key=new_key,
        )  # fmt: skip
        return await self._store.atomic(lambda db: claims.take(db, claim))

    async def due_chats(self, now: datetime, transport: str) -> tuple[Receiver, ...]:
        """Chats for which something is due that has not left, at most 256."""
        return await self._store.run(
            lambda db: tuple(
                Receiver(transport=transport, chat=text(row, "chat"), thread=text(row, "thread"))
                for row in db.query(
                    "SELECT DISTINCT chat, thread FROM outbox"
                    " WHERE state = 'pending' AND due_at <= ? AND transport = ? LIMIT 256",
                    [to_us(now), transport],
                )
            )
        )

    async def next_due_at(self, transport: str, after: datetime) -> datetime | None:
        """When something falls due after a moment; None where nothing waits for its time."""
        return await self._store.run(lambda db: _next_due_at(db, transport, after))

    async def delivered(
        self,
        batch: Batch,
        message_id: str,
        now: datetime,
        *,
        acked: Collection[int] = (),
        bodies: Mapping[str, str] | None = None,
    ) -> bool:
        """The platform accepted this message. Counts however late it is reported: the message exists.

        Args:
            acked: Incidents that it shows as acknowledged; one that is and does not look so makes it stale.
            bodies: By outbox id, what it says where that is not what was queued.

        Returns: False where another delivery was reported before; the notices keep the message of that one, and this
            one is remembered as a further copy.
        Raises: StorageDefect for a notice that was never queued or a claim that never was.
        """
        return await self._store.atomic(
            lambda db: reports.delivered(db, batch, message_id, now, acked=acked, bodies=bodies or {})
        )

    async def retry_later(self, batch: Batch, at: datetime, error: str, *, unknown: bool = False) -> bool:
        """An attempt failed; try again at a moment. False where the claim no longer holds, and nothing changes.

        Args:
            unknown: It may have arrived: the same notices go out together again, under the same key.
        """
        return await self._store.atomic(lambda db: reports.retry_later(db, batch, at, error, unknown=unknown))

    async def postpone(self, batch: Batch, until: datetime, why: str = "") -> bool:
        """Give a claim back untried, because the chat has to wait. No attempt is counted. False as for retry_later."""
        return await self._store.atomic(lambda db: reports.postpone(db, batch, until, why))

    async def refused(self, batch: Batch, at: datetime, error: str, *, most: int) -> bool:
        """The platform refuses what this message says: its notices are tried one by one, and one that was refused
        ``most`` times is given up. False as for retry_later."""
        return await self._store.atomic(lambda db: reports.refused(db, batch, at, error, most))

    async def lost(self, receiver: Receiver, reason: str, now: datetime) -> bool:
        """Its platform says that a chat is gone: what waits for it is given up, and the chat is marked. False where it
        was marked already."""
        return await self._store.atomic(lambda db: reach.lost(db, receiver, reason, now))

    async def reached(self, receiver: Receiver) -> bool:
        """Something arrived in a chat. True where it was marked as lost: the mark is gone, and of what it missed the
        incidents that still stand count as never told."""
        return await self._store.atomic(lambda db: reach.reached(db, receiver))

    async def unreachable(self) -> tuple[UnreachableChat, ...]:
        """Chats that are marked as lost, the longest first."""
        return await self._store.run(reach.unreachable)

    async def hurry(self, transport: str, now: datetime) -> int:
        """A platform that was down is back: what failed there is due at once."""
        return await self._store.atomic(
            lambda db: (
                db.execute(
                    "UPDATE outbox SET due_at = ?1 WHERE state = 'pending' AND transport = ?2 AND attempts > refusals"
                    " AND due_at > ?1",
                    [to_us(now), transport],
                ).rowcount
            )
        )

    async def abandon_leases(self, now: datetime) -> int:
        """Make every claim of an earlier process due at once. For the start, before anything is claimed."""
        return await self._store.atomic(
            lambda db: (
                db.execute(
                    "UPDATE outbox SET state = 'pending', due_at = ? WHERE state = 'leased'", [to_us(now)]
                ).rowcount
            )
        )

    async def last_notices(self, incident_ids: Collection[int]) -> Mapping[int, Mapping[Receiver, LastNotice]]:
        """What each receiver heard last of these incidents, by incident id. Nobody, for one that is over for them.

        A notice counts from the moment it is queued, so nobody is told twice while a platform is down. Dead ones count
        too, or a chat that refuses everything would be given a new notice at every check.
        """
        if not incident_ids:
            return {}
        return await self._store.run(lambda db: _last_notices(db, incident_ids))

    async def last_bodies(self, incident_ids: Collection[int]) -> Mapping[int, Sequence[str]]:
        """What was last queued for anybody on these incidents, by incident id, the newest first, a few of each."""
        if not incident_ids:
            return {}
        return await self._store.run(lambda db: reports.last_bodies(db, incident_ids))

    async def receipts(self, incident_ids: Collection[int]) -> tuple[Receipt, ...]:
        """What became of the last word to each receiver on each of these incidents, in the order of queueing."""
        return await self._store.run(lambda db: tuple(_receipt(row) for row in _last_rows(db, incident_ids)))

    async def told_together(self, key: str) -> tuple[int, ...]:
        """Ids of the incidents that a message tells of, by the key of its batch."""
        return await self._store.run(
            lambda db: tuple(
                integer(row, "incident_id")
                for row in db.query("SELECT DISTINCT incident_id FROM outbox WHERE batch = ? ORDER BY 1", [key])
            )
        )

    async def waiting_since(self, before: datetime, limit: int) -> tuple[Notice, ...]:
        """Undelivered notices that were queued before a moment, oldest first, without those their receiver wants later:
        candidates for another route."""
        return await self._store.run(
            lambda db: tuple(
                notice_of(row)
                for row in db.query(
                    "SELECT * FROM outbox WHERE state IN ('pending', 'leased') AND created_at < ?"
                    " AND NOT (held = 1 AND lease_epoch = 0)"
                    " ORDER BY seq LIMIT ?",
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


def _next_due_at(db: "Database", transport: str, after: datetime) -> datetime | None:
    (row,) = db.query(
        "SELECT min(due_at) AS due_at FROM outbox INDEXED BY outbox_waiting_by_moment"
        " WHERE state IN ('pending', 'leased') AND transport = ? AND due_at > ?",
        [transport, to_us(after)],
    )
    return maybe_moment(row, "due_at")


def _last_rows(db: "Database", incident_ids: Collection[int]) -> list[ReadRow]:
    # With a bare max() SQLite takes the other columns from the row that has it.
    return list(
        db.query(
            "SELECT *, max(seq) FROM outbox INDEXED BY outbox_by_incident"
            " WHERE incident_id IN (SELECT value FROM json_each(?)) AND state <> 'superseded'"
            " GROUP BY incident_id, transport, chat, thread ORDER BY seq",
            [json.dumps(sorted(incident_ids))],
        )
    )


def _last_notices(db: "Database", incident_ids: Collection[int]) -> Mapping[int, Mapping[Receiver, LastNotice]]:
    found: dict[int, dict[Receiver, LastNotice]] = {}
    # An incident is over for a receiver once they were told OK.
    for incident_id, transport, chat, thread, tier, heard_at, _ in db.execute(
        "SELECT incident_id, transport, chat, thread, tier, coalesce(sent_at, created_at), max(seq)"
        " FROM outbox INDEXED BY outbox_by_incident"
        " WHERE incident_id IN (SELECT value FROM json_each(?)) AND state <> 'superseded'"
        " GROUP BY incident_id, transport, chat, thread",
        [json.dumps(sorted(incident_ids))],
    ):
        row = {"tier": tier, "heard_at": heard_at}
        if tier == Tier.OK.value:
            continue
        receiver = Receiver(transport=transport, chat=chat, thread=thread)
        last = LastNotice(tier=member(Tier, row, "tier"), at=moment(row, "heard_at"))
        found.setdefault(incident_id, {})[receiver] = last
    return found


def _receipt(row: ReadRow) -> Receipt:
    return Receipt(
        incident_id=integer(row, "incident_id"),
        receiver=receiver_of(row),
        tier=member(Tier, row, "tier"),
        state=member(OutboxState, row, "state"),
        created_at=moment(row, "created_at"),
        sent_at=maybe_moment(row, "sent_at"),
        due_at=moment(row, "due_at"),
        held=bool(integer(row, "held")),
        error=text(row, "last_error"),
    )


def _counts(db: "Database") -> OutboxCounts:
    by_state = {
        text(row, "state"): integer(row, "number")
        for row in db.query("SELECT state, count(*) AS number FROM outbox GROUP BY state")
    }
    (waiting,) = db.query(
        "SELECT count(*) FILTER (WHERE held = 1 AND lease_epoch = 0) AS held,"
        " min(created_at) FILTER (WHERE held = 0 OR lease_epoch > 0) AS oldest"
        " FROM outbox WHERE state IN ('pending', 'leased')"
    )
    held = integer(waiting, "held")
    return OutboxCounts(
        pending=by_state.get(OutboxState.PENDING, 0) - held,
        leased=by_state.get(OutboxState.LEASED, 0),
        sent=by_state.get(OutboxState.SENT, 0),
        dead=by_state.get(OutboxState.DEAD, 0),
        superseded=by_state.get(OutboxState.SUPERSEDED, 0),
        held=held,
        waiting_since=maybe_moment(waiting, "oldest"),
    )
