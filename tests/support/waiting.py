"""Waiting for what has no event, and for time to be up, on a machine that may stand still for seconds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

PATIENCE_S = 30.0  # for what is expected to happen

T = TypeVar("T")


async def until(holds: Callable[[], object], *, within_s: float = PATIENCE_S) -> None:
    """Returns once the condition holds. Raises: TimeoutError."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - any condition at all
            await asyncio.sleep(0.005)


def pass_by(seconds: float) -> None:
    """Put the running loop's clock forward: who has given something at most so long gives it up now."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]


@contextlib.asynccontextmanager
async def hurried(heard: Callable[[], int], *, after_s: float = PATIENCE_S + 1) -> AsyncIterator[None]:
    """Whoever never answers is given up as soon as they have heard a question: the time they were given is up.

    Give them PATIENCE_S, and no stall of the machine is taken for their silence.

    Args:
        heard: How many questions they have heard so far.
    """

    seen = heard()

    async def hurry() -> None:
        nonlocal seen
        while True:
            await asyncio.sleep(0.002)
            if (now := heard()) > seen:
                seen = now
                pass_by(after_s)

    hurrying = asyncio.create_task(hurry())
    try:
        yield
    finally:
        hurrying.cancel()
        await asyncio.gather(hurrying, return_exceptions=True)


async def given_up(asking: Awaitable[T], *, heard: Callable[[], int], after_s: float = PATIENCE_S + 1) -> T:
    """What becomes of a question to somebody who never answers; see ``hurried``."""
    async with hurried(heard, after_s=after_s):
        return await asking
