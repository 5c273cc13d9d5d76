"""Rows about people to dataclasses and back. Pure."""

from collections.abc import Iterable

from storage.columns import ReadRow, Row, integer, maybe_moment, maybe_us, member, moment, text, to_us
from storage.person_records import Access, Grant, Identity, LinkedChat, LinkedPerson, Role


def grant_of(row: ReadRow) -> Grant:
    return Grant(account_id=text(row, "account_id"), role=member(Role, row, "role"))


def person_of(row: ReadRow, grants: Iterable[Grant]) -> LinkedPerson:
    """A person as met on one platform: a row of ``people`` with platform and user id beside it."""
    owner = bool(integer(row, "owner"))
    return LinkedPerson(
        person_id=text(row, "person_id"),
        transport=text(row, "platform"),
        user_id=text(row, "user_id"),
        display_name=text(row, "display_name"),
        owner=owner,
        linked_at=moment(row, "linked_at"),
        revoked_at=maybe_moment(row, "revoked_at"),
        access=Access.of(grants, owner=owner),
    )


def identity_of(row: ReadRow) -> Identity:
    return Identity(
        platform=text(row, "platform"),
        user_id=text(row, "user_id"),
        person_id=text(row, "person_id"),
        display_name=text(row, "display_name"),
        linked_at=moment(row, "linked_at"),
    )


def chat_row(chat: LinkedChat) -> Row:
    """Without what a group may hear of, which has rows of its own."""
    return {
        "transport": chat.transport,
        "chat": chat.chat,
        "thread": chat.thread,
        "person_id": chat.person_id,
        "private": int(chat.private),
        "linked_at": to_us(chat.linked_at),
        "removed_at": maybe_us(chat.removed_at),
    }


def chat_of(row: ReadRow, accounts: Iterable[str] = ()) -> LinkedChat:
    return LinkedChat(
        transport=text(row, "transport"),
        chat=text(row, "chat"),
        thread=text(row, "thread"),
        person_id=text(row, "person_id"),
        private=bool(integer(row, "private")),
        linked_at=moment(row, "linked_at"),
        accounts=frozenset(accounts),
        removed_at=maybe_moment(row, "removed_at"),
    )
