"""While a figure is calculated the loop goes on: alerts are delivered and others are answered.

What is measured is the processor time the loop's own thread uses between two beats, which a busy machine does not
lengthen. The lag that a user would notice is measured by benchmarks/backtests.py.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from tests.bot.commands.histories import calculating_world
from tests.faults import Measure
from tests.faults.figures import Gauge

_TICK_S = 0.005


@contextlib.asynccontextmanager
async def work_between_beats() -> AsyncIterator[list[float]]:
    """Seconds of processor time the loop's thread used between one beat and the next."""
    found: list[float] = []

    async def beat() -> None:
        while True:
            began_s = time.thread_time()
            await asyncio.sleep(_TICK_S)
            found.append(time.thread_time() - began_s)

    beating = asyncio.create_task(beat())
    try:
        yield found
    finally:
        beating.cancel()


@pytest.mark.parametrize("text", ["/backtest", "/risk", "/var 99 7d monte-carlo", "/liqprob", "/size SOL"])
async def test_no_fit_blocks_the_loop(text: str, figure: Gauge) -> None:
    async with calculating_world(days=1_200) as world:
        await asyncio.get_running_loop().run_in_executor(world.app.services.executor, _imported)
        async with work_between_beats() as found:
            answer = await world.answer(text)

        assert answer.first.startswith("main: ")
        assert len(found) > 5, "it took no time at all"
        figure(Measure.LOOP_P99, sorted(found)[int(len(found) * 0.99)])
        figure(Measure.LOOP_MAX, max(found))


def _imported() -> None:
    import arch.univariate  # noqa: F401  # what is loaded once in the life of a process is not what is measured
