"""/chart: which picture, of what, in which colours."""

import pytest

from bot.messages import Picture
from storage import Role
from tests.bot.commands.accounts import rich
from tests.support.bot_world import BotWorld, bot_world
from tests.support.recording_transport import Sent
from venues.errors import VenueUnavailable


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, object]]]:
    """What was asked to be drawn; pictures themselves have tests of their own."""
    calls: list[tuple[str, dict[str, object]]] = []
    for name in ("equity_chart", "health_chart", "distance_chart"):

        def draw(*args: object, _name: str = name, **given: object) -> bytes:
            calls.append((_name, {**given, "first": args[0]}))
            return b"PNG"

        monkeypatch.setattr(f"bot.commands.chart.{name}", draw)
    return calls


async def recorded(world: BotWorld, minutes: int = 5) -> None:
    for minute in range(minutes):
        await world.check(400 + minute, after_s=60)
        await world.app.equity.record()


def picture_of(answer: Sent) -> Picture:
    (picture,) = [block for block in answer.message.blocks if isinstance(block, Picture)]
    return picture


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/chart", "equity_chart"),
        ("/chart equity", "equity_chart"),
        ("/chart health", "health_chart"),
        ("/chart distance", "distance_chart"),
        ("/chart liq", "distance_chart"),
        ("/chart main health 7d light", "health_chart"),
        ("/chart light 1h HEALTH", "health_chart"),
    ],
)
async def test_the_picture_that_was_asked_for(text: str, name: str, drawn: list[tuple[str, dict[str, object]]]) -> None:
    async with bot_world() as world:
        await recorded(world)
        answer = await world.answer(text)

        assert [one for one, _ in drawn] == [name]
        assert picture_of(answer).png == b"PNG"
        assert answer.first == f"main: {picture_of(answer).alt}"


async def test_a_span_leaves_out_what_is_older(drawn: list[tuple[str, dict[str, object]]]) -> None:
    async with bot_world() as world:
        await recorded(world, 5)
        world.clock.pass_s(7_200)
        await recorded(world, 3)
        await world.answer("/chart equity 1h")
        await world.answer("/chart equity 24h")

        assert [len(given["first"]) for _, given in drawn] == [3, 8]  # type: ignore[arg-type]  # lists of times


async def test_a_theme_is_kept_for_who_chose_it_and_for_nobody_else(drawn: list[tuple[str, dict[str, object]]]) -> None:
    async with bot_world() as world:
        await recorded(world)
        await world.link("bob", Role.VIEWER)
        await world.answer("/chart light")
        await world.say("/chart", chat="elsewhere")
        await world.say("/chart", user="bob", chat="bob")

        assert [str(given["theme"]) for _, given in drawn] == ["light", "light", "dark"]


async def test_without_a_record_there_is_a_sentence_and_no_picture() -> None:
    async with bot_world() as world:
        await world.check()
        answer = await world.answer("/chart")

        assert answer.first == "main: no picture yet"
        assert not any(isinstance(block, Picture) for block in answer.message.blocks)


async def test_distance_needs_no_record_but_data_that_can_be_assessed() -> None:
    async with bot_world() as world:
        world.reader.problems[world.account] = ("its account data is truncated",)
        await world.check()
        answer = await world.answer("/chart distance")

        assert answer.first == "main: cannot be assessed now"
        assert "! its account data is truncated" in answer.text


async def test_a_picture_of_a_silent_venue_says_how_old_it_is(drawn: list[tuple[str, dict[str, object]]]) -> None:
    async with bot_world() as world:
        await recorded(world)
        world.reader.error = VenueUnavailable("no endpoint answers; try later")
        await world.checks(600)
        answer = await world.answer("/chart health")

        assert answer.first.startswith("main: Health unknown for 10 min, last ")
        assert "STALE 10 min old" in answer.text


async def test_a_real_picture_is_a_png() -> None:
    async with bot_world() as world:
        world.reader.accounts[world.account] = rich()
        await world.check()
        await world.app.equity.record()

        assert picture_of(await world.answer("/chart health")).png.startswith(b"\x89PNG")
