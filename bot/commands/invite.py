"""/invite: a one-time code that makes somebody a person with a role."""

from datetime import timedelta

from bot.commands.persons import accounts_named, require_givable
from bot.commands.role_words import grants, role_of
from bot.commands.spec import Command, Denied, Request, Services, Usage, Where
from bot.messages import Line, Message
from bot.text.ages import day_and_moment, span
from bot.text.clean import name
from storage import Grant, Role

VALID_FOR = timedelta(hours=24)
_FOR = "for"
_LONGEST_NAME = 40


async def run(services: Services, request: Request) -> Message:
    if request.person is None:
        raise Denied("Only linked people may invite.")
    words = list(request.args)
    called = ""
    lowered = [word.lower() for word in words]
    if _FOR in lowered:
        at = lowered.index(_FOR)
        called = name(" ".join(words[at + 1 :]), columns=_LONGEST_NAME, fallback="")
        words = words[:at]
        if not called:
            raise Usage("Say what they are called behind 'for', or leave it out.")
    role = role_of(words[0]) if words else None
    if role is None:
        raise Usage(f"Say which role: {', '.join(Role)}.")
    given = [Grant(account_id=one, role=role) for one in accounts_named(services, words[1:])]
    require_givable(services, request.person, given)
    now = services.clock.now()
    code = await services.people.invite(
        given, by=request.person.person_id, now=now, ttl=VALID_FOR, called=called
    )  # fmt: skip
    whom = f" for {called}" if called else ""
    return Message(
        blocks=(
            Line(f"Invitation{whom}: {grants(given, services.roster.label)}", strong=True),
            Line(f"/start {code}"),
            Line("Give them this line to send to me. It works once, for whoever sends it first,"
                 f" and for {span(VALID_FOR.total_seconds())}: until {day_and_moment(now + VALID_FOR)}."),
        )
    )  # fmt: skip


COMMAND = Command(
    name="invite", usage="/invite ROLE [ACCOUNT ...] [for NAME]", summary="a one-time code for somebody new", run=run,
    role=Role.ADMIN, per_account=True, where=Where.PRIVATE,
)  # fmt: skip
