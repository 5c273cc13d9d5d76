"""The slash commands people see: one per hint, registered only where they differ from what is registered."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import structlog

from bot.messages import ArgumentHint, CommandHint, DeliveryError, Refused, Unreachable
from bot.transports.discord import guilds
from bot.transports.layout import one_line

if TYPE_CHECKING:
    from bot.transports.discord.wire import Wire

DIRECT: Final = None  # the scope of direct messages, where the commands of guilds are not shown
_CHAT_INPUT, _TEXT_OPTION, _IN_DIRECT_MESSAGES = 1, 3, 1
_SUMMARY_CHARACTERS = 100
_MOST_COMMANDS = 100
_MOST_OPTIONS = 25
_NAME = re.compile(r"[-_a-z0-9]{1,32}")

Json = Mapping[str, Any]

log = structlog.get_logger()


def commands_json(hints: Iterable[CommandHint], *, suggesting: bool, direct: bool) -> tuple[Json, ...]:
    """What Discord is told.

    Args:
        hints: Those whose names Discord would refuse are left out.
        suggesting: Whether the bot offers ways to go on typing.
        direct: For direct messages rather than a guild.
    """
    return tuple(
        _command(name, hint, suggesting=suggesting) | ({"contexts": [_IN_DIRECT_MESSAGES]} if direct else {})
        for hint in hints
        if _NAME.fullmatch(name := command_name(hint))
    )[:_MOST_COMMANDS]


def differ(wanted: Sequence[Json], registered: Sequence[Json]) -> bool:
    """Whether somebody would notice. Discord adds fields of its own, and keeps no order."""
    return {essence(one) for one in wanted} != {essence(one) for one in registered}


class Menu:
    """Keeps the commands of every guild the bot is in as they were last announced.

    A guild is looked at once after an announcement, however often the connection breaks.

    Args:
        wire: The requests.
        suggesting: See commands_json.
        guild_ids: Only these guilds; all if empty.
    """

    def __init__(
        self, wire: "Callable[[], Awaitable[Wire]]", *, suggesting: bool, guild_ids: Collection[int] = ()
    ) -> None:
        self._wire = wire
        self._suggesting = suggesting
        self._only = frozenset(guild_ids)
        self._guilds: set[int] = set(self._only)
        self._hints: tuple[CommandHint, ...] | None = None
        self._left: set[int | None] = set()
        self._busy = asyncio.Lock()

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        """Looks at direct messages and at every guild; those that cannot be reached now, when they are seen again."""
        async with self._busy:
            self._hints = hints
            self._left = {DIRECT, *self._guilds}
        await self.catch_up()

    def guild_seen(self, guild_id: int) -> None:
        """A guild the bot is in, perhaps since now."""
        if guild_id in self._guilds or (self._only and guild_id not in self._only):
            return
        self._guilds.add(guild_id)
        self._left.add(guild_id)

    async def catch_up(self) -> None:
        """What is left of the last announcement; nothing before the first."""
        async with self._busy:
            if self._hints is None or not self._left:
                return
            for scope in sorted(self._left, key=lambda one: one or 0):
                try:
                    await self._look_at(scope, self._hints)
                except DeliveryError as error:
                    log.warning("discord.commands_not_registered", guild=scope, reason=str(error))
                else:
                    self._left.discard(scope)

    def arguments(self, command: str) -> tuple[ArgumentHint, ...]:
        """What can be typed behind a command, in the order in which it is."""
        return next((hint.arguments for hint in self._hints or () if command_name(hint) == command), ())

    async def _look_at(self, scope: int | None, hints: tuple[CommandHint, ...]) -> None:
        wire = await self._wire()
        wanted = commands_json(hints, suggesting=self._suggesting, direct=scope is DIRECT)
        registered = await registered_at(wire, scope)
        if registered is None or differ(wanted, registered):
            await guilds.set_commands(wire, scope, wanted)
            log.info("discord.commands_registered", guild=scope, commands=len(wanted))


async def registered_at(wire: "Wire", scope: int | None) -> Sequence[Json] | None:
    """The commands of a guild or of direct messages; None where they may be written and not read.

    Raises: DeliveryError, where nobody can say.
    """
    try:
        return await guilds.commands(wire, scope)
    except (Refused, Unreachable):
        return None


def command_name(hint: CommandHint) -> str:
    return hint.name.removeprefix("/").lower()


def _command(name: str, hint: CommandHint, *, suggesting: bool) -> dict[str, Any]:
    options, needed = [], True
    for argument in hint.arguments[:_MOST_OPTIONS]:
        if not _NAME.fullmatch(argument.name):
            continue
        needed = needed and argument.required  # behind one that may be left out, Discord takes none that may not
        options.append(_option(argument, needed=needed, suggesting=suggesting))
    return {"type": _CHAT_INPUT, "name": name, "description": _described(hint.summary, name), "options": options}


def _option(argument: ArgumentHint, *, needed: bool, suggesting: bool) -> dict[str, Any]:
    option: dict[str, Any] = {
        "type": _TEXT_OPTION,
        "name": argument.name,
        "description": _described(argument.summary, argument.name),
        "required": needed,
    }
    return option | ({"autocomplete": True} if suggesting else {})


def _described(summary: str, name: str) -> str:
    return one_line(summary).strip()[:_SUMMARY_CHARACTERS] or name


def essence(command: Json) -> tuple[object, ...]:
    """What somebody would notice of a command."""
    options = tuple(
        (option.get("type"), option.get("name"), option.get("description"), bool(option.get("required")),
         bool(option.get("autocomplete")))
        for option in command.get("options") or ()
    )  # fmt: skip
    kind = command.get("type", _CHAT_INPUT)
    return kind, command.get("name"), command.get("description"), options
