"""People of a bot in a test: who is linked with which roles, in which chats."""

from datetime import timedelta

from storage import EVERYWHERE, Grant, LinkClaim, LinkedChat, LinkedPerson, Role
from tests.support.bot_world import BotWorld

DAY = timedelta(days=1)


async def member(world: BotWorld, user: str, role: Role, *nicknames: str, chat: str = "") -> LinkedPerson:
    """Somebody with a role for some accounts, or for all where none is named, in a private chat."""
    people, now = world.app.services.people, world.clock.now()
    boss = next(person for person in await people.linked() if person.owner)
    whole = world.app.services.roster
    account_ids = [whole.find(one).account_id for one in nicknames] or [EVERYWHERE]
    grants = [Grant(account_id=one, role=role) for one in account_ids]
    code = await people.invite(grants, by=boss.person_id, now=now, ttl=DAY)
    claim = LinkClaim(
        person_id=f"person-{user}", transport=world.transport.name, user_id=user, display_name=user.title(),
        chat=chat or user,
    )  # fmt: skip
    person = await people.redeem_link_code(code, claim, now)
    assert isinstance(person, LinkedPerson)
    return person


async def group(world: BotWorld, chat: str, *nicknames: str, thread: str = "", by: str = "person-owner") -> None:
    """A group that was linked for some accounts, or for all where none is named."""
    whole = world.app.services.roster
    accounts = frozenset(whole.find(one).account_id for one in nicknames) or frozenset({EVERYWHERE})
    await world.app.services.people.link_chat(
        LinkedChat(
            transport=world.transport.name, chat=chat, thread=thread, person_id=by, private=False,
            linked_at=world.clock.now(), accounts=accounts,
        )
    )  # fmt: skip
