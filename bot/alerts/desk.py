"""From findings to incidents and notices, made durable together."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.alerts.emergency import Emergency
from bot.alerts.figures import Figures
from bot.alerts.findings import Finding
from bot.alerts.lost import concerned
from bot.alerts.routing import Router, Routing
from bot.alerts.telling import Telling
from bot.roster import Roster
from risk.decisions.incidents import (
    Cause,
    CauseKind,
    Change,
    Incident,
    RepeatIntervals,
    advance,
    happened,
    seen_long_enough,
    severity,
)
from risk.decisions.tiers import Tier, TierState
from risk.fleet import Fleet
from risk.ports import Clock
from storage import Incidents, IncidentStep, Outbox, Outdated, StorageError, Stored

__all__ = ["Companions", "Finding", "IncidentDesk"]

log = structlog.get_logger()

_FIRST_SLICE, _SLICE = 10, 100
_MOST_WITH_COMPANIONS = 10

Companions = Callable[[Sequence[str]], Awaitable[Sequence[Finding]]]


async def _alone(account_ids: Sequence[str]) -> Sequence[Finding]:
    return ()


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
        again: A second look at what stands, before it is told to anybody: by cause, for those that can pass by
            themselves as soon as somebody is there to hear of them.
        awaited: Whether the first reading is out and will be here soon.
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
        again: Mapping[Cause, Callable[[], Awaitable[Finding]]] | None = None,
        emergency: Emergency | None = None,
        repeats: RepeatIntervals | None = None,
        awaited: Callable[[], bool] = lambda: False,
    ) -> None:
        self._incidents, self._roster, self._router, self._clock, self._wake = incidents, roster, router, clock, wake
        self._companions, self._emergency, self._again = companions, emergency, again or {}
        self._telling = Telling(
            outbox=outbox, figures=figures or Figures(fleet, roster), label=roster.label, nearness=nearness,
            repeats=repeats or RepeatIntervals(), awaited=awaited,
        )  # fmt: skip
        self._routing: Routing | None = None
        self._standing: dict[Cause, Incident] = {}
        self._turn = asyncio.Lock()

    @property
    def overdue(self) -> bool:
        """Whether something waited for a first reading that did not come in time: it is to be told at once."""
        return self._telling.overdue

    async def settle(self, findings: Sequence[Finding], states: Mapping[str, TierState] | None = None) -> None:
        """Store what findings change and queue every notice that is due, also of what stands and no finding is about.

        Writes nothing when nothing changed. Raises: StorageError, after the worst was said without memory.
        """
        async with self._turn:
            try:
                await self._settle(findings, states or {})
            except StorageError as exc:
                if self._emergency is not None:
                    # What eases is not stored, and so neither is it told: or a second fall would be no news to anybody.
                    bad = [one for one in findings if not _eases(one, self._standing.get(one.cause))]
                    await self._emergency.tell(bad, self._routing, exc)
                raise
            if self._emergency is not None:
                self._emergency.over()

    async def tell_unremembered(self, findings: Sequence[Finding], error: Exception) -> None:
        """Say what is bad from what is known without the memory, of which the error says why it does not work."""
        if self._emergency is not None:
            await self._emergency.tell(findings, self._routing, error)

    async def _settle(self, findings: Sequence[Finding], states: Mapping[str, TierState]) -> None:
        standing = self._standing = {one.cause: one for one in await self._incidents.open_incidents()}
        findings = [*findings, *await self._with_companions(findings, standing)]
        findings += await self._looked_at_again(findings, standing)
        routing = self._routing = await self._router.load()
        if any(one.tier is Tier.OK and concerned(one.cause) for one in findings):
            self._telling.forget()  # a chat is back, and has not heard of what stands
        slices = self._slices(findings, standing, dict(states))
        for number, (some, own) in enumerate(slices, start=1):
            # Somebody who acknowledges in between makes it outdated: decide again on what they left.
            while isinstance(
                outcome := await self._attempt(some, own, routing, urgent=number == 1, last=number == len(slices)),
                Outdated,
            ):
                log.info("incidents.outdated", causes=len(outcome.causes))

    async def _looked_at_again(
        self, findings: Sequence[Finding], standing: Mapping[Cause, Incident]
    ) -> Sequence[Finding]:
        known = {one.cause for one in findings}
        return [await look() for cause, look in self._again.items() if cause in standing and cause not in known]

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
        news.sort(key=lambda one: (-severity(one.tier), self._telling.rank(one.cause)))
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
        notices = await self._telling.notices(decided.standing, routing, now, urgent=urgent)
        told = [event_id for one in findings for event_id in one.events]
        if not (decided.steps or notices or states or told):
            return None
        outcome = await self._incidents.apply_assessment(
            steps=decided.steps, notices=notices, tier_states=states, now=now, told_events=told
        )
        if isinstance(outcome, Outdated):
            self._telling.forget()
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
            before = None if finding.passing else standing.pop(finding.cause, None)
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
            self._telling.keep({one.incident_id for one in (*standing.values(), *decided.standing)})
        for before in standing.values() if all_of_them else ():
            after = seen_long_enough(before, now)
            if after != before:
                decided.steps.append(IncidentStep(before=before, after=after))
            decided.standing.append(after)
        return decided

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


def _eases(finding: Finding, before: Incident | None) -> bool:
    return before is not None and severity(finding.tier) < severity(before.tier)


def _is_news(finding: Finding, before: Incident | None) -> bool:
    return finding.passing or finding.tier is not (before.tier if before is not None else Tier.OK)
