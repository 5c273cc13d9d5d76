"""Who is told what of the incidents that stand: the rule of needs_notice, asked for each receiver, and asked again only
where something can have changed."""

import asyncio
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from bot.alerts.facts import MarginFacts, facts_of, recalled, to_json
from bot.alerts.figures import Figures
from bot.alerts.lost import concerned
from bot.alerts.routing import Recipient, Routing
from risk.decisions.incidents import (
    Cause,
    CauseKind,
    Incident,
    LastNotice,
    RepeatIntervals,
    needs_notice,
    next_notice_at,
)
from risk.decisions.tiers import Tier
from storage import NewNotice, Outbox, Receiver

_UNMEASURED = 1e6
_BREATHE_EVERY = 4  # incidents, between which others get the loop: figures take the engine a few milliseconds each


@dataclass(frozen=True, slots=True, kw_only=True)
class _Silent:
    """An incident of which nobody is to hear anything before a moment, as long as it and its recipients stay."""

    incident: Incident
    recipients: tuple[Recipient, ...]
    until: datetime | None


class Telling:
    """Composes notices.

    Args:
        label: What people call an account.
        nearness: Daily moves between an account and liquidation; infinite where not known.
        awaited: Whether the first reading is out and will be here soon: what figures explain waits for them.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        figures: Figures,
        label: Callable[[str], str],
        nearness: Callable[[str], float],
        repeats: RepeatIntervals,
        awaited: Callable[[], bool] = lambda: False,
    ) -> None:
        self._outbox, self._figures, self._label = outbox, figures, label
        self._nearness, self._repeats, self._awaited = nearness, repeats, awaited
        self._waiting: set[int] = set()
        self._silent: dict[int, _Silent] = {}

    async def notices(
        self, incidents: Sequence[Incident], routing: Routing, now: datetime, *, urgent: bool
    ) -> list[NewNotice]:
        """What is to be queued.

        Args:
            urgent: Work out what would help at once; otherwise that waits until the notice is sent.
        """
        asked: list[tuple[Incident, tuple[Recipient, ...]]] = []
        for incident in incidents:
            recipients = routing.recipients(incident, incident.market, now)
            if not self._is_silent(incident, recipients, now):
                asked.append((incident, recipients))
        asked = self._without_those_that_wait(asked)
        heard = await self._outbox.last_notices([incident.incident_id for incident, _ in asked])
        bodies = await self._outbox.last_bodies([one.incident_id for one, _ in asked if self._lacks_figures(one)])
        found: list[NewNotice] = []
        for number, (incident, recipients) in enumerate(asked, start=1):
            if number % _BREATHE_EVERY == 0:
                await asyncio.sleep(0)
            known = heard.get(incident.incident_id, {})
            recall = recalled(bodies.get(incident.incident_id, ()), incident.tier)
            found += self._of(incident, recipients, known, now, urgent=urgent, recall=recall)
        return found

    @property
    def overdue(self) -> bool:
        """Whether something waited for a first reading that is not to be waited for any more."""
        return bool(self._waiting) and not self._awaited()

    def _lacks_figures(self, incident: Incident) -> bool:
        cause = incident.cause
        return incident.standing and cause.kind is CauseKind.HEALTH and not self._figures.known(cause)

    def _without_those_that_wait(
        self, asked: Sequence[tuple[Incident, tuple[Recipient, ...]]]
    ) -> list[tuple[Incident, tuple[Recipient, ...]]]:
        """Right after a start what an earlier process found is due to the next person before anything was read: an
        alert of which one knows no more than the tier is worth waiting a moment for."""
        awaited = self._awaited()
        waiting = {one.incident_id for one, _ in asked if awaited and self._lacks_figures(one)}
        self._waiting = (self._waiting - {one.incident_id for one, _ in asked}) | waiting
        return [one for one in asked if one[0].incident_id not in waiting]

    def rank(self, cause: Cause) -> float:
        """Order among what is equally urgent, see storage.NewNotice."""
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

    def forget(self) -> None:
        """Something else than what was told here may have changed."""
        self._silent.clear()

    def keep(self, incident_ids: Collection[int]) -> None:
        """Others are over."""
        self._waiting &= set(incident_ids)
        self._silent = {number: one for number, one in self._silent.items() if number in incident_ids}

    def _is_silent(self, incident: Incident, recipients: tuple[Recipient, ...], now: datetime) -> bool:
        known = self._silent.get(incident.incident_id)
        return (
            known is not None
            and (known.until is None or now < known.until)
            and known.incident == incident
            and known.recipients == recipients
        )

    def _of(
        self,
        incident: Incident,
        recipients: tuple[Recipient, ...],
        heard: Mapping[Receiver, LastNotice],
        now: datetime,
        *,
        urgent: bool,
        recall: MarginFacts | None,
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
                account_id = incident.cause.account_id
                label = self._label(account_id) if account_id else ""
                margin = self._figures.full if urgent else self._figures.brief
                facts = facts_of(incident, reason, last.tier if last else None, label, None)
                facts = replace(
                    facts, margin=recall or margin(incident.cause, incident.tier), remembered=recall is not None
                )
                found.append(
                    NewNotice(
                        outbox_id=uuid4().hex, incident_id=incident.incident_id, receiver=recipient.receiver,
                        reason=reason, tier=incident.tier, body_json=to_json(facts), rank=self.rank(incident.cause),
                        hold_until=recipient.hold_until,
                    )
                )  # fmt: skip
                last = LastNotice(tier=incident.tier, at=now)
            due_at = next_notice_at(last, incident, self._repeats) if last is not None else None
            if due_at is not None:
                again.append(due_at)
        if incident.standing:
            until = min(again, default=None)
            self._silent[incident.incident_id] = _Silent(incident=incident, recipients=recipients, until=until)
        return found
