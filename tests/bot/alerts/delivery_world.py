"""An outbox, a chat platform, and delivery between them, with a clock moved by hand."""

from collections.abc import Sequence
from datetime import timedelta

from bot.alerts.delivery import Delivery
from bot.alerts.facts import to_json
from bot.alerts.figures import Figures
from bot.alerts.findings import Finding
from bot.alerts.sender import Sender
from bot.alerts.showing import Showing
from bot.alerts.wording import Wording
from bot.roster import Roster
from risk.decisions.incidents import CauseKind, NoticeReason
from risk.decisions.tiers import Tier
from risk.fleet import Fleet
from storage import Copies, Incidents, IncidentStep, NewNotice, Outbox, OutboxState, People, Receiver, Store
from tests.bot.alerts.builders import make_facts
from tests.storage.builders import make_cause, make_incident
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport, Sent
from tests.support.tuned_reader import TunedReader

ANN, BOB = Receiver(transport="chat", chat="ann"), Receiver(transport="chat", chat="bob")


class World:
    """Everything delivery needs.

    Attributes:
        reported: What the operators were told.
    """

    def __init__(self, store: Store) -> None:
        self.clock = FakeClock()
        self.transport = RecordingTransport(now=self.clock.now)
        self.outbox, self.incidents, self.people = Outbox(store), Incidents(store), People(store)
        self.copies = Copies(store)
        self.reported: list[Finding] = []
        roster = Roster(())
        fleet = Fleet(TunedReader(self.clock), (), self.clock)
        self.wording = Wording(
            incidents=self.incidents, figures=Figures(fleet, roster), clock=self.clock, label=roster.label,
            name_of=self._person,
        )  # fmt: skip
        self.sender = Sender(self.transport, self.clock)
        self.delivery = Delivery(
            self.sender, self.outbox, self.clock, wording=self.wording, moved=self.people.move_chat,
            showing=Showing(copies=self.copies, wording=self.wording, clock=self.clock, jitter=lambda: 1.0),
            report=self._report, jitter=lambda: 1.0,
        )  # fmt: skip
        self._ids, self._notices = iter(range(1, 1_000)), iter(range(1, 1_000))

    async def queue(
        self,
        *receivers: Receiver,
        tier: Tier = Tier.HIGH,
        body: str | None = None,
        incident: int | None = None,
        reason: NoticeReason | None = None,
        account: str = "main",
        hold_s: float | None = None,
    ) -> int:
        """An incident of which these receivers are to hear; its number."""
        number = incident or next(self._ids)
        steps = []
        if incident is None:
            opened = make_incident(number, cause=make_cause(f"account {number}", CauseKind.HEALTH))
            steps = [IncidentStep(before=None, after=opened)]
        why = reason or (NoticeReason.FIRST if incident is None else NoticeReason.ESCALATED)
        facts = make_facts(incident_id=number, tier=tier, reason=why, account=account, happened_at=self.clock.now())
        notices = [
            NewNotice(
                outbox_id=f"{number}-{tier.name}-{next(self._notices)}", incident_id=number, receiver=receiver,
                reason=why, tier=tier, body_json=to_json(facts) if body is None else body,
                hold_until=None if hold_s is None else self.clock.now() + timedelta(seconds=hold_s),
            )
            for receiver in receivers
        ]  # fmt: skip
        await self.incidents.apply_assessment(steps=steps, notices=notices, tier_states={}, now=self.clock.now())
        return number

    async def rounds(self, seconds: float, *, every_s: float = 1.0) -> None:
        for _ in range(round(seconds / every_s)):
            await self.delivery.drain()
            self.clock.pass_s(every_s)

    def sent_to(self, receiver: Receiver) -> list[Sent]:
        return [one for one in self.transport.sent if one.chat == receiver.chat]

    def heard(self, receiver: Receiver) -> list[str]:
        """The first word of each message, and the alerts it is about."""
        return [f"{one.first.split(' ')[0]} {' '.join(_numbers(one.text))}" for one in self.sent_to(receiver)]

    async def states(self) -> list[OutboxState]:
        counts = await self.outbox.counts()
        names = ("pending", "leased", "sent", "dead", "superseded")
        return [OutboxState(name) for name in names for _ in range(getattr(counts, name))]

    async def _report(self, findings: Sequence[Finding]) -> None:
        self.reported.extend(findings)

    async def _person(self, person_id: str) -> str:
        return person_id.title()


def _numbers(text: str) -> list[str]:
    return [f"#{number}" for number in sorted(int(part.split()[0]) for part in text.split("alert #")[1:])]
