"""What a request about a message says to Discord: pure JSON, the same for a channel, an interaction and a webhook."""

import mimetypes
import re
from dataclasses import dataclass
from typing import Any

from bot.messages import Attachment, Picture
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
            {"id": number, "filename": file_name(one), "description": alt_of(one)}
            for number, one in enumerate(content.attached)
        ],
        "embeds": [_embed(content.embed)] if content.embed is not None else [],
        "allowed_mentions": {"parse": [], "roles": list(content.roles)},
        "flags": flags,
    }


def _embed(embed: Embed) -> dict[str, Any]:
    return {"description": embed.text, "color": embed.colour}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One attachment as a part of the form it goes out in."""

    field: str
    name: str
    content: bytes
    content_type: str


def uploads(content: Content) -> tuple[Upload, ...]:
    """What is attached, as the form has it beside ``payload_json``."""
    return tuple(
        Upload(
            field=f"files[{number}]", name=file_name(one), content_type=_type_of(one),
            content=one.png if isinstance(one, Picture) else one.content,
        )
        for number, one in enumerate(content.attached)
    )  # fmt: skip


def file_name(attached: Attachment) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", attached.name)[-100:] or "attachment"


def _type_of(attached: Attachment) -> str:
    if isinstance(attached, Picture):
        return "image/png"
    return mimetypes.guess_type(file_name(attached))[0] or "application/octet-stream"


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
