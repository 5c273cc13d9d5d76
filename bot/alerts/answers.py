"""What people do with an alert: take it on, or ask for quiet. Every copy of it will show that, wherever it was sent."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from risk.decisions.incidents import Incident, IncidentStatus
from risk.ports import Clock
from storage import Incidents, LinkedPerson

log = structlog.get_logger()


class NoSuchIncident(LookupError):
    """No incident has this number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of an ack or a snooze. ``changed`` is False where it was over or already so."""

    incident: Incident
    changed: bool


class Answers:
    """Acknowledges and snoozes. Whoever answers is told at once; the copies in all chats follow as their platforms
    allow, and are tried again where they do not.

    Args:
        wake: Called when there are copies to edit.
    """

    def __init__(self, *, incidents: Incidents, clock: Clock, wake: Callable[[], None]) -> None:
        self._incidents, self._clock, self._wake = incidents, clock, wake

    async def acknowledge(self, incident_id: int, person: LinkedPerson) -> Answer:
        """Stop repeats; an escalation still rings. Raises: NoSuchIncident."""
        now = self._clock.now()
        incident = await self._incidents.acknowledge(incident_id, person.person_id, now)
        if incident is None:
            raise NoSuchIncident(f"there is no alert #{incident_id}")
        changed = incident.acked_by == person.person_id and incident.acked_at == now
        if changed:
            log.info("incident.acked", incident_id=incident_id, person_id=person.person_id)
            self._wake()
        return Answer(incident=incident, changed=changed)

    async def snooze(self, incident_id: int, span: timedelta) -> Answer:
        """Hold repeats back for a while; an escalation still rings. Raises: NoSuchIncident."""
        until = self._clock.now() + span
        incident = await self._incidents.snooze(incident_id, until)
        if incident is None:
            raise NoSuchIncident(f"there is no alert #{incident_id}")
        return Answer(incident=incident, changed=incident.status is not IncidentStatus.RESOLVED)
