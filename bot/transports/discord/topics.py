"""A thread for each serious matter: opened under the message that told of it, followed there, closed when it is over.

What must be noticed stands in the channel itself, for a thread rings only whoever follows it. Threads are decoration:
where they cannot be had, everything stands in the channel.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from bot.messages import Address, DeliveryError, Message, RetryAfter, Stage, Tone, Topic, TryAgain, Unreachable
from bot.transports.discord.channels import Channels, Right
from bot.transports.discord.errors import NoAccess, NotAllowed, ThreadGone, ThreadThere
from bot.transports.discord.packing import shortened
from bot.transports.discord.render import Content, headline_of
from bot.transports.layout import one_line

if TYPE_CHECKING:
    from bot.transports.discord.wire import Wire

_TITLE_UNITS = 100
_ARCHIVE_AFTER_MIN = 1_440
_ATTEMPTS = 3
_LONGEST_WAIT_S = 30.0
_PATIENCE_S = 5.0  # how long a message waits for the thread it belongs into

log = structlog.get_logger()


class TopicMemory(Protocol):
    """Which thread a topic has in a channel. Raises nothing: what cannot be remembered has none."""

    async def find(self, chat: str, topic: str) -> str | None: ...

    async def remember(self, chat: str, topic: str, thread: str) -> None: ...

    async def forget(self, chat: str, topic: str) -> None: ...


class ShortMemory:
    """For as long as the process lives."""

    def __init__(self) -> None:
        self._threads: dict[tuple[str, str], str] = {}

    async def find(self, chat: str, topic: str) -> str | None:
        return self._threads.get((chat, topic))

    async def remember(self, chat: str, topic: str, thread: str) -> None:
        self._threads[chat, topic] = thread

    async def forget(self, chat: str, topic: str) -> None:
        self._threads.pop((chat, topic), None)


class Topics:
    """Finds the place of messages that belong to a topic, and keeps the threads in step, behind the messages' backs.

    Args:
        enabled: The setting DISCORD_THREADS.
    """

    def __init__(
        self,
        wire: "Callable[[], Awaitable[Wire]]",
        *,
        channels: Channels,
        memory: TopicMemory,
        sleep: Callable[[float], Awaitable[None]],
        enabled: bool,
    ) -> None:
        self._wire = wire
        self._channels = channels
        self._memory = memory
        self._sleep = sleep
        self._enabled = enabled
        self._last: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def where(self, address: Address, message: Message, *, rings: bool) -> Address:
        """Where a message goes: the thread of what it is about first of all, or the channel it was addressed to.

        Args:
            rings: Whether it rings a role, which it can do in a thread too.
        """
        if not self._applies(address) or not message.topics:
            return address
        if any(topic.stage is Stage.NEWS for topic in message.topics) or (message.tone is not Tone.QUIET and not rings):
            return address
        place = (address.chat, message.topics[0].key)
        if (under_way := self._last.get(place)) is not None:
            await asyncio.wait((under_way,), timeout=_PATIENCE_S)
        thread = await self._memory.find(*place)
        return replace(address, thread=thread) if thread else address

    def said(self, address: Address, message: Message, at: Address, message_id: str) -> None:
        """A message was accepted: opens, notes, renames and closes threads, in the order of what was said.

        Args:
            address: To whom it was addressed.
            at: Where it stands.
        """
        if not self._applies(address) or not message.topics:
            return
        places = [(address.chat, topic.key) for topic in message.topics]
        before = {task for place in places if (task := self._last.get(place)) is not None}
        task = asyncio.create_task(self._follow_all(before, message, at, message_id), name="discord.topic")
        for place in places:
            self._last[place] = task
        task.add_done_callback(partial(self._done, places))

    async def lost(self, address: Address, message: Message) -> None:
        """The topic's thread is gone."""
        for topic in message.topics:
            await self._memory.forget(address.chat, topic.key)

    async def end(self) -> None:
        """Ends every task."""
        tasks = set(self._last.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _applies(self, address: Address) -> bool:
        return self._enabled and not address.thread and not address.reply_to

    def _done(self, places: list[tuple[str, str]], task: "asyncio.Task[None]") -> None:
        for place in places:
            if self._last.get(place) is task:
                del self._last[place]

    async def _follow_all(
        self, before: "set[asyncio.Task[None]]", message: Message, at: Address, message_id: str
    ) -> None:
        if before:
            await asyncio.wait(before)
        free = not at.thread  # one thread can be started from a message
        for topic in message.topics:
            free = not await self._follow(message, topic, at, message_id, may_open=free) and free

    async def _follow(self, message: Message, topic: Topic, at: Address, message_id: str, *, may_open: bool) -> bool:
        """Whether a thread was started from the message."""
        try:
            thread = await self._memory.find(at.chat, topic.key)
            if thread is None:
                opens = may_open and topic.stage is Stage.NEWS and topic.weighty
                return opens and await self._open(at.chat, topic, message_id)
            if topic.stage is not Stage.FOLLOW_UP and thread != at.thread:
                await self._note(thread, message, at, message_id)
            if topic.stage is Stage.NEWS:
                await self._change(thread, {"name": _title(topic)})
            elif topic.stage is Stage.END:
                await self._memory.forget(at.chat, topic.key)
                await self._close(thread, topic)
        except (ThreadGone, Unreachable) as error:
            await self._memory.forget(at.chat, topic.key)
            log.info("discord.thread_lost", chat=at.chat, reason=str(error))
        except DeliveryError as error:
            log.info("discord.thread_behind", chat=at.chat, reason=str(error))
        except Exception as error:  # noqa: BLE001 - the top of a task whose work is decoration
            log.error("discord.thread_failed", error=type(error).__name__)
        return False

    async def _open(self, chat: str, topic: Topic, message_id: str) -> bool:
        """Whether the message has a thread now."""
        channel_id = int(chat)
        facts = await self._channels.of(channel_id)
        if facts is None or not facts.has_threads or not self._channels.may(Right.THREADS, channel_id):
            return False
        # A thread has the id of the message it was started from. Noted first: after a crash in between, what belongs
        # into it finds no thread, and stands in the channel.
        await self._memory.remember(chat, topic.key, message_id)
        body = {"name": _title(topic), "auto_archive_duration": _ARCHIVE_AFTER_MIN}
        path = "/channels/{channel_id}/messages/{message_id}/threads"
        try:
            await self._asked("POST", path, {"channel_id": channel_id, "message_id": int(message_id)}, body)
        except ThreadThere:
            pass  # an earlier attempt arrived
        except DeliveryError as error:
            await self._memory.forget(chat, topic.key)
            if isinstance(error, NotAllowed) and not isinstance(error, NoAccess):
                self._channels.refused(Right.THREADS, channel_id, str(error))
            else:
                log.info("discord.no_thread", chat=chat, reason=str(error))
            return False
        return True

    async def _note(self, thread: str, message: Message, at: Address, message_id: str) -> None:
        """What was said elsewhere, in short, for whoever reads the thread alone."""
        facts, where = await self._channels.of(int(at.chat)), at.thread or at.chat
        link = f"\nhttps://discord.com/channels/{facts.guild_id}/{where}/{message_id}" if facts is not None else ""
        await (await self._wire()).send(int(thread), Content(text=f"{headline_of(message)}{link}"), silent=True)

    async def _close(self, thread: str, topic: Topic) -> None:
        try:
            await self._change(thread, {"archived": True, "name": _title(topic)})
        except RetryAfter:  # a name may be changed twice in ten minutes, and this one was
            await self._change(thread, {"archived": True})

    async def _change(self, thread: str, body: dict[str, Any]) -> None:
        attempts = 1 if "name" in body else _ATTEMPTS
        await self._asked("PATCH", "/channels/{channel_id}", {"channel_id": int(thread)}, body, attempts=attempts)

    async def _asked(
        self, method: str, path: str, ids: dict[str, int], body: dict[str, Any], *, attempts: int = _ATTEMPTS
    ) -> None:
        """Raises: DeliveryError, after a few attempts where time may help."""
        for left in reversed(range(attempts)):
            try:
                await (await self._wire()).ask(method, path, ids, json=body)
            except (TryAgain, RetryAfter) as error:
                wait_s = error.seconds if isinstance(error, RetryAfter) else 1.0
                if not left or wait_s > _LONGEST_WAIT_S:
                    raise
                await self._sleep(wait_s)
            else:
                return


def _title(topic: Topic) -> str:
    return shortened(one_line(topic.title).strip(), _TITLE_UNITS) or topic.key
