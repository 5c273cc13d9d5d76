"""docs/mutation.md has a result of every target, nine of ten changes were noticed, and every survivor is explained."""

import re
from functools import cache
from pathlib import Path

import pytest

from benchmarks.machine import Machine
from benchmarks.mutation.changes import Change, Program, changes
from benchmarks.mutation.outcome import Excuse, Explanation, Outcome, Survivor, explanations
from benchmarks.mutation.page import LEAST_FRAC, block, markers, replaced
from benchmarks.mutation.targets import TARGETS, Target

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "mutation.md").read_text(encoding="utf-8")
TARGET = Target(name="piece", what="", sources=("piece.py",), tests=("test_piece.py",))


def block_of(name: str) -> str:
    begin, end = markers(name)
    return PAGE.partition(begin)[2].partition(end)[0]


@cache
def changes_of(path: str) -> list[Change]:
    return changes(Program(path, (ROOT / path).read_text(encoding="utf-8")))


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_the_files_of_a_target_exist(target: Target) -> None:
    assert all((ROOT / name).exists() for name in (*target.sources, *target.tests))
    assert target.files(ROOT)
    assert target.test_files(ROOT)


@pytest.mark.parametrize("name", TARGETS)
def test_nine_of_ten_changes_of_every_target_were_noticed_and_every_survivor_is_explained(name: str) -> None:
    text = block_of(name)
    assert f"`python -m benchmarks.mutation {name}`" in text
    (row,) = re.findall(
        r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| ([\d.]+)% \|", text, re.MULTILINE
    )
    tried, killed, slow, survived, equivalent, accepted, unexplained = map(int, row[:7])
    assert tried == killed + slow + survived
    assert survived == equivalent + accepted + unexplained
    assert (killed + slow) / tried >= LEAST_FRAC
    assert unexplained == 0
    assert "not tried yet" not in text


def covered(one: Explanation) -> int:
    return sum(one.covers(change) for change in changes_of(one.path))


@pytest.mark.parametrize("path", sorted({one.path for one in explanations()}))
def test_what_is_explained_can_still_happen(path: str) -> None:
    gone = [f"{one.where}: {one.change}" for one in explanations() if one.path == path and not covered(one)]
    assert not gone, "take what is gone out of benchmarks/mutation/explained.toml"


def test_an_explanation_is_a_sentence() -> None:
    for one in explanations():
        assert len(one.reason) > 20
        assert not one.reason.endswith(".")


def piece() -> tuple[list[Change], Outcome]:
    found = changes(Program("piece.py", "def f(a):\n    return a < 1\n"))
    known = Explanation(
        path="piece.py", where="f", change="a < 1 → a <= 1", statement="", excuse=Excuse.ACCEPTED,
        reason="it does not matter",
    )  # fmt: skip
    survivors = [
        Survivor(change=change, why=known if known.covers(change) else None)
        for change in found
        if change.kind == "comparison"
    ]
    outcome = Outcome(
        target=TARGET, killed=len(found) - 2, too_long=0, stillborn=1, survivors=survivors, untried=0, cpu_s=60.0
    )
    return found, outcome


def test_an_explanation_covers_the_change_it_names_and_no_other() -> None:
    found, outcome = piece()
    assert [(one.change.text, one.why is not None) for one in outcome.survivors] == [
        ("a < 1 → a <= 1", True), ("a < 1 → a >= 1", False),
    ]  # fmt: skip
    assert (outcome.tried, outcome.unexplained) == (len(found), 1)


def test_the_page_says_what_is_below_the_target_and_what_nobody_has_explained() -> None:
    _, outcome = piece()
    text = block(outcome, Machine.here())
    assert "**Below 90%.**" in text
    assert "- **unexplained**\n    - `piece.py`, `f`: `a < 1 → a >= 1`" in text
    assert "- accepted: it does not matter\n    - `piece.py`, `f`: `a < 1 → a <= 1`" in text


def test_a_block_replaces_what_stood_between_its_markers_and_nothing_else() -> None:
    begin, end = markers("piece")
    page = f"before\n{begin}\nold\n{end}\nafter\n"
    assert replaced(page, "piece", "new") == f"before\n{begin}\nnew\n{end}\nafter\n"
    with pytest.raises(ValueError, match="the page lacks"):
        replaced("nothing", "piece", "new")
