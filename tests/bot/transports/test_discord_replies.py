"""What waits for an answer is known for as long as it must be, and holds on to nothing for longer."""

import asyncio

from bot.transports.discord.replies import InteractionToken, Replies, Reply
from tests.support.clock import FakeClock


def acknowledged() -> Reply:
    """One that Discord knows of."""
    return Reply(
        token=InteractionToken("t"), hidden=True, unanswered=True, acknowledged=asyncio.create_task(_done())
    )  # fmt: skip


async def _done() -> bool:
    return True


async def test_what_can_be_answered_no_more_is_known_and_keeps_no_task() -> None:
    clock = FakeClock()
    replies, first = Replies(clock.now), acknowledged()
    replies.add("1", first)
    assert await replies.open("1") is first
    clock.pass_s(900)
    replies.add("2", acknowledged())
    assert first.acknowledged is None
    assert replies.known("1") is first, "that it was for one person alone must not be forgotten"
    assert await replies.open("1") is None
    assert await replies.open("2") is not None
