"""/ack and the Ack button: somebody takes an alert on. Repeats stop, an escalation still rings."""

from bot.alerts.answers import NoSuchIncident
from bot.alerts.view import ACK
from bot.commands.spec import Command, PressReply, PressRequest, Request, Services, Usage
from bot.messages import Message, lines
from risk.decisions.incidents import Incident, IncidentStatus
from storage import LinkedPerson, Role


async def run(services: Services, request: Request) -> Message:
    if request.person is None:
        raise Usage("Only linked people may acknowledge alerts.")
    if request.args:
        number = incident_number(request.args[0])
    else:
        open_numbers = [
            one.incident_id
            for one in await services.incidents.open_incidents()
            if one.status is IncidentStatus.OPEN
        ]  # fmt: skip
        if not open_numbers:
            return Message(blocks=lines("Nothing to acknowledge: no alert waits for it."))
        if len(open_numbers) > 1:
            raise Usage(f"Which one? {', '.join(f'#{number}' for number in open_numbers[:20])} are open.")
        number = open_numbers[0]
    return Message(blocks=lines(await _ack(services, number, request.person)))


async def press(services: Services, press: PressRequest) -> PressReply:
    return PressReply(notice=await _ack(services, incident_number(press.args[0]), press.person))


def incident_number(text: str) -> int:
    """``12`` or ``#12``. Raises: Usage."""
    digits = text.removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise Usage("An alert is named by its number, such as 12.")
    return int(digits)


async def _ack(services: Services, number: int, person: LinkedPerson) -> str:
    try:
        answer = await services.answers.acknowledge(number, person)
    except NoSuchIncident as exc:
        raise Usage(f"There is no alert #{number}.") from exc
    if answer.changed:
        return f"Acked alert #{number}. No repeats; it will ring if it gets worse."
    return already(answer.incident)


def already(incident: Incident) -> str:
    """Why nothing changed."""
    if incident.status is IncidentStatus.RESOLVED:
        return f"Alert #{incident.incident_id} is over already."
    return f"Alert #{incident.incident_id} was acknowledged already."


COMMAND = Command(
    name="ack", usage="/ack [number]", summary="take an alert on: no more repeats", run=run,
    role=Role.RESPONDER, presses={ACK: press},
)  # fmt: skip
