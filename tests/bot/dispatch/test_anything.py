"""Any text at all gets an answer."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.registry import all_commands
from storage import Role
from tests.support.bot_world import OWNER, bot_world

EVERY_COMMAND = sorted(all_commands())

WORDS = st.sampled_from(
    [
        *(f"/{name}" for name in EVERY_COMMAND), "main", "second", "set", "leverage", "1", "#1", "2h", "24h", "dark",
        "nan", "5%", "-1", "1e308", "0", '"', "'", "\\", "equity", "distance", "health", "critical", "off",
        "max_drawdown_percent", "0.1", "9" * 12,
    ]
)  # fmt: skip
SENTENCES = st.lists(WORDS, max_size=6).map(" ".join)
ANYTHING = (
    st.text(max_size=300) | SENTENCES | st.builds("".join, st.lists(SENTENCES | st.text(max_size=20), max_size=5))
)


async def _ask_all(texts: list[str], *, private: bool) -> None:
    async with bot_world("main", "second", linked=False) as world:
        await world.link(OWNER, Role.ADMIN)
        await world.check(140)
        for text in texts:
            before = len(world.transport.sent)
            await world.app.dispatcher.obey(world.transport, world.written(text, private=private))
            answers = world.transport.sent[before:]
            assert len(answers) == (1 if private or text.startswith("/") else 0)
            assert all(one.first.strip() for one in answers)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ANYTHING, max_size=25), st.booleans())
def test_no_text_raises_out_of_the_dispatcher(texts: list[str], private: bool) -> None:
    asyncio.run(_ask_all(texts, private=private))


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "/" * 10_000,
        "/health " + "main " * 2_000,
        "/limits leverage " + "9" * 9_980,
        "/start " + "A" * 9_990,
        '"' * 10_000,
        "\\" * 10_000,
        "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 2_000,
        "/ack " + "\u0301" * 9_990,
        "\ud800" * 10_000,
        "\x00" * 10_000,
    ],
    ids=lambda text: repr(text[:12]),
)
async def test_ten_thousand_characters_get_a_short_answer(text: str) -> None:
    async with bot_world() as world:
        await world.check()
        answer = await world.answer(text)

        assert len(answer.text) < 1_000
