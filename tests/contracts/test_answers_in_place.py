"""On every platform a slow answer replaces what was said meanwhile, with its picture, and however long it is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.answering import Patience
from bot.messages import Block, Line, Message, Picture, lines
from tests.contracts.transport_worlds import WORLDS, World
from tests.support.png import tiny_png


@pytest.fixture(params=list(WORLDS))
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with WORLDS[request.param](tmp_path) as opened:
        yield opened


async def answered(world: World, message: Message) -> None:
    announced = asyncio.Event()

    async def calculated() -> Message:
        await announced.wait()
        return message

    async def meanwhile() -> Message:
        announced.set()
        return Message(blocks=lines("main: calculating", "The answer will stand here."))

    async with asyncio.timeout(30):
        await Patience(0.01).answer(
            world.transport, world.address, calculated(), meanwhile=meanwhile, failed=lambda error: Message(blocks=())
        )


@pytest.mark.parametrize("length", [3, 60])  # characters: a caption's worth, and more than a caption holds
async def test_text_and_picture_take_the_place_of_the_announcement(world: World, length: int) -> None:
    png = tiny_png(shade=9)
    told = [f"Line {number} says something of the account." for number in range(length)]
    lines_told = [Line("main: VaR 95% in 1 day: $279", strong=True), *map(Line, told)]
    blocks: tuple[Block, ...] = (*lines_told, Picture(png, alt="the picture"))

    await answered(world, Message(blocks=blocks))

    assert world.pictures() == [png]
    shown = world.text()
    for line in ("main: VaR 95% in 1 day: $279", *told):
        assert shown.count(line) == 1
    if world.address.transport != "console":  # a terminal cannot take back what it has printed
        assert "calculating" not in shown


async def test_text_alone_takes_its_place(world: World) -> None:
    await answered(world, Message(blocks=lines("main: not enough history", "Import bars.")))

    assert world.text().count("main: not enough history") == 1
    if world.address.transport != "console":
        assert "calculating" not in world.text()
