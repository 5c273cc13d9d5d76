"""Incidents and what follows from them, in one transaction: state, change, and a notice for everyone who hears."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from risk.decisions import incidents as decisions
from risk.decisions.incidents import Cause, Incident
from risk.decisions.tiers import TierState
from storage import queueing, tier_states
from storage.records import IncidentStep, NewNotice, Outdated, Stored
from storage.rows import incident_of, incident_row
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


class Incidents:
    """What stands, what stood, and who took it on."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def next_id(self) -> int:
        """An id that no stored incident has. Counting on from it is safe, for one process owns the database."""
        return await self._store.run(
            lambda db: int(db.execute("SELECT coalesce(max(incident_id), 0) + 1 FROM incidents").fetchone()[0])
        )

    async def open_incidents(self) -> tuple[Incident, ...]:
        """All that are not resolved, oldest first."""
        return await self._store.run(
            lambda db: tuple(
                incident_of(row)
                for row in db.query("SELECT * FROM incidents WHERE status <> 'resolved' ORDER BY incident_id")
            )
        )

    async def recent(self, limit: int) -> tuple[Incident, ...]:
        """The last ones, whatever became of them, newest first."""
        return await self._store.run(
            lambda db: tuple(
                incident_of(row)
                for row in db.query("SELECT * FROM incidents ORDER BY incident_id DESC LIMIT ?", [limit])
            )
        )

    async def find(self, incident_id: int) -> Incident | None:
        """One incident by the number people know it by."""
        return await self._store.run(lambda db: _find(db, incident_id))

    async def apply_assessment(
        self,
        *,
        steps: Sequence[IncidentStep],
        notices: Sequence[NewNotice],
        tier_states: Mapping[str, TierState],
        now: datetime,
    ) -> Stored | Outdated:
        """Make what a check found durable: all of it, or nothing.

        Args:
            steps: Incidents that changed, at most one for each cause.
            notices: One for each receiver who hears of it; see Outbox for the order in which they go out.
            tier_states: New states by account id, those that changed.

        Returns: Outdated where a person acknowledged or snoozed one of these incidents, or another check moved it,
            since it was read; an acknowledgement is never overwritten by an older look.
        """
        if not (steps or notices or tier_states):
            return Stored(queued=())
        return await self._store.atomic(lambda db: _apply(db, steps, notices, tier_states, now))

    async def acknowledge(self, incident_id: int, person_id: str, now: datetime) -> Incident | None:
        """Stop its repeats, those that wait for delivery included.

        Returns: The incident as it is now; ``acked_by`` tells whose acknowledgement counted. None for an unknown id.
        """
        return await self._store.atomic(
            lambda db: _quieten(db, incident_id, lambda incident: decisions.acknowledge(incident, person_id, now))
        )

    async def snooze(self, incident_id: int, until: datetime) -> Incident | None:
        """Hold its repeats back, those that wait for delivery included. None for an unknown id."""
        return await self._store.atomic(
            lambda db: _quieten(db, incident_id, lambda incident: decisions.snooze(incident, until))
        )


def _find(db: "Database", incident_id: int) -> Incident | None:
    for row in db.query("SELECT * FROM incidents WHERE incident_id = ?", [incident_id]):
        return incident_of(row)
    return None


def _apply(
    db: "Database",
    steps: Sequence[IncidentStep],
    notices: Sequence[NewNotice],
    states: Mapping[str, TierState],
    now: datetime,
) -> Stored | Outdated:
    outdated = tuple(step.after.cause for step in steps if not _still_stands(db, step))
    if outdated:
        return Outdated(causes=outdated)
    tier_states.save(db, states)
    table = db.table("incidents")
    for step in steps:
        if step.before is None:
            table.insert(incident_row(step.after))
        else:
            table.upsert(incident_row(step.after), pk="incident_id")
    return Stored(queued=queueing.queue(db, notices, now))


def _still_stands(db: "Database", step: IncidentStep) -> bool:
    """Whether the decision was made on what is stored now."""
    if step.before is None:
        return _open_for(db, step.after.cause) is None
    # Rows and not incidents are compared: text may have been made encodable on its way in.
    before = incident_row(step.before)
    return any(
        dict(row) == before
        for row in db.query("SELECT * FROM incidents WHERE incident_id = ?", [step.before.incident_id])
    )


def _open_for(db: "Database", cause: Cause) -> int | None:
    found = db.execute(
        "SELECT incident_id FROM incidents WHERE kind = ? AND account_id = ? AND subject = ? AND status <> 'resolved'",
        [cause.kind.value, cause.account_id, cause.subject],
    ).fetchone()
    return None if found is None else int(found[0])


def _quieten(db: "Database", incident_id: int, change: Callable[[Incident], Incident]) -> Incident | None:
    incident = _find(db, incident_id)
    if incident is None:
        return None
    changed = change(incident)
    if changed != incident:
        db.table("incidents").upsert(incident_row(changed), pk="incident_id")
        queueing.drop_repeats(db, incident_id)
    return changed
