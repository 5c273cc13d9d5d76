"""Time that a test puts forward: silence is given up at once, and a machine that stands still is no silence."""

import asyncio

import pytest

from tests.support.waiting import PATIENCE_S, given_up, pass_by


class Server:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.heard = 0
        self.answers = asyncio.Event()

    async def ask(self, patience_s: float) -> str:
        async with asyncio.timeout(patience_s):
            self.heard += 1
            await self.answers.wait()
            return "answered"


async def test_who_never_answers_is_given_up_without_waiting_for_it() -> None:
    server = Server()
    with pytest.raises(TimeoutError):
        await given_up(server.ask(PATIENCE_S), heard=lambda: server.heard)


async def test_who_has_longer_than_has_passed_is_still_waited_for() -> None:
    server = Server()
    asking = asyncio.create_task(given_up(server.ask(2 * PATIENCE_S), heard=lambda: server.heard))
    began_s = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - began_s < PATIENCE_S:  # noqa: ASYNC110 - time has no event
        await asyncio.sleep(0)
    server.answers.set()
    assert await asking == "answered"


async def test_a_stall_shorter_than_the_patience_changes_nothing() -> None:
    server = Server()
    asking = asyncio.create_task(server.ask(PATIENCE_S))
    await asyncio.sleep(0)
    pass_by(PATIENCE_S / 2)
    server.answers.set()
    assert await asking == "answered"
