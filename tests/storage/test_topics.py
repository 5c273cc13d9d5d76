"""Threads of topics are found again after a restart."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage import Store, TopicThreads

NOW = datetime(2026, 1, 2, tzinfo=UTC)


async def test_a_thread_is_known_by_its_chat_and_topic_also_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "keel.sqlite3"
    async with await Store.open(file) as store:
        threads = TopicThreads(store, "discord")
        await threads.remember("1", "12", "99", NOW)
        await threads.remember("1", "12", "100", NOW)
        await threads.remember("2", "12", "101", NOW)
    async with await Store.open(file) as store:
        threads = TopicThreads(store, "discord")
        assert [await threads.find(chat, "12") for chat in ("1", "2", "3")] == ["100", "101", None]
        assert await TopicThreads(store, "another").find("1", "12") is None
        await threads.forget("1", "12")
        await threads.forget("1", "13")
        assert [await threads.find(chat, "12") for chat in ("1", "2")] == [None, "101"]


async def test_what_nobody_saw_the_end_of_is_forgotten_after_a_year() -> None:
    async with await Store.open(":memory:") as store:
        threads = TopicThreads(store, "discord")
        await threads.remember("1", "1", "9", NOW)
        await threads.remember("1", "2", "10", NOW + timedelta(days=364))
        assert await threads.find("1", "1") == "9"
        await threads.remember("1", "3", "11", NOW + timedelta(days=366))
        assert [await threads.find("1", topic) for topic in "123"] == [None, "10", "11"]
