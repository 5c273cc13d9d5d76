"""The gateway's side of the websocket: sessions, heartbeats, resuming, and everything that can go wrong with them."""

import contextlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.support.discord.shapes import Json

_DISPATCH, _HEARTBEAT, _IDENTIFY, _RESUME, _RECONNECT, _INVALID, _HELLO, _ACK = 0, 1, 2, 6, 7, 9, 10, 11
_DIRECT_MESSAGES = 1 << 12
_REFUSED_TOKEN = 4004


@dataclass(slots=True)
class Session:
    """One identification. ``log`` is what was said in it, so that a resumed connection misses nothing."""

    session_id: str
    intents: int
    socket: web.WebSocketResponse | None
    log: list[Json] = field(default_factory=list)


class Gateway:
    """Where one bot listens.

    Args:
        token: The right one.
        ready: What a new session begins with, given its id: the events in order, READY first.
        changed: Called after everything that happens.
    """

    def __init__(
        self, token: str, ready: Callable[[str], list[tuple[str, Json]]], changed: Callable[[], Awaitable[None]]
    ) -> None:
        self.heartbeat_s = 41.25
        self.mute = False  # it takes everything and says nothing, not even that it heard a heartbeat
        self.silent_at_first = False  # not even a greeting
        self.refuses: int | None = None  # whoever identifies, with this code
        self.identified = 0
        self.resumed = 0
        self.heartbeats = 0
        self.goodbyes: list[int | None] = []
        self._token = token
        self._ready = ready
        self._changed = changed
        self._sessions: dict[str, Session] = {}
        self._ids = itertools.count(1)
        self._sockets: set[web.WebSocketResponse] = set()

    @property
    def live(self) -> Session | None:
        """The session somebody listens in."""
        return next((one for one in reversed(self._sessions.values()) if one.socket is not None), None)

    @property
    def open_sockets(self) -> int:
        return len(self._sockets)

    # What it can be made to do.

    async def dispatch(self, event: str, data: Json) -> None:
        """Says it in the newest session; whoever is away hears it when they resume."""
        session = next(reversed(self._sessions.values()), None)
        if session is None or (event == "MESSAGE_CREATE" and not session.intents & _DIRECT_MESSAGES):
            return
        message = {"op": _DISPATCH, "t": event, "s": len(session.log) + 1, "d": data}
        session.log.append(message)
        await self._say(session.socket, message)

    async def say_raw(self, message: Json) -> None:
        """Anything at all."""
        await self._say(self.live.socket if self.live else None, message)

    async def ask_to_reconnect(self) -> None:
        await self.say_raw({"op": _RECONNECT, "d": None})

    async def invalidate(self, *, resumable: bool) -> None:
        session = self.live
        if session is not None:
            if not resumable:
                del self._sessions[session.session_id]
            await self._say(session.socket, {"op": _INVALID, "d": resumable})

    async def close(self, code: int) -> None:
        """Ends the connection with a code."""
        session = self.live
        if session is not None and session.socket is not None:
            socket, session.socket = session.socket, None
            await socket.close(code=code)

    def cut(self) -> None:
        """Ends every connection without a word."""
        for socket in tuple(self._sockets):
            transport = socket._req.transport if socket._req is not None else None
            if transport is not None:
                transport.abort()
        for session in self._sessions.values():
            session.socket = None

    def forget(self) -> None:
        """No session can be resumed any more."""
        self._sessions.clear()

    # The wire.

    async def handle(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        await self._changed()
        try:
            if not self.silent_at_first:
                await self._say(socket, {"op": _HELLO, "d": {"heartbeat_interval": round(self.heartbeat_s * 1000)}})
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(socket, message.json())
                    await self._changed()
        finally:
            self._sockets.discard(socket)
            self.goodbyes.append(socket.close_code)
            for session in self._sessions.values():
                if session.socket is socket:
                    session.socket = None
            await self._changed()
        return socket

    async def _hear(self, socket: web.WebSocketResponse, message: Json) -> None:
        match message["op"]:
            case 1:
                self.heartbeats += 1
                await self._say(socket, {"op": _ACK})
            case 2:
                await self._identify(socket, message["d"])
            case 6:
                await self._resume(socket, message["d"])

    async def _identify(self, socket: web.WebSocketResponse, data: Json) -> None:
        if data["token"] != self._token or self.refuses is not None:
            await socket.close(code=self.refuses or _REFUSED_TOKEN)
            return
        session = Session(session_id=f"session{next(self._ids)}", intents=data["intents"], socket=None)
        self._sessions[session.session_id] = session
        for number, (event, payload) in enumerate(self._ready(session.session_id), start=1):
            session.log.append({"op": _DISPATCH, "t": event, "s": number, "d": payload})
        for one in tuple(session.log):
            await self._say(socket, one)
        session.socket = socket
        self.identified += 1

    async def _resume(self, socket: web.WebSocketResponse, data: Json) -> None:
        session = self._sessions.get(data["session_id"])
        if data["token"] != self._token:
            await socket.close(code=_REFUSED_TOKEN)
            return
        if session is None:
            await self._say(socket, {"op": _INVALID, "d": False})
            return
        for one in tuple(session.log):
            if one["s"] > (data["seq"] or 0):
                await self._say(socket, one)
        await self._say(socket, {"op": _DISPATCH, "t": "RESUMED", "s": len(session.log), "d": {}})
        session.socket = socket
        self.resumed += 1

    async def _say(self, socket: web.WebSocketResponse | None, message: Json) -> None:
        if socket is not None and not socket.closed and not self.mute:
            with contextlib.suppress(ConnectionError):  # they went away: what was said waits in the log
                await socket.send_json(message)
