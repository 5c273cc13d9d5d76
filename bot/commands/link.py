"""/link: a one-time code that makes somebody known on one more platform, as the same person."""

from datetime import timedelta

from bot.commands.persons import find, shown
from bot.commands.spec import Command, Denied, Request, Services, Where
from bot.messages import Line, Message
from bot.text.ages import span

VALID_FOR = timedelta(minutes=10)


async def run(services: Services, request: Request) -> Message:
    asker = request.person
    if asker is None:
        raise Denied("Only linked people may do that.")
    person = asker
    if request.args:
        person = await find(services, asker, " ".join(request.args))
        if person.person_id != asker.person_id and not asker.access.governs(person.access):
            raise Denied(f"Only somebody who may do all that {shown(person)} may can do that.")
    if await services.people.by_id(person.person_id) is None:
        raise Denied("The terminal is nobody in particular. Link a chat with the code it shows, and ask there.")
    now = services.clock.now()
    code = await services.people.identity_code(
        person.person_id, by=asker.person_id, now=now, ttl=VALID_FOR
    )  # fmt: skip
    own = person.person_id == asker.person_id
    return Message(
        blocks=(
            Line(f"Whoever sends this is {'you' if own else shown(person)}, with all rights:", strong=True),
            Line(f"/start {code}"),
            Line(f"Send it to me on the other platform within {span(VALID_FOR.total_seconds())}. It works once."
                 " Show it to nobody else."),
        )
    )  # fmt: skip


COMMAND = Command(
    name="link", usage="/link [NAME]", summary="be the same person on another platform", run=run, where=Where.PRIVATE
)
