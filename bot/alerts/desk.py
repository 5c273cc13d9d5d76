"""From findings to incidents and notices, made durable together."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

import structlog

from bot.alerts.emergency import Emergency
from bot.alerts.facts import facts_of, to_json
from bot.alerts.figures import Figures
from bot.alerts.findings import Finding
from bot.alerts.lost import concerned
from bot.alerts.routing import Recipient, Router, Routing
from bot.roster import Roster
from risk.decisions.incidents import (
    Cause,
    CauseKind,
    Change,
    Incident,
    LastNotice,
    RepeatIntervals,
    advance,
    happened,
    needs_notice,
    next_notice_at,
    seen_long_enough,
    severity,
)
from risk.decisions.tiers import Tier, TierState
from risk.fleet import Fleet
from risk.ports import Clock
from storage import Incidents, IncidentStep, NewNotice, Outbox, Outdated, Receiver, StorageError, Stored

__all__ = ["Companions", "Finding", "IncidentDesk"]

log = structlog.get_logger()

_FIRST_SLICE, _SLICE = 10, 100
_UNMEASURED = 1e6
_MOST_WITH_COMPANIONS = 10
_BREATHE_EVERY = 4  # incidents, between which others get the loop: figures take the engine a few milliseconds each

Companions = Callable[[Sequence[str]], Awaitable[Sequence[Finding]]]


async def _alone(account_ids: Sequence[str]) -> Sequence[Finding]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Silent:
    """An incident of which nobody is to hear anything before a moment, as long as it and its recipients stay."""

    incident: Incident
    recipients: tuple[Recipient, ...]
    until: datetime | None


@dataclass(slots=True, kw_only=True)
class _Decided:
    """What findings come to.

    Attributes:
        standing: Incidents to tell of: those that the findings are about, and all others that stand.
    """

    steps: list[IncidentStep]
    changes: list[tuple[Incident, Change]]
    standing: list[Incident]


class IncidentDesk:
    """Turns findings into incidents and notices, in one transaction with the tier states they came from.

    Jobs settle side by side; they take turns here, for two that open incidents at once would count the same number.
    When many accounts fall together, they are settled in slices, the nearest to liquidation first, so that the first
    alert leaves while the last are being counted.

    Args:
        router: Says who hears of what now.
        wake: Called when notices were queued.
        nearness: Daily moves between an account and liquidation; infinite where not known.
        emergency: Speaks while the memory does not work; None for silence then.
        companions: What else is wrong with accounts that have just fallen, so that one fall is one alert.
    """

    def __init__(
        self,
        *,
        incidents: Incidents,
        outbox: Outbox,
        roster: Roster,
        fleet: Fleet,
        router: Router,
        clock: Clock,
        wake: Callable[[], None],
        figures: Figures | None = None,
        nearness: Callable[[str], float] = lambda account_id: math.inf,
        companions: Companions = _alone,
        emergency: Emergency | None = None,
        repeats: RepeatIntervals | None = None,
    ) -> None:
        self._incidents, self._outbox, self._roster = incidents, outbox, roster
        self._router, self._clock, self._wake = router, clock, wake
        self._figures = figures or Figures(fleet, roster)
        self._nearness, self._companions, self._emergency = nearness, companions, emergency
        self._routing: Routing | None = None
        self._repeats = repeats or RepeatIntervals()
        self._turn = asyncio.Lock()
        self._silent: dict[int, _Silent] = {}

    async def settle(self, findings: Sequence[Finding], states: Mapping[str, TierState] | None = None) -> None:
        """Store what findings change and queue every notice that is due, also of what stands and no finding is about.

        Writes nothing when nothing changed. Raises: StorageError, after the worst was said without memory.
        """
        async with self._turn:
            try:
                await self._settle(findings, states or {})
            except StorageError as exc:
                if self._emergency is not None:
                    await self._emergency.tell(findings, self._routing, exc)
                raise
            if self._emergency is not None:
                self._emergency.over()

    async def _settle(self, findings: Sequence[Finding], states: Mapping[str, TierState]) -> None:
        standing = {one.cause: one for one in await self._incidents.open_incidents()}
        findings = [*findings, *await self._with_companions(findings, standing)]
        routing = self._routing = await self._router.load()
        if any(one.tier is Tier.OK and concerned(one.cause) for one in findings):
            self._silent.clear()  # a chat is back, and has not heard of what stands
        slices = self._slices(findings, standing, dict(states))
        for number, (some, own) in enumerate(slices, start=1):
            # Somebody who acknowledges in between makes it outdated: decide again on what they left.
            while isinstance(
                outcome := await self._attempt(some, own, routing, urgent=number == 1, last=number == len(slices)),
                Outdated,
            ):
                log.info("incidents.outdated", causes=len(outcome.causes))

    async def _with_companions(
        self, findings: Sequence[Finding], standing: Mapping[Cause, Incident]
    ) -> Sequence[Finding]:
        falling = [
            one.cause.account_id
            for one in findings
            if one.cause.kind is CauseKind.HEALTH and _worsens(one, standing.get(one.cause))
        ]
        # In a storm the jobs that look for them come soon enough.
        if not falling or len(falling) > _MOST_WITH_COMPANIONS:
            return ()
        known = {one.cause for one in findings}
        return [one for one in await self._companions(falling) if one.cause not in known]

    def _slices(
        self, findings: Sequence[Finding], standing: Mapping[Cause, Incident], states: dict[str, TierState]
    ) -> list[tuple[list[Finding], dict[str, TierState]]]:
        """The most urgent first; what changes nothing comes last."""
        news = [one for one in findings if _is_news(one, standing.get(one.cause))]
        if len(news) <= _FIRST_SLICE:
            return [(list(findings), states)]
        news.sort(key=lambda one: (-severity(one.tier), self._rank(one.cause)))
        told = set(map(id, news))
        found: list[tuple[list[Finding], dict[str, TierState]]] = []
        at, size = 0, _FIRST_SLICE
        while at < len(news):
            some = news[at : at + size]
            own = {one.cause.account_id: states.pop(one.cause.account_id) for one in some
                   if one.cause.account_id in states}  # fmt: skip
            found.append((some, own))
            at, size = at + size, _SLICE
        found.append(([one for one in findings if id(one) not in told], states))
        return found

    async def _attempt(
        self,
        findings: Sequence[Finding],
        states: Mapping[str, TierState],
        routing: Routing,
        *,
        urgent: bool,
        last: bool,
    ) -> Stored | Outdated | None:
        now = self._clock.now()
        open_now = await self._incidents.open_incidents()
        next_id = await self._incidents.next_id() if findings else 0
        decided = self._decide(findings, {one.cause: one for one in open_now}, now, next_id, all_of_them=last)
        notices = await self._notices(decided.standing, routing, now, urgent=urgent)
        told = [event_id for one in findings for event_id in one.events]
        if not (decided.steps or notices or states or told):
            return None
        outcome = await self._incidents.apply_assessment(
            steps=decided.steps, notices=notices, tier_states=states, now=now, told_events=told
        )
        if isinstance(outcome, Outdated):
            self._silent.clear()
            return outcome
        for incident, change in decided.changes:
            self._tell(incident, change)
        if outcome.queued:
            self._wake()
        return outcome

    def _decide(
        self,
        findings: Sequence[Finding],
        standing: dict[Cause, Incident],
        now: datetime,
        next_id: int,
        *,
        all_of_them: bool,
    ) -> _Decided:
        decided = _Decided(steps=[], changes=[], standing=[])
        for finding in findings:
            before = standing.pop(finding.cause, None)
            if finding.cause.kind is CauseKind.EVENT and before is not None and before.fact != finding.fact:
                # It has happened again; of what happened before somebody was told.
                over = seen_long_enough(before, now, at_once=True)
                decided.steps.append(IncidentStep(before=before, after=over))
                before = None
            incident, change = _advanced(before, finding, now, next_id)
            if incident is None:
                continue
            decided.standing.append(incident)
            if change is not None:
                decided.steps.append(IncidentStep(before=before, after=incident))
                decided.changes.append((incident, change))
                next_id += change is Change.OPENED
        if all_of_them:
            open_ids = {one.incident_id for one in (*standing.values(), *decided.standing)}
            self._silent = {number: one for number, one in self._silent.items() if number in open_ids}
        for before in standing.values() if all_of_them else ():
            after = seen_long_enough(before, now)
            if after != before:
                decided.steps.append(IncidentStep(before=before, after=after))
            decided.standing.append(after)
        return decided

    async def _notices(
        self, incidents: Sequence[Incident], routing: Routing, now: datetime, *, urgent: bool
    ) -> list[NewNotice]:
        asked: list[tuple[Incident, tuple[Recipient, ...]]] = []
        for incident in incidents:
            recipients = routing.recipients(incident, incident.market, now)
            if not self._is_silent(incident, recipients, now):
                asked.append((incident, recipients))
        heard = await self._outbox.last_notices([incident.incident_id for incident, _ in asked])
        found: list[NewNotice] = []
        for number, (incident, recipients) in enumerate(asked, start=1):
            if number % _BREATHE_EVERY == 0:
                await asyncio.sleep(0)
            known = heard.get(incident.incident_id, {})
            found += self._notices_of(incident, recipients, known, now, urgent=urgent)
        return found

    def _is_silent(self, incident: Incident, recipients: tuple[Recipient, ...], now: datetime) -> bool:
        known = self._silent.get(incident.incident_id)
        return (
            known is not None
            and (known.until is None or now < known.until)
            and known.incident == incident
            and known.recipients == recipients
        )

    def _notices_of(
        self,
        incident: Incident,
        recipients: tuple[Recipient, ...],
        heard: Mapping[Receiver, LastNotice],
        now: datetime,
        *,
        urgent: bool,
    ) -> list[NewNotice]:
        found: list[NewNotice] = []
        again: list[datetime] = []
        not_to = concerned(incident.cause)
        for recipient in recipients:
            last = heard.get(recipient.receiver)
            if recipient.receiver == not_to or (last is None and recipient.follow_up):
                continue
            reason = needs_notice(last, incident, self._repeats, now)
            if reason is not None:
                facts = facts_of(incident, reason, last.tier if last else None, self._label(incident.cause), None)
                margin = self._figures.full if urgent else self._figures.brief
                facts = replace(facts, margin=margin(incident.cause, incident.tier))
                found.append(
                    NewNotice(
                        outbox_id=uuid4().hex, incident_id=incident.incident_id, receiver=recipient.receiver,
                        reason=reason, tier=incident.tier, body_json=to_json(facts), rank=self._rank(incident.cause),
                        hold_until=recipient.hold_until,
                    )
                )  # fmt: skip
                last = LastNotice(tier=incident.tier, at=now)
            due_at = next_notice_at(last, incident, self._repeats) if last is not None else None
            if due_at is not None:
                again.append(due_at)
        self._remember(incident, recipients, min(again, default=None))
        return found

    def _remember(self, incident: Incident, recipients: tuple[Recipient, ...], until: datetime | None) -> None:
        if incident.standing:
            self._silent[incident.incident_id] = _Silent(incident=incident, recipients=recipients, until=until)
        else:
            self._silent.pop(incident.incident_id, None)

    def _rank(self, cause: Cause) -> float:
        if cause.kind is not CauseKind.HEALTH:
            return math.inf
        near = self._nearness(cause.account_id)
        if math.isfinite(near):
            return near
        # Without daily moves the health ratio says who is nearer, behind those of whom more is known.
        figures = self._figures.brief(cause, Tier.OK)
        # While a price is missing there is no ratio either, and what stands is said again all the same.
        if figures is None or math.isnan(figures.ratio_percent):
            return math.inf
        return _UNMEASURED + figures.ratio_percent

    def _tell(self, incident: Incident, change: Change) -> None:
        log.info(
            f"incident.{change}", incident_id=incident.incident_id, kind=incident.cause.kind.value,
            account=self._label(incident.cause), tier=incident.tier.name,
        )  # fmt: skip

    def _label(self, cause: Cause) -> str:
        return self._roster.label(cause.account_id) if cause.account_id else ""


def _advanced(
    before: Incident | None, finding: Finding, now: datetime, new_id: int
) -> tuple[Incident | None, Change | None]:
    if finding.passing:
        # OK is no tier for something that happened.
        tier = Tier.WATCH if finding.tier is Tier.OK else finding.tier
        passed = happened(finding.cause, tier, fact=finding.fact, now=now, new_id=new_id, market=finding.market)
        return passed, Change.OPENED
    return advance(
        before, finding.cause, finding.tier, fact=finding.fact, now=now, new_id=new_id, market=finding.market,
        remedy=finding.remedy,
    )  # fmt: skip


def _worsens(finding: Finding, before: Incident | None) -> bool:
    return severity(finding.tier) > (severity(before.tier) if before is not None else severity(Tier.OK))


def _is_news(finding: Finding, before: Incident | None) -> bool:
    return finding.passing or finding.tier is not (before.tier if before is not None else Tier.OK)
