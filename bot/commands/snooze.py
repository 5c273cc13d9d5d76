"""/snooze and the Snooze button: no repeats for a while. An escalation still rings."""

import re
from datetime import timedelta

from bot.alerts.answers import NoSuchIncident
from bot.alerts.grouping import SNOOZE_MESSAGE
from bot.alerts.view import SNOOZE
from bot.commands.ack import already, incident_number
from bot.commands.spec import Command, Denied, PressReply, PressRequest, Request, Services, Usage
from bot.messages import Line, Message
from bot.text.ages import moment, span
from storage import Role

_LONGEST = timedelta(hours=24)
_SPAN = re.compile(r"(\d{1,4})(m|min|h)?", re.ASCII)
_DEFAULT = timedelta(hours=1)


async def run(services: Services, request: Request) -> Message:
    if not request.args:
        raise Usage("Say which alert, and for how long.")
    number = incident_number(request.args[0])
    wanted = _span(request.args[1]) if len(request.args) > 1 else _DEFAULT
    return Message(blocks=(Line(await _snooze(services, number, wanted), strong=True),))


async def press(services: Services, press: PressRequest) -> PressReply:
    return PressReply(notice=await _snooze(services, incident_number(press.args[0]), _span(press.args[1])))


async def press_message(services: Services, press: PressRequest) -> PressReply:
    wanted, snoozed = _span(press.args[1]), 0
    for number in await services.outbox.told_together(press.args[0]):
        try:
            snoozed += (await services.answers.snooze(number, wanted)).changed
        except (NoSuchIncident, Denied):
            continue  # one of another account, or of one that may not be snoozed by this person
    if not snoozed:
        return PressReply(notice="Nothing of this can be snoozed by you now.")
    until = moment(services.clock.now() + wanted)
    which = "The alert" if snoozed == 1 else f"{snoozed} alerts"
    return PressReply(notice=f"{which} snoozed until {until}. What gets worse still rings.")


def _span(text: str) -> timedelta:
    """``30m``, ``2h`` or minutes. Raises: Usage."""
    match = _SPAN.fullmatch(text.lower())
    if match is None:
        raise Usage("A time is written like 30m or 2h.")
    count, unit = int(match[1]), match[2]
    wanted = timedelta(hours=count) if unit == "h" else timedelta(minutes=count)
    if not timedelta(0) < wanted <= _LONGEST:
        raise Usage("A snooze lasts from a minute to 24 h.")
    return wanted


async def _snooze(services: Services, number: int, wanted: timedelta) -> str:
    try:
        answer = await services.answers.snooze(number, wanted)
    except NoSuchIncident as exc:
        raise Usage(f"There is no alert #{number}.") from exc
    if not answer.changed:
        return already(answer.incident)
    until = services.clock.now() + wanted
    return (
        f"Alert #{number} snoozed for {span(wanted.total_seconds())}, until {moment(until)}. It still rings if worse."
    )


COMMAND = Command(
    name="snooze", usage="/snooze NUMBER [30m|2h]", summary="no repeats of an alert for a while", run=run,
    role=Role.RESPONDER, per_account=True, presses={SNOOZE: press, SNOOZE_MESSAGE: press_message},
)  # fmt: skip
