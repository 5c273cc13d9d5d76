"""Linked chats and what groups may hear of, inside the caller's transaction. People is the face."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from storage import queueing
from storage.columns import moment, text, to_us
from storage.person_records import LinkedChat, UnlinkedGroup
from storage.person_rows import chat_of, chat_row
from storage.records import Receiver

if TYPE_CHECKING:
    from sqlite_utils import Database


def chats(db: "Database") -> tuple[LinkedChat, ...]:
    """All chats of people who are linked, but those the bot was removed from."""
    allowed: dict[tuple[str, str, str], list[str]] = {}
    for row in db.query("SELECT * FROM chat_accounts ORDER BY account_id"):
        where = text(row, "transport"), text(row, "chat"), text(row, "thread")
        allowed.setdefault(where, []).append(text(row, "account_id"))
    rows = db.query(
        "SELECT chats.* FROM chats JOIN people USING (person_id) WHERE people.revoked_at IS NULL"
        " AND chats.removed_at IS NULL ORDER BY chats.linked_at, transport, chat, thread"
    )
    return tuple(chat_of(row, allowed.get((row["transport"], row["chat"], row["thread"]), ())) for row in rows)


def chat(db: "Database", transport: str, chat: str, thread: str) -> LinkedChat | None:
    """One chat, whoever linked it and whether or not the bot is still in it."""
    here = [transport, chat, thread]
    allowed = [
        str(row[0])
        for row in db.execute(
            "SELECT account_id FROM chat_accounts WHERE transport = ? AND chat = ? AND thread = ?", here
        )
    ]
    rows = db.query("SELECT * FROM chats WHERE transport = ? AND chat = ? AND thread = ?", here)
    return next((chat_of(row, allowed) for row in rows), None)


def of_person(db: "Database", person_id: str) -> tuple[LinkedChat, ...]:
    """Chats somebody linked, the latest last; those the bot was removed from included."""
    rows = list(db.query("SELECT * FROM chats WHERE person_id = ? ORDER BY linked_at, transport, chat", [person_id]))
    found = (chat(db, row["transport"], row["chat"], row["thread"]) for row in rows)
    return tuple(one for one in found if one is not None)


def link(db: "Database", linked: LinkedChat) -> None:
    """Let a chat hear of incidents; what it was linked for before counts no longer."""
    # Not upsert_all's REPLACE: that would take the rows that hang on it along.
    db.table("chats").upsert(chat_row(linked), pk=("transport", "chat", "thread"))
    here = {"transport": linked.transport, "chat": linked.chat, "thread": linked.thread}
    db.execute("DELETE FROM chat_accounts WHERE transport = ? AND chat = ? AND thread = ?", list(here.values()))
    allowed: Iterable[str] = () if linked.private else sorted(linked.accounts)
    db.table("chat_accounts").insert_all({**here, "account_id": one} for one in allowed)
    db.execute("DELETE FROM unlinked_groups WHERE transport = ? AND chat = ?", [linked.transport, linked.chat])


def unlink(db: "Database", transport: str, chat: str, thread: str) -> bool:
    return (
        db.execute(
            "DELETE FROM chats WHERE transport = ? AND chat = ? AND thread = ?", [transport, chat, thread]
        ).rowcount
        == 1
    )


def left(db: "Database", transport: str, chat: str, now: datetime) -> bool:
    """The bot was removed from a chat, with all its topics. False where none of them was linked."""
    db.execute("DELETE FROM unlinked_groups WHERE transport = ? AND chat = ?", [transport, chat])
    marked = db.execute(
        "UPDATE chats SET removed_at = ? WHERE transport = ? AND chat = ? AND removed_at IS NULL",
        [to_us(now), transport, chat],
    )
    return marked.rowcount > 0


def back(db: "Database", transport: str, chat: str) -> bool:
    """The bot is in a chat again. False where nobody had linked it."""
    db.execute("UPDATE chats SET removed_at = NULL WHERE transport = ? AND chat = ?", [transport, chat])
    known = db.execute(
        "SELECT 1 FROM chats JOIN people USING (person_id) WHERE transport = ? AND chat = ? AND revoked_at IS NULL",
        [transport, chat],
    )
    return known.fetchone() is not None


def move(db: "Database", old: Receiver, new: Receiver) -> None:
    there, here = [new.transport, new.chat, new.thread], [old.transport, old.chat, old.thread]
    # The new address may have been linked by hand already.
    unlink(db, *there)
    db.execute(
        "UPDATE chats SET transport = ?, chat = ?, thread = ? WHERE transport = ? AND chat = ? AND thread = ?",
        [*there, *here],
    )
    db.execute(
        "UPDATE OR REPLACE settings SET transport = ?, chat = ? WHERE transport = ? AND chat = ?",
        [new.transport, new.chat, old.transport, old.chat],
    )
    db.execute(
        "UPDATE digests SET transport = ?, chat = ? WHERE transport = ? AND chat = ?",
        [new.transport, new.chat, old.transport, old.chat],
    )
    queueing.readdress(db, old, new)


def leave_later(db: "Database", group: UnlinkedGroup) -> None:
    """Note a group nobody has linked. A time that was noted before stays; chats are those of now."""
    db.execute(
        "INSERT INTO unlinked_groups (transport, chat, inside, leave_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (transport, chat) DO UPDATE SET inside = excluded.inside",
        [group.transport, group.chat, " ".join(sorted(group.inside)), to_us(group.leave_at)],
    )


def overdue(db: "Database", now: datetime) -> tuple[UnlinkedGroup, ...]:
    """Groups to be left now; of those in which somebody has linked a chat meanwhile, nothing more is known."""
    linked = {(one.transport, one.chat) for one in chats(db)}
    found: list[UnlinkedGroup] = []
    for row in list(db.query("SELECT * FROM unlinked_groups WHERE leave_at <= ? ORDER BY leave_at", [to_us(now)])):
        inside = frozenset(text(row, "inside").split())
        group = UnlinkedGroup(
            transport=text(row, "transport"), chat=text(row, "chat"), inside=inside, leave_at=moment(row, "leave_at")
        )
        if any((group.transport, one) in linked for one in (group.chat, *inside)):
            forget_group(db, group.transport, group.chat)
        else:
            found.append(group)
    return tuple(found)


def forget_group(db: "Database", transport: str, chat: str) -> None:
    db.execute("DELETE FROM unlinked_groups WHERE transport = ? AND chat = ?", [transport, chat])
