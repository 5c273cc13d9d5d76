"""Malformed commands: each gets an answer, none an apology, and no number is read that was not written.

The full count, and how long each takes, is `python -m benchmarks commands`.
"""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.typed import number_typed
from storage import Role
from tests.attack.typing import malformed
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.bot_world import OWNER, bot_world

COUNT = 600


async def test_every_malformed_command_is_answered_and_none_with_an_apology(figure: Gauge) -> None:
    dice, raised, apologies = Random(4), [], 0
    async with bot_world("main", "second", linked=False) as world:
        await world.link(OWNER, Role.ADMIN)
        await world.check(140)
        for _ in range(COUNT):
            text, private = malformed(dice), dice.random() < 0.8
            before = len(world.transport.sent)
            try:
                await world.app.dispatcher.obey(world.transport, world.written(text, private=private))
            except Exception as exc:  # noqa: BLE001 - what is counted
                raised.append((text, exc))
            answers = world.transport.sent[before:]
            assert answers or not (private or text.startswith("/")), text
            apologies += any("inside Keel" in one.text for one in answers)
    figure(Measure.TRIED, COUNT)
    figure(Measure.UNHANDLED, len(raised) + apologies)
    assert (raised, apologies) == ([], 0)


@pytest.mark.parametrize(
    "text",
    [
        "nan",
        "inf",
        "-inf",
        "infinity",
        "1_0",
        "1\u0665",
        "\uff11",
        "0x10",
        "1e999",
        "9" * 40,
        "",
        " 1",
        "1 ",
        "--1",
        "1e",
        ".",
    ],
)
def test_what_only_a_computer_takes_for_a_number_is_none(text: str) -> None:
    assert number_typed(text) is None


@given(st.floats(-1e15, 1e15).map(lambda number: f"{number:.6f}"))
def test_what_people_write_is_the_number_they_wrote(text: str) -> None:
    assert number_typed(text) == float(text)


@pytest.mark.parametrize(
    "text",
    [
        "/limits leverage 1\u0665", "/limits leverage 1_0", "/tiers high \u0661\u0662\u0660", "/limits leverage nan",
        "/limits leverage inf", "/expect withdrawal 1_000 1h", "/stress \u0665", "/snooze 1 \u0662h",
    ],
)  # fmt: skip
async def test_no_number_of_that_kind_gets_as_far_as_a_card(text: str) -> None:
    async with bot_world() as world:
        await world.check(110)
        assert not (await world.answer(text)).message.buttons
