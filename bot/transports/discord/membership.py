"""The guilds the bot finds itself in: who is told, and which it leaves."""

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING

import structlog

from bot.messages import Address, DeliveryError, Membership, Unreachable
from bot.transports.discord import guilds
from bot.transports.discord.errors import NotAllowed
from bot.transports.discord.updates import TRANSPORT

if TYPE_CHECKING:
    import discord

    from bot.transports.discord.wire import Wire

Acquaintances = Callable[[], Awaitable[Collection[str]]]

log = structlog.get_logger()


class GuildMembership:
    """Which guilds the bot is in.

    Args:
        guild_ids: The guilds the bot is for; it leaves any other by itself. All if empty.
        acquaintances: Ids of the people the bot knows. It does not leave a guild that one of them is in, for Discord
            delivers direct messages only among those who share one; nor any while it knows nobody, for that is where
            the first one comes from.
    """

    def __init__(
        self,
        wire: "Callable[[], Awaitable[Wire]]",
        *,
        guild_ids: Collection[int] = (),
        acquaintances: Acquaintances | None = None,
    ) -> None:
        self._wire = wire
        self._only = frozenset(guild_ids)
        self._acquaintances = acquaintances
        self._told: set[int] = set()

    def is_for(self, guild_id: int) -> bool:
        return not self._only or guild_id in self._only

    def joined(self, guild: "discord.Guild") -> Membership | None:
        """What to say of a guild that was seen: None where it was said, or where the settings name it."""
        if guild.id in self._told or guild.id in self._only:
            return None
        self._told.add(guild.id)
        return Membership(group=_address(guild.id), joined=True, chats=frozenset(map(str, _chats(guild))))

    def removed(self, guild: "discord.Guild") -> tuple[Membership, ...]:
        """What to say of a guild the bot is in no more: each of its channels is a chat that went with it."""
        self._told.discard(guild.id)
        return tuple(Membership(group=_address(chat), joined=False) for chat in _chats(guild))

    async def leave(self, group: Address) -> None:
        """Leave a guild, unless somebody the bot knows is in it. Raises: DeliveryError."""
        if not group.chat.isdecimal():
            raise Unreachable("this is no server of Discord")
        guild_id, wire = int(group.chat), await self._wire()
        if self._acquaintances is not None:
            known = await self._acquaintances()
            for user_id in known:
                if await guilds.is_member(wire, guild_id, user_id):
                    log.info("discord.stays", guild=guild_id, reason="somebody linked is a member")
                    return
            if not known:
                log.info("discord.stays", guild=guild_id, reason="nobody is linked yet")
                return
        await self._leave(wire, guild_id)

    async def leave_quietly(self, guild_id: int) -> None:
        """Leave a guild the settings do not name."""
        try:
            await self._leave(await self._wire(), guild_id)
        except DeliveryError as error:
            log.warning("discord.not_left", guild=guild_id, reason=str(error))
        else:
            log.warning("discord.left", guild=guild_id, reason="it is not among DISCORD_GUILD_IDS")

    async def _leave(self, wire: "Wire", guild_id: int) -> None:
        try:
            await guilds.leave(wire, guild_id)
        except NotAllowed:
            raise
        except Unreachable:
            return  # it is not in there any more


def _chats(guild: "discord.Guild") -> list[int]:
    return [channel.id for channel in (*guild.channels, *guild.threads)]


def _address(chat: int) -> Address:
    return Address(transport=TRANSPORT, chat=str(chat))
