"""From what is stored to what is read: the facts of each notice, its incident as it stands now, in the reader's way."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from bot.alerts.facts import AlertFacts, facts_of, from_json, to_json
from bot.alerts.figures import Figures
from bot.alerts.grouping import Told, message_of
from bot.messages import Message, Tone
from bot.text.reader import PLAIN, ReadingStyle, reading_as
from risk.decisions.incidents import Incident
from risk.decisions.tiers import Tier
from risk.ports import Clock
from storage import Batch, Incidents, Notice, Receiver, StaleMessage

log = structlog.get_logger()

StyleOf = Callable[[Receiver], Awaitable[ReadingStyle]]
NameOf = Callable[[str], Awaitable[str]]
CalledThere = Callable[[Receiver], Awaitable[Mapping[str, str]]]
Rings = Callable[[Receiver, Tier, str], Awaitable[bool]]


async def plainly(receiver: Receiver) -> ReadingStyle:
    """For everybody alike."""
    return PLAIN


async def as_everywhere(receiver: Receiver) -> Mapping[str, str]:
    """For everybody alike."""
    return {}


async def aloud(receiver: Receiver, tier: Tier, account_id: str) -> bool:
    """For everybody alike."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """A message, and what it rests on.

    Attributes:
        acked: Numbers of the incidents it shows as acknowledged.
        bodies: By outbox id, the facts it shows, where they are newer than those that were queued.
    """

    message: Message
    acked: frozenset[int]
    bodies: Mapping[str, str]


class Wording:
    """Words alerts when they are sent and when they are edited.

    Args:
        label: What people call an account.
        name_of: What people call a person, by id.
        style_of: How a receiver reads.
        called_there: What accounts are called in a chat, by id, where that is not what everybody calls them.
        rings: Whether a receiver wants a sound for a tier of an account now.
        trades: Whether plans can be asked for and confirmed.
    """

    def __init__(
        self,
        *,
        incidents: Incidents,
        figures: Figures,
        clock: Clock,
        label: Callable[[str], str],
        name_of: NameOf,
        style_of: StyleOf = plainly,
        called_there: CalledThere = as_everywhere,
        rings: Rings = aloud,
        trades: bool = False,
    ) -> None:
        self._incidents, self._figures, self._clock = incidents, figures, clock
        self._label, self._name_of, self._style_of, self._rings = label, name_of, style_of, rings
        self._called_there, self._trades = called_there, trades

    async def of(self, batch: Batch) -> Worded:
        """A message to be sent: with the figures of the moment, where they can be trusted."""
        at = self._clock.now()
        standing = await self._standing(batch.notices)
        facts = {one.outbox_id: self._facts(one, standing[one.incident_id]) for one in batch.notices}
        newer = {key: self._renewed(one, standing[one.incident_id]) for key, one in facts.items()}
        called = await self._called_there(batch.receiver)
        told = [await self._told(one, newer[one.outbox_id], standing[one.incident_id], called) for one in batch.notices]
        with reading_as(await self._style_of(batch.receiver)):
            message = message_of(told, at, key=batch.key, uncertain=batch.uncertain)
        if not await self._sounds(batch, standing):
            message = replace(message, tone=Tone.QUIET)
        bodies = {key: to_json(one) for key, one in newer.items() if one is not facts[key]}
        return Worded(message=message, acked=_acked(told), bodies=bodies)

    async def again(self, stale: StaleMessage) -> Worded:
        """A message to be edited: it says what it said, and what has become of that."""
        at = self._clock.now()
        standing = await self._standing(stale.notices)
        called = await self._called_there(stale.receiver)
        told = [
            await self._told(one, self._facts(one, standing[one.incident_id]), standing[one.incident_id], called)
            for one in stale.notices
        ]
        said_at = min((one.sent_at for one in stale.notices if one.sent_at is not None), default=at)
        with reading_as(await self._style_of(stale.receiver)):
            message = message_of(told, at, key=stale.key, said_at=said_at)
        return Worded(message=message, acked=_acked(told), bodies={})

    async def _sounds(self, batch: Batch, standing: Mapping[int, Incident]) -> bool:
        for notice in batch.notices:
            if await self._rings(batch.receiver, notice.tier, standing[notice.incident_id].cause.account_id):
                return True
        return False

    async def _standing(self, notices: Sequence[Notice]) -> Mapping[int, Incident]:
        return await self._incidents.by_ids({notice.incident_id for notice in notices})

    def _facts(self, notice: Notice, incident: Incident) -> AlertFacts:
        try:
            return from_json(notice.body_json)
        except ValueError:
            # Written by another version, or damaged: what the incident itself says is less, and better than silence.
            log.error("alert.unreadable", outbox_id=notice.outbox_id, incident_id=notice.incident_id)
            told = replace(incident, tier=notice.tier)
            return facts_of(told, notice.reason, None, self._label(incident.cause.account_id), None)

    def _renewed(self, facts: AlertFacts, incident: Incident) -> AlertFacts:
        margin = self._figures.fresh(incident.cause, facts.tier)
        if margin is None or (margin == facts.margin and not facts.remembered):
            return facts
        return replace(facts, margin=margin, remembered=False)

    async def _told(self, notice: Notice, facts: AlertFacts, incident: Incident, called: Mapping[str, str]) -> Told:
        own = called.get(incident.cause.account_id, facts.account)
        return Told(
            facts=replace(facts, account=own, trades=self._trades),
            queued_at=notice.created_at,
            held=notice.held,
            acked_by=await self._name_of(incident.acked_by) if incident.acked_by else "",
            acked_at=incident.acked_at,
            ended_at=None if incident.standing or incident.passing else incident.resolved_at,
        )


def _acked(told: Sequence[Told]) -> frozenset[int]:
    return frozenset(one.facts.incident_id for one in told if one.acked_by)
