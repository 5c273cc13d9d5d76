"""The library's client, told what to hear and what not to keep."""

import logging
import sys
from collections.abc import Callable
from typing import Any, Protocol

import discord
import structlog

from bot.transports.discord.tracing import tracing

_TALKATIVE_LOGGERS = ("discord", "aiohttp")  # at DEBUG they show URLs, and so the tokens of interactions
_LONGEST_LIMIT_S = 30.0  # the library takes no less; what is longer comes back as RetryAfter

log = structlog.get_logger()


class Events(Protocol):
    """Who hears what the gateway brings. Called in order of arrival; nothing may block."""

    def connected(self) -> None: ...

    def guild_seen(self, guild: discord.Guild) -> None: ...

    def guild_gone(self, guild: discord.Guild) -> None: ...

    def interaction(self, interaction: discord.Interaction) -> None: ...

    def written(self, message: discord.Message) -> None: ...


MakeClient = Callable[[], discord.Client]


class Client(discord.Client):
    """Hears of guilds, of direct messages, of commands and presses. It needs no privileged intent and caches nothing.

    Args:
        events: Who hears it.
        silence_s: How long the gateway may say nothing before the connection counts as broken.
    """

    def __init__(self, events: Events, *, silence_s: float = 60.0) -> None:
        for name in _TALKATIVE_LOGGERS:
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.WARNING))
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks here
        super().__init__(
            intents=discord.Intents(guilds=True, dm_messages=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.0,  # which guilds there are is known at once; what is in them is not needed
            heartbeat_timeout=silence_s,
            max_ratelimit_timeout=_LONGEST_LIMIT_S,
            http_trace=tracing(),
        )
        self._events = events

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """The gateway loop waits before it connects, not while a connection is half open."""

    async def on_connect(self) -> None:
        self._events.connected()

    async def on_resumed(self) -> None:
        self._events.connected()

    async def on_ready(self) -> None:
        for guild in self.guilds:
            self._events.guild_seen(guild)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        self._events.guild_seen(guild)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        self._events.guild_seen(guild)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        self._events.guild_gone(guild)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        self._events.interaction(interaction)

    async def on_message(self, message: discord.Message) -> None:
        self._events.written(message)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        log.error("discord.event_failed", doing=event_method, error=type(sys.exception()).__name__)
