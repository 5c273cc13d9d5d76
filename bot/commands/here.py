"""/here: which accounts a group, or a topic in one, may hear of. A private chat hears of what its person may see."""

from bot.commands.persons import accounts_named, require_givable
from bot.commands.spec import Command, Denied, Request, Services, Usage, Where
from bot.messages import Line, Message
from bot.roster import listed
from bot.text.clean import name
from storage import EVERYWHERE, Grant, LinkedChat, Role

_OFF = "off"


async def run(services: Services, request: Request) -> Message:
    person, address = request.person, request.address
    if person is None:
        raise Denied("Only linked people may link a chat.")
    if request.private:
        return await _own(services, request)
    chat = await services.people.chat(address.transport, address.chat, address.thread)
    if [word.lower() for word in request.args] == [_OFF]:
        return await _off(services, request, chat)
    if not request.args:
        return _standing(services, request, chat)
    account_ids = accounts_named(services, request.args, overheard=True)
    require_givable(services, person, [Grant(account_id=one, role=Role.VIEWER) for one in account_ids])
    await services.people.link_chat(
        LinkedChat(
            transport=address.transport, chat=address.chat, thread=address.thread, person_id=person.person_id,
            private=False, linked_at=services.clock.now(), accounts=frozenset(account_ids),
        )
    )  # fmt: skip
    return Message(
        blocks=(
            Line(f"This {_what(request)} hears of {_accounts(services, account_ids)} from now on.", strong=True),
            Line("Linked people are answered here, each within their own roles. Everybody here reads it."),
            Line("/here off ends it."),
        )
    )


async def _own(services: Services, request: Request) -> Message:
    person, address = request.person, request.address
    if person is None:
        raise Denied("Only linked people may link a chat.")
    if [word.lower() for word in request.args] == [_OFF]:
        gone = await services.people.unlink_chat(address.transport, address.chat, address.thread)
        text = "This chat hears of nothing any more; /here takes it back." if gone else "This chat heard of nothing."
        return Message(blocks=(Line(text),))
    if request.args:
        raise Usage("Accounts are named in groups. A private chat hears of every account you may see.")
    await services.people.link_chat(
        LinkedChat(
            transport=address.transport, chat=address.chat, thread=address.thread, person_id=person.person_id,
            private=True, linked_at=services.clock.now(),
        )
    )  # fmt: skip
    return Message(blocks=(Line("This chat hears of every account you may see."),))


async def _off(services: Services, request: Request, chat: LinkedChat | None) -> Message:
    if chat is None or request.person is None:
        return Message(blocks=(Line(f"This {_what(request)} heard of nothing."),))
    require_givable(
        services, request.person, [Grant(account_id=one, role=Role.VIEWER) for one in sorted(chat.accounts)]
    )
    await services.people.unlink_chat(chat.transport, chat.chat, chat.thread)
    return Message(blocks=(Line(f"This {_what(request)} hears of nothing any more."),))


def _standing(services: Services, request: Request, chat: LinkedChat | None) -> Message:
    if chat is None:
        # Nothing is named: nobody has said yet that it may be.
        raise Usage(f"Say what this {_what(request)} may hear of: accounts by name, or all.")
    return Message(blocks=(Line(f"This {_what(request)} hears of {_accounts(services, sorted(chat.accounts))}."),))


def _what(request: Request) -> str:
    return "topic" if request.address.thread else "group"


def _accounts(services: Services, account_ids: tuple[str, ...] | list[str]) -> str:
    if EVERYWHERE in account_ids:
        return "all accounts"
    known = set(services.roster.account_ids)
    shown = [name(services.roster.label(one)) for one in account_ids if one in known]
    return listed(shown) if shown else f"accounts that you may not see ({len(account_ids)})"


COMMAND = Command(
    name="here", usage="/here [ACCOUNT ... | all | off]", summary="what a group may hear of", run=run, role=Role.VIEWER,
    per_account=True, where=Where.ANYWHERE,
)  # fmt: skip
