"""A Bot API server on loopback: long polling with offsets, keyboards, edits, photos, and faults on demand.

It refuses what the real one refuses, in the same words. The wire side is HTTP; the test side is the methods below.
"""

import asyncio
import itertools
from collections.abc import Callable
from time import monotonic
from typing import Any, Self

from aiohttp import web

from tests.support.telegram.api import BotApi, Json, Parameters, chat_json
from tests.support.telegram.errors import ApiError
from tests.support.telegram.faults import Drop, Fault, Faults
from tests.support.telegram.limits import Limits
from tests.support.telegram.model import Call, Chat, SentMessage, Upload

TOKEN = "7000000001:AAtestTokenOfTheLoopbackServer0123456"
BOT = "keel_test_bot"
_DATE_S = 1_760_000_000
_BEAT_S, _STALL_S = 0.05, 0.25
_CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_MAX_BODY_BYTES = 20_000_000


class TelegramServer:
    """Used as ``async with TelegramServer() as server``; a bot needs ``server.url`` and ``server.token``.

    ``stop()`` and ``start()`` take it down and up again at the same port with everything it knows, as an outage would.
    ``limits`` says whether haste is refused.
    """

    def __init__(self, *, token: str = TOKEN, username: str = BOT, port: int = 0) -> None:
        self.token = token
        self.latency_s = 0.0
        self.calls: list[Call] = []
        self.api = BotApi(username)
        self.limits = Limits()
        self._port = port
        self._faults = Faults()
        self._stood_still_s = 0.0
        self._updates: list[Json] = []
        self._update_ids = itertools.count(501)
        self._message_ids = itertools.count(100_001)
        self._poll = 0
        self._waiting = 0
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        await self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def broken_limits(self) -> int:
        """Requests beyond a limit. None where this machine has stood still: what was sent in time arrives together."""
        return 0 if self._stood_still_s > _STALL_S else self.limits.broken

    async def _watch(self) -> None:
        while True:
            began_s = monotonic()
            await asyncio.sleep(_BEAT_S)
            self._stood_still_s = max(self._stood_still_s, monotonic() - began_s - _BEAT_S)

    async def start(self, *extra: web.RouteDef) -> None:
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.add_routes([web.route("*", "/bot{token}/{method}", self._handle), *extra])
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # What happens on the other side of the chat.

    def add_user(self, user_id: int, name: str = "Ann") -> None:
        """Somebody who has started the bot, so that it may write."""
        self.api.chats.setdefault(user_id, Chat(chat_id=user_id, title=name))

    def add_group(self, chat_id: int, title: str = "Desk", *, topics: tuple[int, ...] = ()) -> None:
        """A group the bot is in; with topics, a forum."""
        self.api.chats[chat_id] = Chat(chat_id=chat_id, title=title, kind="supergroup", topics=set(topics))

    def block(self, chat_id: int, *, blocked: bool = True) -> None:
        self.api.chats[chat_id].blocked = blocked

    def migrate(self, chat_id: int, new_chat_id: int) -> None:
        self.api.chats[chat_id].migrated_to = new_chat_id
        self.add_group(new_chat_id, self.api.chats[chat_id].title)

    def delete(self, message: SentMessage) -> None:
        self.api.sent.remove(message)

    async def say(
        self, user_id: int, text: str, *, chat: int | None = None, thread: int | None = None, bot: bool = False
    ) -> None:
        """Somebody writes, in private or in a group."""
        if chat is None:
            self.add_user(user_id)
        message: Json = {
            "message_id": next(self._message_ids),
            "date": _DATE_S,
            "chat": chat_json(self.api.chats[user_id if chat is None else chat]),
            "from": self._user_json(user_id, bot=bot),
            "text": text,
        }
        if thread is not None:
            message |= {"message_thread_id": thread, "is_topic_message": True}
        await self.report("message", message)

    async def press(self, user_id: int, message: SentMessage, button: str, *, inaccessible: bool = False) -> str:
        """Somebody presses the button with this label or data; returns the id of the query. ``inaccessible`` as when
        the message is too old for Telegram to show."""
        key = next(key for key in message.keys if button in (key.label, key.data))
        query_id = f"q{next(self._message_ids)}"
        shown = self.api.as_json(message)
        if inaccessible:
            shown = {"message_id": message.message_id, "date": 0, "chat": shown["chat"]}
        self.api.open_queries.add(query_id)
        query = {
            "id": query_id,
            "from": self._user_json(user_id),
            "message": shown,
            "chat_instance": "1",
            "data": key.data,
        }
        await self.report("callback_query", query)
        return query_id

    async def report(self, kind: str, payload: Json) -> None:
        """Any update at all."""
        async with self._changed:
            self._updates.append({"update_id": next(self._update_ids), kind: payload})
            self._changed.notify_all()

    def inject(self, fault: Fault) -> None:
        self._faults.add(fault)

    def heal(self) -> None:
        self._faults.clear()

    @property
    def struck(self) -> int:
        """How many requests met a fault so far."""
        return self._faults.struck

    # What can be seen.

    def messages(self, chat: int | None = None) -> list[SentMessage]:
        """What the bot sent, oldest first; edited ones as they are now."""
        return [message for message in self.api.sent if chat in (None, message.chat)]

    @property
    def unconfirmed(self) -> list[int]:
        """Ids of updates the bot has not confirmed."""
        return [update["update_id"] for update in self._updates]

    @property
    def is_polled(self) -> bool:
        """Whether a poll waits for something to report."""
        return self._waiting > 0

    @property
    def answers(self) -> dict[str, str]:
        """Text of the answer by id of the query."""
        return self.api.answers

    async def wait_for(self, predicate: Callable[[], Any], timeout_s: float = 30.0) -> None:
        """Until ``predicate()`` holds; it is asked after every request. Raises: TimeoutError."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(predicate)

    # The wire.

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != self.token:
            return _answer(ApiError(401, "Unauthorized"))
        method = request.match_info["method"]
        parameters = await _parameters(request)
        chat = parameters.integer("chat_id")
        self.calls.append(Call(method=method, chat=chat, at_s=monotonic()))
        fault = self._faults.take(method, chat)
        await asyncio.sleep(self.latency_s + (fault.delay_s if fault else 0.0))
        try:
            if fault is not None and (fault.status is not None or fault.drop is Drop.BEFORE):
                return _struck(request, fault)
            self.limits.check(method, chat)
            is_poll = method.lower() == "getupdates"
            result = await self._get_updates(parameters) if is_poll else self.api.call(method, parameters)
            self.limits.took(method, chat)
            if fault is not None and fault.drop is Drop.AFTER:
                return _dropped(request)
            return web.json_response({"ok": True, "result": result})
        except ApiError as error:
            return _answer(error)
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def _get_updates(self, parameters: Parameters) -> list[Json]:
        offset = parameters.integer("offset") or 0
        limit = parameters.integer("limit") or 100
        if offset > 0:
            self._updates = [update for update in self._updates if update["update_id"] >= offset]
        self._poll += 1
        poll = self._poll
        async with self._changed:
            self._waiting += 1
            self._changed.notify_all()  # another poll that waits has lost its place
            try:
                async with asyncio.timeout(parameters.integer("timeout") or 0):
                    await self._changed.wait_for(lambda: self._updates or self._poll != poll)
            except TimeoutError:
                return []
            finally:
                self._waiting -= 1
        if self._poll != poll:
            raise ApiError(409, _CONFLICT)
        return self._updates[:limit]

    def _user_json(self, user_id: int, *, bot: bool = False) -> Json:
        known = self.api.chats.get(user_id)
        return {"id": user_id, "is_bot": bot, "first_name": known.title if known else "Ann"}


async def _parameters(request: web.Request) -> Parameters:
    fields: dict[str, str | Upload] = dict(request.query)
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            with value.file as file:
                fields[name] = Upload(value.filename, file.read())
        else:
            fields[name] = str(value)
    return Parameters(fields)


def _struck(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.drop is not None:
        return _dropped(request)
    status = fault.status or 500
    if fault.page:
        page = f"<html><h1>{status}</h1>The requested URL {request.path} has trouble.</html>"
        return web.Response(status=status, text=page, content_type="text/html")
    words = fault.description or _DESCRIPTIONS.get(status, "Internal Server Error")
    if fault.retry_after is not None:
        words += f": retry after {fault.retry_after}"
    return _answer(ApiError(status, words, retry_after=fault.retry_after))


_DESCRIPTIONS = {
    403: "Forbidden: bot was kicked from the supergroup chat",
    409: _CONFLICT,
    429: "Too Many Requests",
    502: "Bad Gateway",
    504: "Gateway Timeout",
}


def _dropped(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _answer(error: ApiError) -> web.Response:
    body: Json = {"ok": False, "error_code": error.status, "description": error.description}
    named = {"retry_after": error.retry_after, "migrate_to_chat_id": error.migrate_to_chat_id}
    parameters = {name: value for name, value in named.items() if value is not None}
    if parameters:
        body["parameters"] = parameters
    return web.json_response(body, status=error.status)
