"""What Telegram reports, as what people wrote and pressed."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.messages import Address, Command, Incoming, Membership, MessageRef, Person, Press
from bot.transports.layout import one_line

if TYPE_CHECKING:
    from telegram import ChatMember, ChatMemberUpdated, MaybeInaccessibleMessage, Update, User

TRANSPORT = "telegram"
_IN = ("member", "administrator", "creator")
_ADDRESSED = re.compile(r"/(?P<command>\w+)@(?P<bot>\w+)(?P<rest>.*)", re.DOTALL)


def incoming_of(update: "Update", *, username: str, now: datetime) -> Incoming | None:
    """The command, press or membership in an update; none for anything else, and for what comes from or is for a bot.

    An anonymous administrator writes as a bot, and a channel in a group as whoever forwards for it: who cannot be told
    apart cannot be trusted. What somebody sends by way of another bot is that bot's text.

    Args:
        update: One update.
        username: This bot's, without the at sign.
        now: Telegram does not date presses; they count as pressed when they arrive.
    """
    query = update.callback_query
    if query is not None:
        if query.message is None or query.data is None or query.from_user.is_bot:
            return None
        ref = MessageRef(address=_address(query.message), message_id=str(query.message.message_id))
        private = query.message.chat.type == "private"
        return Press(
            sender=_person(query.from_user), message=ref, data=query.data, pressed_at=now, press_id=query.id,
            private=private,
        )  # fmt: skip
    if update.my_chat_member is not None:
        return _membership(update.my_chat_member)
    message = update.message
    if message is None or message.text is None or message.from_user is None or message.from_user.is_bot:
        return None
    if message.sender_chat is not None or message.via_bot is not None:
        return None
    text = addressed_text(message.text, username)
    if text is None:
        return None
    return Command(
        sender=_person(message.from_user),
        address=_address(message),
        text=text,
        sent_at=message.date.astimezone(UTC),
        private=message.chat.type == "private",
    )


def _membership(change: "ChatMemberUpdated") -> Membership | None:
    """None for what people do to a private chat, and for a change of the bot's rights in a group it stays in."""
    before, after = _is_in(change.old_chat_member), _is_in(change.new_chat_member)
    if change.chat.type == "private" or before == after:
        return None
    by = None if change.from_user.is_bot else _person(change.from_user)
    return Membership(group=Address(transport=TRANSPORT, chat=str(change.chat.id)), joined=after, by=by)


def _is_in(member: "ChatMember") -> bool:
    # Somebody restricted may still be in the group, or not be any more.
    return member.status in _IN or bool(getattr(member, "is_member", False))


def addressed_text(text: str, username: str) -> str | None:
    """``/cmd@us args`` as ``/cmd args``; none if the command names another bot."""
    addressed = _ADDRESSED.fullmatch(text)
    if addressed is None:
        return text
    if addressed["bot"].lower() != username.lower():
        return None
    return f"/{addressed['command']}{addressed['rest']}"


def _address(message: "MaybeInaccessibleMessage") -> Address:
    # Outside forums a thread id is only the chain of replies, and a message Telegram no longer shows has none.
    thread = getattr(message, "message_thread_id", None) if getattr(message, "is_topic_message", None) else None
    return Address(transport=TRANSPORT, chat=str(message.chat.id), thread="" if thread is None else str(thread))


def _person(user: "User") -> Person:
    # The library has none for whoever has deleted their account, whatever its annotations say.
    called: str | None = user.full_name
    return Person(transport=TRANSPORT, user_id=str(user.id), display_name=one_line(called or "").strip())
