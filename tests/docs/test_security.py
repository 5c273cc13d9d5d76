"""docs/security.md says what is so: its proofs are faults there are, its settings and commands exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config import Settings
from bot.secret_settings import secret_names
from tests.faults import FAULTS
from tests.faults.promises import Row, Table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"
NAMES = {fault.name for fault in FAULTS}
QUOTED = re.compile(r"`([^`]+)`")
SETTING = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")


def rows_of(heading: str) -> Iterator[list[str]]:
    """Cells of the rows of the table below a heading, without its head."""
    section = PAGE.read_text("utf-8").split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


THREATS = list(rows_of("Threats, controls, proofs"))


@pytest.mark.parametrize("cells", THREATS, ids=lambda cells: cells[0][:40])
def test_every_threat_has_a_control_and_a_proof_that_can_be_run(cells: list[str]) -> None:
    threat, control, proof = cells
    named = QUOTED.findall(proof)

    assert threat
    assert control
    assert named
    assert set(named) <= NAMES, "python -m tests.faults lists the names there are"


@pytest.mark.parametrize("row", [row for row in Row if row.table is Table.THREATS], ids=lambda row: row.name.lower())
def test_every_threat_that_has_a_promise_stands_on_the_page(row: Row) -> None:
    proofs = {fault.name for fault in FAULTS if fault.proves is row}
    shown = {name for cells in THREATS for name in QUOTED.findall(cells[2])}

    assert proofs & shown


def test_settings_on_the_page_exist() -> None:
    settings = {name.upper() for name in Settings.model_fields}
    settings |= {f"{name.upper()}_FILE" for name in secret_names(Settings)}
    named = {name for quoted in QUOTED.findall(PAGE.read_text("utf-8")) for name in SETTING.findall(quoted)}

    assert named - settings == set()


def test_every_secret_setting_can_be_rotated_by_the_page() -> None:
    section = PAGE.read_text("utf-8").split("\n## Changing every secret\n", 1)[1].split("\n## ", 1)[0]

    assert {name.upper() for name in secret_names(Settings)} <= set(QUOTED.findall(section))
