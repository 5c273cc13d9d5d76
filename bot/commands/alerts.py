"""/alerts: what stands open, who has it, and whether it arrived."""

from bot.commands.spec import Command, Request, Services
from bot.messages import Block, Button, Line, Message
from bot.text.ages import age, moment
from bot.text.clean import name
from risk.decisions.incidents import Incident, IncidentStatus, severity

_SHOWN = 10


async def run(services: Services, request: Request) -> Message:
    standing = sorted(await services.incidents.open_incidents(), key=lambda i: (-severity(i.tier), i.incident_id))
    counts = await services.outbox.counts()
    if not standing:
        recent = [i for i in await services.incidents.recent(1) if i.resolved_at is not None]
        last = f"The last one, #{recent[0].incident_id}, ended {_ago(services, recent[0])} ago." if recent else (
            "There has been none yet."
        )  # fmt: skip
        return Message(blocks=(Line("No open alert", strong=True), Line(last)))
    headline = f"{len(standing)} open alert{'s' if len(standing) != 1 else ''}, worst {standing[0].tier.name}"
    blocks: list[Block] = [Line(headline, strong=True)]
    for incident in standing[:_SHOWN]:
        blocks += [Line(text) for text in await _lines(services, incident)]
    if len(standing) > _SHOWN:
        blocks.append(Line(f"and {len(standing) - _SHOWN} more"))
    waiting = counts.pending + counts.leased
    if waiting or counts.dead:
        blocks.append(Line(f"Not delivered: {waiting} waiting, {counts.dead} given up."))
    acks = tuple(
        Button(f"Ack #{i.incident_id}", f"ack:{i.incident_id}") for i in standing[:5] if i.status is IncidentStatus.OPEN
    )
    return Message(blocks=tuple(blocks), buttons=(acks,) if acks else ())


async def _lines(services: Services, incident: Incident) -> list[str]:
    account = services.roster.label(incident.cause.account_id) if incident.cause.account_id else "all accounts"
    since = age((services.clock.now() - incident.opened_at).total_seconds())
    what = incident.fact or incident.cause.kind.value
    copies = await services.outbox.copies(incident.incident_id)
    heard = len({(copy.receiver.transport, copy.receiver.chat, copy.receiver.thread) for copy in copies})
    lines = [f"#{incident.incident_id} {incident.tier.name} {name(account)}: {what}, for {since}"]
    state = f"told {heard} chat{'s' if heard != 1 else ''}"
    if incident.acked_by and incident.acked_at:
        person = await services.people.by_id(incident.acked_by)
        state += f", acked by {name(person.display_name or person.user_id) if person else '?'}"
        state += f" at {moment(incident.acked_at)}"
    if incident.snoozed_until and incident.snoozed_until > services.clock.now():
        state += f", snoozed until {moment(incident.snoozed_until)}"
    return [*lines, f"  {state}"]


def _ago(services: Services, incident: Incident) -> str:
    ended = incident.resolved_at or incident.changed_at
    return age((services.clock.now() - ended).total_seconds())


COMMAND = Command(name="alerts", usage="/alerts", summary="open alerts and their delivery", run=run)
