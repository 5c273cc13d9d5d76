"""What people do with an alert: take it on, or ask for quiet. Every copy of it shows that, wherever it was sent."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.alerts.facts import from_json
from bot.alerts.view import alert_message
from bot.messages import Address, DeliveryError, MessageRef, Transport
from risk.decisions.incidents import Incident, IncidentStatus
from risk.ports import Clock
from storage import Incidents, LinkedPerson, Outbox

log = structlog.get_logger()


class NoSuchIncident(LookupError):
    """No incident has this number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of an ack or a snooze. ``changed`` is False where it was over or already so."""

    incident: Incident
    changed: bool


class Answers:
    """Acknowledges and snoozes, and keeps the copies in all chats up to date."""

    def __init__(
        self, *, incidents: Incidents, outbox: Outbox, transports: Mapping[str, Transport], clock: Clock
    ) -> None:
        self._incidents, self._outbox, self._transports, self._clock = incidents, outbox, transports, clock

    async def acknowledge(self, incident_id: int, person: LinkedPerson) -> Answer:
        """Stop repeats; an escalation still rings. Raises: NoSuchIncident."""
        now = self._clock.now()
        incident = await self._incidents.acknowledge(incident_id, person.person_id, now)
        if incident is None:
            raise NoSuchIncident(f"there is no alert #{incident_id}")
        changed = incident.acked_by == person.person_id and incident.acked_at == now
        if changed:
            log.info("incident.acked", incident_id=incident_id, person_id=person.person_id)
            await self._show(incident, person.display_name or person.user_id)
        return Answer(incident=incident, changed=changed)

    async def snooze(self, incident_id: int, span: timedelta) -> Answer:
        """Hold repeats back for a while; an escalation still rings. Raises: NoSuchIncident."""
        until = self._clock.now() + span
        incident = await self._incidents.snooze(incident_id, until)
        if incident is None:
            raise NoSuchIncident(f"there is no alert #{incident_id}")
        return Answer(incident=incident, changed=incident.status is not IncidentStatus.RESOLVED)

    async def _show(self, incident: Incident, by: str) -> None:
        copies = await self._outbox.copies(incident.incident_id)
        bodies = await self._outbox.bodies(incident.incident_id)
        edits = [
            self._edit(
                MessageRef(
                    address=Address(
                        transport=copy.receiver.transport, chat=copy.receiver.chat, thread=copy.receiver.thread
                    ),
                    message_id=copy.message_id,
                ),
                bodies[copy.outbox_id],
                by,
                incident.acked_at,
            )
            for copy in copies
        ]
        await asyncio.gather(*edits)

    async def _edit(self, ref: MessageRef, body_json: str, by: str, at: datetime | None) -> None:
        transport = self._transports.get(ref.address.transport)
        if transport is None:
            return
        message = alert_message(from_json(body_json), self._clock.now(), acked_by=by, acked_at=at)
        try:
            await transport.edit(ref, message)
        except DeliveryError as exc:
            # The ack itself is stored; a copy that cannot be edited only looks older than it is.
            log.warning("ack.edit_failed", transport=transport.name, error=str(exc))
