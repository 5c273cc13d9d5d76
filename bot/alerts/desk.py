"""From findings to incidents and notices, made durable together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import structlog

from bot.alerts.facts import MarginFacts, facts_of, margin_facts, to_json
from bot.roster import Roster
from risk.decisions.incidents import (
    Cause,
    CauseKind,
    Change,
    Incident,
    RepeatIntervals,
    advance,
    needs_notice,
)
from risk.decisions.tiers import Tier, TierState
from risk.fleet import Fleet
from risk.ports import Clock
from storage import Incidents, IncidentStep, NewNotice, Outbox, Outdated, Receiver, Stored

log = structlog.get_logger()

Receivers = Callable[[], Awaitable[tuple[Receiver, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look says of one cause. Tier.OK says that it is over, or never was."""

    cause: Cause
    tier: Tier
    fact: str = ""


class IncidentDesk:
    """Turns findings into incidents and notices, in one transaction with the tier states they came from.

    Jobs settle side by side; they take turns here, for two that open incidents at once would count the same number.

    Args:
        receivers: Who hears of incidents now.
        wake: Called when notices were queued.
    """

    def __init__(
        self,
        *,
        incidents: Incidents,
        outbox: Outbox,
        roster: Roster,
        fleet: Fleet,
        receivers: Receivers,
        clock: Clock,
        wake: Callable[[], None],
        repeats: RepeatIntervals | None = None,
    ) -> None:
        self._incidents, self._outbox, self._roster, self._fleet = incidents, outbox, roster, fleet
        self._receivers, self._clock, self._wake = receivers, clock, wake
        self._repeats = repeats or RepeatIntervals()
        self._turn = asyncio.Lock()

    async def settle(self, findings: Sequence[Finding], states: dict[str, TierState] | None = None) -> None:
        """Store what findings change and queue every notice that is due. Writes nothing when nothing changed."""
        async with self._turn:
            # Somebody who acknowledges in between makes it outdated: decide again on what they left.
            while isinstance(outcome := await self._attempt(findings, states or {}), Outdated):
                log.info("incidents.outdated", causes=len(outcome.causes))

    async def _attempt(self, findings: Sequence[Finding], states: dict[str, TierState]) -> Stored | Outdated | None:
        now = self._clock.now()
        standing = {incident.cause: incident for incident in await self._incidents.open_incidents()}
        next_id = await self._incidents.next_id() if findings else 0
        steps: list[IncidentStep] = []
        changes: list[Change] = []
        after: list[Incident] = []
        for finding in findings:
            before = standing.get(finding.cause)
            incident, change = advance(before, finding.cause, finding.tier, fact=finding.fact, now=now, new_id=next_id)
            if incident is None:
                continue
            after.append(incident)
            if change is not None:
                steps.append(IncidentStep(before=before, after=incident))
                changes.append(change)
                next_id += change is Change.OPENED
        notices = await self._notices(after, now) if after else []
        if not (steps or notices or states):
            return None
        outcome = await self._incidents.apply_assessment(steps=steps, notices=notices, tier_states=states, now=now)
        if isinstance(outcome, Stored):
            for step, change in zip(steps, changes, strict=True):
                self._tell(step.after, change)
            if outcome.queued:
                self._wake()
        return outcome

    def _tell(self, incident: Incident, change: Change) -> None:
        log.info(
            f"incident.{change}", incident_id=incident.incident_id, kind=incident.cause.kind.value,
            account=self._label(incident.cause), tier=incident.tier.name,
        )  # fmt: skip

    async def _notices(self, incidents: Sequence[Incident], now: datetime) -> list[NewNotice]:
        margins: dict[int, MarginFacts | None] = {}  # by incident: the same for every receiver
        found: list[NewNotice] = []
        for receiver in await self._receivers():
            heard = await self._outbox.last_notices(receiver)
            for incident in incidents:
                last = heard.get(incident.incident_id)
                reason = needs_notice(last, incident, self._repeats, now)
                if reason is None:
                    continue
                if incident.incident_id not in margins:
                    margins[incident.incident_id] = self._margin(incident)
                facts = facts_of(
                    incident, reason, last.tier if last else None, self._label(incident.cause),
                    margins[incident.incident_id],
                )  # fmt: skip
                found.append(
                    NewNotice(
                        outbox_id=uuid4().hex, incident_id=incident.incident_id, receiver=receiver, reason=reason,
                        tier=incident.tier, body_json=to_json(facts),
                    )
                )  # fmt: skip
        return found

    def _margin(self, incident: Incident) -> MarginFacts | None:
        account_id, view = incident.cause.account_id, self._fleet.latest
        if incident.cause.kind is not CauseKind.HEALTH or view is None or account_id not in view:
            return None
        return margin_facts(view, account_id, incident.tier, self._roster.thresholds(account_id))

    def _label(self, cause: Cause) -> str:
        return self._roster.label(cause.account_id) if cause.account_id else ""
