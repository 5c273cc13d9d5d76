"""Holding the connection over which Discord says what people write and press.

One connection is the library's: greeting, heartbeats, sequence numbers, resuming. When to try again is ours: the
library's own loop waits up to 17 minutes, and fails for good when the very first connection does.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

import aiohttp
import discord
import structlog
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from yarl import URL

from bot.transports.discord.errors import TOKEN_REFUSED
from bot.transports.discord.health import RESUMING, HealthRecord
from bot.transports.discord.updates import UNREADABLE
from bot.transports.discord.urls import DiscordUrls

_CONNECT_S = 30.0
_CLOSE_S = 2.0
_STEADY_S = 60.0  # a connection that held so long was a good one
_IDENTIFY_S = (1.0, 5.0)  # Discord asks for a random wait before a new session
_LONGEST_WAIT_S = 30.0
_LONGEST_WAIT_TO_IDENTIFY_S = 90.0  # more than 1,000 new sessions a day cost the bot its token
_FATAL = {
    4004: TOKEN_REFUSED,
    4013: "Discord does not know what the bot asks to hear of (intents): update Keel",
    4014: "Discord does not allow what the bot asks to hear of (intents): look at the bot's page in its portal",
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """What is needed to go on where a connection broke; Discord repeats what was missed."""

    session_id: str
    sequence: int | None
    url: str


class Gateway:
    """One client's connection, made again whenever it breaks."""

    def __init__(
        self,
        client: discord.Client,
        *,
        urls: DiscordUrls,
        health: HealthRecord,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._client = client
        self._urls = urls
        self._health = health
        self._sleep = sleep
        self._socket: DiscordWebSocket | None = None
        self._session: _Session | None = None
        self._identified = False

    async def run(self) -> NoReturn:
        """Listens until cancelled, whatever happens."""
        failures = 0
        while True:
            began_s = asyncio.get_running_loop().time()
            why = await self._connection()
            held_s = asyncio.get_running_loop().time() - began_s
            failures = 0 if self._health.current.connected and held_s > _STEADY_S else failures + 1
            self._health.lost(why)
            await self._sleep(self._wait_s(failures))

    async def end(self) -> None:
        """Says goodbye and ends the heartbeat's thread. ``run`` has ended."""
        if self._socket is None:
            return
        heart = self._socket._keep_alive
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._socket.close(code=1000)
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            log.info("discord.no_goodbye", error=type(error).__name__)
        if heart is not None:
            await asyncio.to_thread(heart.join, _CLOSE_S)

    async def _connection(self) -> str:
        """One connection from its greeting to its end; returns why it ended."""
        try:
            await self._listen()
        except ReconnectWebSocket as end:
            self._keep_session(resumable=end.resume)
            return RESUMING if self._session else "Discord ended the session: connecting anew"
        except discord.ConnectionClosed as closed:
            self._session = None
            return _FATAL.get(closed.code, f"Discord closed the connection (code {closed.code})")
        except (OSError, aiohttp.ClientError) as error:
            self._keep_session(resumable=True)
            return f"Discord's gateway cannot be reached ({type(error).__name__})"
        except Exception as error:  # noqa: BLE001 - the top of the listening task: a bot gone deaf must not stay so
            log.error("discord.listening_failed", error=type(error).__name__)
            self._session = None
            return "listening to Discord failed: see the log"

    async def _listen(self) -> NoReturn:
        session, self._socket = self._session, None
        async with asyncio.timeout(_CONNECT_S):
            socket = await DiscordWebSocket.from_client(
                self._client,
                initial=not self._identified,
                gateway=URL(session.url if session else self._urls.gateway),
                session=session.session_id if session else None,
                sequence=session.sequence if session else None,
                resume=session is not None,
            )
        self._socket = self._client.ws = socket
        self._identified = self._identified or session is None
        while True:
            try:
                await socket.poll_event()
            except UNREADABLE as error:
                # What the library trips over is passed by: the next event must be heard.
                log.error("discord.unreadable_event", error=type(error).__name__)

    def _keep_session(self, *, resumable: bool) -> None:
        socket = self._socket
        if not resumable:
            self._session = None
        elif socket is not None and socket.session_id is not None:
            url = self._urls.resume_at(str(socket.gateway))
            self._session = _Session(session_id=socket.session_id, sequence=socket.sequence, url=url)

    def _wait_s(self, failures: int) -> float:
        longest_s = _LONGEST_WAIT_S if self._session else _LONGEST_WAIT_TO_IDENTIFY_S
        wait_s = 0.0 if failures <= 1 else min(longest_s, 2.0 ** min(failures - 2, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the bots that lost Discord together
        if self._session is None and self._identified:
            wait_s = max(wait_s, random.uniform(*_IDENTIFY_S))  # noqa: S311 - as above
        return wait_s
