"""Groups the bot finds itself in: which it leaves, and which it was removed from."""

from collections.abc import Collection
from datetime import datetime

from storage import chats
from storage.person_records import UnlinkedGroup
from storage.store import Store


class Groups:
    """Memberships, as far as they need an answer. A group is a chat of a sender; its topics are in it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def knows(self, transport: str, chats_inside: Collection[str]) -> bool:
        """Whether somebody who is linked has linked one of these chats, and the bot was never removed from it."""
        return any(
            one.transport == transport and one.chat in chats_inside for one in await self._store.run(chats.chats)
        )

    async def back(self, transport: str, chat: str) -> bool:
        """The bot is in a group again it was removed from: it hears as before. False where nobody had linked it."""
        return await self._store.atomic(lambda db: chats.back(db, transport, chat))

    async def left(self, transport: str, chat: str, now: datetime) -> bool:
        """The bot was removed. False where nobody had linked the group."""
        return await self._store.atomic(lambda db: chats.left(db, transport, chat, now))

    async def leave_later(self, group: UnlinkedGroup) -> None:
        """Note that a group is to be left, unless somebody links it. A time that was noted before stays."""
        await self._store.atomic(lambda db: chats.leave_later(db, group))

    async def overdue(self, now: datetime) -> tuple[UnlinkedGroup, ...]:
        """Groups whose time has come, and in which nobody has linked a chat."""
        return await self._store.atomic(lambda db: chats.overdue(db, now))

    async def forget(self, transport: str, chat: str) -> None:
        """It was left, or need not be any more."""
        await self._store.atomic(lambda db: chats.forget_group(db, transport, chat))
