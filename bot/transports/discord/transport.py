"""The Discord transport: what connects the parts of this package and owns their life."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, Self

import structlog

from bot.messages import (
    Address,
    CommandHint,
    DeliveryError,
    Incoming,
    Limits,
    Message,
    MessageRef,
    Press,
    Rate,
    TransportHealth,
    TryAgain,
)
from bot.transports.discord import pinning, sounding
from bot.transports.discord.channels import Channels
from bot.transports.discord.delivery import Sender
from bot.transports.discord.errors import TokenRefused
from bot.transports.discord.health import HealthRecord
from bot.transports.discord.hearing import Hearing, MayBePublic, Suggest
from bot.transports.discord.invitation import invitation
from bot.transports.discord.membership import Acquaintances, GuildMembership
from bot.transports.discord.menu import Menu
from bot.transports.discord.pings import Pings
from bot.transports.discord.render import layouts
from bot.transports.discord.replies import Replies
from bot.transports.discord.topics import ShortMemory, TopicMemory, Topics
from bot.transports.discord.updates import TRANSPORT
from bot.transports.discord.urls import DiscordUrls

if TYPE_CHECKING:
    import discord

    from bot.transports.discord.gateway import Gateway
    from bot.transports.discord.wire import Wire

_LONGEST_WAIT_S = 30.0
# 50 requests a second in all, five messages in five seconds to one channel; a thread is a channel.
_LIMITS = Limits(in_all=Rate(most=50, per_s=1.0), per_chat=Rate(most=5, per_s=5.0), threads_apart=True)

log = structlog.get_logger()


class DiscordTransport:
    """Discord by gateway and REST; see bot.messages.Transport.

    Messages go out by REST and need no gateway; what people write and press comes over the gateway. An answer to a
    slash command in a guild's channel is seen by the person alone.

    Args:
        token: From the bot's page in Discord's portal. It appears in no log, error or representation.
        now: Aware time, for records.
        urls: As checked_urls returns them.
        suggest: See Hearing.
        public_commands: See Hearing.
        may_be_public: See Hearing.
        guild_ids: See GuildMembership. Slash commands are registered in these alone.
        acquaintances: See GuildMembership.
        threads: Whether serious matters get a thread of their own in a guild's channel.
        topics: Remembers those threads beyond the end of the process.
        pings: Whom urgent messages ring.
        listens: False where another process hears what people do with this bot: this one sends.
        sleep: Waits out back-off; injected in tests.
        answer_s: How long Discord may take to answer a request.
        silence_s: How long the gateway may say nothing before the connection counts as broken.

    Raises: ValueError, for an empty token.
    """

    def __init__(
        self,
        token: str,
        *,
        now: Callable[[], datetime],
        urls: DiscordUrls | None = None,
        suggest: Suggest | None = None,
        public_commands: Collection[str] = (),
        may_be_public: MayBePublic | None = None,
        guild_ids: Collection[int] = (),
        acquaintances: Acquaintances | None = None,
        threads: bool = True,
        topics: TopicMemory | None = None,
        pings: Pings | None = None,
        listens: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        answer_s: float = 15.0,
        silence_s: float = 60.0,
    ) -> None:
        self._token = token.strip()
        if not self._token:
            raise ValueError("DISCORD_TOKEN is empty: set the token of the bot's page, or leave Discord off")
        self._urls = urls or DiscordUrls()
        self._sleep = sleep
        self._answer_s = answer_s
        self._silence_s = silence_s
        self._listens = listens
        self._health = HealthRecord(now)
        self._replies = Replies(now)
        self._menu = Menu(self._wire, suggesting=suggest is not None, guild_ids=guild_ids)
        self._membership = GuildMembership(self._wire, guild_ids=guild_ids, acquaintances=acquaintances)
        self._hearing = Hearing(
            self._wire, now=now, health=self._health, replies=self._replies, menu=self._menu,
            membership=self._membership, suggest=suggest, public=public_commands, may_be_public=may_be_public,
        )  # fmt: skip
        channels = Channels(self._wire, now=now)
        self._topics = Topics(
            self._wire, channels=channels, memory=topics or ShortMemory(), sleep=sleep, enabled=threads
        )
        self._sender = Sender(
            self._wire, replies=self._replies, channels=channels, topics=self._topics, pings=pings or Pings(),
            sleep=sleep,
        )  # fmt: skip
        self._gateway: Gateway | None = None
        self._task: asyncio.Task[None] | None = None
        self._loading: asyncio.Task[Wire] | None = None

    def __repr__(self) -> str:
        return f"DiscordTransport({self._health.current.detail!r})"

    @property
    def name(self) -> str:
        return TRANSPORT

    async def __aenter__(self) -> Self:
        # The library takes half a second to import: not on the event loop.
        self._loading = asyncio.create_task(asyncio.to_thread(self._load), name="discord.load")
        self._task = asyncio.create_task(self._run(), name="discord.listen")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Ends every task; waits for Discord at most a few seconds."""
        loading, task = self._loading, self._task
        self._loading = self._task = None
        if loading is None or task is None:
            return
        task.cancel()
        await asyncio.wait((task,))
        await self._hearing.end()
        await self._topics.end()
        wire = await loading
        if self._gateway is not None:
            await self._gateway.end()
        self._health.left()
        await wire.close()

    async def incoming(self) -> AsyncIterator[Incoming]:
        async for incoming in self._hearing.incoming():
            yield incoming

    @property
    def limits(self) -> Limits:
        return _LIMITS

    async def send(self, address: Address, message: Message, *, key: str = "") -> MessageRef:
        return await self._sender.send(address, message, key)

    def parts(self, message: Message) -> int:
        """See bot.messages.InParts; those of its plainest form, which are the most."""
        return len(layouts(message)[-1])

    async def edit(self, ref: MessageRef, message: Message) -> None:
        await self._sender.edit(ref, message)

    async def pin(self, ref: MessageRef) -> None:
        await pinning.pin(await self._wire(), ref)

    async def answer(self, press: Press, text: str = "") -> None:
        try:
            await self._sender.answer(press, text)
        except DeliveryError as error:
            log.info("discord.answer_failed", reason=str(error))

    async def announce(self, hints: tuple[CommandHint, ...]) -> None:
        """Registers them as slash commands, where they are not registered already. Whoever does not listen leaves that
        to who does."""
        if self._listens:
            await self._menu.announce(hints)

    async def leave(self, group: Address) -> None:
        """See bot.messages.Guest. It stays where somebody it knows is a member: their messages depend on it."""
        await self._membership.leave(group)

    async def invitation(self) -> str:
        """Where somebody lets the bot into a server of theirs. Raises: DeliveryError."""
        client = await (await self._wire()).client()
        return invitation(client.application_id or 0)

    def health(self) -> TransportHealth:
        return self._health.current

    def _load(self) -> "Wire":
        import bot.transports.discord.gateway  # noqa: F401 - so that it is loaded here as well
        from bot.transports.discord.wire import Wire

        return Wire(
            self._token, urls=self._urls, events=self._hearing, answer_s=self._answer_s, silence_s=self._silence_s
        )

    async def _run(self) -> None:
        from bot.transports.discord.gateway import Gateway

        wire = await self._wire()
        client = await self._logged_in(wire)
        if not self._listens:
            await sounding.run(wire, self._health, sleep=self._sleep)
        self._gateway = Gateway(client, urls=self._urls, health=self._health, sleep=self._sleep)
        await self._gateway.run()

    async def _logged_in(self, wire: "Wire") -> "discord.Client":
        """Tries until it succeeds."""
        failures = 0
        while True:
            try:
                return await wire.client()
            except DeliveryError as error:
                failures += 1
                self._health.lost(str(error))
                await self._sleep(_wait_s(error, failures))
            except Exception as error:  # noqa: BLE001 - the top of the task: a bot gone deaf must not stay so
                failures += 1
                log.error("discord.login_failed", error=type(error).__name__)
                self._health.lost("logging in to Discord failed: see the log")
                await self._sleep(_LONGEST_WAIT_S)

    async def _wire(self) -> "Wire":
        if self._loading is None:
            raise TryAgain("Discord is not running here: enter the transport first")
        return await asyncio.shield(self._loading)


def _wait_s(error: DeliveryError, failures: int) -> float:
    seconds = getattr(error, "seconds", None)
    if seconds is not None:
        return float(seconds)
    if isinstance(error, TokenRefused):
        return _LONGEST_WAIT_S
    longest = min(_LONGEST_WAIT_S, 2.0 ** min(failures - 1, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the bots that lost Discord together
