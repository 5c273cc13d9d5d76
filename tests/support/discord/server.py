"""Discord on loopback: guilds, threads, direct messages, slash commands, presses, files, and faults on demand.

It refuses what the real one refuses, with the same codes. The wire side is HTTP and a websocket; the test side is the
methods below.
"""

import asyncio
import json
import re
from collections.abc import Callable
from time import monotonic
from typing import Any, Self

from aiohttp import web

from tests.support.discord.api import Api, Request
from tests.support.discord.errors import ApiError
from tests.support.discord.faults import Drop, Fault, Faults
from tests.support.discord.gateway import Gateway
from tests.support.discord.limits import Limits
from tests.support.discord.model import APPLICATION, Call, Channel, Guild, Interaction, SentMessage
from tests.support.discord.shapes import Json

TOKEN = "MTQwMDAwMDAwMDAwMDAwMDAwMg.GtestA.testTokenOfTheLoopbackServer0123456789"
_MAX_BODY_BYTES = 30_000_000
_WITHOUT_LOGIN = ("/interactions/", "/webhooks/")
_JSON = "application/json"
_VIA = {"Via": "1.1 google"}


class DiscordServer:
    """Used as ``async with DiscordServer() as server``; a bot needs ``api_url``, ``gateway_url`` and ``token``.

    ``stop()`` and ``start()`` take it down and up again at the same port with everything it knows, as an outage would.
    People can only act while the bot listens, so their methods wait for it.
    """

    def __init__(self, *, token: str = TOKEN, port: int = 0) -> None:
        self.token = token
        self.latency_s = 0.0
        self.calls: list[Call] = []
        self.api = Api()
        self.gateway = Gateway(token, self._ready, self._notify)
        self.limits = Limits()
        self._port = port
        self._faults = Faults()
        self._routes = [(method, _pattern(path), run) for method, path, run in self.api.routes]
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/api/v10"

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}"

    async def start(self, *extra: web.RouteDef) -> None:
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.add_routes([web.get("/", self.gateway.handle), *extra, web.route("*", "/api/v10{path:.*}", self._handle)])
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            self.gateway.cut()
            await self._runner.cleanup()
            self._runner = None

    # What happens on the other side of the chat.

    def direct(self, user_id: int, name: str = "ann") -> Channel:
        """The direct messages between somebody and the bot."""
        self.api.names.setdefault(user_id, name)
        found = next((one for one in self.api.channels.values() if one.recipient == user_id), None)
        return found or self._add(Channel(channel_id=self.api.next_id(), recipient=user_id))

    def add_guild(self, name: str = "Desk") -> Guild:
        guild = Guild(guild_id=self.api.next_id(), name=name)
        self.api.guilds[guild.guild_id] = guild
        return guild

    async def join(self, name: str = "New") -> Guild:
        """Somebody invites the bot while it listens."""
        guild = self.add_guild(name)
        shape = self.api.shapes.guild(guild)
        del shape["unavailable"]  # as Discord does for a guild that is new rather than back
        await self.gateway.dispatch("GUILD_CREATE", shape)
        return guild

    async def kick(self, guild: Guild) -> None:
        """Somebody throws the bot out."""
        del self.api.guilds[guild.guild_id]
        for channel in [one for one in self.api.channels.values() if one.guild == guild.guild_id]:
            channel.forbidden = True
        await self.gateway.dispatch("GUILD_DELETE", {"id": str(guild.guild_id)})

    def add_channel(self, guild: Guild, name: str = "alerts") -> Channel:
        return self._add(Channel(channel_id=self.api.next_id(), name=name, guild=guild.guild_id))

    def add_thread(self, channel: Channel, name: str = "incident") -> Channel:
        return self._add(
            Channel(channel_id=self.api.next_id(), name=name, guild=channel.guild, parent=channel.channel_id)
        )

    def add_webhook(self, channel: Channel) -> str:
        """Its URL."""
        webhook_id, token = self.api.next_id(), "webhookTokenOfTheLoopbackServer_0123456789"
        self.api.webhooks[webhook_id] = (token, channel.channel_id)
        return f"{self.api_url}/webhooks/{webhook_id}/{token}"

    async def say(self, user_id: int, text: str, *, bot: bool = False) -> None:
        """Somebody writes to the bot in private."""
        await self._listening()
        channel = self.direct(user_id)
        shape = self.api.shapes.written(self.api.next_id(), channel, user_id, text, bot=bot)
        await self.gateway.dispatch("MESSAGE_CREATE", shape)

    async def slash(
        self, user_id: int, name: str, args: str = "", *, channel: Channel | None = None, **options: str
    ) -> Interaction:
        """Somebody sends a slash command.

        Args:
            args: Words, filled one by one into the options the command was registered with, what is left into the last;
                all into one option called args where it was registered with none.
            options: Options by name, filled in this order.
        """
        given = options or self._filled(name, args, channel)
        data = {"id": "1", "name": name, "type": 1, "options": [_option(one, value) for one, value in given.items()]}
        return await self._interact(2, user_id, channel, data)

    async def press(self, user_id: int, message: SentMessage, button: str) -> Interaction:
        """Somebody presses the button with this label or custom id."""
        key = next(key for key in message.keys if button in (key.label, key.custom_id))
        data = {"custom_id": key.custom_id, "component_type": 2}
        return await self._interact(3, user_id, self.api.channels[message.channel], data, message)

    async def typing(
        self,
        user_id: int,
        name: str,
        typed: str,
        *,
        option: str = "",
        channel: Channel | None = None,
        **others: str,
    ) -> Interaction:
        """Somebody types into an option of a slash command: the first one if none is named."""
        known = self._options_of(name, channel)
        focused = _option(option or next(iter(known), "args"), typed) | {"focused": True}
        options = [_option(one, value) for one, value in others.items()]
        data = {"id": "1", "name": name, "type": 1, "options": [*options, focused]}
        return await self._interact(4, user_id, channel, data)

    def _options_of(self, name: str, channel: Channel | None) -> list[str]:
        commands = self.api.commands.get(channel.guild if channel else None, ())
        found = next((one.get("options") for one in commands if one["name"] == name), None)
        return [option["name"] for option in found or ()]

    def _filled(self, name: str, args: str, channel: Channel | None) -> dict[str, str]:
        known, words = self._options_of(name, channel), args.split()
        if not args:
            return {}
        if not known:
            return {"args": args}
        filled = dict(zip(known, words, strict=False))
        if len(words) > len(known):
            filled[known[-1]] = " ".join(words[len(known) - 1 :])
        return filled

    async def _interact(
        self, kind: int, user_id: int, channel: Channel | None, data: Json, message: SentMessage | None = None
    ) -> Interaction:
        await self._listening()
        interaction = self.interaction(kind, user_id, channel or self.direct(user_id))
        interaction.original = message.message_id if message else None
        await self.gateway.dispatch("INTERACTION_CREATE", self.api.shapes.interaction(interaction, data, message))
        return interaction

    def interaction(self, kind: int, user_id: int, channel: Channel) -> Interaction:
        """One that Discord knows of, and nobody was told of yet."""
        interaction = Interaction(
            interaction_id=self.api.next_id(),
            token=f"interactionTokenOf{self.api.next_id()}",
            kind=kind,
            channel=channel.channel_id,
            user=user_id,
        )
        self.api.interactions[interaction.interaction_id] = interaction
        return interaction

    def delete(self, message: SentMessage) -> None:
        self.api.sent.remove(message)

    def thread_of(self, message: SentMessage) -> Channel | None:
        """The thread that was started from a message."""
        return self.api.channels.get(message.message_id)

    def inject(self, fault: Fault) -> None:
        self._faults.add(fault)

    def heal(self) -> None:
        self._faults.clear()

    @property
    def struck(self) -> int:
        """How many requests met a fault so far."""
        return self._faults.struck

    # What can be seen.

    def messages(self, channel: Channel | None = None, *, seen_by: int | None = None) -> list[SentMessage]:
        """What the bot sent, oldest first; edited ones as they are now. Hidden ones only for whom they are for."""
        return [
            one
            for one in self.api.sent
            if (channel is None or one.channel == channel.channel_id) and one.only_for in (None, seen_by)
        ]

    async def wait_for(self, predicate: Callable[[], Any], timeout_s: float = 30.0) -> None:
        """Until ``predicate()`` holds; it is asked after everything that happens. Raises: TimeoutError."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(predicate)

    # The wire.

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        run, ids = self._route(request.method, path)
        channel = int(ids["channel"]) if ids.get("channel", "").isdigit() else None
        fault = self._faults.take(request.method, path, channel)
        await asyncio.sleep(self.latency_s + (fault.delay_s if fault else 0.0))
        response: web.StreamResponse
        try:
            if fault is not None and (fault.status is not None or fault.drop is Drop.BEFORE):
                response = _struck(request, fault)
            else:
                self._check_login(request, path)
                headers = self.limits.take(request.method, path, channel)
                result = run(await _read(request, ids))
                response = _json(result, headers={**_VIA, **headers})
                if fault is not None and fault.drop is Drop.AFTER:
                    response = _dropped(request)
        except ApiError as error:
            response = _answer(error)
        call = Call(method=request.method, path=path, channel=channel, at_s=monotonic(), status=response.status)
        self.calls.append(call)
        while self.api.events:
            await self.gateway.dispatch(*self.api.events.pop(0))
        await self._notify()
        return response

    def _route(self, method: str, path: str) -> tuple[Callable[[Request], Any], dict[str, str]]:
        for its_method, pattern, run in self._routes:
            if its_method == method and (found := pattern(path)):
                return run, found.groupdict()
        return _nowhere, {}

    def _check_login(self, request: web.Request, path: str) -> None:
        if not path.startswith(_WITHOUT_LOGIN) and request.headers.get("Authorization") != f"Bot {self.token}":
            raise ApiError(401, 0, "401: Unauthorized")

    def _ready(self, session_id: str) -> list[tuple[str, Json]]:
        guilds = list(self.api.guilds.values())
        ready: Json = {
            "v": 10,
            "user": self.api.shapes.me(),
            "session_id": session_id,
            "resume_gateway_url": self.gateway_url,
            "session_type": "normal",
            "private_channels": [],
            "guilds": [{"id": str(guild.guild_id), "unavailable": True} for guild in guilds],
            "application": {"id": str(APPLICATION), "flags": 0},
            "_trace": [],
        }
        return [("READY", ready), *(("GUILD_CREATE", self.api.shapes.guild(guild)) for guild in guilds)]

    async def _listening(self) -> None:
        await self.wait_for(lambda: self.gateway.live is not None)

    def _add(self, channel: Channel) -> Channel:
        self.api.channels[channel.channel_id] = channel
        return channel

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _option(name: str, value: str) -> Json:
    return {"name": name, "type": 3, "value": value}


def _nowhere(_: Request) -> Any:
    raise ApiError(404, 0, "404: Not Found")


def _pattern(path: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)).fullmatch


async def _read(request: web.Request, ids: dict[str, str]) -> Request:
    query = dict(request.query)
    if request.content_type == "application/json":
        return Request(ids=ids, body=await request.json(), query=query)
    body, files = None, []
    if request.content_type == "multipart/form-data":
        form = await request.post()
        body = json.loads(str(form["payload_json"]))
        for name, value in form.items():
            if name.startswith("files[") and isinstance(value, web.FileField):
                with value.file as file:
                    files.append(file.read())
    return Request(ids=ids, body=body, files=tuple(files), query=query)


def _struck(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.drop is not None:
        return _dropped(request)
    status = fault.status or 500
    if fault.page:
        page = f"<html><h1>{status}</h1>The requested URL {request.path} has trouble.</html>"
        return web.Response(status=status, text=page, content_type="text/html")
    words = fault.words or _WORDS.get(status, "500: Internal Server Error")
    return _answer(
        ApiError(status, fault.code, words, retry_after=fault.retry_after, is_global=fault.is_global, via=fault.via)
    )


_WORDS = {
    401: "401: Unauthorized",
    403: "Missing Access",
    404: "404: Not Found",
    429: "You are being rate limited.",
    502: "502: Bad Gateway",
    503: "503: Service Unavailable",
}


def _dropped(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _answer(error: ApiError) -> web.Response:
    body: Json = {"message": error.words, "code": error.code}
    headers = dict(_VIA) if error.via else {}
    if error.retry_after is not None:
        body |= {"retry_after": error.retry_after, "global": error.is_global}
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
        if error.is_global:
            headers["X-RateLimit-Global"] = "true"
    return _json(body, status=error.status, headers=headers)


def _json(body: Any, *, status: int = 200, headers: dict[str, str]) -> web.Response:
    """With exactly the content type Discord sends: a library that finds anything else takes it for text."""
    return web.Response(body=json.dumps(body).encode(), status=status, headers=headers | {"Content-Type": _JSON})
