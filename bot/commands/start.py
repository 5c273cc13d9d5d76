"""/start CODE: a stranger becomes known by the one-time code that the console shows."""

from uuid import uuid4

from bot.commands.spec import Command, Request, Services, Usage
from bot.messages import Line, Message
from bot.text.clean import name
from storage import LinkClaim, LinkedPerson, LinkRefusal

_REFUSED = {
    LinkRefusal.UNKNOWN: "This code is not right. It stands on Keel's console as 'link code: XXXX-XXXX'.",
    LinkRefusal.EXPIRED: "This code has expired. Restart Keel for a new one.",
    LinkRefusal.USED: "This code was used already. Restart Keel for a new one, or ask an admin.",
    LinkRefusal.LOCKED_OUT: "Too many wrong codes. Try again in an hour.",
}


async def run(services: Services, request: Request) -> Message:
    if not request.args:
        if request.person is not None:
            return _welcome(services, request.person, "You are linked already.")
        raise Usage("Send the code from Keel's console.")
    claim = LinkClaim(
        person_id=uuid4().hex,
        transport=request.sender.transport,
        user_id=request.sender.user_id,
        display_name=name(request.sender.display_name, fallback=request.sender.user_id),
        chat=request.address.chat,
        thread=request.address.thread,
        private=request.private,
    )
    outcome = await services.people.redeem_link_code(request.args[0], claim, services.clock.now())
    if isinstance(outcome, LinkRefusal):
        return Message(blocks=(Line(_REFUSED[outcome]),))
    return _welcome(services, outcome, "Linked.")


def _welcome(services: Services, person: LinkedPerson, first: str) -> Message:
    accounts = ", ".join(watched.nickname for watched in services.roster.all) or "none yet"
    return Message(
        blocks=(
            Line(f"{first} You are {'the owner' if person.owner else person.role.value}.", strong=True),
            Line(f"This chat hears of every alert. Accounts: {accounts}."),
            Line("Ask /health, or /help for everything."),
        )
    )


COMMAND = Command(
    name="start", usage="/start CODE", summary="link this chat with the code from the console", run=run,
    open_to_strangers=True,
)  # fmt: skip
