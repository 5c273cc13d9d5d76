"""/help: every command, or one of them. Generated from the commands themselves."""

from collections.abc import Mapping

from bot.commands.spec import Command, Request, Services
from bot.messages import Line, Message


def command(known: Mapping[str, Command]) -> Command:
    """The help over a set of commands; the set may be completed afterwards."""

    async def run(services: Services, request: Request) -> Message:
        wanted = request.args[0].removeprefix("/").lower() if request.args else ""
        if wanted in known:
            one = known[wanted]
            return Message(blocks=(Line(one.usage, strong=True), Line(f"{one.summary[:1].upper()}{one.summary[1:]}.")))
        accounts = ", ".join(watched.nickname for watched in services.roster.all) or "none"
        listed = (Line(f"{one.usage} - {one.summary}") for one in known.values())
        return Message(
            blocks=(Line("Keel watches your margin and warns before liquidation.", strong=True), *listed,
                    Line(f"Accounts: {accounts}."))
        )  # fmt: skip

    return Command(name="help", usage="/help [command]", summary="what you can ask", run=run)
