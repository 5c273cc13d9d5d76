"""/people: who is linked, what they may do, where they are known; and changes of roles, each confirmed."""

from dataclasses import dataclass

from bot.commands import cards, pending
from bot.commands.persons import accounts_named, find, known_to, label_for, mark, require_givable, shown
from bot.commands.role_words import ALL_ACCOUNTS, NO_ROLE, grants, role_of, roles
from bot.commands.spec import Command, Denied, PressReply, PressRequest, Request, Services, Where
from bot.messages import Block, Button, Line, Message
from bot.notify import tell
from bot.text.ages import day_and_moment
from bot.text.clean import name
from storage import EVERYWHERE, Grant, LinkedChat, LinkedPerson, Role

PAGE, SET, CANCEL = "people", "role", "role-no"
_ON_A_PAGE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChange:
    """What a card proposes. ``role`` is empty where roles are taken away."""

    person_id: str
    account_ids: tuple[str, ...]
    role: str


async def run(services: Services, request: Request) -> Message:
    asker = request.person
    if asker is None:
        raise Denied("Only linked people may ask that.")
    words = list(request.args)
    at = next((n for n, word in enumerate(words) if n and (role_of(word) or word.lower() == NO_ROLE)), None)
    if not words:
        return await _page(services, asker, 0)
    person = await find(services, asker, " ".join(words if at is None else words[:at]))
    if at is None:
        return Message(blocks=(*await _entry(services, asker, person), *_how(person)))
    return await _card(services, asker, person, role_of(words[at]), words[at + 1 :])


async def page(services: Services, press: PressRequest) -> PressReply:
    return PressReply(replace=await _page(services, press.person, int(press.args[0])))


async def _page(services: Services, asker: LinkedPerson, number: int) -> Message:
    known = await known_to(services, asker)
    pages = max(1, -(-len(known) // _ON_A_PAGE))
    number = min(max(number, 0), pages - 1)
    here = known[number * _ON_A_PAGE : (number + 1) * _ON_A_PAGE]
    where = f", page {number + 1} of {pages}" if pages > 1 else ""
    blocks: list[Block] = [Line(f"{len(known)} {'person' if len(known) == 1 else 'people'}{where}", strong=True)]
    for person in here:
        blocks += await _entry(services, asker, person)
    blocks.append(Line("/people NAME ROLE [ACCOUNT ...] changes a role, /invite adds somebody, /revoke NAME removes."))
    turns = [(number - 1, "Back")] * (number > 0) + [(number + 1, "More")] * (number < pages - 1)
    buttons = tuple(Button(label, f"{PAGE}:{to}") for to, label in turns)
    return Message(blocks=tuple(blocks), buttons=(buttons,) if buttons else ())


async def _entry(services: Services, asker: LinkedPerson, person: LinkedPerson) -> list[Block]:
    identities = await services.people.identities(person.person_id)
    chats = await services.people.chats_of(person.person_id)
    known = ", ".join(dict.fromkeys(one.platform for one in identities)) or "no platform"
    return [
        Line(f"{shown(person)} #{mark(person)}: {roles(person.access, label_for(services))}", strong=True),
        Line(f"  {known}; {_chats(services, asker, chats)}; since {day_and_moment(person.linked_at)}"),
    ]


def _chats(services: Services, asker: LinkedPerson, chats: tuple[LinkedChat, ...]) -> str:
    private = sum(chat.private and chat.removed_at is None for chat in chats)
    groups = [chat for chat in chats if not chat.private and _may_know(asker, chat)]
    inside = sum(chat.removed_at is None for chat in groups)
    thrown_out = len(groups) - inside
    parts = [f"{private} private chat{'' if private == 1 else 's'}"]
    if inside:
        parts.append(f"{inside} group{'' if inside == 1 else 's'}")
    if thrown_out:
        parts.append(f"{thrown_out} I was removed from")
    return ", ".join(parts)


def _may_know(asker: LinkedPerson, chat: LinkedChat) -> bool:
    return asker.access.everywhere_includes(Role.ADMIN) or any(
        asker.access.may(Role.ADMIN, one) for one in chat.accounts if one != EVERYWHERE
    )


def _how(person: LinkedPerson) -> list[Block]:
    if person.owner:
        return [Line("The owner is an admin of everything and stays.")]
    return [Line(f"Roles: {', '.join(Role)}, or {NO_ROLE} to take one away; then accounts, or {ALL_ACCOUNTS}.")]


async def _card(
    services: Services, asker: LinkedPerson, person: LinkedPerson, role: Role | None, words: list[str]
) -> Message:
    if person.owner:
        raise Denied("The owner is an admin of everything and stays.")
    account_ids = accounts_named(services, words)
    change = RoleChange(person_id=person.person_id, account_ids=account_ids, role=role.value if role else "")
    require_givable(services, asker, _concerned(change))
    before = roles(person.access, label_for(services))
    return Message(
        blocks=(
            Line(f"{shown(person)}: {_words(services, change)}?", strong=True),
            Line(f"Now: {before}. {cards.HOLDS}"),
        ),
        buttons=await pending.buttons(services, SET, CANCEL, change),
    )


def _concerned(change: RoleChange) -> list[Grant]:
    """Taking a role away needs the same right as giving one."""
    role = Role(change.role) if change.role else Role.VIEWER
    return [Grant(account_id=one, role=role) for one in change.account_ids]


def _words(services: Services, change: RoleChange) -> str:
    what = grants(_concerned(change), services.roster.label)
    if change.role:
        return what
    return f"no role {what.partition(' ')[2]}"


async def confirm(services: Services, press: PressRequest) -> PressReply:
    change = await pending.taken(services, RoleChange, press.args[0])
    if change is None:
        return cards.over("This card does not hold any more. Nothing was changed; ask again with /people.")
    person = await services.people.by_id(change.person_id)
    if person is None or person.revoked_at is not None or person.owner:
        return cards.over("That person cannot be changed any more. Nothing was changed.")
    require_givable(services, press.person, _concerned(change))
    if change.role:
        await services.people.give(change.person_id, _concerned(change))
    else:
        for account_id in change.account_ids:
            await services.people.take(change.person_id, account_id)
    now = await services.people.by_id(change.person_id)
    done = Line(f"{shown(person)}: {roles(now.access, label_for(services)) if now else 'gone'} now", strong=True)
    # Their own words for accounts are theirs; what changed is told without them.
    await tell(services, change.person_id, Message(blocks=(
        Line("Your roles have changed.", strong=True),
        Line(f"{name(press.person.display_name)} did it. /help shows what you may do."),
    )))  # fmt: skip
    return PressReply(notice="Changed", replace=Message(blocks=(done, Line(cards.confirmed_by(press)))))


COMMAND = Command(
    name="people", usage="/people [NAME [ROLE|none [ACCOUNT ...]]]", summary="who is linked and may do what", run=run,
    role=Role.ADMIN, press_role=Role.ADMIN, per_account=True, where=Where.PRIVATE,
    presses={PAGE: page, SET: confirm, CANCEL: cards.cancel},
)  # fmt: skip
