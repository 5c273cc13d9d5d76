"""/start CODE: a stranger becomes known by a one-time code, from the console or from an admin; and so does a chat."""

from dataclasses import dataclass
from uuid import uuid4

from bot.commands import cards, pending
from bot.commands.persons import label_for, shown
from bot.commands.role_words import roles
from bot.commands.spec import Command, Denied, PressReply, PressRequest, Request, Services, Usage, Where
from bot.messages import Line, Message
from bot.notify import tell
from bot.scope import Scopes
from bot.text.clean import name
from storage import LinkClaim, LinkedChat, LinkedPerson, LinkRefusal, Role

JOIN, NO_JOIN = "join", "join-no"

_REFUSED = {
    LinkRefusal.UNKNOWN: "This code is not right. It stands on Keel's console as 'link code: XXXX-XXXX'.",
    LinkRefusal.EXPIRED: "This code has expired. Restart Keel for a new one.",
    LinkRefusal.USED: "This code was used already. Restart Keel for a new one, or ask an admin.",
    LinkRefusal.LOCKED_OUT: "Too many wrong codes. Try again in an hour.",
    LinkRefusal.INVITATION_EXPIRED: "This code has expired. Ask whoever gave it to you for a new one.",
    LinkRefusal.INVITATION_USED: "This code was used already. Ask whoever gave it to you for a new one.",
    LinkRefusal.INVITATION_WITHDRAWN: "This code was withdrawn. Ask an admin for another one.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What a card asks: whether who shows the code and whom it is for are one person. Everything else is as it was
    typed."""

    person_id: str
    code: str
    platform: str
    user_id: str
    display_name: str
    via: str
    chat: str
    thread: str
    private: bool


async def run(services: Services, request: Request) -> Message:
    if not request.args:
        if request.person is None:
            raise Usage("Send the code from Keel's console.")
        return await _again(services, request, request.person)
    address, sender = request.address, request.sender
    claim = LinkClaim(
        person_id=uuid4().hex,
        transport=sender.transport,
        user_id=sender.user_id,
        display_name=name(sender.display_name, fallback=sender.user_id),
        chat=address.chat,
        thread=address.thread,
        private=request.private,
        via=address.transport,
    )
    outcome = await services.people.redeem_link_code(request.args[0], claim, services.clock.now())
    if outcome is LinkRefusal.LINKED_AS_ANOTHER and request.person is not None:
        return await _ask_to_join(services, request.person, claim, request.args[0])
    if not isinstance(outcome, LinkedPerson):
        return Message(blocks=(Line(_REFUSED.get(outcome, _REFUSED[LinkRefusal.UNKNOWN])),))
    return await _linked(services, outcome, request, was=request.person)


async def _linked(services: Services, person: LinkedPerson, request: Request, was: LinkedPerson | None) -> Message:
    own = await Scopes(services).services(person)
    identities = await services.people.identities(person.person_id)
    if len(identities) > 1 and (was is None or was.person_id != person.person_id):
        await tell(services, person.person_id, Message(blocks=(
            Line(f"You are known on {name(person.transport)} too now.", strong=True),
            Line(f"As {name(request.sender.display_name, fallback=request.sender.user_id)}."
                 " If that is not you, have an admin revoke you at once and invite you anew."),
        )), but_for=request.address)  # fmt: skip
    return await _welcome(own, person, "Linked.", request)


async def _again(services: Services, request: Request, person: LinkedPerson) -> Message:
    """Somebody who is linked says hello: the chat they do it in, if nobody else reads it, hears from now on."""
    address = request.address
    if request.private and await services.people.by_id(person.person_id) is not None:
        await services.people.link_chat(
            LinkedChat(
                transport=address.transport, chat=address.chat, thread=address.thread, person_id=person.person_id,
                private=True, linked_at=services.clock.now(),
            )
        )  # fmt: skip
    return await _welcome(services, person, "You are linked already.", request)


async def _welcome(services: Services, person: LinkedPerson, first: str, request: Request) -> Message:
    headline = Line(f"{first} You are {roles(person.access, label_for(services))}.", strong=True)
    if request.private:
        routed = services.book.routes.routes
        hears = "Which alerts are told where: /routes." if routed else "This chat hears of every alert."
        hears += f" Accounts: {services.roster.names}."
        return Message(blocks=(headline, Line(hears), Line("Ask /health, or /help for everything.")))
    # A group: nothing of an account is said before an admin has said that it may be.
    chat = await services.people.chat(request.address.transport, request.address.chat, request.address.thread)
    heard = "This group hears of alerts." if chat else "This group hears of nothing yet; an admin links it with /here."
    role = person.access.strongest or Role.VIEWER
    return Message(
        blocks=(
            Line(f"{first} You are {'the owner' if person.owner else role.value}.", strong=True),
            Line(heard),
            Line("Ask me anything else in private."),
        )
    )


async def _ask_to_join(services: Services, person: LinkedPerson, claim: LinkClaim, code: str) -> Message:
    joining = Joining(
        person_id=person.person_id, code=code, platform=claim.transport, user_id=claim.user_id,
        display_name=claim.display_name, via=claim.via, chat=claim.chat, thread=claim.thread, private=claim.private,
    )  # fmt: skip
    return Message(
        blocks=(
            Line("This code is somebody's who is linked elsewhere. Are you that person?", strong=True),
            Line(f"You are known here as {shown(person)}. If you confirm, both are one person with the rights of both:"
                 " whoever gave you this code can then do all that you can."),
            Line(cards.HOLDS),
        ),
        buttons=await pending.buttons(services, JOIN, NO_JOIN, joining),
    )  # fmt: skip


async def join(services: Services, press: PressRequest) -> PressReply:
    joining = await pending.taken(services, Joining, press.args[0])
    if joining is None:
        return cards.over("This card does not hold any more. Nothing was changed; send the code again.")
    if joining.person_id != press.person.person_id:
        raise Denied("Only who sent the code can confirm that.")
    claim = LinkClaim(
        person_id=uuid4().hex, transport=joining.platform, user_id=joining.user_id, display_name=joining.display_name,
        chat=joining.chat, thread=joining.thread, private=joining.private, via=joining.via, merge=True,
    )  # fmt: skip
    outcome = await services.people.redeem_link_code(joining.code, claim, services.clock.now())
    if not isinstance(outcome, LinkedPerson):
        return cards.over(_REFUSED.get(outcome, _REFUSED[LinkRefusal.UNKNOWN]))
    await tell(services, outcome.person_id, Message(blocks=(
        Line(f"{name(joining.display_name)} on {name(joining.platform)} and you are one person now.", strong=True),
        Line("If that is not so, have an admin revoke you at once and invite you anew."),
    )), but_for=press.address)  # fmt: skip
    return PressReply(notice="Joined", replace=Message(blocks=(Line("You are one person now.", strong=True),)))


COMMAND = Command(
    name="start", usage="/start CODE", summary="link this chat with a code", run=run, open_to_strangers=True,
    where=Where.ANYWHERE, presses={JOIN: join, NO_JOIN: cards.cancel}, press_role=Role.VIEWER,
)  # fmt: skip
