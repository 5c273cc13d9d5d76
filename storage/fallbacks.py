"""Alerts that go another way because theirs is blocked: which those are, and that each went there once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from risk.decisions.incidents import Incident, severity
from risk.decisions.tiers import Tier
from storage import queueing
from storage.columns import encodable, text, to_us
from storage.records import NewNotice, Notice, Receiver
from storage.rows import incident_of, notice_of
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A notice that has not arrived, and the incident it tells of as it stands."""

    notice: Notice
    incident: Incident


class Fallbacks:
    """Which notices need another way, and who refuses messages."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def blocked(self, before: datetime, least: Tier, limit: int) -> tuple[Blocked, ...]:
        """Notices that were tried and given up, or queued before a moment and are still on their way; the most urgent
        first. Only of incidents that nobody has taken on, that stand at this tier or worse, and that ring since then;
        none whose step went another way already.
        """
        found = await self._store.run(
            lambda db: list(db.query(_BLOCKED, {"before": to_us(before), "least": severity(least), "limit": limit}))
        )
        if not found:
            return ()
        incidents = await self._store.run(lambda db: _incidents(db, {int(row["incident_id"]) for row in found}))
        notices = (notice_of(row) for row in found)
        return tuple(
            Blocked(notice=one, incident=incidents[one.incident_id]) for one in notices if one.incident_id in incidents
        )

    async def heard(self, incident_id: int, since: datetime) -> frozenset[Receiver]:
        """Everybody an incident was queued for since a moment, and whose notice was neither given up nor overtaken."""
        return await self._store.run(
            lambda db: frozenset(
                Receiver(transport=text(row, "transport"), chat=text(row, "chat"), thread=text(row, "thread"))
                for row in db.query(_HEARD, [incident_id, to_us(since)])
            )
        )

    async def go_round(self, blocked: Blocked, way: str, notices: Sequence[NewNotice], now: datetime) -> bool:
        """Queue notices in the place of one that is blocked. False where its step went another way already."""
        return await self._store.atomic(lambda db: _go_round(db, blocked, way, notices, now))


# What waits for its turn behind others is not blocked: it was tried, or something to the same place was and still
# waits, or its sender has delivered nothing for as long.
_BLOCKED = """
    SELECT outbox.* FROM outbox JOIN incidents USING (incident_id)
    WHERE outbox.state IN ('pending', 'leased', 'dead') AND outbox.held = 0 AND incidents.status = 'open'
        AND outbox.severity >= :least AND outbox.created_at >= incidents.rang_at
        AND (
            outbox.state = 'dead'
            OR outbox.created_at <= :before AND (
                outbox.lease_epoch > 0
                OR EXISTS (
                    SELECT 1 FROM outbox AS other INDEXED BY outbox_waiting_by_receiver
                    WHERE other.state IN ('pending', 'leased') AND other.transport = outbox.transport
                        AND other.chat = outbox.chat AND other.thread = outbox.thread
                        AND other.lease_epoch > 0 AND other.created_at <= :before
                )
                OR NOT EXISTS (
                    SELECT 1 FROM message_copies INDEXED BY message_copies_by_time
                    WHERE message_copies.transport = outbox.transport AND message_copies.sent_at > :before
                )
            )
        )
        AND NOT EXISTS (
            SELECT 1 FROM fallbacks
            WHERE fallbacks.incident_id = outbox.incident_id AND fallbacks.route = outbox.route
                AND fallbacks.rang_at = incidents.rang_at
        )
    ORDER BY outbox.severity DESC, outbox.rank, outbox.seq LIMIT :limit
"""

_HEARD = """
    SELECT DISTINCT transport, chat, thread FROM outbox
    WHERE incident_id = ? AND created_at >= ? AND state IN ('pending', 'leased', 'sent')
"""

_GONE_ROUND = """
    INSERT INTO fallbacks (incident_id, route, rang_at, outbox_id, entry, decided_at)
    VALUES (:incident_id, :route, :rang_at, :outbox_id, :entry, :decided_at)
    ON CONFLICT (incident_id, route, rang_at) DO NOTHING
"""


def _incidents(db: "Database", ids: set[int]) -> dict[int, Incident]:
    rows = db.query("SELECT * FROM incidents WHERE status = 'open'")
    return {incident.incident_id: incident for incident in map(incident_of, rows) if incident.incident_id in ids}


def _go_round(db: "Database", blocked: Blocked, way: str, notices: Sequence[NewNotice], now: datetime) -> bool:
    values = {
        "incident_id": blocked.incident.incident_id,
        "route": blocked.notice.receiver.route,
        "rang_at": to_us(blocked.incident.rang_at),
        "outbox_id": blocked.notice.outbox_id,
        "entry": encodable(way),
        "decided_at": to_us(now),
    }
    if db.execute(_GONE_ROUND, values).rowcount == 0:
        return False
    queueing.queue(db, notices, now)
    return True
