"""Discord's REST over what the server remembers: pure of HTTP, strict as the real one."""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.discord.errors import (
    ApiError,
    bad_form,
    unknown_channel,
    unknown_interaction,
    unknown_message,
    unknown_webhook,
)
from tests.support.discord.markdown import pings
from tests.support.discord.model import APPLICATION, EPHEMERAL, Channel, Guild, Interaction, Key, Keyboard, SentMessage
from tests.support.discord.shapes import Json, Shapes

_FIRST_ID = 1_400_000_000_000_100_000
_CONTENT, _LABEL, _CUSTOM_ID, _ROW, _ROWS, _FILES = 2000, 80, 100, 5, 5, 10
_NAME = re.compile(r"[-_\w]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request behind its authorisation. ``ids`` are the parts of its path that vary."""

    ids: Mapping[str, str]
    body: Any = None
    files: tuple[bytes, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)

    def number(self, name: str) -> int:
        return int(self.ids[name])


class Api:
    """One application's world. Every method raises ApiError."""

    def __init__(self) -> None:
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.names: dict[int, str] = {}
        self.sent: list[SentMessage] = []
        self.interactions: dict[int, Interaction] = {}
        self.commands: dict[int | None, tuple[Json, ...]] = {}
        self.webhooks: dict[int, tuple[str, int]] = {}  # id -> token and channel
        self.shapes = Shapes(self)
        self._ids = itertools.count(_FIRST_ID)
        message = "/channels/{channel}/messages/{message}"
        guild_commands = "/applications/{application}/guilds/{guild}/commands"
        answers = "/webhooks/{webhook}/{token}/messages/{message}"
        self.routes: tuple[tuple[str, str, Callable[[Request], Any]], ...] = (
            ("GET", "/users/@me", lambda _: self.shapes.me()),
            ("GET", "/oauth2/applications/@me", lambda _: self.shapes.application()),
            ("GET", "/applications/{application}/commands", self._commands),
            ("PUT", "/applications/{application}/commands", self._set_commands),
            ("GET", guild_commands, self._commands),
            ("PUT", guild_commands, self._set_commands),
            ("POST", "/channels/{channel}/messages", self._send),
            ("PATCH", message, self._edit),
            ("POST", "/interactions/{interaction}/{token}/callback", self._callback),
            ("POST", "/webhooks/{webhook}/{token}", self._execute),
            ("PATCH", answers, self._edit_answer),
        )

    def next_id(self) -> int:
        return next(self._ids)

    def find(self, message_id: int) -> SentMessage | None:
        return next((one for one in self.sent if one.message_id == message_id), None)

    def interaction_of(self, token: str) -> Interaction | None:
        return next((one for one in self.interactions.values() if one.token == token), None)

    # Commands.

    def _commands(self, request: Request) -> list[Json]:
        return list(self.commands.get(self._scope(request), ()))

    def _set_commands(self, request: Request) -> list[Json]:
        scope = self._scope(request)
        names = [command["name"] for command in request.body]
        if len(names) != len(set(names)) or len(names) > 100:
            raise bad_form("APPLICATION_COMMANDS_DUPLICATE_NAME")
        for command in request.body:
            _check_command(command)
        extra = {"application_id": str(APPLICATION), "version": "1", "default_member_permissions": None, "nsfw": False}
        # Discord gives the fields back in an order of its own, with some that nobody asked for.
        self.commands[scope] = tuple(
            {"id": str(self.next_id()), **extra, **command} for command in reversed(request.body)
        )
        return list(self.commands[scope])

    def _scope(self, request: Request) -> int | None:
        if "guild" not in request.ids:
            return None
        if request.number("guild") not in self.guilds:
            raise ApiError(403, 50001, "Missing Access")
        return request.number("guild")

    # Messages.

    def _send(self, request: Request) -> Json:
        channel = self._writable(request.number("channel"))
        return self._new(request, channel.channel_id)

    def _edit(self, request: Request) -> Json:
        channel = self._writable(request.number("channel"))
        message = self.find(request.number("message"))
        if message is None or message.channel != channel.channel_id or message.only_for is not None:
            raise unknown_message()
        if message.by != "bot":
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        return self._changed(message, request)

    def _new(self, request: Request, channel: int, **about: Any) -> Json:
        content, keyboard = _checked(request)
        message = SentMessage(
            message_id=self.next_id(),
            channel=channel,
            source=content,
            keyboard=keyboard,
            flags=int(request.body.get("flags", 0)),
            pings=_rung(request.body, content),
            **_files(request),
            **about,
        )
        self.sent.append(message)
        return self.shapes.message(message)

    def _changed(self, message: SentMessage, request: Request) -> Json:
        content, keyboard = _checked(request)
        if (content, keyboard, request.files) != (message.source, message.keyboard, message.files):
            message.edits.append(message.revision())
        message.source, message.keyboard = content, keyboard
        for name, value in _files(request).items():
            setattr(message, name, value)
        message.pings += _rung(request.body, content)
        return self.shapes.message(message)

    def _writable(self, channel_id: int) -> Channel:
        channel = self.channels.get(channel_id)
        if channel is None:
            raise unknown_channel()
        if channel.forbidden:
            direct = ApiError(403, 50007, "Cannot send messages to this user")
            raise direct if channel.guild is None else ApiError(403, 50001, "Missing Access")
        if channel.locked:
            raise ApiError(400, 160005, "This thread is locked")
        return channel

    # Interactions.

    def _callback(self, request: Request) -> Json:
        interaction = self.interactions.get(request.number("interaction"))
        if interaction is None or interaction.token != request.ids["token"] or interaction.over:
            raise unknown_interaction()
        if interaction.acknowledged is not None:
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        kind, data = request.body["type"], request.body.get("data") or {}
        if kind not in {2: (5,), 3: (5, 6), 4: (8,)}[interaction.kind]:
            raise bad_form("type")
        if kind == 8:
            choices = data["choices"]
            if len(choices) > 25 or any(not 1 <= len(choice["name"]) <= 100 for choice in choices):
                raise bad_form("choices")
            interaction.choices = tuple(choice["value"] for choice in choices)
        interaction.acknowledged = kind
        interaction.loading = kind == 5
        interaction.only_for_asker = bool(int(data.get("flags", 0)) & EPHEMERAL)
        return self.shapes.callback(interaction)

    def _execute(self, request: Request) -> Json:
        interaction = self.interaction_of(request.ids["token"])
        if interaction is None:
            return self._execute_webhook(request)
        self._check_answerable(interaction, request)
        if interaction.loading:  # the first answer takes the place of "thinking", and is hidden as that was
            return self._fill(interaction, request)
        hidden = bool(int(request.body.get("flags", 0)) & EPHEMERAL)
        return self._new(request, interaction.channel, only_for=interaction.user if hidden else None)

    def _execute_webhook(self, request: Request) -> Json:
        channel = self._webhook_channel(request)
        if request.body.get("components"):
            raise bad_form("non-application webhooks cannot send interactive components")
        made = self._new(request, channel, by=request.ids["webhook"])
        return made if request.query.get("wait") == "true" else {}

    def _edit_answer(self, request: Request) -> Json:
        interaction = self.interaction_of(request.ids["token"])
        if interaction is None:
            self._webhook_channel(request)
            message = self.find(request.number("message"))
            if message is None or message.by != request.ids["webhook"]:
                raise unknown_message()
            return self._changed(message, request)
        self._check_answerable(interaction, request)
        if request.ids["message"] == "@original":
            return self._fill(interaction, request)
        message = self.find(request.number("message"))
        if message is None or message.channel != interaction.channel:
            raise unknown_message()
        return self._changed(message, request)

    def _fill(self, interaction: Interaction, request: Request) -> Json:
        original = self.find(interaction.original) if interaction.original is not None else None
        if original is not None:
            return self._changed(original, request)
        if not interaction.loading:
            raise unknown_message()
        made = self._new(
            request, interaction.channel, only_for=interaction.user if interaction.only_for_asker else None
        )
        interaction.original, interaction.loading = int(made["id"]), False
        return made

    def _check_answerable(self, interaction: Interaction, request: Request) -> None:
        if interaction.over or interaction.acknowledged is None or int(request.ids["webhook"]) != APPLICATION:
            raise unknown_webhook()

    def _webhook_channel(self, request: Request) -> int:
        token, channel = self.webhooks.get(request.number("webhook"), ("", 0))
        if token != request.ids["token"]:
            raise ApiError(401, 50027, "Invalid Webhook Token")
        return channel


def _checked(request: Request) -> tuple[str, Keyboard]:
    content = request.body.get("content") or ""
    if len(content.encode("utf-16-le", "surrogatepass")) // 2 > _CONTENT:
        raise bad_form("content: Must be 2000 or fewer in length.")
    if not content.strip() and not request.files:
        raise ApiError(400, 50006, "Cannot send an empty message")
    if len(request.files) > _FILES:
        raise bad_form("attachments: Must be 10 or fewer in length.")
    if any(not data for data in request.files):
        raise ApiError(400, 50046, "Invalid Asset")
    return content.strip(), _keyboard(request.body.get("components") or [])


def _keyboard(rows: list[Json]) -> Keyboard:
    if len(rows) > _ROWS:
        raise bad_form("components: Must be 5 or fewer in length.")
    keyboard = tuple(tuple(_key(button) for button in row["components"]) for row in rows)
    ids = [key.custom_id for row in keyboard for key in row]
    if len(ids) != len(set(ids)):
        raise bad_form("components: Component custom id cannot be duplicated")
    if any(not 1 <= len(row) <= _ROW for row in keyboard):
        raise bad_form("components: Must be between 1 and 5 in length.")
    return keyboard


def _key(button: Json) -> Key:
    if button["type"] != 2 or button["style"] not in (1, 2, 3, 4):
        raise bad_form("components: UNION_TYPE_CHOICES")
    if not 1 <= len(button["label"]) <= _LABEL or not 1 <= len(button["custom_id"]) <= _CUSTOM_ID:
        raise bad_form("components: BASE_TYPE_BAD_LENGTH")
    return Key(button["label"], button["custom_id"])


def _files(request: Request) -> dict[str, Any]:
    described = request.body.get("attachments", [])
    if len(described) != len(request.files):
        raise bad_form("attachments")
    return {
        "files": request.files,
        "file_names": tuple(one["filename"] for one in described),
        "alts": tuple(one.get("description", "") for one in described),
    }


def _rung(body: Json, content: str) -> tuple[str, ...]:
    """Whom it rings. Without allowed_mentions, everybody it names."""
    allowed = body.get("allowed_mentions")
    return pings(content) if allowed is None or allowed.get("parse") else ()


def _check_command(command: Json) -> None:
    if not _NAME.fullmatch(command["name"]) or command["name"] != command["name"].lower():
        raise bad_form("name: APPLICATION_COMMAND_INVALID_NAME")
    for one in (command, *command.get("options", ())):
        if not 1 <= len(one["description"]) <= 100:
            raise bad_form("description: BASE_TYPE_BAD_LENGTH")
