"""Which thread of a chat belongs to which topic, so that a later message finds the earlier ones after a restart."""

from datetime import datetime, timedelta

from storage.columns import to_us
from storage.store import Store

_KEPT_FOR = timedelta(days=365)  # a matter that nobody saw the end of


class TopicThreads:
    """Threads of one sender."""

    def __init__(self, store: Store, transport: str) -> None:
        self._store, self._transport = store, transport

    async def find(self, chat: str, topic: str) -> str | None:
        found = await self._store.run(
            lambda db: db.execute(
                "SELECT thread FROM topic_threads WHERE transport = ? AND chat = ? AND topic = ?",
                [self._transport, chat, topic],
            ).fetchone()
        )
        return None if found is None else str(found[0])

    async def remember(self, chat: str, topic: str, thread: str, now: datetime) -> None:
        """The topic has this thread from now on. What is a year old is forgotten."""
        row = {
            "transport": self._transport, "chat": chat, "topic": topic, "thread": thread, "opened_at": to_us(now),
        }  # fmt: skip

        await self._store.atomic(
            lambda db: (
                db.execute("DELETE FROM topic_threads WHERE opened_at < ?", [to_us(now - _KEPT_FOR)]),
                db.table("topic_threads").upsert(row, pk=("transport", "chat", "topic")),
            )
        )

    async def forget(self, chat: str, topic: str) -> None:
        await self._store.atomic(
            lambda db: db.execute(
                "DELETE FROM topic_threads WHERE transport = ? AND chat = ? AND topic = ?",
                [self._transport, chat, topic],
            )
        )
