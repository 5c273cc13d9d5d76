"""A calculation that never ends costs its asker an answer, and nobody else anything."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from bot.limited_executor import LimitedExecutor, TookTooLong
from risk.errors import CannotAssess
from tests.bot.commands.test_loop_lag import work_between_beats
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.hand_clock import HandClock

LIMIT_S = 60.0
PATIENCE_S = 60.0


class Hung:
    """Arithmetic in plain Python that keeps a thread, and its share of the interpreter, until it is let go."""

    def __init__(self) -> None:
        self.begun, self.free = threading.Event(), False

    def __call__(self) -> str:
        self.begun.set()
        count = 0
        while not self.free:
            count = (count * 3 + 1) % 1_000_003
        return "at last"

    async def runs(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, PATIENCE_S)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def executor(clock: HandClock) -> Iterator[LimitedExecutor]:
    with LimitedExecutor(1, limit_s=LIMIT_S, monotonic_s=clock.monotonic_s) as executor:
        yield executor


@pytest.fixture
def hung() -> Iterator[Hung]:
    found = Hung()
    yield found
    found.free = True


async def test_a_fit_that_never_ends_is_given_up_and_what_waited_behind_it_is_calculated(
    executor: LimitedExecutor, clock: HandClock, hung: Hung, figure: Gauge
) -> None:
    loop = asyncio.get_running_loop()
    asked = loop.run_in_executor(executor, hung)
    behind = loop.run_in_executor(executor, lambda: "calculated")
    await hung.runs()

    async with work_between_beats() as found:
        began_s = time.thread_time()
        clock.pass_s(LIMIT_S)
        executor.look()
        await beats(found, 100)
        assert not asked.done()
        clock.pass_s(0.1)
        executor.look()
        with pytest.raises(TookTooLong, match="took more than 60 s and was given up"):
            await asyncio.wait_for(asked, PATIENCE_S)
        figure(Measure.LOST, await asyncio.wait_for(behind, PATIENCE_S) != "calculated")
    found.sort()
    figure(Measure.LOOP_P99, found[int(len(found) * 0.99)])
    figure(Measure.LOOP_MAX, found[-1])
    assert time.thread_time() - began_s < PATIENCE_S
    assert issubclass(TookTooLong, CannotAssess), "commands and jobs say so as they say what else cannot be assessed"


async def test_one_that_ends_after_all_is_heard_no_more_and_leaves_its_place_to_the_other(
    executor: LimitedExecutor, clock: HandClock, hung: Hung
) -> None:
    asked = executor.submit(hung)
    await hung.runs()
    clock.pass_s(LIMIT_S + 1)
    executor.look()
    assert executor.stuck == 1
    hung.free = True
    assert await asyncio.to_thread(lambda: executor.submit(lambda: 7).result(PATIENCE_S)) == 7
    await ends(executor)
    assert isinstance(asked.exception(), TookTooLong)


async def beats(found: list[float], count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < count:  # noqa: ASYNC110  # what is waited for is time itself
            await asyncio.sleep(0.005)


async def ends(executor: LimitedExecutor) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while executor.stuck:  # noqa: ASYNC110  # a thread tells nobody of its end
            await asyncio.sleep(0.005)


async def test_when_too_many_hang_nothing_more_is_begun(executor: LimitedExecutor, clock: HandClock) -> None:
    all_hung = [Hung() for _ in range(4)]
    try:
        for one in all_hung:
            executor.submit(one)
            await one.runs()
            clock.pass_s(LIMIT_S + 1)
            executor.look()
        with pytest.raises(TookTooLong, match="start Keel again"):
            executor.submit(lambda: 7).result(PATIENCE_S)
    finally:
        for one in all_hung:
            one.free = True


def test_errors_results_and_cancellations_are_those_of_any_pool(executor: LimitedExecutor) -> None:
    assert executor.submit(lambda text: text * 2, "a").result(PATIENCE_S) == "aa"
    with pytest.raises(ZeroDivisionError):
        executor.submit(lambda: 1 / 0).result(PATIENCE_S)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        executor.submit(lambda: 7)
