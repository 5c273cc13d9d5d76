"""Discord's REST over what the server remembers: pure of HTTP, strict as the real one."""

import itertools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from tests.support.discord.checks import check_command, checked, files_of, rung
from tests.support.discord.errors import (
    ApiError,
    bad_form,
    unknown_channel,
    unknown_interaction,
    unknown_message,
    unknown_webhook,
)
from tests.support.discord.model import APPLICATION, BOT, EPHEMERAL, Channel, Guild, Interaction, SentMessage
from tests.support.discord.shapes import Json, Shapes
from tests.support.discord.threads import Threads

_FIRST_ID = 1_400_000_000_000_100_000
_NONCES_LAST_S = 300.0


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
        self.events: list[tuple[str, Json]] = []  # what the gateway is still to say
        self.shapes = Shapes(self)
        self._nonces: dict[str, tuple[float, int]] = {}
        self._ids = itertools.count(_FIRST_ID)
        message = "/channels/{channel}/messages/{message}"
        guild_commands = "/applications/{application}/guilds/{guild}/commands"
        answers = "/webhooks/{webhook}/{token}/messages/{message}"
        threads = Threads(self)
        self.routes: tuple[tuple[str, str, Callable[[Request], Any]], ...] = (
            ("GET", "/users/@me", lambda _: self.shapes.me()),
            ("GET", "/oauth2/applications/@me", lambda _: self.shapes.application()),
            ("GET", "/applications/{application}/commands", self._commands),
            ("PUT", "/applications/{application}/commands", self._set_commands),
            ("GET", guild_commands, self._commands),
            ("PUT", guild_commands, self._set_commands),
            ("GET", "/users/@me/guilds", self._guilds),
            ("DELETE", "/users/@me/guilds/{guild}", self._leave),
            ("GET", "/guilds/{guild}/members/{user}", self._member),
            ("GET", "/guilds/{guild}/roles", self._roles),
            ("GET", "/channels/{channel}", threads.channel),
            ("PATCH", "/channels/{channel}", threads.change),
            ("POST", "/channels/{channel}/messages/{message}/threads", threads.start),
            ("PUT", "/channels/{channel}/messages/pins/{message}", threads.pin),
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

    def forget_nonces(self, but: Collection[int]) -> None:
        """Of other messages than these."""
        self._nonces = {nonce: known for nonce, known in self._nonces.items() if known[1] in but}

    # Commands.

    def _commands(self, request: Request) -> list[Json]:
        return list(self.commands.get(self._scope(request), ()))

    def _set_commands(self, request: Request) -> list[Json]:
        scope = self._scope(request)
        names = [command["name"] for command in request.body]
        if len(names) != len(set(names)) or len(names) > 100:
            raise bad_form("APPLICATION_COMMANDS_DUPLICATE_NAME")
        for command in request.body:
            check_command(command)
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

    # Guilds.

    def _guilds(self, request: Request) -> list[Json]:
        after, limit = int(request.query.get("after", 0)), int(request.query.get("limit", 200))
        mine = sorted(guild.guild_id for guild in self.guilds.values() if guild.guild_id > after)[:limit]
        return [{"id": str(one), "name": self.guilds[one].name, "owner": False, "permissions": "0"} for one in mine]

    def _leave(self, request: Request) -> Json:
        if self.guilds.pop(request.number("guild"), None) is None:
            raise ApiError(404, 10004, "Unknown Guild")
        self.events.append(("GUILD_DELETE", {"id": request.ids["guild"]}))
        return {}

    def _member(self, request: Request) -> Json:
        guild, user = self.guilds.get(request.number("guild")), request.number("user")
        if guild is None:
            raise ApiError(404, 10004, "Unknown Guild")
        if user not in guild.members and user not in guild.roles and user != BOT:
            raise ApiError(404, 10007, "Unknown Member")
        return self.shapes.member(guild, user)

    def _roles(self, request: Request) -> list[Json]:
        guild = self.guilds.get(request.number("guild"))
        if guild is None:
            raise ApiError(404, 10004, "Unknown Guild")
        return self.shapes.roles(guild)

    # Messages.

    def _send(self, request: Request) -> Json:
        channel = self._writable(request.number("channel"))
        nonce = str(request.body.get("nonce", ""))
        if nonce and request.body.get("enforce_nonce"):
            at, known = self._nonces.get(nonce, (0.0, 0))
            message = self.find(known)
            if message is not None and monotonic() - at < _NONCES_LAST_S:
                return self.shapes.message(message)
        made = self._new(request, channel.channel_id, nonce=nonce)
        if nonce:
            self._nonces[nonce] = (monotonic(), int(made["id"]))
        if channel.archived:
            channel.archived = False
            self.events.append(("THREAD_UPDATE", self.shapes.channel(channel)))
        return made

    def _edit(self, request: Request) -> Json:
        channel = self._writable(request.number("channel"))
        if channel.archived:
            raise ApiError(400, 50083, "Thread is archived")
        message = self.find(request.number("message"))
        if message is None or message.channel != channel.channel_id or message.only_for is not None:
            raise unknown_message()
        if message.by != "bot":
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        return self._changed(message, request)

    def _new(self, request: Request, channel: int, **about: Any) -> Json:
        said = checked(request.body, request.files, may_embed=self.channels[channel].may_embed)
        message = SentMessage(
            message_id=self.next_id(),
            channel=channel,
            source=said.content,
            embeds=said.embeds,
            keyboard=said.keyboard,
            flags=int(request.body.get("flags", 0)),
            pings=rung(request.body),
            **files_of(request.body, request.files),
            **about,
        )
        self.sent.append(message)
        return self.shapes.message(message)

    def _changed(self, message: SentMessage, request: Request) -> Json:
        said = checked(request.body, request.files, may_embed=self.channels[message.channel].may_embed)
        before = message.source, message.embeds, message.keyboard, message.files
        if (said.content, said.embeds, said.keyboard, request.files) != before:
            message.edits.append(message.revision())
        message.source, message.embeds, message.keyboard = said.content, said.embeds, said.keyboard
        for name, value in files_of(request.body, request.files).items():
            setattr(message, name, value)
        rung(request.body)  # checked all the same; an edit rings nobody
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
