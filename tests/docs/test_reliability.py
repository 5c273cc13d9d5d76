"""docs/reliability.md has every fault with a figure, and whoever is said to inject it exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from benchmarks.machine import Machine
from benchmarks.reliability.outcome import Outcome
from benchmarks.reliability.page import Written, block, faults_of, markers, proofs, refreshed, replaced, written
from benchmarks.reliability.tested import outcomes
from tests.faults import FAULTS, SECTIONS, SUBJECTS, TESTED, Fault, Measure, Part, Row, Section, Table
from tests.faults.__main__ import listed
from tests.faults.figures import Failed, Stated, names_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
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
    for fault in section.faults:
        assert fault.name in TABLES, f"run python -m tests.faults {fault.name} --write"
        what, how, must, target, measured, on = TABLES[fault.name][1:]
        assert (what, how, must) == (fault.what, fault.how, fault.must), "the command writes the page again"
        assert target == Outcome(fault=fault).target
        assert any(letter.isdigit() for letter in measured), f"{fault.name} has no figure: {measured}"
        assert on, f"{fault.name} was never measured"
        assert f"\n- {fault.name} `{fault.node}`" in PAGE


@pytest.mark.parametrize("row", [row for row in Row if row.table is not Table.TARGETS], ids=lambda row: row.name)
def test_everything_that_is_promised_is_proved_by_a_named_fault_with_a_figure(row: Row) -> None:
    proving = [fault for fault in FAULTS if fault.proves is row]
    assert proving, f"no fault of tests/faults proves that {row.what}: {row.criterion}"
    assert all(fault.goals for fault in proving)


def test_the_page_names_every_proof() -> None:
    assert f"\n{proofs()}\n" in PAGE, "the command writes the page again"


def test_a_name_picks_one_fault_and_no_other() -> None:
    names = [fault.name for fault in FAULTS]
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []
    assert [(one, other) for one in names for other in names if one is not other and one in other] == []
    assert all(f"  {name} " in listed() for name in names)


def test_tests_subjects_and_markers_are_one_of_a_kind() -> None:
    assert len({fault.node for fault in FAULTS}) == len(FAULTS)
    assert len(set(SUBJECTS)) == len(SUBJECTS)
    assert all(PAGE.count(marker) == 1 for name in ("proofs", *Part) for marker in markers(name))


def test_every_module_of_faults_is_a_subject() -> None:
    modules = {path.stem for path in (ROOT / "tests" / "faults").glob("*.py") if "\nSECTIONS = (" in path.read_text()}
    assert modules == set(SUBJECTS)


def test_a_fault_is_picked_by_its_name_on_the_command_line() -> None:
    silent = next(fault for fault in TESTED if fault.name == "websocket-slots-stand-still")
    assert names_of(f"{silent.by}[silent]") == {"websocket-slots-stand-still"}
    assert names_of("tests/scenarios/test_kill.py::test_another") == set()


def test_a_test_that_failed_takes_its_figure_along_and_one_that_did_not_run_has_none() -> None:
    ran, failed, absent = (section.faults[0] for section in SECTIONS[2:5])
    lines: list[Stated | Failed] = [
        Stated(node=fault.node, test=fault.node, measure=goal.measure, value=goal.at_least)
        for fault in (ran, failed)
        for goal in fault.goals
    ]
    found = outcomes([ran, failed, absent], [*lines, Failed(test=failed.node)])

    assert [found[fault.name].met for fault in (ran, failed, absent)] == [True, False, False]
    assert found[failed.name].measured == "**not measured: the test failed**"
    assert found[absent.name].measured == "**not measured: the test did not run**"


def test_the_worst_of_several_figures_counts_and_one_beyond_the_target_is_a_miss() -> None:
    (fault,) = [one for one in FAULTS if one.by.endswith("test_silence_ends_a_stream")]
    assert Outcome(fault=fault, values={Measure.LEFT_AFTER: (0.5, 0.75)}).measured == "left after 0.75 s (worst of 2)"
    missed = Outcome(fault=fault, values={Measure.LEFT_AFTER: (0.5, 12.0)})
    assert (missed.met, missed.measured) == (False, "**left after 12 s (worst of 2): missed**")
    assert Outcome(fault=fault).measured == "**left after ? s: not stated**"


def test_what_stands_outside_the_markers_stays() -> None:
    begin, end = markers(Part.STORM)
    page = f"by hand\n{begin}\nold\n{end}\nby hand too\n"

    assert replaced(page, Part.STORM, "new") == f"by hand\n{begin}\nnew\n{end}\nby hand too\n"
    with pytest.raises(ValueError, match="lacks"):
        replaced(page, Part.KILLS, "new")


def test_what_was_not_measured_again_keeps_its_figure_and_its_day() -> None:
    again, kept = faults_of(Part.STORM)
    values = {goal.measure: (goal.at_most,) for goal in again.goals}
    before = written(PAGE)
    after = written(refreshed(PAGE, Part.STORM, Machine.here(), {again.name: Outcome(fault=again, values=values)}))

    assert after[kept.name] == before[kept.name]
    assert after[again.name].measured.startswith("the first told after 0.15 s")
    assert after[again.name].on == f"{Machine.here().measured_at:%Y-%m-%d}"


def test_a_block_says_where_and_when_it_was_made_and_how_many_rows_are_bad() -> None:
    machine = Machine.here()
    bad, _ = faults_of(Part.STORM)
    text = block(Part.STORM, machine, {bad.name: Written(measured="**9 lost: missed**", on="2026-01-01")})

    assert f"{machine.measured_at:%Y-%m-%d}" in text
    assert "2 rows, 2 not as they must be" in text
    assert "**not measured yet**" in text
