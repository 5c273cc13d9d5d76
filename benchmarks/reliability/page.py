"""The tables of docs/reliability.md. What stands outside the markers is written by hand and stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.machine import Machine
from benchmarks.node import ROOT
from benchmarks.reliability.outcome import Outcome
from tests.faults import FAULTS, SECTIONS, Fault, Part, Row, Section

PAGE = ROOT / "docs" / "reliability.md"

_HEAD = "| name | fault | how it is injected | must | target | measured | on |"
_PROOFS = "| what may go wrong | criterion | proved by |"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a row of the page says of a measurement."""

    measured: str
    on: str


def sections_of(part: Part) -> Sequence[Section]:
    return [section for section in SECTIONS if section.part is part]


def faults_of(part: Part) -> Sequence[Fault]:
    return [fault for section in sections_of(part) for fault in section.faults]


def markers(name: str) -> tuple[str, str]:
    return f"<!-- measured: {name} -->", f"<!-- end: {name} -->"


def write(part: Part, machine: Machine, outcomes: Mapping[str, Outcome]) -> None:
    """Put outcomes on the page."""
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8"), part, machine, outcomes), encoding="utf-8")


def refreshed(page: str, part: Part, machine: Machine, outcomes: Mapping[str, Outcome]) -> str:
    """The page with these outcomes, by the names of their faults. Rows without one keep what they say."""
    rows = {
        name: Written(measured=one.measured, on=f"{machine.measured_at:%Y-%m-%d}") for name, one in outcomes.items()
    }
    known = {**written(page), **rows}
    page = replaced(page, "proofs", proofs())
    return replaced(page, part, block(part, machine, known))


def block(part: Part, machine: Machine, rows: Mapping[str, Written]) -> str:
    """What stands between the markers of a part."""
    faults = faults_of(part)
    bad = sum(fault.name not in rows or "**" in rows[fault.name].measured for fault in faults)
    verdict = "all as they must be" if not bad else f"{bad} not as they must be, in bold"
    head = f"Made by `python -m benchmarks.reliability {part}` on {machine}. {len(faults)} rows, {verdict}."
    return "\n\n".join([head, *(_section(section, rows) for section in sections_of(part))])


def proofs() -> str:
    """Every row of `tests.faults.promises`, and the faults that prove it."""
    lines = [_PROOFS, "|---|---|---|"]
    for row in Row:
        if names := [f"`{fault.name}`" for fault in FAULTS if fault.proves is row]:
            lines.append(f"| {row.what} | {row.criterion} | {', '.join(names)} |")
    return "\n".join(lines)


def written(page: str) -> Mapping[str, Written]:
    """What the page says of each fault it has a row of."""
    names = {fault.name for fault in FAULTS}
    cells = (line.removeprefix("| ").removesuffix(" |").split(" | ") for line in page.splitlines() if line[:2] == "| ")
    return {row[0]: Written(measured=row[-2], on=row[-1]) for row in cells if len(row) == 7 and row[0] in names}


def replaced(page: str, name: str, text: str) -> str:
    """The page with another text between the markers of this name. Raises: ValueError, where it lacks them."""
    begin, end = markers(name)
    before, found, rest = page.partition(f"{begin}\n")
    _, ended, after = rest.partition(f"{end}\n")
    if not found or not ended:
        raise ValueError(f"the page lacks {begin} or {end}")
    return f"{before}{begin}\n{text}\n{end}\n{after}"


def _section(section: Section, rows: Mapping[str, Written]) -> str:
    table = [_HEAD, "|---|---|---|---|---|---|---|"]
    for fault in section.faults:
        row = rows.get(fault.name) or Written(measured="**not measured yet**", on="")
        target = Outcome(fault=fault).target
        table.append(
            f"| {fault.name} | {fault.what} | {fault.how} | {fault.must} | {target} | {row.measured} | {row.on} |"
        )
    return "\n".join([f"## {section.title}", "", *table, "", *(f"- {one.name} `{one.node}`" for one in section.faults)])
