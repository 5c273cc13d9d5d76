"""Waiting for what has no event, in tests of things that run by themselves."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], object], *, within_s: float = 5.0) -> None:
    """Returns once the condition holds. Raises: TimeoutError."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - any condition at all
            await asyncio.sleep(0.005)
