"""The tables of docs/reliability.md. What stands outside the markers is written by hand and stays."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from benchmarks.machine import Machine
from benchmarks.reliability.outcome import Outcome
from tests.support.faults import KILLS, ORDERS, STORM, TESTED, Section


class Part(StrEnum):
    """What is measured in one go, and stands between one pair of markers."""

    TESTS = "tests"
    STORM = "storm"
    KILLS = "kills"
    ORDERS = "orders"

    @property
    def sections(self) -> Sequence[Section]:
        return {Part.TESTS: TESTED, Part.STORM: (STORM,), Part.KILLS: (KILLS,), Part.ORDERS: (ORDERS,)}[self]

    @property
    def markers(self) -> tuple[str, str]:
        return f"<!-- measured: {self} -->", f"<!-- end: {self} -->"


def block(part: Part, machine: Machine, outcomes: Mapping[str, Outcome]) -> str:
    """What stands between the markers."""
    rows = [outcomes[fault.node] for section in part.sections for fault in section.faults]
    bad = sum(not outcome.met for outcome in rows)
    verdict = "all as they must be" if not bad else f"{bad} not as they must be, in bold"
    head = f"Made by `python -m benchmarks.reliability {part}` on {machine}. {len(rows)} rows, {verdict}."
    return "\n\n".join([head, *(_section(section, outcomes) for section in part.sections)])


def replaced(page: str, part: Part, text: str) -> str:
    """The page with another text between the markers. Raises: ValueError, where it lacks them."""
    begin, end = part.markers
    before, found, rest = page.partition(f"{begin}\n")
    _, ended, after = rest.partition(f"{end}\n")
    if not found or not ended:
        raise ValueError(f"the page lacks {begin} or {end}")
    return f"{before}{begin}\n{text}\n{end}\n{after}"


def _section(section: Section, outcomes: Mapping[str, Outcome]) -> str:
    rows = [outcomes[fault.node] for fault in section.faults]
    table = ["| | fault | how it is injected | must | target | measured |", "|---|---|---|---|---|---|"]
    tests: list[str] = []
    for number, row in enumerate(rows, start=1):
        name, fault = f"{section.letter}{number}", row.fault
        table.append(f"| {name} | {fault.what} | {fault.how} | {fault.must} | {row.target} | {row.measured} |")
        tests.append(f"- {name} `{fault.node}`")
    return "\n".join([f"## {section.title}", "", *table, "", *tests])
