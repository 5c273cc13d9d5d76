"""docs/reliability.md has every fault with a figure, and whoever is said to inject it exists."""

import ast
from functools import cache
from pathlib import Path

import pytest

from benchmarks.machine import Machine
from benchmarks.reliability.outcome import Outcome
from benchmarks.reliability.page import Part, block, replaced
from benchmarks.reliability.tested import outcomes
from tests.support.faults import SECTIONS, TESTED, Fault, Measure, Section
from tests.support.figures import Failed, Stated

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
FAULTS = [fault for section in SECTIONS for fault in section.faults]
TABLES = {
    line.split(" | ")[0].removeprefix("| "): line.removesuffix(" |").split(" | ")
    for line in PAGE.splitlines()
    if line.startswith("| ")
}


@cache
def functions_of(path: Path) -> dict[str, str]:
    """Source of every function of a file by its name."""
    source = path.read_text(encoding="utf-8")
    return {
        node.name: ast.get_source_segment(source, node) or ""
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.node.removeprefix("tests/"))
def test_whoever_injects_a_fault_exists_and_states_its_figures(fault: Fault) -> None:
    path, _, name = fault.by.partition("::")
    assert (ROOT / path).is_file(), f"{path} does not exist"
    assert name in functions_of(ROOT / path), f"{path} has no {name}"
    if path.startswith("tests/"):
        unstated = [goal for goal in fault.goals if goal.measure.name not in functions_of(ROOT / path)[name]]
        assert not unstated
        source = (ROOT / path).read_text(encoding="utf-8")
        assert not fault.case or f'"{fault.case}"' in source or f"def {fault.case}(" in source


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_every_row_stands_on_the_page_with_its_target_and_a_figure(section: Section) -> None:
    assert f"\n## {section.title}\n" in PAGE
    for number, fault in enumerate(section.faults, start=1):
        name = f"{section.letter}{number}"
        what, how, must, target, measured = TABLES[name][1:]
        assert (what, how, must) == (fault.what, fault.how, fault.must), "the command writes the page again"
        assert target == Outcome(fault=fault).target
        assert any(letter.isdigit() for letter in measured), f"{name} has no figure: {measured}"
        assert f"\n- {name} `{fault.node}`" in PAGE


def test_letters_tests_and_markers_are_one_of_a_kind() -> None:
    assert len({section.letter for section in SECTIONS}) == len(SECTIONS)
    assert len({fault.node for fault in FAULTS}) == len(FAULTS)
    assert all(PAGE.count(marker) == 1 for part in Part for marker in part.markers)


def test_a_test_that_failed_takes_its_figure_along_and_one_that_did_not_run_has_none() -> None:
    ran, failed, absent = (section.faults[0] for section in TESTED[2:5])
    lines: list[Stated | Failed] = [
        Stated(node=fault.node, test=fault.node, measure=goal.measure, value=goal.at_least)
        for fault in (ran, failed)
        for goal in fault.goals
    ]
    found = outcomes([ran, failed, absent], [*lines, Failed(test=failed.node)])

    assert [found[fault.node].met for fault in (ran, failed, absent)] == [True, False, False]
    assert found[failed.node].measured == "**not measured: the test failed**"
    assert found[absent.node].measured == "**not measured: the test did not run**"


def test_the_worst_of_several_figures_counts_and_one_beyond_the_target_is_a_miss() -> None:
    (fault,) = [one for one in FAULTS if one.by.endswith("test_silence_ends_a_stream")]
    assert Outcome(fault=fault, values={Measure.LEFT_AFTER: (0.5, 0.75)}).measured == "left after 0.75 s (worst of 2)"
    missed = Outcome(fault=fault, values={Measure.LEFT_AFTER: (0.5, 12.0)})
    assert (missed.met, missed.measured) == (False, "**left after 12 s (worst of 2): missed**")
    assert Outcome(fault=fault).measured == "**left after ? s: not stated**"


def test_what_stands_outside_the_markers_stays() -> None:
    begin, end = Part.STORM.markers
    page = f"by hand\n{begin}\nold\n{end}\nby hand too\n"

    assert replaced(page, Part.STORM, "new") == f"by hand\n{begin}\nnew\n{end}\nby hand too\n"
    with pytest.raises(ValueError, match="lacks"):
        replaced(page, Part.KILLS, "new")


def test_a_block_says_where_and_when_it_was_made_and_how_many_rows_are_bad() -> None:
    machine = Machine.here()
    text = block(Part.STORM, machine, {fault.node: Outcome(fault=fault) for fault in SECTIONS[-2].faults})

    assert f"{machine.measured_at:%Y-%m-%d}" in text
    assert "2 rows, 2 not as they must be" in text
