"""Registering slash commands by hand: what differs is changed, and what was changed is told."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.messages import CommandHint, DeliveryError
from bot.transports.discord import guilds
from bot.transports.discord.menu import DIRECT, Json, commands_json, essence, registered_at
from bot.transports.discord.urls import DiscordUrls

if TYPE_CHECKING:
    import discord

    from bot.transports.discord.wire import Wire

_ANSWER_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What became of the commands of one guild, or of direct messages, by name.

    Attributes:
        guild_id: None for direct messages.
        problem: Why nothing was done there; empty where it was.
    """

    guild_id: int | None
    guild_name: str = ""
    kept: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    problem: str = ""


async def register(
    token: str,
    urls: DiscordUrls,
    hints: tuple[CommandHint, ...],
    *,
    guild_ids: Collection[int] = (),
    direct: bool = True,
    remove: bool = False,
) -> tuple[Registration, ...]:
    """Brings the registered commands in line.

    Args:
        guild_ids: Only these guilds; every guild the bot is in if empty.
        direct: Whether those of direct messages too.
        remove: Take all of them away instead.

    Raises: DeliveryError, where nothing at all could be done.
    """
    async with _bare_wire(token, urls) as wire:
        known = {one.guild_id: one.name for one in await guilds.all_guilds(wire)}
        scopes: list[int | None] = [DIRECT] if direct else []
        done = []
        for scope in [*scopes, *(guild_ids or known)]:
            wanted = () if remove else commands_json(hints, suggesting=True, direct=scope is DIRECT)
            done.append(await _registered(wire, scope, "" if scope is None else known.get(scope, ""), wanted))
        return tuple(done)


async def application_id(token: str, urls: DiscordUrls) -> int:
    """Of the bot with this token. Raises: DeliveryError."""
    async with _bare_wire(token, urls) as wire:
        return (await wire.client()).application_id or 0


async def _registered(wire: "Wire", scope: int | None, name: str, wanted: Sequence[Json]) -> Registration:
    try:
        before = {str(one.get("name")): one for one in await registered_at(wire, scope) or ()}
        after = {str(one["name"]): one for one in wanted}
        same = {one for one in before if one in after and essence(before[one]) == essence(after[one])}
        if same != before.keys() | after.keys():
            await guilds.set_commands(wire, scope, wanted)
    except DeliveryError as error:
        return Registration(guild_id=scope, guild_name=name, problem=str(error))
    return Registration(
        guild_id=scope,
        guild_name=name,
        kept=tuple(one for one in after if one in same),
        added=tuple(one for one in after if one not in before),
        changed=tuple(one for one in after if one in before and one not in same),
        removed=tuple(one for one in before if one not in after),
    )


@asynccontextmanager
async def _bare_wire(token: str, urls: DiscordUrls) -> "AsyncIterator[Wire]":
    """Requests without a gateway."""
    from bot.transports.discord.wire import Wire

    wire = Wire(token, urls=urls, events=_Deaf(), answer_s=_ANSWER_S, silence_s=60.0)
    try:
        yield wire
    finally:
        await wire.close()


class _Deaf:
    """Hears nothing; see client.Events."""

    def connected(self) -> None: ...

    def guild_seen(self, guild: "discord.Guild") -> None: ...

    def guild_gone(self, guild: "discord.Guild") -> None: ...

    def interaction(self, interaction: "discord.Interaction") -> None: ...

    def written(self, message: "discord.Message") -> None: ...
