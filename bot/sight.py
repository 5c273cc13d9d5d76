"""Incidents as one person sees them, and what that person may do about each."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from bot.alerts.answers import Answer, Answers, NoSuchIncident
from bot.commands.spec import Denied
from risk.decisions.incidents import Incident
from risk.decisions.tiers import TierState
from storage import Access, Incidents, IncidentStep, LinkedPerson, NewNotice, Outdated, Role, Stored

_PAGE = 50


class SeenIncidents(Incidents):
    """The incidents of accounts that may be seen, and those that concern everybody. A number of another is unknown.

    Args:
        speaks_of: Whether this place may hear of an account, for listings; None where only that person reads.
    """

    def __init__(self, incidents: Incidents, access: Access, speaks_of: Callable[[str], bool] | None = None) -> None:
        # Not the base's: everything is asked of the incidents this is a view of.
        self._incidents, self._access, self._speaks_of = incidents, access, speaks_of

    async def next_id(self) -> int:
        return await self._incidents.next_id()

    async def open_incidents(self) -> tuple[Incident, ...]:
        return tuple(one for one in await self._incidents.open_incidents() if self._shown(one))

    async def recent(self, limit: int) -> tuple[Incident, ...]:
        asked = max(limit, _PAGE)
        while True:
            found = await self._incidents.recent(asked)
            shown = [one for one in found if self._shown(one)]
            if len(shown) >= limit or len(found) < asked:
                return tuple(shown[:limit])
            asked *= 4

    async def find(self, incident_id: int) -> Incident | None:
        found = await self._incidents.find(incident_id)
        return found if found is not None and self._access.may_see(found.cause.account_id) else None

    async def by_ids(self, incident_ids: Collection[int]) -> Mapping[int, Incident]:
        found = await self._incidents.by_ids(incident_ids)
        return {number: one for number, one in found.items() if self._access.may_see(one.cause.account_id)}

    async def apply_assessment(
        self, *, steps: Sequence[IncidentStep], notices: Sequence[NewNotice], tier_states: Mapping[str, TierState],
        now: datetime, told_events: Sequence[int] = (),
    ) -> Stored | Outdated:  # fmt: skip
        return await self._incidents.apply_assessment(
            steps=steps, notices=notices, tier_states=tier_states, now=now, told_events=told_events
        )

    async def acknowledge(self, incident_id: int, person_id: str, now: datetime) -> Incident | None:
        if await self.find(incident_id) is None:
            return None
        return await self._incidents.acknowledge(incident_id, person_id, now)

    async def snooze(self, incident_id: int, until: datetime) -> Incident | None:
        if await self.find(incident_id) is None:
            return None
        return await self._incidents.snooze(incident_id, until)

    def _shown(self, incident: Incident) -> bool:
        account_id = incident.cause.account_id
        return self._access.may_see(account_id) and (self._speaks_of is None or self._speaks_of(account_id))


class AllowedAnswers(Answers):
    """Answers of one person: to incidents they may see, where they hold the role for the account concerned."""

    def __init__(self, answers: Answers, incidents: Incidents, access: Access) -> None:
        self._answers, self._seen, self._access = answers, incidents, access

    async def acknowledge(self, incident_id: int, person: LinkedPerson) -> Answer:
        await self._require(incident_id)
        return await self._answers.acknowledge(incident_id, person)

    async def snooze(self, incident_id: int, span: timedelta) -> Answer:
        await self._require(incident_id)
        return await self._answers.snooze(incident_id, span)

    async def _require(self, incident_id: int) -> None:
        incident = await self._seen.find(incident_id)
        if incident is None:
            raise NoSuchIncident(f"there is no alert #{incident_id}")
        account_id = incident.cause.account_id
        held = self._access.role(account_id)
        if held is None or not held.includes(Role.RESPONDER):
            raise Denied.role(Role.RESPONDER, held, "for the account of this alert")
