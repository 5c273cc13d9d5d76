"""What takes long is announced within a second, and the answer then stands where the announcement stood."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from bot.answering import PATIENCE_S
from bot.commands.registry import all_commands
from bot.commands.spec import Request, Usage
from bot.last_answers import CALCULATING, LastAnswers
from bot.messages import Picture, Refused, TryAgain, text_of
from risk.model.changes import RiskSnapshot
from tests.bot.commands.histories import calculating_world
from tests.support.bot_world import HOME, BotWorld
from tests.support.slow_executor import SlowExecutor


@contextlib.asynccontextmanager
async def slow_world() -> AsyncIterator[tuple[BotWorld, SlowExecutor]]:
    executor = SlowExecutor()
    async with calculating_world(days=200, executor=executor, patience_s=0.02) as world:
        yield world, executor


@contextlib.asynccontextmanager
async def asking(world: BotWorld, text: str) -> AsyncIterator[asyncio.Task[None]]:
    """Somebody has asked and been told something; the answer is awaited on the way out."""
    sent = len(world.transport.sent)
    task = asyncio.create_task(world.app.dispatcher.obey(world.transport, world.written(text)))
    await until(lambda: len(world.transport.sent) > sent)
    yield task
    await asyncio.wait((task,), timeout=20)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  # what is waited for happens in a transport, which tells nobody
            await asyncio.sleep(0.005)


def test_the_announcement_leaves_the_platform_some_of_the_second() -> None:
    assert 0.2 <= PATIENCE_S <= 0.8


async def test_a_quick_answer_is_one_message() -> None:
    async with calculating_world(days=200, patience_s=20.0) as world:
        (answer,) = await world.say("/beta")

        assert answer.first.startswith("main: SOL +1%")
        assert world.transport.edits == []


async def test_a_slow_answer_is_announced_and_then_stands_in_its_place() -> None:
    async with slow_world() as (world, executor):
        executor.hold()
        async with asking(world, "/var") as task:
            (announced,) = world.transport.sent
            assert announced.text == f"main: calculating\n{CALCULATING}"
            assert executor.begun == 1
            assert not task.done()
            executor.release()

        ((ref, answer),) = world.transport.edits
        assert ref == announced.ref
        assert text_of(answer).startswith("main: VaR 95% in 1 day: $")
        assert any(isinstance(block, Picture) for block in answer.blocks)
        assert len(world.transport.sent) == 1


async def test_the_last_answer_is_shown_with_its_age_and_never_looks_fresh() -> None:
    async with slow_world() as (world, executor):
        await world.say("/var 99")
        before = text_of(world.transport.edits[-1][1] if world.transport.edits else world.transport.sent[-1].message)
        world.clock.pass_s(300)
        await world.check()
        executor.hold()
        async with asking(world, "/var 99"):
            announced = world.transport.sent[-1]
            executor.release()

        first, *rest = before.split("\n")
        assert announced.first == f"5 min ago, {first}"
        assert announced.text.endswith(CALCULATING)
        assert "s old · slot" not in announced.text
        assert set(rest[:2]) <= set(announced.text.split("\n"))
        assert not any(isinstance(block, Picture) for block in announced.message.blocks)


async def test_another_question_is_not_answered_with_it() -> None:
    async with slow_world() as (world, executor):
        await world.say("/var 99")
        executor.hold()
        async with asking(world, "/var 95"):
            assert world.transport.sent[-1].first == "main: calculating"
            executor.release()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/var", "VaR 95% in 1 day was 4.3% of equity"),
        ("/risk", "VaR 95% in 1 day was 4.3% of equity"),
        ("/vol", "equity moved 81% a year"),
        ("/corr", "correlation was 0.64"),
        ("/beta", "beta to SOL was 1.25"),
    ],
)
async def test_after_a_restart_the_daily_record_speaks_first(text: str, said: str) -> None:
    async with slow_world() as (world, executor):
        record = RiskSnapshot(
            at=world.clock.now() - timedelta(hours=14), var_1d_frac=0.0421, volatility=0.81, correlation=0.64,
            beta_sol=1.25, leverage=2.0, funding_daily_frac=0.0,
        )  # fmt: skip
        await world.app.services.desks.snapshots.save(world.account, record)
        executor.hold()
        async with asking(world, text):
            assert world.transport.sent[-1].first == f"14 h 00 min ago, main: {said}"
            executor.release()


async def test_what_is_missing_stands_in_place_too() -> None:
    async with slow_world() as (world, executor):
        executor.hold()
        async with asking(world, "/backtest"):
            executor.release()

        assert text_of(world.transport.edits[-1][1]).startswith("main: not enough history\n! days for a back-test: ")


async def test_a_calculation_that_fails_leaves_no_announcement(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("risk.risk_figures.value_at_risk", broken)
    async with slow_world() as (world, executor):
        executor.hold()
        async with asking(world, "/var"):
            executor.release()

        ((_, answer),) = world.transport.edits
        assert text_of(answer).startswith("Something went wrong inside Keel")
        assert len(world.transport.sent) == 1


async def test_a_stop_leaves_no_announcement() -> None:
    async with slow_world() as (world, executor):
        executor.hold()
        async with asking(world, "/var") as task:
            task.cancel()

        assert task.cancelled()
        assert text_of(world.transport.edits[-1][1]).startswith("Keel was stopped before this was calculated")


async def test_where_the_announcement_is_gone_the_answer_is_said() -> None:
    async with slow_world() as (world, executor):
        world.transport.edit_error = Refused("the message to edit is gone")
        executor.hold()
        async with asking(world, "/var"):
            executor.release()

        assert world.transport.sent[-1].first.startswith("main: VaR 95% in 1 day: $")


async def test_an_announcement_that_does_not_get_through_costs_no_answer() -> None:
    async with slow_world() as (world, executor):
        executor.hold()
        world.transport.fail(HOME, TryAgain("the platform is busy"))
        task = asyncio.create_task(world.app.dispatcher.obey(world.transport, world.written("/var")))
        await until(lambda: executor.begun)
        await asyncio.sleep(0.05)
        executor.release()
        await task

        (answer,) = world.transport.sent
        assert answer.first.startswith("main: VaR 95% in 1 day: $")


async def test_an_answer_is_not_shown_again_to_who_may_not_see_the_account_any_more() -> None:
    async with calculating_world(days=200) as world:
        services, var = world.app.services, all_commands()["var"]
        written = world.written("/var")
        request = Request(args=(), sender=written.sender, person=None, address=written.address)
        last = LastAnswers(world.clock)
        await last.remembering(var)(services, request)
        assert "0 s ago, main: VaR" in text_of(await last.instead_of(var)(services, request))

        services.roster.remove(world.account)
        with pytest.raises(Usage):
            await last.instead_of(var)(services, request)
