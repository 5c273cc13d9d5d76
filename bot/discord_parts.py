"""Discord as the settings want it: what it remembers, whom it may answer in public, whom it knows."""

from collections.abc import Callable, Collection
from datetime import datetime

import structlog

from bot.config import BadSettings, Settings
from bot.messages import Address, Person, Transport
from bot.transports.discord import DiscordTransport, DiscordUrls, checked_urls
from bot.transports.discord.hearing import Suggest
from risk.ports import Clock
from storage import People, StorageError, Store, TopicThreads

log = structlog.get_logger()


def discord_transport(
    token: str, settings: Settings, clock: Clock, store: Store, *, suggest: Suggest | None = None, listens: bool = True
) -> Transport:
    """A bot of Discord's as the settings want it. Raises: BadSettings.

    Args:
        listens: See DiscordTransport.
    """
    audiences = Audiences(People(store))
    bot = token.partition(".")[0]  # its public id: a second bot has threads of its own
    return DiscordTransport(
        token, now=clock.now, urls=discord_urls(settings), suggest=suggest,
        public_commands=settings.discord_public_commands, may_be_public=audiences.may_be_public,
        guild_ids=settings.discord_guild_ids, acquaintances=audiences.acquaintances, threads=settings.discord_threads,
        topics=KeptTopics(TopicThreads(store, f"discord:{bot}"), clock.now), pings=settings.discord_pings,
        listens=listens,
    )  # fmt: skip


def discord_urls(settings: Settings) -> DiscordUrls:
    """Where Discord is. Raises: BadSettings."""
    try:
        return checked_urls(
            settings.discord_api_url, settings.discord_gateway_url, allow_loopback=settings.allow_loopback_platforms
        )
    except ValueError as exc:
        raise BadSettings(str(exc)) from None


class KeptTopics:
    """Threads of incidents, kept in the database; see bot.transports.discord.topics.TopicMemory.

    A memory that fails costs a thread and never a message.
    """

    def __init__(self, threads: TopicThreads, now: Callable[[], datetime]) -> None:
        self._threads, self._now = threads, now

    async def find(self, chat: str, topic: str) -> str | None:
        try:
            return await self._threads.find(chat, topic)
        except StorageError as error:
            log.warning("topics.not_read", error=str(error))
            return None

    async def remember(self, chat: str, topic: str, thread: str) -> None:
        try:
            await self._threads.remember(chat, topic, thread, self._now())
        except StorageError as error:
            log.warning("topics.not_kept", error=str(error))

    async def forget(self, chat: str, topic: str) -> None:
        try:
            await self._threads.forget(chat, topic)
        except StorageError as error:
            log.warning("topics.not_kept", error=str(error))


class Audiences:
    """Who is known, and what may be said aloud where."""

    def __init__(self, people: People) -> None:
        self._people = people

    async def may_be_public(self, person: Person, address: Address) -> bool:
        """Whether everybody in a channel may see what somebody is answered: both have to be linked."""
        if await self._people.person(person.transport, person.user_id) is None:
            return False
        chat = await self._people.chat(address.transport, address.chat, address.thread)
        if chat is None and address.thread:
            chat = await self._people.chat(address.transport, address.chat)
        return chat is not None and not chat.private

    async def acquaintances(self) -> Collection[str]:
        """Everybody who is linked, as Discord knows them."""
        found: list[str] = []
        for person in await self._people.linked():
            found += [
                one.user_id
                for one in await self._people.identities(person.person_id)
                if one.platform == "discord"
            ]  # fmt: skip
        return tuple(dict.fromkeys(found))
