"""What goes wrong inside is told, and takes nobody else down."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from bot.commands import health
from bot.commands.spec import Command, Request, Run, Services
from bot.messages import Message, Unreachable
from storage import DatabaseUnavailable, Incidents, People
from tests.support.bot_world import HOME, bot_world
from tests.support.waiting import until


async def test_a_defect_in_one_command_is_told_and_the_next_one_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(services: Services, request: Request) -> Message:
        raise RuntimeError("a defect with a very-secret-key")

    monkeypatch.setattr(health, "COMMAND", _with_run(broken))
    async with bot_world() as world:
        with structlog.testing.capture_logs() as logs:
            text = (await world.answer("/health")).text

        assert text == "Something went wrong inside Keel; its log has it as request.failed. Look before you try again."
        assert [entry["event"] for entry in logs] == ["request.failed"]
        assert (await world.answer("/help")).text


def _with_run(run: Run) -> Command:
    return replace(health.COMMAND, run=run)


async def test_a_defect_behind_a_button_is_told_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: Incidents, *args: object) -> None:
        raise RuntimeError("a defect")

    async with bot_world() as world:
        await world.check(110)
        monkeypatch.setattr(Incidents, "acknowledge", broken)

        assert (await world.press(world.alerts[0].data("Ack"))).startswith("Something went wrong inside Keel")


async def test_a_broken_memory_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: Incidents, *args: object) -> None:
        raise DatabaseUnavailable("The database cannot be used; check the disk.")

    async with bot_world() as world:
        await world.check(110)
        monkeypatch.setattr(Incidents, "open_incidents", broken)
        monkeypatch.setattr(Incidents, "acknowledge", broken)

        assert (await world.answer("/alerts")).text.endswith("The database cannot be used; check the disk.")
        assert "check the disk" in await world.press(world.alerts[0].data("Ack"))


async def test_a_memory_that_does_not_know_people_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: People, *args: object) -> None:
        raise DatabaseUnavailable("The database cannot be used; check the disk.")

    async with bot_world() as world:
        await world.check(110)
        monkeypatch.setattr(People, "person", broken)
        text = (await world.answer("/health")).text

        assert "%" not in text


async def test_an_answer_that_cannot_be_delivered_is_logged_and_the_next_is_tried() -> None:
    async with bot_world() as world:
        world.transport.fail(HOME, Unreachable("blocked"))
        with structlog.testing.capture_logs() as logs:
            assert await world.say("/help") == []
        assert [entry["event"] for entry in logs] == ["reply.failed"]

        assert await world.say("/help")


async def test_a_slow_answer_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    released = asyncio.Event()

    async def slow(services: Services, request: Request) -> Message:
        await released.wait()
        return Message(blocks=())

    monkeypatch.setattr(health, "COMMAND", _with_run(slow))
    async with bot_world() as world:
        world.transport.hear(world.written("/health"), world.written("/help"))
        serving = asyncio.create_task(world.app.dispatcher.serve(world.transport))
        await until(lambda: world.transport.sent)
        assert world.transport.sent[0].text.startswith("Keel watches")

        released.set()
        world.transport.end()
        await serving
        assert len(world.transport.sent) == 2


async def test_a_thousand_requests_are_all_answered() -> None:
    async with bot_world() as world:
        await world.serve(*(world.written(f"/ack {number}") for number in range(1_000)))

        assert len(world.transport.sent) == 1_000
        assert {one.first.split(" #")[0] for one in world.transport.sent} == {"There is no alert"}


async def test_a_command_sent_while_the_bot_was_down_is_answered_with_what_is_known_now() -> None:
    async with bot_world() as world:
        written = world.written("/health")
        await world.check(after_s=timedelta(hours=2).total_seconds())
        await world.serve(written)

        assert "0 s old" in world.transport.sent[-1].text
