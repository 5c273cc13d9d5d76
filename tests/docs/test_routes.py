"""docs/routes.md says what is: its story is what happens, its tables are what is decided, its file can be read."""

import re
from pathlib import Path

from bot.alerts.routes_file import parse_routes
from risk.decisions.hearing import EVERYTHING, Manner, Verbosity, manner
from risk.decisions.tiers import Tier
from tests.docs.routes_story import play

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "routes.md").read_text(encoding="utf-8")
_MANNERS = {"rings": Manner.RING, "no sound": Manner.SILENT, "digest": Manner.DIGEST}


async def test_the_story_is_what_happens() -> None:
    shown = PAGE.split("<!-- transcript: begin -->\n```text\n")[1].split("\n```\n<!-- transcript: end -->")[0]

    assert shown == await play(), "python -m tests.docs.routes_story prints it again"


def test_the_file_it_shows_can_be_read() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    routes = parse_routes(text, environment={"PAGER_URL": "json://127.0.0.1"})

    assert [step.after.total_seconds() for step in routes.routes[0].steps] == [0, 300, 600]


def test_its_table_of_levels_is_what_is_decided() -> None:
    levels = [Verbosity(name) for name in ("all", "normal", "important", "critical")]
    rows = re.findall(r"^\| ([A-Z, ]+) \|(.*)\|[^|]*\|$", PAGE, re.MULTILINE)
    checked = 0
    for tiers, cells in rows:
        for tier in tiers.split(", "):
            for level, cell in zip(levels, cells.split("|"), strict=True):
                assert manner(level, Tier[tier]) is _MANNERS[cell.strip()], (tier, level)
                checked += 1

    assert checked == 6 * len(levels)
    assert EVERYTHING.verbosity is Verbosity.ALL
