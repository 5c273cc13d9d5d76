"""Incidents and what follows from them, in one transaction: state, change, and a notice for everyone who hears."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from risk.decisions import incidents as decisions
from risk.decisions.incidents import Cause, Incident
from risk.decisions.tiers import TierState
from storage import copies, events, queueing, tier_states
from storage.records import IncidentStep, NewNotice, Outdated, Stored
from storage.rows import incident_of, incident_row
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


class Incidents:
    """What stands, what stood, and who took it on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: tuple[int, tuple[Incident, ...]] | None = None  # and how much had been written when it was read

    async def next_id(self) -> int:
        """An id that no stored incident has. Counting on from it is safe, for one process owns the database."""
        return await self._store.run(
            lambda db: int(db.execute("SELECT coalesce(max(incident_id), 0) + 1 FROM incidents").fetchone()[0])
        )

    async def open_incidents(self) -> tuple[Incident, ...]:
        """All that are not resolved, oldest first. Asked for at every look, so as long as nothing was written it is
        remembered."""
        return await self._store.run(self._open_incidents)

    def _open_incidents(self, db: "Database") -> tuple[Incident, ...]:
        written = db.conn.total_changes
        if self._open is None or self._open[0] != written:
            rows = db.query("SELECT * FROM incidents WHERE status <> 'resolved' ORDER BY incident_id")
            self._open = (written, tuple(incident_of(row) for row in rows))
        return self._open[1]

    async def recent(self, limit: int) -> tuple[Incident, ...]:
        """The last ones, whatever became of them, newest first."""
        return await self._store.run(
            lambda db: tuple(
                incident_of(row)
                for row in db.query("SELECT * FROM incidents ORDER BY incident_id DESC LIMIT ?", [limit])
            )
        )

    async def by_ids(self, incident_ids: Collection[int]) -> Mapping[int, Incident]:
        """Those of these numbers that there are, by number."""
        return await self._store.run(lambda db: _by_ids(db, incident_ids))

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
        told_events: Sequence[int] = (),
    ) -> Stored | Outdated:
        """Make what a check found durable: all of it, or nothing.

        Args:
            steps: Incidents that changed, at most one for each cause.
            notices: One for each receiver who hears of it; see Outbox for the order in which they go out.
            tier_states: New states by account id, those that changed.
            told_events: Numbers of logged events that this tells.

        Returns: Outdated where a person acknowledged or snoozed one of these incidents, or another check moved it,
            since it was read; an acknowledgement is never overwritten by an older look.
        """
        if not (steps or notices or tier_states or told_events):
            return Stored(queued=())
        return await self._store.atomic(lambda db: _apply(db, steps, notices, tier_states, told_events, now))

    async def acknowledge(self, incident_id: int, person_id: str, now: datetime) -> Incident | None:
        """Stop its repeats, those that wait for delivery included. Every message that shows it becomes stale.

        Returns: The incident as it is now; ``acked_by`` tells whose acknowledgement counted. None for an unknown id.
        """
        return await self._store.atomic(lambda db: _acknowledge(db, incident_id, person_id, now))

    async def snooze(self, incident_id: int, until: datetime) -> Incident | None:
        """Hold its repeats back, those that wait for delivery included. None for an unknown id."""
        return await self._store.atomic(
            lambda db: _quieten(db, incident_id, lambda incident: decisions.snooze(incident, until))
        )


def _find(db: "Database", incident_id: int) -> Incident | None:
    return _by_ids(db, [incident_id]).get(incident_id)


def _by_ids(db: "Database", incident_ids: Collection[int]) -> dict[int, Incident]:
    found = (
        incident_of(row)
        for row in db.query(
            "SELECT * FROM incidents WHERE incident_id IN (SELECT value FROM json_each(?))",
            [json.dumps(sorted(incident_ids))],
        )
    )
    return {incident.incident_id: incident for incident in found}


def _apply(
    db: "Database",
    steps: Sequence[IncidentStep],
    notices: Sequence[NewNotice],
    states: Mapping[str, TierState],
    told_events: Sequence[int],
    now: datetime,
) -> Stored | Outdated:
    ending = {step.before.incident_id for step in steps if step.before and not step.after.standing}
    outdated = tuple(step.after.cause for step in steps if not _still_stands(db, step, ending))
    if outdated:
        return Outdated(causes=outdated)
    tier_states.save(db, states)
    for step in steps:
        _save(db, step.after)
    if told_events:
        events.mark_told(db, told_events, now)
    return Stored(queued=queueing.queue(db, notices, now))


def _save(db: "Database", incident: Incident) -> None:
    row = incident_row(incident)
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    changes = ", ".join(f"{name} = excluded.{name}" for name in row)
    # The columns' names are our own.
    db.execute(
        f"INSERT INTO incidents ({names}) VALUES ({values}) ON CONFLICT (incident_id) DO UPDATE SET {changes}",  # noqa: S608
        row,
    )


def _still_stands(db: "Database", step: IncidentStep, ending: Collection[int]) -> bool:
    """Whether the decision was made on what is stored now."""
    if step.before is None:
        standing = _open_for(db, step.after.cause)
        return step.after.passing or standing is None or standing in ending
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


def _acknowledge(db: "Database", incident_id: int, person_id: str, now: datetime) -> Incident | None:
    before = _find(db, incident_id)
    after = _quieten(db, incident_id, lambda incident: decisions.acknowledge(incident, person_id, now))
    if after != before:
        copies.make_stale(db, incident_id, now)
    return after


def _quieten(db: "Database", incident_id: int, change: Callable[[Incident], Incident]) -> Incident | None:
    incident = _find(db, incident_id)
    if incident is None:
        return None
    changed = change(incident)
    if changed != incident:
        _save(db, changed)
        queueing.drop_repeats(db, incident_id)
    return changed
