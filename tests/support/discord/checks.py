"""What Discord makes of the body of a message or of a command: pure, and as strict."""

import re
from dataclasses import dataclass
from typing import Any

from tests.support.discord.errors import ApiError, bad_form
from tests.support.discord.markdown import pings
from tests.support.discord.model import EmbedBox, Key, Keyboard
from tests.support.discord.shapes import Json

CONTENT, LABEL, CUSTOM_ID, ROW, ROWS, FILES = 2000, 80, 100, 5, 5, 10
_EMBEDS, _EMBED_TOTAL, _FIELDS = 10, 6000, 25
_EMBED_PARTS = {"title": 256, "description": 4096}
_SUPPRESS_EMBEDS = 1 << 2
_NONCE = 25
_NAME = re.compile(r"[-_\w]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A message that may be sent."""

    content: str
    keyboard: Keyboard
    embeds: tuple[EmbedBox, ...]


def checked(body: Json, files: tuple[bytes, ...], *, may_embed: bool) -> Checked:
    """Raises: ApiError."""
    content = body.get("content") or ""
    if units(content) > CONTENT:
        raise bad_form("content: Must be 2000 or fewer in length.")
    nonce = body.get("nonce", "")
    if len(str(nonce)) > _NONCE:
        raise bad_form("nonce: Must be 25 or fewer in length.")
    embeds = embeds_of(body)
    if int(body.get("flags", 0)) & _SUPPRESS_EMBEDS or not may_embed:
        embeds = ()
    if not content.strip() and not files and not embeds:
        raise ApiError(400, 50006, "Cannot send an empty message")
    if len(files) > FILES:
        raise bad_form("attachments: Must be 10 or fewer in length.")
    if any(not data for data in files):
        raise ApiError(400, 50046, "Invalid Asset")
    return Checked(content=content.strip(), keyboard=keyboard_of(body.get("components") or []), embeds=embeds)


def embeds_of(body: Json) -> tuple[EmbedBox, ...]:
    given = body.get("embeds") or []
    if len(given) > _EMBEDS:
        raise bad_form("embeds: Must be 10 or fewer in length.")
    total = 0
    for embed in given:
        for part, most in _EMBED_PARTS.items():
            if units(embed.get(part) or "") > most:
                raise bad_form(f"embeds.{part}: Must be {most} or fewer in length.")
            total += units(embed.get(part) or "")
        if len(embed.get("fields") or ()) > _FIELDS:
            raise bad_form("embeds.fields: Must be 25 or fewer in length.")
        if not any((embed.get(part) or "").strip() for part in ("title", "description")) and not embed.get("fields"):
            raise bad_form("embeds: This field is required")
        if not 0 <= embed.get("color", 0) <= 0xFFFFFF:
            raise bad_form("embeds.color: int value should be less than or equal to 16777215.")
        for field in embed.get("fields") or ():
            total += units(field["name"]) + units(field["value"])
    if total > _EMBED_TOTAL:
        raise bad_form("embeds: Embed size exceeds maximum size of 6000")
    return tuple(
        EmbedBox(source=(one.get("description") or "").strip(), colour=one.get("color", 0)) for one in given
    )  # fmt: skip


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def keyboard_of(rows: list[Json]) -> Keyboard:
    if len(rows) > ROWS:
        raise bad_form("components: Must be 5 or fewer in length.")
    keyboard = tuple(tuple(_key(button) for button in row["components"]) for row in rows)
    ids = [key.custom_id for row in keyboard for key in row]
    if len(ids) != len(set(ids)):
        raise bad_form("components: Component custom id cannot be duplicated")
    if any(not 1 <= len(row) <= ROW for row in keyboard):
        raise bad_form("components: Must be between 1 and 5 in length.")
    return keyboard


def _key(button: Json) -> Key:
    if button["type"] != 2 or button["style"] not in (1, 2, 3, 4):
        raise bad_form("components: UNION_TYPE_CHOICES")
    if not 1 <= len(button["label"]) <= LABEL or not 1 <= len(button["custom_id"]) <= CUSTOM_ID:
        raise bad_form("components: BASE_TYPE_BAD_LENGTH")
    return Key(button["label"], button["custom_id"])


def files_of(body: Json, files: tuple[bytes, ...]) -> dict[str, Any]:
    described = body.get("attachments", [])
    if len(described) != len(files):
        raise bad_form("attachments")
    return {
        "files": files,
        "file_names": tuple(one["filename"] for one in described),
        "alts": tuple(one.get("description", "") for one in described),
    }


def rung(body: Json) -> tuple[str, ...]:
    """Whom it rings: only what stands in the content can ring. Without allowed_mentions, everybody it names."""
    named, allowed = pings(body.get("content") or ""), body.get("allowed_mentions")
    if allowed is None:
        return named
    everything = set(allowed.get("parse") or ())
    if "roles" in everything and allowed.get("roles"):
        raise bad_form('allowed_mentions: parse:["roles"] and roles: [ids...] are mutually exclusive.')
    if not everything <= {"roles", "users", "everyone"}:
        raise bad_form("allowed_mentions.parse")
    listed = {f"<@&{role}>" for role in allowed.get("roles") or ()} | {
        f"<@{one}>" for one in allowed.get("users") or ()
    }
    kinds = {"everyone": "@", "roles": "<@&", "users": "<@"}
    return tuple(one for one in named if one in listed or any(one.startswith(kinds[kind]) for kind in everything))


def check_command(command: Json) -> None:
    """Raises: ApiError."""
    options = command.get("options") or []
    if len(options) > 25:
        raise bad_form("options: Must be 25 or fewer in length.")
    for one in (command, *options):
        if not _NAME.fullmatch(one["name"]) or one["name"] != one["name"].lower():
            raise bad_form("name: APPLICATION_COMMAND_INVALID_NAME")
        if not 1 <= len(one["description"]) <= 100:
            raise bad_form("description: BASE_TYPE_BAD_LENGTH")
    names = [option["name"] for option in options]
    if len(names) != len(set(names)):
        raise bad_form("options: APPLICATION_COMMAND_OPTIONS_NAME_INVALID")
    needed = [bool(option.get("required")) for option in options]
    if needed != sorted(needed, reverse=True):
        raise bad_form("options: APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID")
