"""The Details button of an alert: the whole account behind it."""

from bot.alerts.view import DETAILS
from bot.commands import health, liq
from bot.commands.ack import incident_number
from bot.commands.spec import PressReply, PressRequest, Request, Services, Usage
from bot.messages import Line, Message, Person


async def press(services: Services, press: PressRequest) -> PressReply:
    number = incident_number(press.args[0])
    incident = await services.incidents.find(number)
    if incident is None:
        raise Usage(f"There is no alert #{number}.")
    account_id = incident.cause.account_id
    if account_id and account_id not in services.roster.account_ids:
        raise Usage("This account is not watched any more.")
    nickname = (services.roster.label(account_id),) if account_id else ()
    sender = Person(transport=press.person.transport, user_id=press.person.user_id)
    request = Request(args=nickname, sender=sender, person=press.person, address=press.address)
    first = await health.run(services, request)
    if not nickname:
        return PressReply(message=first)
    second = await liq.run(services, request)
    # One provenance line is enough: the second part repeats the first one's.
    return PressReply(message=Message(blocks=(*first.blocks[:-1], Line(""), *second.blocks)))


PRESSES = {DETAILS: press}
