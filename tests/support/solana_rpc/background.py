"""The fake node in a thread of its own, for tests whose subject is another process or blocks the loop."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.solana_rpc.clock import Timepiece
from tests.support.solana_rpc.server import SolanaRpc
from tests.support.world import World

_START_S = 10.0


@contextmanager
def running_rpc(
    world: World, *, slots_per_s: float = 0.0, clock: Timepiece | None = None, port: int = 0
) -> Iterator[SolanaRpc]:
    """Serves until the with block ends; every method of the node may be called from the test's thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fake solana node", daemon=True)
    thread.start()
    rpc = SolanaRpc(world, slots_per_s=slots_per_s, clock=clock, port=port)
    try:
        asyncio.run_coroutine_threadsafe(rpc.__aenter__(), loop).result(_START_S)
        try:
            yield rpc
        finally:
            asyncio.run_coroutine_threadsafe(rpc.__aexit__(None, None, None), loop).result(_START_S)
    finally:
        asyncio.run_coroutine_threadsafe(_end_tasks(), loop).result(_START_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_START_S)
        loop.close()


async def _end_tasks() -> None:
    """Requests that an injected delay still holds."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
