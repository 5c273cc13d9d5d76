"""The README says what is: its transcript is the demo's, its links lead somewhere, its commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import main
from bot.commands.registry import all_commands

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TRANSCRIPT = ROOT / "docs" / "demo.txt"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.fixture(scope="module")
def demo() -> str:
    run = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--script"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return run.stdout


def test_the_transcript_is_what_the_demo_prints(demo: str) -> None:
    assert TRANSCRIPT.read_text(encoding="utf-8") == demo, "make docs writes it again"


def test_the_readme_shows_parts_of_the_transcript_word_for_word() -> None:
    shown = README.split("<!-- transcript: begin -->")[1].split("<!-- transcript: end -->")[0]
    parts = shown.strip().removeprefix("```text\n").removesuffix("\n```").split("\n[...]\n")

    assert len(parts) > 1
    for part in parts:
        assert part.strip("\n") in TRANSCRIPT.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)\)", text) + re.findall(r'<img src="([^"]+)"', text)

    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]

    assert not missing


def test_every_command_of_the_chat_is_in_the_readme() -> None:
    assert not [name for name in all_commands() if f"`/{name}`" not in README]


def test_every_command_line_the_readme_shows_exists() -> None:
    shown = set(re.findall(r"(?:`|bin/|: )keel ([a-z]+)", README))

    assert shown
    assert shown <= set(main.commands)


def test_pages_do_not_speak_of_the_place_they_were_written_at() -> None:
    for page in PAGES:
        # An absolute path of two folders or more is one of somebody's machine, but where services live on every one.
        assert not re.search(
            r"(?<![\w./:])/(?!etc/|opt/|run/|usr/|var/lib/)[a-z_]+/[a-z_]+", page.read_text(encoding="utf-8")
        ), page
