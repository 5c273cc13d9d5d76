"""What is known of the channels the bot writes in: what they are, whose, and what it may not do there."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

import structlog

from bot.messages import DeliveryError

if TYPE_CHECKING:
    from bot.transports.discord.wire import Wire

_PATIENCE_S = 2.0  # an alert does not wait longer to learn where it goes
_FORGET_REFUSAL = timedelta(hours=1)  # whoever gives the permission need not restart anything
_REMEMBERED = 1_000
_WITH_THREADS = {0, 5}  # kinds of channels: text, announcements

log = structlog.get_logger()


class Right(Enum):
    """What a channel may refuse while it takes plain messages."""

    EMBEDS = auto()
    THREADS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFacts:
    """A channel. ``guild_id`` is None for direct messages."""

    kind: int
    guild_id: int | None

    @property
    def has_threads(self) -> bool:
        return self.guild_id is not None and self.kind in _WITH_THREADS


class Channels:
    """Facts by channel id, asked for once."""

    def __init__(self, wire: "Callable[[], Awaitable[Wire]]", *, now: Callable[[], datetime]) -> None:
        self._wire = wire
        self._now = now
        self._known: OrderedDict[int, ChannelFacts] = OrderedDict()
        self._refused: dict[tuple[int, Right], datetime] = {}

    def may(self, right: Right, channel_id: int) -> bool:
        """Whether it is worth trying."""
        until = self._refused.get((channel_id, right))
        return until is None or self._now() >= until

    def refused(self, right: Right, channel_id: int, reason: str) -> None:
        """The channel does not allow it: not tried again for a while."""
        if self.may(right, channel_id):
            log.warning("discord.without", right=right.name.lower(), channel=channel_id, reason=reason)
        self._refused[channel_id, right] = self._now() + _FORGET_REFUSAL

    async def of(self, channel_id: int) -> ChannelFacts | None:
        """What it is; None where nobody can say that now."""
        if channel_id not in self._known:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    facts = await self._asked(channel_id)
            except (DeliveryError, TimeoutError) as error:
                log.info("discord.channel_unknown", channel=channel_id, reason=str(error) or type(error).__name__)
                return None
            if facts is None:
                return None
            self._known[channel_id] = facts
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return self._known[channel_id]

    async def _asked(self, channel_id: int) -> ChannelFacts | None:
        answer = await (await self._wire()).ask("GET", "/channels/{channel_id}", {"channel_id": channel_id})
        if not isinstance(answer, dict) or not isinstance(answer.get("type"), int):
            return None
        guild = str(answer.get("guild_id") or "")
        return ChannelFacts(kind=answer["type"], guild_id=int(guild) if guild.isdigit() else None)
