"""Who the bot knows, in which chats, and how strangers become known. Everybody else is a stranger."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from storage import link_codes, queueing
from storage.columns import to_us
from storage.records import LinkClaim, LinkedChat, LinkedPerson, LinkRefusal, Receiver, Role
from storage.rows import chat_of, chat_row, person_of
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


class People:
    """Persons, their chats, and link codes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def issue_link_code(self, now: datetime, role: Role, ttl: timedelta, *, owner: bool = False) -> str:
        """A new one-time code ``XXXX-XXXX``. It is stored as a digest only: this is the one time it can be shown.

        Args:
            owner: Whoever redeems it owns the bot; only the last such code that was issued works.
        """
        return await self._store.atomic(lambda db: link_codes.issue(db, role, owner=owner, now=now, ttl=ttl))

    async def redeem_link_code(self, code: str, claim: LinkClaim, now: datetime) -> LinkedPerson | LinkRefusal:
        """Make whoever shows a good code a person, and their chat a linked one.

        Of several at once with one code exactly one is linked. After ten refusals a person is locked out for an hour,
        good codes included.
        """
        return await self._store.atomic(lambda db: _redeem(db, code, claim, now))

    async def person(self, transport: str, user_id: str) -> LinkedPerson | None:
        """Who an identity of a platform is; None for strangers, and for those who were revoked."""
        return await self._store.run(
            lambda db: next(
                (
                    person_of(row)
                    for row in db.query(
                        "SELECT * FROM people WHERE transport = ? AND user_id = ? AND revoked_at IS NULL",
                        [transport, user_id],
                    )
                ),
                None,
            )
        )

    async def by_id(self, person_id: str) -> LinkedPerson | None:
        """Somebody an incident names, revoked ones included; not a statement about rights."""
        return await self._store.run(
            lambda db: next(
                (person_of(row) for row in db.query("SELECT * FROM people WHERE person_id = ?", [person_id])), None
            )
        )

    async def linked(self) -> tuple[LinkedPerson, ...]:
        """Everybody who is linked now, in the order in which they were."""
        return await self._store.run(
            lambda db: tuple(
                person_of(row)
                for row in db.query("SELECT * FROM people WHERE revoked_at IS NULL ORDER BY linked_at, person_id")
            )
        )

    async def has_owner(self) -> bool:
        """Whether somebody owns the bot."""
        return await self._store.run(
            lambda db: db.execute("SELECT 1 FROM people WHERE owner = 1 AND revoked_at IS NULL").fetchone() is not None
        )

    async def revoke(self, person_id: str, now: datetime) -> bool:
        """Make somebody a stranger again; their chats hear nothing more. False where they are one already."""
        return await self._store.atomic(
            lambda db: (
                db.execute(
                    "UPDATE people SET revoked_at = ? WHERE person_id = ? AND revoked_at IS NULL",
                    [to_us(now), person_id],
                ).rowcount
                == 1
            )
        )

    async def link_chat(self, chat: LinkedChat) -> None:
        """Let a chat hear of incidents. Linking it again replaces who linked it."""
        await self._store.atomic(lambda db: _link_chat(db, chat))

    async def unlink_chat(self, transport: str, chat: str, thread: str = "") -> bool:
        """Let a chat hear nothing more. False where it was not linked."""
        return await self._store.atomic(
            lambda db: (
                db.execute(
                    "DELETE FROM chats WHERE transport = ? AND chat = ? AND thread = ?", [transport, chat, thread]
                ).rowcount
                == 1
            )
        )

    async def move_chat(self, old: Receiver, new: Receiver) -> None:
        """A platform gave a chat another address: its link, its settings and what waits for it go there."""
        await self._store.atomic(lambda db: _move_chat(db, old, new))

    async def chats(self) -> tuple[LinkedChat, ...]:
        """All chats that hear of incidents: those whose person is still linked."""
        return await self._store.run(
            lambda db: tuple(
                chat_of(row)
                for row in db.query(
                    "SELECT chats.* FROM chats JOIN people USING (person_id)"
                    " WHERE people.revoked_at IS NULL ORDER BY chats.linked_at, transport, chat, thread"
                )
            )
        )

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
    if isinstance(outcome, LinkedPerson):
        _link_chat(
            db,
            LinkedChat(
                transport=claim.transport,
                chat=claim.chat,
                thread=claim.thread,
                person_id=outcome.person_id,
                private=claim.private,
                linked_at=now,
            ),
        )
    return outcome


def _link_chat(db: "Database", chat: LinkedChat) -> None:
    db.table("chats").upsert(chat_row(chat), pk=("transport", "chat", "thread"))


def _move_chat(db: "Database", old: Receiver, new: Receiver) -> None:
    there, here = [new.transport, new.chat, new.thread], [old.transport, old.chat, old.thread]
    # OR REPLACE: the new address may have been linked by hand already.
    db.execute(
        "UPDATE OR REPLACE chats SET transport = ?, chat = ?, thread = ?"
        " WHERE transport = ? AND chat = ? AND thread = ?",
        [*there, *here],
    )
    db.execute(
        "UPDATE OR REPLACE settings SET transport = ?, chat = ? WHERE transport = ? AND chat = ?",
        [new.transport, new.chat, old.transport, old.chat],
    )
    queueing.readdress(db, old, new)
