"""/help: every command one may use, or one of them. Generated from the commands themselves."""

from collections.abc import Mapping

from bot.commands.persons import label_for
from bot.commands.role_words import roles
from bot.commands.spec import Command, Request, Services
from bot.messages import Line, Message
from bot.words import nearest
from storage import LinkedPerson, Role


def command(known: Mapping[str, Command]) -> Command:
    """The help over a set of commands; the set may be completed afterwards."""

    async def run(services: Services, request: Request) -> Message:
        wanted = request.args[0].removeprefix("/").lower() if request.args else ""
        if wanted in known:
            return _one(known[wanted], request.person)
        if wanted:
            return nearest(wanted, known)
        # How each is typed is told of one at a time: all of them at once would be more than a message.
        listed = (Line(f"/{one.name} - {one.summary}") for one in known.values() if _may(request.person, one))
        who = f"You are {roles(request.person.access, label_for(services))}. " if request.person else ""
        return Message(
            blocks=(Line("Keel watches your margin and warns before liquidation.", strong=True), *listed,
                    Line("/help COMMAND says how one is typed."),
                    Line(f"{who}Accounts: {services.roster.names}."))
        )  # fmt: skip

    return Command(name="help", usage="/help [command]", summary="what you can ask", run=run)


def _one(one: Command, person: LinkedPerson | None) -> Message:
    needs = "" if _may(person, one) else f" It needs the role {one.role.value}, which you do not have."
    return Message(blocks=(Line(one.usage, strong=True), Line(f"{one.summary[:1].upper()}{one.summary[1:]}.{needs}")))


def _may(person: LinkedPerson | None, one: Command) -> bool:
    if person is None or one.role is Role.VIEWER:
        return True
    held = person.access.strongest if one.per_account else person.access.everywhere
    return held is not None and held.includes(one.role)
