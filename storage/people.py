"""Who the bot knows, what they may do, in which chats, and how strangers become known. Everybody else is a stranger."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from storage import chats, link_codes, persons
from storage.columns import to_us
from storage.person_records import (
    EVERYWHERE,
    Audience,
    Grant,
    Identity,
    LinkClaim,
    LinkedChat,
    LinkedPerson,
    LinkRefusal,
    Role,
)
from storage.records import Receiver
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


class People:
    """Persons, their roles, their chats, and link codes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def issue_link_code(self, now: datetime, role: Role, ttl: timedelta, *, owner: bool = False) -> str:
        """A new one-time code ``XXXX-XXXX`` for a role everywhere, as the console shows it. It is stored as a digest
        only: this is the one time it can be shown.

        Args:
            owner: Whoever redeems it owns the bot; only the last such code that was issued works.
        """
        grants = [Grant(account_id=EVERYWHERE, role=role)]
        return await self._store.atomic(lambda db: link_codes.issue(db, grants, owner=owner, now=now, ttl=ttl))

    async def invite(self, grants: Sequence[Grant], *, by: str, now: datetime, ttl: timedelta, called: str = "") -> str:
        """A code that makes somebody a person with these roles, as long as who gives it could give them.

        Args:
            by: Id of the person who invites.
            called: What the bot calls them; their own name on their platform where it is empty.
        """
        return await self._store.atomic(
            lambda db: link_codes.issue(db, grants, now=now, ttl=ttl, issued_by=by, called=called)
        )

    async def identity_code(self, person_id: str, *, by: str, now: datetime, ttl: timedelta) -> str:
        """A code that makes whoever shows it, on whatever platform, this very person. The one before it is void."""
        return await self._store.atomic(
            lambda db: link_codes.issue(db, (), now=now, ttl=ttl, issued_by=by, person_id=person_id)
        )

    async def redeem_link_code(self, code: str, claim: LinkClaim, now: datetime) -> LinkedPerson | LinkRefusal:
        """Make whoever shows a good code a person, and their chat a linked one.

        A group is linked for the accounts of the code whose admin they are then, unless somebody linked it before. Of
        several at once with one code exactly one is linked. After ten refusals a person is locked out for an hour, good
        codes included.
        """
        return await self._store.atomic(lambda db: _redeem(db, code, claim, now))

    async def person(self, transport: str, user_id: str) -> LinkedPerson | None:
        """Who an identity of a platform is; None for strangers, and for those who were revoked."""
        found = await self._store.run(lambda db: persons.met(db, transport, user_id))
        return found if found is not None and found.revoked_at is None else None

    async def by_id(self, person_id: str) -> LinkedPerson | None:
        """Somebody an incident names, revoked ones included; not a statement about rights."""
        return await self._store.run(lambda db: persons.by_id(db, person_id))

    async def linked(self) -> tuple[LinkedPerson, ...]:
        """Everybody who is linked now, in the order in which they were."""
        return await self._store.run(persons.linked)

    async def identities(self, person_id: str) -> tuple[Identity, ...]:
        """Where somebody is known."""
        return await self._store.run(lambda db: persons.identities_of(db, person_id))

    async def has_owner(self) -> bool:
        """Whether somebody owns the bot."""
        return await self._store.run(
            lambda db: db.execute("SELECT 1 FROM people WHERE owner = 1 AND revoked_at IS NULL").fetchone() is not None
        )

    async def give(self, person_id: str, grants: Sequence[Grant]) -> None:
        """Set somebody's roles for some accounts; those for others stay."""
        await self._store.atomic(lambda db: persons.give(db, person_id, grants))

    async def take(self, person_id: str, account_id: str) -> bool:
        """Take a role away. False where there was none for exactly this account, or for all of them."""
        return await self._store.atomic(lambda db: persons.take(db, person_id, account_id))

    async def revoke(self, person_id: str, now: datetime) -> bool:
        """Make somebody a stranger again: their chats hear nothing more, codes they gave out are void. False where they
        are one already, and for the owner, who cannot be revoked."""
        return await self._store.atomic(lambda db: persons.revoke(db, person_id, now))

    async def audience(self) -> Audience:
        """Who is there to hear, and what each of them may see: one consistent look."""
        return await self._store.atomic(lambda db: Audience(chats=chats.chats(db), access=persons.access(db)))

    async def link_chat(self, chat: LinkedChat) -> None:
        """Let a chat hear of incidents. Linking it again replaces who linked it and what for."""
        await self._store.atomic(lambda db: chats.link(db, chat))

    async def unlink_chat(self, transport: str, chat: str, thread: str = "") -> bool:
        """Let a chat hear nothing more. False where it was not linked."""
        return await self._store.atomic(lambda db: chats.unlink(db, transport, chat, thread))

    async def move_chat(self, old: Receiver, new: Receiver) -> None:
        """A platform gave a chat another address: its link, its settings and what waits for it go there."""
        await self._store.atomic(lambda db: chats.move(db, old, new))

    async def chats(self) -> tuple[LinkedChat, ...]:
        """All chats that hear of incidents: those whose person is still linked and where the bot still is. What each
        may hear of is said by audience()."""
        return await self._store.run(chats.chats)

    async def chat(self, transport: str, chat: str, thread: str = "") -> LinkedChat | None:
        """One chat as it was linked; None where it never was."""
        return await self._store.run(lambda db: chats.chat(db, transport, chat, thread))

    async def chats_of(self, person_id: str) -> tuple[LinkedChat, ...]:
        """The chats somebody linked, the latest last; also those the bot was removed from since."""
        return await self._store.run(lambda db: chats.of_person(db, person_id))

    async def refused_once(self, transport: str, user_id: str, now: datetime) -> bool:
        """Note that a stranger was refused. True the first time, when a polite sentence is due; then False."""
        return await self._store.atomic(
            lambda db: (
                db.execute(
                    "INSERT INTO refusals (transport, user_id, refused_at) VALUES (?, ?, ?)"
                    " ON CONFLICT (transport, user_id) DO NOTHING",
                    [transport, user_id, to_us(now)],
                ).rowcount
                == 1
            )
        )


def _redeem(db: "Database", code: str, claim: LinkClaim, now: datetime) -> LinkedPerson | LinkRefusal:
    outcome = link_codes.redeem(db, code, claim, now)
    if not isinstance(outcome, LinkedPerson):
        return outcome
    chat = LinkedChat(
        transport=claim.sender, chat=claim.chat, thread=claim.thread, person_id=outcome.person_id,
        private=claim.private, linked_at=now,
    )  # fmt: skip
    if claim.private:
        chats.link(db, chat)
        return outcome
    before = chats.chat(db, claim.sender, claim.chat, claim.thread)
    linker = persons.by_id(db, before.person_id) if before is not None else None
    if linker is not None and linker.revoked_at is None:
        return outcome  # or the group would no longer hear what it was linked for
    given = [one.account_id for one in link_codes.grants_of(db, code) if outcome.access.may_give(one)]
    if given:
        chats.link(db, LinkedChat(
            transport=claim.sender, chat=claim.chat, thread=claim.thread, person_id=outcome.person_id, private=False,
            linked_at=now, accounts=frozenset(given),
        ))  # fmt: skip
    return outcome
