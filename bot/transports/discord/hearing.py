"""From what the gateway brings to what the bot hears: acknowledged at once, handed over in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from bot.messages import Command, DeliveryError, Incoming, Person
from bot.transports.discord import updates
from bot.transports.discord.health import HealthRecord
from bot.transports.discord.menu import Menu
from bot.transports.discord.replies import InteractionToken, Replies, Reply

if TYPE_CHECKING:
    import discord

    from bot.transports.discord.wire import Wire

_COMMAND, _COMPONENT, _AUTOCOMPLETE = 2, 3, 4  # types of interactions
_SUGGEST_S = 2.5  # of the 3 s Discord waits
_MOST_CHOICES = 25
_CHOICE_CHARACTERS = 100

Suggest = Callable[[Person, str, str], Awaitable[Sequence[str]]]

log = structlog.get_logger()


class Hearing:
    """Who hears what the gateway brings; see client.Events.

    Args:
        wire: The requests.
        now: Aware time.
        suggest: Ways to go on typing, for a person, a command's name and what was typed behind it. It is asked for
            strangers too, and decides itself what they may see. None offers none.
        public: Commands whose answers everybody in a guild's channel sees; all others are answered to the person alone.
    """

    def __init__(
        self,
        wire: "Callable[[], Awaitable[Wire]]",
        *,
        now: Callable[[], datetime],
        health: HealthRecord,
        replies: Replies,
        menu: Menu,
        suggest: Suggest | None,
        public: Collection[str],
    ) -> None:
        self._wire = wire
        self._now = now
        self._health = health
        self._replies = replies
        self._menu = menu
        self._suggest = suggest
        self._public = frozenset(public)
        self._queue: asyncio.Queue[Incoming | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def incoming(self) -> AsyncIterator[Incoming]:
        while (incoming := await self._queue.get()) is not None:
            yield incoming
        self._queue.put_nowait(None)  # asked again, it has ended again

    async def end(self) -> None:
        """Ends incoming() and every task."""
        self._queue.put_nowait(None)
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def connected(self) -> None:
        self._health.worked()
        self._background(self._menu.catch_up())

    def guild_seen(self, guild_id: int) -> None:
        self._menu.guild_seen(guild_id)
        self._background(self._menu.catch_up())

    def written(self, message: "discord.Message") -> None:
        command = updates.written_of(message, now=self._now())
        if command is not None:
            self._queue.put_nowait(command)

    def interaction(self, interaction: "discord.Interaction") -> None:
        """Everything here happens at once: the acknowledgement is under way before anything else is heard."""
        kind = interaction.type.value
        if kind == _AUTOCOMPLETE:
            self._background(self._offer(interaction))
            return
        heard: Incoming | None = None
        if kind == _COMMAND:
            heard = updates.command_of(interaction, now=self._now())
        elif kind == _COMPONENT:
            heard = updates.press_of(interaction, now=self._now())
        if heard is None:
            log.warning("discord.not_understood", kind=kind)
            return
        self._replies.add(str(interaction.id), self._reply(interaction, heard))
        self._queue.put_nowait(heard)

    def _reply(self, interaction: "discord.Interaction", heard: Incoming) -> Reply:
        is_command = isinstance(heard, Command)
        in_guild = interaction.guild_id is not None
        hidden = in_guild and not (is_command and updates.command_name(interaction) in self._public)
        token = InteractionToken(interaction.token)
        acknowledged = asyncio.create_task(self._acknowledge(interaction.id, token, reply=is_command, hidden=hidden))
        self._keep(acknowledged)
        reply = Reply(token=token, hidden=hidden, unanswered=is_command, acknowledged=acknowledged)
        message = interaction.message
        if message is not None and message.flags.ephemeral:
            reply.original = str(message.id)
            reply.own.add(reply.original)
        return reply

    async def _acknowledge(self, interaction_id: int, token: InteractionToken, *, reply: bool, hidden: bool) -> bool:
        try:
            wire = await self._wire()
            await wire.acknowledge(interaction_id, token, reply=reply, hidden=hidden)
        except DeliveryError as error:
            log.warning("discord.not_acknowledged", reason=str(error))
            return False
        return True

    async def _offer(self, interaction: "discord.Interaction") -> None:
        person = updates.person_of(interaction.user)
        command, typed = updates.command_name(interaction), updates.typed_arguments(interaction)
        try:
            async with asyncio.timeout(_SUGGEST_S):
                found = await self._suggest(person, command, typed) if self._suggest is not None else ()
                fitting = [one for one in dict.fromkeys(found) if 0 < len(one) <= _CHOICE_CHARACTERS]
                await (await self._wire()).suggest(
                    interaction.id, InteractionToken(interaction.token), fitting[:_MOST_CHOICES]
                )
        except (DeliveryError, TimeoutError) as error:
            log.info("discord.no_suggestions", reason=str(error) or type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the top of a task, around a function of somebody else's
            log.error("discord.suggestions_failed", error=type(error).__name__)

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        self._keep(asyncio.create_task(work))

    def _keep(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
