"""/alerts: what stands open, how bad it is now, who has it, and whether it arrived."""

from collections.abc import Mapping, Sequence

from bot.alerts.chat_names import ChatNames
from bot.alerts.facts import facts_of
from bot.alerts.figures import Figures
from bot.alerts.receipts import receipt
from bot.alerts.sender import Sender
from bot.alerts.view import headline
from bot.commands.spec import Command, Request, Services
from bot.messages import Address, Block, Button, Line, Message
from bot.text.ages import age, moment
from bot.text.provenance import provenance
from risk.decisions.incidents import CauseKind, Incident, IncidentStatus, NoticeReason, severity
from storage import Receipt, Receiver

_SHOWN = 10
_RECEIPTS_SHOWN = 6


async def run(services: Services, request: Request) -> Message:
    standing = sorted(await services.incidents.open_incidents(), key=lambda i: (-severity(i.tier), i.incident_id))
    if not standing:
        return await _nothing_open(services, request)
    shown, names = standing[:_SHOWN], ChatNames(services.people)
    by_incident: dict[int, list[Receipt]] = {}
    for one in await services.outbox.receipts([incident.incident_id for incident in shown]):
        by_incident.setdefault(one.incident_id, []).append(one)
    headline = f"{len(standing)} open alert{'s' if len(standing) != 1 else ''}, worst {standing[0].tier.name}"
    blocks: list[Block] = [Line(headline, strong=True)]
    for incident in shown:
        blocks += [Line(_what(services, incident)), *await _fate(services, names, incident, by_incident)]
    if len(standing) > _SHOWN:
        blocks.append(Line(f"and {len(standing) - _SHOWN} more"))
    blocks += await _not_delivered(services, request)
    if any(incident.cause.kind is CauseKind.HEALTH for incident in shown):
        blocks.append(_origin(services))
    acks = tuple(
        Button(f"Ack #{i.incident_id}", f"ack:{i.incident_id}") for i in standing[:5] if i.status is IncidentStatus.OPEN
    )
    return Message(blocks=tuple(blocks), buttons=(acks,) if acks else ())


async def _nothing_open(services: Services, request: Request) -> Message:
    recent = [one for one in await services.incidents.recent(1) if one.resolved_at is not None]
    last = f"The last one, #{recent[0].incident_id}, ended {_ago(services, recent[0])} ago." if recent else (
        "There has been none yet."
    )  # fmt: skip
    undelivered = await _not_delivered(services, request)
    return Message(blocks=(Line("No open alert", strong=True), Line(last), *undelivered))


def _what(services: Services, incident: Incident) -> str:
    """The alert as it would read now."""
    account_id = incident.cause.account_id
    label = services.roster.label(account_id) if account_id else ""
    facts = facts_of(incident, NoticeReason.FIRST, None, label, _figures(services).full(incident.cause, incident.tier))
    said = headline(facts)
    if incident.cause.kind is CauseKind.DATA and incident.fact:
        said = f"{said.partition(':')[0]}: {incident.fact}"
    since = age((services.clock.now() - incident.opened_at).total_seconds())
    return f"#{incident.incident_id} {said}, for {since}"


def _figures(services: Services) -> Figures:
    return Figures(services.fleet, services.roster)


async def _fate(
    services: Services, names: ChatNames, incident: Incident, receipts: Mapping[int, Sequence[Receipt]]
) -> list[Line]:
    now = services.clock.now()
    own = receipts.get(incident.incident_id, ())
    told = [
        receipt(one, await names.of(one.receiver), now, asked_to_wait_s=_asked_to_wait_s(services, one.receiver))
        for one in own[:_RECEIPTS_SHOWN]
    ]
    if len(own) > _RECEIPTS_SHOWN:
        told.append(f"and {len(own) - _RECEIPTS_SHOWN} more chats")
    parts = ["; ".join(told) if told else "told nobody"]
    if incident.acked_by and incident.acked_at:
        parts.append(f"acked by {await names.of_person(incident.acked_by)} at {moment(incident.acked_at)}")
    if incident.snoozed_until and incident.snoozed_until > now:
        parts.append(f"snoozed until {moment(incident.snoozed_until)}")
    return [Line(f"  {', '.join(parts)}")]


def _asked_to_wait_s(services: Services, receiver: Receiver) -> float:
    sender = services.process.transports.get(receiver.transport)
    if not isinstance(sender, Sender):
        return 0.0
    return sender.held_s(Address(transport=receiver.transport, chat=receiver.chat, thread=receiver.thread))


async def _not_delivered(services: Services, request: Request) -> list[Line]:
    """Of all accounts and chats, and so for nobody who may see some of them alone."""
    if request.person is not None and request.person.access.everywhere is None:
        return []
    counts = await services.outbox.counts()
    waiting, found = counts.pending + counts.leased, list[Line]()
    if waiting or counts.dead:
        found.append(Line(f"Not delivered: {waiting} waiting, {counts.dead} given up."))
    return found + [Line(text) for text in await lost_chats(services)]


async def lost_chats(services: Services) -> list[str]:
    """Chats that no alert reaches, each with why."""
    names = ChatNames(services.people)
    return [
        f"! No alert reaches {await names.of(gone.receiver)}: {gone.reason}"
        for gone in await services.outbox.unreachable()
    ]


def _origin(services: Services) -> Line:
    view = services.fleet.latest
    stale = bool(services.fleet.why_stale())
    slot = view.book.slot if view is not None else None
    return Line(provenance(account="figures", age_s=services.fleet.age_s(), slot=slot, stale=stale))


def _ago(services: Services, incident: Incident) -> str:
    ended = incident.resolved_at or incident.changed_at
    return age((services.clock.now() - ended).total_seconds())


COMMAND = Command(name="alerts", usage="/alerts", summary="open alerts and their delivery", run=run)
