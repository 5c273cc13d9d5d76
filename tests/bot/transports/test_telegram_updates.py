"""Which updates count, and as what."""

from datetime import UTC, datetime

import pytest
from telegram import Update

from bot.messages import Address, Command, Incoming, Membership, Press
from bot.transports.telegram.updates import addressed_text, incoming_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ANN = {"id": 7, "is_bot": False, "first_name": "Ann\u202e", "last_name": "Lee"}
PRIVATE = {"id": 7, "type": "private"}
DESK = {"id": -100, "type": "supergroup", "title": "Desk", "is_forum": True}
CARD = {"message_id": 5, "date": 1_760_000_000, "chat": PRIVATE, "text": "card"}


def heard(**update: object) -> Incoming | None:
    parsed = Update.de_json({"update_id": 1, **update}, None)
    return incoming_of(parsed, username="keel_bot", now=NOW)


def wrote(**message: object) -> Command | None:
    base = {"message_id": 1, "date": 1_760_000_000, "chat": PRIVATE, "from": ANN, "text": "/health"}
    command = heard(message=base | message)
    assert command is None or isinstance(command, Command)
    return command


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/health", "/health"),
        ("/health@keel_bot main 2", "/health main 2"),
        ("/health@Keel_Bot", "/health"),
        ("/health@keel_bot\nmain", "/health\nmain"),
        ("/health@other_bot main", None),
        ("/start ABCD-1234", "/start ABCD-1234"),
        ("mail me@keel_bot", "mail me@keel_bot"),
        ("@keel_bot hello", "@keel_bot hello"),
    ],
)
def test_a_command_is_ours_unless_it_names_another_bot(text: str, expected: str | None) -> None:
    assert addressed_text(text, "keel_bot") == expected


def test_who_wrote_is_the_id_telegram_vouches_for_and_the_name_is_clean() -> None:
    command = wrote()
    assert command is not None
    assert (command.sender.user_id, command.sender.display_name) == ("7", "Ann Lee")
    assert command.sent_at == datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)


def test_a_topic_of_a_forum_is_part_of_the_address() -> None:
    command = wrote(chat=DESK, message_thread_id=44, is_topic_message=True)
    assert command is not None
    assert (command.address.chat, command.address.thread, command.private) == ("-100", "44", False)


def test_a_chain_of_replies_is_not_a_topic() -> None:
    command = wrote(chat=DESK, message_thread_id=44)
    assert command is not None
    assert command.address.thread == ""


def test_bots_and_anonymous_administrators_are_not_heard() -> None:
    assert wrote(**{"from": ANN | {"is_bot": True}}) is None


def test_what_is_not_text_is_not_a_command() -> None:
    assert wrote(text=None, sticker=None) is None
    assert heard(edited_message=CARD) is None
    assert heard() is None


def test_a_press_on_a_card_telegram_no_longer_shows_is_still_a_press() -> None:
    query = {"id": "q1", "from": ANN, "chat_instance": "1", "data": "ack:1"}
    press = heard(callback_query=query | {"message": {"message_id": 5, "date": 0, "chat": PRIVATE}})
    assert isinstance(press, Press)
    assert (press.message.address.chat, press.message.message_id, press.data, press.press_id) == (
        "7",
        "5",
        "ack:1",
        "q1",
    )
    assert press.pressed_at == NOW


def test_a_press_without_data_or_message_is_none() -> None:
    query = {"id": "q1", "from": ANN, "chat_instance": "1"}
    assert heard(callback_query=query | {"message": CARD}) is None
    assert heard(callback_query=query | {"data": "ack:1", "inline_message_id": "i"}) is None


BOT = {"id": 1, "is_bot": True, "first_name": "Keel"}
RESTRICTED = {
    "status": "restricted", "user": BOT, "until_date": 0, "can_send_messages": True, "can_change_info": False,
    "can_invite_users": False, "can_pin_messages": False, "can_manage_topics": False, "can_send_polls": False,
    "can_send_other_messages": False, "can_add_web_page_previews": False, "can_send_audios": False,
    "can_send_documents": False, "can_send_photos": False, "can_send_videos": False, "can_send_video_notes": False,
    "can_send_voice_notes": False, "can_edit_tag": False, "can_react_to_messages": False,
}  # fmt: skip
LEFT, MEMBER, KICKED = (
    {"status": "left", "user": BOT}, {"status": "member", "user": BOT},
    {"status": "kicked", "user": BOT, "until_date": 0},
)  # fmt: skip
INSIDE, OUTSIDE = RESTRICTED | {"is_member": True}, RESTRICTED | {"is_member": False}


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [
        (LEFT, MEMBER, True),
        (KICKED, MEMBER, True),
        (LEFT, INSIDE, True),
        (MEMBER, KICKED, False),
        (MEMBER, LEFT, False),
        (INSIDE, OUTSIDE, False),
        (MEMBER, INSIDE, None),
        (LEFT, KICKED, None),
    ],
)
def test_being_let_into_a_group_and_thrown_out_is_told_with_who_did_it(
    before: dict[str, object], after: dict[str, object], joined: bool | None
) -> None:
    change = {"chat": DESK, "from": ANN, "date": 1_760_000_000, "old_chat_member": before, "new_chat_member": after}
    membership = heard(my_chat_member=change)

    if joined is None:
        assert membership is None
        return
    assert isinstance(membership, Membership)
    assert (membership.group, membership.joined) == (Address(transport="telegram", chat="-100"), joined)
    assert membership.by is not None
    assert membership.by.user_id == "7"


def test_somebody_who_blocks_the_bot_in_private_leaves_no_group() -> None:
    change = {"chat": PRIVATE, "from": ANN, "date": 1, "old_chat_member": MEMBER, "new_chat_member": KICKED}
    assert heard(my_chat_member=change) is None


def test_a_press_says_whether_others_read_along() -> None:
    def pressed(chat: dict[str, object]) -> bool:
        press = heard(callback_query={
            "id": "q", "from": ANN, "chat_instance": "1", "data": "ack:1", "message": CARD | {"chat": chat}
        })  # fmt: skip
        assert isinstance(press, Press)
        return press.private

    assert pressed(PRIVATE)
    assert not pressed(DESK)
