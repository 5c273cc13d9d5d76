"""Requests about the guilds the bot is in, and what it can be asked there. Every function raises DeliveryError."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.messages import Unreachable
from bot.transports.discord.errors import NotAllowed

if TYPE_CHECKING:
    from bot.transports.discord.wire import Ids, Wire

_PAGE = 200
_MOST_PAGES = 50

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GuildName:
    """A guild the bot is in."""

    guild_id: int
    name: str


async def commands(wire: "Wire", guild_id: int | None) -> list[Json]:
    """The slash commands of a guild, or of direct messages."""
    answer = await wire.ask("GET", *await _commands_of(wire, guild_id))
    return [one for one in answer if isinstance(one, dict)] if isinstance(answer, list) else []


async def set_commands(wire: "Wire", guild_id: int | None, wanted: Sequence[Json]) -> None:
    """Replaces them all."""
    path, ids = await _commands_of(wire, guild_id)
    await wire.ask("PUT", path, ids, json=list(wanted))


async def all_guilds(wire: "Wire") -> tuple[GuildName, ...]:
    """Every guild the bot is in."""
    found: list[GuildName] = []
    for _ in range(_MOST_PAGES):
        params = {"limit": str(_PAGE)} | ({"after": str(found[-1].guild_id)} if found else {})
        page = await wire.ask("GET", "/users/@me/guilds", {}, params=params)
        rows = [one for one in page if isinstance(one, dict)] if isinstance(page, list) else []
        found += [GuildName(int(one["id"]), str(one.get("name", ""))) for one in rows if str(one.get("id")).isdigit()]
        if len(rows) < _PAGE:
            break
    return tuple(found)


async def leave(wire: "Wire", guild_id: int) -> None:
    await wire.ask("DELETE", "/users/@me/guilds/{guild_id}", {"guild_id": guild_id})


async def is_member(wire: "Wire", guild_id: int, user_id: str) -> bool:
    """Whether somebody is in a guild. It takes no privileged intent to ask about one person."""
    try:
        await wire.ask("GET", "/guilds/{guild_id}/members/{user_id}", {"guild_id": guild_id, "user_id": user_id})
    except NotAllowed:
        raise
    except Unreachable:
        return False
    return True


async def _commands_of(wire: "Wire", guild_id: int | None) -> tuple[str, "Ids"]:
    application_id = (await wire.client()).application_id
    if guild_id is None:
        return "/applications/{application_id}/commands", {"application_id": application_id}
    ids: Ids = {"application_id": application_id, "guild_id": guild_id}
    return "/applications/{application_id}/guilds/{guild_id}/commands", ids
