"""/ack and the Ack buttons: somebody takes alerts on. Repeats stop, an escalation still rings."""

from collections.abc import Sequence

from bot.alerts.answers import NoSuchIncident
from bot.alerts.grouping import ACK_MESSAGE
from bot.alerts.view import ACK
from bot.commands.spec import Command, Denied, PressReply, PressRequest, Request, Services, Usage
from bot.messages import Message, lines
from risk.decisions.incidents import CauseKind, Incident, IncidentStatus
from storage import LinkedPerson, Role

_ALL = "all"
_NUMBERS_SHOWN = 20


async def run(services: Services, request: Request) -> Message:
    if request.person is None:
        raise Usage("Only linked people may acknowledge alerts.")
    open_numbers = [
        one.incident_id for one in await services.incidents.open_incidents() if one.status is IncidentStatus.OPEN
    ]
    if request.args and request.args[0].lower() != _ALL:
        return Message(blocks=lines(await _ack(services, incident_number(request.args[0]), request.person)))
    if not open_numbers:
        return Message(blocks=lines("Nothing to acknowledge: no alert waits for it."))
    if len(open_numbers) > 1 and not request.args:
        raise Usage(f"Which one? {_listed(open_numbers)} are open; /ack all takes them all.")
    return Message(blocks=lines(await _ack_all(services, open_numbers, request.person)))


async def press(services: Services, press: PressRequest) -> PressReply:
    return PressReply(notice=await _ack(services, incident_number(press.args[0]), press.person))


async def press_message(services: Services, press: PressRequest) -> PressReply:
    numbers = await services.outbox.told_together(press.args[0])
    if not numbers:
        raise Usage("This message is too old to be understood; see /alerts.")
    return PressReply(notice=await _ack_all(services, numbers, press.person))


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
    if not answer.changed:
        return already(answer.incident)
    if answer.incident.cause.kind is CauseKind.EVENT:
        return f"Acked alert #{number}."
    return f"Acked alert #{number}. No repeats; it will ring if it gets worse."


async def _ack_all(services: Services, numbers: Sequence[int], person: LinkedPerson) -> str:
    """Those of the alerts that wait for it and may be taken on; what stands in the way of all of them, where it does.

    Raises: Usage, Denied.
    """
    if len(numbers) == 1:
        return await _ack(services, numbers[0], person)
    acked: list[int] = []
    denied: list[Denied] = []
    for number in numbers:
        try:
            answer = await services.answers.acknowledge(number, person)
        except NoSuchIncident:
            continue
        except Denied as exc:
            denied.append(exc)
            continue
        if answer.changed:
            acked.append(number)
    if not acked and denied:
        raise denied[0]
    if not acked:
        return "Nothing of this waits for an acknowledgement any more."
    rest = f" {len(denied)} may not be yours to take on." if denied else ""
    return f"Acked {_listed(acked)}. No repeats; what gets worse will ring.{rest}"


def _listed(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - _NUMBERS_SHOWN} more" if len(numbers) > _NUMBERS_SHOWN else ""
    return f"{', '.join(f'#{number}' for number in numbers[:_NUMBERS_SHOWN])}{more}"


def already(incident: Incident) -> str:
    """Why nothing changed."""
    if incident.status is IncidentStatus.RESOLVED:
        return f"Alert #{incident.incident_id} is over already."
    return f"Alert #{incident.incident_id} was acknowledged already."


COMMAND = Command(
    name="ack", usage="/ack [number|all]", summary="take alerts on: no more repeats", run=run,
    role=Role.RESPONDER, per_account=True, presses={ACK: press, ACK_MESSAGE: press_message},
)  # fmt: skip
