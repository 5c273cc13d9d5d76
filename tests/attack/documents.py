"""What the servers of chat platforms send when all is well: one document of each kind that is heard, or must not be."""

from typing import Any

Json = dict[str, Any]

BOT_NAME = "keel_bot"
NUMBER = 1_400_000_000_000_000_000

_ANN: Json = {"id": 7, "is_bot": False, "first_name": "Ann", "last_name": "Lee", "username": "ann"}
_US: Json = {"id": 1, "is_bot": True, "first_name": "Keel"}
_PRIVATE: Json = {"id": 7, "type": "private", "first_name": "Ann"}
_GROUP: Json = {"id": -100123, "type": "supergroup", "title": "Desk", "is_forum": True}
_AT = 1_760_000_000
_WRITTEN: Json = {"message_id": 1, "date": _AT, "chat": _PRIVATE, "from": _ANN, "text": "/health"}

TELEGRAM: tuple[Json, ...] = (
    {"message": _WRITTEN},
    {
        "message": _WRITTEN | {
            "chat": _GROUP, "text": f"/health@{BOT_NAME} main", "message_thread_id": 4, "is_topic_message": True,
            "entities": [{"type": "bot_command", "offset": 0, "length": 16}],
        }
    },
    {
        "callback_query": {
            "id": "q1", "from": _ANN, "chat_instance": "1", "data": "ack:1",
            "message": {"message_id": 5, "date": _AT, "chat": _PRIVATE, "from": _US, "text": "card"},
        }
    },
    {
        "my_chat_member": {
            "chat": _GROUP, "from": _ANN, "date": _AT, "old_chat_member": {"status": "left", "user": _US},
            "new_chat_member": {"status": "member", "user": _US},
        }
    },
    {"edited_message": _WRITTEN | {"edit_date": _AT + 1, "text": "/halt"}},
    {"message": _WRITTEN | {"chat": _GROUP, "text": "/halt", "sender_chat": _GROUP}},
)  # fmt: skip

_USER: Json = {
    "id": "1001", "username": "ann", "discriminator": "0", "avatar": None, "bot": False, "global_name": "Ann",
    "public_flags": 0,
}  # fmt: skip
_MEMBER: Json = {
    "user": _USER, "roles": ["77"], "joined_at": "2026-01-01T00:00:00+00:00", "deaf": False, "mute": False,
    "permissions": "0", "flags": 0, "nick": None,
}  # fmt: skip
_CARD: Json = {
    "id": str(NUMBER + 900), "channel_id": "500", "author": _USER | {"id": "1", "bot": True}, "content": "card",
    "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None, "tts": False, "mention_everyone": False,
    "mentions": [], "mention_roles": [], "attachments": [], "embeds": [], "pinned": False, "type": 0, "flags": 0,
    "components": [],
}  # fmt: skip
_CHANNEL: Json = {
    "id": "500", "type": 0, "guild_id": "10", "name": "alerts", "permissions": "0", "position": 0, "flags": 0,
    "permission_overwrites": [], "parent_id": None,
}  # fmt: skip
_DIRECT: Json = {"id": "501", "type": 1, "recipients": [_USER], "last_message_id": None, "flags": 0}
_INTERACTION: Json = {
    "application_id": "1", "token": "tok", "version": 1, "entitlements": [], "authorizing_integration_owners": {},
    "attachment_size_limit": 1, "app_permissions": "0", "locale": "en-US",
}  # fmt: skip
_IN_GUILD: Json = _INTERACTION | {"guild_id": "10", "channel_id": "500", "channel": _CHANNEL, "member": _MEMBER}
_IN_PRIVATE: Json = _INTERACTION | {"channel_id": "501", "channel": _DIRECT, "user": _USER}
_PRESSED: Json = {"custom_id": "keel1:ack:1", "component_type": 2}
_ASKED: Json = {
    "id": "5", "name": "health", "type": 1, "options": [{"name": "account", "type": 3, "value": "main"}]
}  # fmt: skip
_TYPED: Json = _ASKED | {"options": [{"name": "account", "type": 3, "value": "ma", "focused": True}]}

DISCORD: tuple[tuple[str, Json], ...] = (
    ("INTERACTION_CREATE", _IN_GUILD | {"id": str(NUMBER + 1), "type": 2, "data": _ASKED}),
    ("INTERACTION_CREATE", _IN_PRIVATE | {"id": str(NUMBER + 2), "type": 2, "data": _ASKED}),
    ("INTERACTION_CREATE", _IN_GUILD | {"id": str(NUMBER + 3), "type": 3, "data": _PRESSED, "message": _CARD}),
    ("INTERACTION_CREATE", _IN_PRIVATE | {"id": str(NUMBER + 4), "type": 3, "data": _PRESSED, "message": _CARD}),
    ("INTERACTION_CREATE", _IN_PRIVATE | {"id": str(NUMBER + 5), "type": 4, "data": _TYPED}),
    (
        "MESSAGE_CREATE",
        _CARD | {"id": str(NUMBER + 6), "author": _USER, "content": "/health", "channel_id": "501", "channel_type": 1},
    ),
)  # fmt: skip
GUILD: Json = {
    "id": "10", "name": "Desk", "owner_id": "1001", "roles": [], "emojis": [], "stickers": [], "features": [],
    "channels": [_CHANNEL], "threads": [], "members": [], "large": False, "member_count": 2, "voice_states": [],
    "presences": [], "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [],
    "unavailable": False, "verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0,
    "mfa_level": 0, "nsfw_level": 0, "premium_tier": 0, "premium_progress_bar_enabled": False,
    "preferred_locale": "en-US", "system_channel_flags": 0, "afk_timeout": 300,
}  # fmt: skip
