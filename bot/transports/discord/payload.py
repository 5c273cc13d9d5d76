"""What a request about a message says to Discord: pure JSON, the same for a channel, an interaction and a webhook."""

import re
from typing import Any

from bot.messages import Picture
from bot.transports.discord.render import Content, Embed, Keyboard, alt_of, custom_ids, label_of

SUPPRESS_EMBEDS = 1 << 2  # a link in a text is no preview; it would hide an embed of ours as well
EPHEMERAL = 1 << 6
SUPPRESS_NOTIFICATIONS = 1 << 12
_ACTION_ROW, _BUTTON, _SECONDARY = 1, 2, 2


def message_json(content: Content, *, flags: int = 0) -> dict[str, Any]:
    """A new message, or all of an edited one: what is not in it is taken away. It rings the content's roles and nobody
    else, whatever its text says."""
    if content.embed is None:
        flags |= SUPPRESS_EMBEDS
    return {
        "content": content.text,
        "components": _components(content.keyboard),
        "attachments": [
            {"id": number, "filename": file_name(picture), "description": alt_of(picture)}
            for number, picture in enumerate(content.pictures)
        ],
        "embeds": [_embed(content.embed)] if content.embed is not None else [],
        "allowed_mentions": {"parse": [], "roles": list(content.roles)},
        "flags": flags,
    }


def _embed(embed: Embed) -> dict[str, Any]:
    return {"description": embed.text, "color": embed.colour}


def file_name(picture: Picture) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", picture.name)[-100:] or "picture.png"


def _components(keyboard: Keyboard) -> list[dict[str, Any]]:
    ids = custom_ids(keyboard)
    return [
        {
            "type": _ACTION_ROW,
            "components": [
                {"type": _BUTTON, "style": _SECONDARY, "label": label_of(button), "custom_id": custom_id}
                for button, custom_id in zip(row, row_ids, strict=True)
            ],
        }
        for row, row_ids in zip(keyboard, ids, strict=True)
        if row
    ]
