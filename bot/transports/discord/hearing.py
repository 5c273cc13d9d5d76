"""From what the gateway brings to what the bot hears: acknowledged at once, handed over in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from bot.messages import Address, Command, DeliveryError, Incoming, Person, Suggestion, Typing
from bot.transports.discord import updates
from bot.transports.discord.health import HealthRecord
from bot.transports.discord.membership import GuildMembership
from bot.transports.discord.menu import Menu
from bot.transports.discord.packing import shortened
from bot.transports.discord.replies import InteractionToken, Replies, Reply
from bot.transports.layout import one_line

if TYPE_CHECKING:
    import discord

    from bot.transports.discord.wire import Wire

_COMMAND, _COMPONENT, _AUTOCOMPLETE = 2, 3, 4  # types of interactions
_SUGGEST_S = 2.0  # of the 3 s Discord waits
_AUDIENCE_S = 1.0  # likewise
_MOST_CHOICES = 25
_CHOICE_CHARACTERS = 100
_MOST_WAITING = 1_000  # for their turn, before what comes is not heard any more
_MOST_UNDER_WAY = 1_000

Suggest = Callable[[Person, Typing], Awaitable[Sequence[Suggestion]]]
MayBePublic = Callable[[Person, Address], Awaitable[bool]]

log = structlog.get_logger()


class Hearing:
    """Who hears what the gateway brings; see client.Events.

    Args:
        wire: The requests.
        now: Aware time.
        suggest: Ways to go on typing. It is asked for strangers too, and decides itself what they may see. None offers
            none.
        public: Commands whose answers everybody in a guild's channel sees; all others are answered to the person alone.
        may_be_public: Whether such an answer, to this person in this channel, may be seen by everybody there. Asked
            before Discord is told, so a slow answer counts as no.
    """

    def __init__(
        self,
        wire: "Callable[[], Awaitable[Wire]]",
        *,
        now: Callable[[], datetime],
        health: HealthRecord,
        replies: Replies,
        menu: Menu,
        membership: GuildMembership,
        suggest: Suggest | None,
        public: Collection[str] = (),
        may_be_public: MayBePublic | None = None,
    ) -> None:
        self._wire = wire
        self._now = now
        self._health = health
        self._replies = replies
        self._menu = menu
        self._membership = membership
        self._suggest = suggest
        self._public = frozenset(public)
        self._may_be_public = may_be_public
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

    def guild_seen(self, guild: "discord.Guild") -> None:
        """A guild the bot is in, perhaps since now. Whether it may stay is for others to say, once."""
        if not self._membership.is_for(guild.id):
            self._background(self._membership.leave_quietly(guild.id))
            return
        if (joined := self._membership.joined(guild)) is not None:
            self._queue.put_nowait(joined)
        self._menu.guild_seen(guild.id)
        self._background(self._menu.catch_up())

    def guild_gone(self, guild: "discord.Guild") -> None:
        for removed in self._membership.removed(guild):
            self._queue.put_nowait(removed)

    def written(self, message: "discord.Message") -> None:
        try:
            command = updates.written_of(message, now=self._now())
        except updates.UNREADABLE as error:
            log.warning("discord.not_understood", kind="message", error=type(error).__name__)
            return
        if command is not None:
            self._queue.put_nowait(command)

    def interaction(self, interaction: "discord.Interaction") -> None:
        """Everything here happens at once: the acknowledgement is under way before anything else is heard."""
        if self._replies.known(str(interaction.id)) is not None:
            return  # said again after a reconnection
        try:
            self._understood(interaction)
        except updates.UNREADABLE as error:
            log.warning("discord.not_understood", kind=str(interaction.type), error=type(error).__name__)

    def _understood(self, interaction: "discord.Interaction") -> None:
        """Raises: one of UNREADABLE, before anything has come of it."""
        kind = interaction.type.value
        if kind == _AUTOCOMPLETE:
            person, typing = updates.asker_of(interaction), updates.typing_of(interaction)
            if len(self._tasks) < _MOST_UNDER_WAY:  # what is typed meanwhile asks again
                self._background(self._offer(interaction.id, InteractionToken(interaction.token), person, typing))
            return
        heard: Incoming | None = None
        if kind == _COMMAND:
            arguments = self._menu.arguments(updates.command_name(interaction))
            heard = updates.command_of(interaction, now=self._now(), arguments=arguments)
        elif kind == _COMPONENT:
            heard = updates.press_of(interaction, now=self._now())
        if heard is None or self._queue.qsize() >= _MOST_WAITING:
            log.warning("discord.not_understood" if heard is None else "discord.flood", kind=kind)
            return
        message = interaction.message
        original = str(message.id) if message is not None and message.flags.ephemeral else ""
        in_guild = interaction.guild_id is not None
        reply = Reply(token=InteractionToken(interaction.token), hidden=in_guild, unanswered=isinstance(heard, Command))
        if original:
            reply.original = original
            reply.own.add(original)
        if in_guild and isinstance(heard, Command) and updates.command_name(interaction) in self._public:
            reply.acknowledged = asyncio.create_task(self._acknowledge_public(interaction.id, reply, heard))
        else:
            reply.acknowledged = asyncio.create_task(self._acknowledge(interaction.id, reply))
            self._queue.put_nowait(heard)
        self._keep(reply.acknowledged)
        self._replies.add(str(interaction.id), reply)

    async def _acknowledge(self, interaction_id: int, reply: Reply) -> bool:
        try:
            wire = await self._wire()
            await wire.acknowledge(interaction_id, reply.token, reply=reply.unanswered, hidden=reply.hidden)
        except DeliveryError as error:
            log.warning("discord.not_acknowledged", reason=str(error))
            return False
        return True

    async def _acknowledge_public(self, interaction_id: int, reply: Reply, command: Command) -> bool:
        """Whether everybody may see the answer has to be known first, to Discord and to whoever gives it."""
        reply.hidden = not await self._public_here(command)
        address = replace(command.address, shared=not reply.hidden)
        self._queue.put_nowait(replace(command, address=address))
        return await self._acknowledge(interaction_id, reply)

    async def _public_here(self, command: Command) -> bool:
        if self._may_be_public is None:
            return True
        try:
            async with asyncio.timeout(_AUDIENCE_S):
                return await self._may_be_public(command.sender, command.address)
        except Exception as error:  # noqa: BLE001 - the top of a task, around a function of somebody else's
            log.warning("discord.audience_unknown", error=type(error).__name__)
            return False

    async def _offer(self, interaction_id: int, token: InteractionToken, person: Person, typing: Typing) -> None:
        choices = await self._suggestions(person, typing)
        try:
            await (await self._wire()).suggest(interaction_id, token, choices)
        except DeliveryError as error:
            log.info("discord.no_suggestions", reason=str(error))

    async def _suggestions(self, person: Person, typing: Typing) -> list[Suggestion]:
        """None where they come too late: an empty list is better than one that failed to load."""
        if self._suggest is None:
            return []
        try:
            async with asyncio.timeout(_SUGGEST_S):
                found = await self._suggest(person, typing)
        except Exception as error:  # noqa: BLE001 - the top of a task, around a function of somebody else's
            log.error("discord.suggestions_failed", error=type(error).__name__)
            return []
        fitting = {
            one.text: Suggestion(text=one.text, label=shortened(one_line(one.label).strip(), _CHOICE_CHARACTERS))
            for one in reversed(found)
            if 0 < len(one.text) <= _CHOICE_CHARACTERS and one_line(one.label).strip()
        }
        return list(reversed(fitting.values()))[:_MOST_CHOICES]

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        self._keep(asyncio.create_task(work))

    def _keep(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
