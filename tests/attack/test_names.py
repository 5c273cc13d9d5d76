"""Names that others chose, through every answer: what a client shows is what was meant, and nobody is called."""

import io
import json
import logging
import re
import unicodedata
from collections.abc import Iterator

import pytest
import structlog

from bot.commands.registry import all_commands
from bot.logs import setup_logging
from bot.messages import Message
from bot.text.clean import name
from bot.transports.discord.render import layouts
from bot.transports.telegram.render import parts_of as telegram_parts
from storage import Role
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.bot_world import OWNER, bot_world
from tests.support.discord.markdown import read
from tests.support.telegram import markup

HOSTILE = (
    "<b>main</b>&lt;", "@everyone <@1> <@&2>", "[safe](https://x.example)", "**main** `x` ||y|| ~~z~~",
    "a\n# HIGH b\r\n> c\u200b\ufeff", "1.4%\u202e%1.4\ud800\x1b[2J\x00", "@somebody",
)  # fmt: skip
UNMEANT = {"mention", "link", "spoiler", "strike", "italic", "underline", "emoji"}
CALLS = re.compile(r"(?<![\w/])@\w")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging is the process's; what a test sets up ends with it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def wrongs(message: Message) -> list[str]:
    """What a client would make of it that was not meant."""
    found: list[str] = []
    for part in telegram_parts(message):
        parsed = markup.parse(part.html)
        found += [f"Telegram reads {parsed.text!r}"] if parsed.text != part.plain else []
        found += [f"Telegram calls somebody in {part.plain!r}"] if CALLS.search(part.plain) else []
        found += [f"invisible {character!r}" for character in part.plain if _disguises(character)]
    for content in (one for layout in layouts(message) for one in layout):
        for text in (content.text, content.embed.text if content.embed else ""):
            found += [f"Discord sees {mark}" for mark in read(text).marks if mark.kind in UNMEANT]
    return found


def _disguises(character: str) -> bool:
    return character != "\n" and unicodedata.category(character) in ("Cc", "Cf", "Cs")


async def test_no_name_changes_what_is_read_calls_anybody_or_makes_a_line_of_the_log(figure: Gauge) -> None:
    log, looked_at, found = io.StringIO(), 0, []
    setup_logging("DEBUG", secrets=(), stream=log)
    for hostile in HOSTILE:
        async with bot_world(name(hostile), "second", linked=False) as world:
            await world.link(OWNER, Role.ADMIN)
            people = world.app.services.people
            assert await people.person("chat", OWNER) is not None
            await world.check(110)
            for command in sorted(set(all_commands()) - {"replay", "backtest", "chart"}):
                await world.app.dispatcher.obey(world.transport, world.written(f'/{command} "{hostile}"'))
                await world.app.dispatcher.obey(world.transport, world.written(f"/{command}"))
            looked_at += len(world.transport.sent)
            found += [wrong for one in world.transport.sent for wrong in wrongs(one.message)]
    lines = log.getvalue().splitlines()
    figure(Measure.TRIED, looked_at)
    figure(Measure.ACCEPTED, len(found))
    assert found == []
    assert all(isinstance(json.loads(line), dict) for line in lines)


@pytest.mark.parametrize(
    ("given", "shown"), [("@victim", "\uff20victim"), ("a @victim", "a \uff20victim"), ("me@x.example", "me@x.example")]
)
def test_a_name_calls_nobody(given: str, shown: str) -> None:
    assert name(given) == shown
    assert name(name(given)) == shown
