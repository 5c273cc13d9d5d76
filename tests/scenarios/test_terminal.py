"""keel run at a terminal or in a pipe, on paper money: the console is a chat like any other."""

import asyncio
from pathlib import Path

from tests.support.keel_process import Input, keel


async def test_commands_in_a_pipe_are_answered_and_the_end_of_input_does_not_end_the_watch(tmp_path: Path) -> None:
    env = {"VENUE": "paper", "CHECK_INTERVAL_S": "0.1"}
    async with keel("run", env=env, folder=tmp_path, stdin=Input.PIPE) as bot:
        await bot.started()
        await bot.type("/health")
        await bot.until(lambda: "main: health " in bot.stdout, "an answer to /health")
        await bot.type("/liq main")
        await bot.until(lambda: "lower liquidates, at" in bot.stdout, "an answer to /liq")
        await bot.type("/helth")
        await bot.until(lambda: "Did you mean /health?" in bot.stdout, "the nearest command")
        await bot.type("/status")
        await bot.end_input()
        await bot.until(lambda: "Keel: watching 1 account" in bot.stdout, "an answer to the last line")
        await bot.until(lambda: bot.logged("transport.ended"), "the end of the input")
        await asyncio.sleep(0.5)
        assert bot.running
        assert await bot.stop() == 0
        assert bot.logged("app.stopped")
        assert not bot.logged("job.failed")


async def test_an_input_that_is_empty_from_the_start_is_fine(tmp_path: Path) -> None:
    async with keel("run", env={"VENUE": "paper"}, folder=tmp_path) as bot:
        await bot.until(lambda: bot.logged("transport.ended"), "the end of the input")
        await asyncio.sleep(0.3)
        assert bot.running
        assert await bot.stop() == 0


async def test_two_processes_do_not_share_a_database(tmp_path: Path) -> None:
    async with keel("run", env={"VENUE": "paper"}, folder=tmp_path) as first:
        await first.started()
        async with keel("run", env={"VENUE": "paper"}, folder=tmp_path) as second:
            assert await second.ended() == 2
            assert "is in use by process" in second.stderr
            assert "link code" not in second.stdout
        assert first.running
