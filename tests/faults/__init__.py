"""Named faults: what is broken on purpose, who breaks it, what must hold, what was measured.

    python -m tests.faults                        # every name, with what it proves
    python -m tests.faults node-down disk-full    # these, and what they measured
    python -m tests.faults disk-full --write      # the same, and their rows of docs/reliability.md
    python -m pytest -k disk-full                 # its test and no other

A fault is a row (`parts.Fault`) in a module of its subject, which ends with ``SECTIONS = (...)`` and stands in
``SUBJECTS`` below. Such a module is data: it imports `parts` and `promises`, never what it breaks. Of a row,

- ``name`` is kebab-case, begins with its subject, is part of no other name, and stays;
- ``proves`` is the row of `promises` it stands for; one of these without any fault fails a test;
- ``by`` is the test that injects it, wherever it lives, and ``case`` one of its parameters;
- ``goals`` are what the test must measure. It states each by name, with the fixture ``figure``:
  ``figure(Measure.LOST, len(lost))``, which fails the test beyond the goal.

What takes too long for a test belongs to another `Part`: ``by`` names a function below benchmarks/, which
benchmarks/reliability/drills.py runs, and the page has a pair of markers for it.
"""

from importlib import import_module

from tests.faults.parts import Fault, Goal, Measure, Part, Section, Unit, number
from tests.faults.promises import Promise, Row, Table

SUBJECTS = (
    "venue",
    "chat",
    "delivery",
    "memory",
    "secrets",
    "supply",
    "process",
    "execution",
    "surface",
    "lies",
    "soak",
    "signer",
    "unsigned",
)

SECTIONS: tuple[Section, ...] = tuple(
    section for subject in SUBJECTS for section in import_module(f"tests.faults.{subject}").SECTIONS
)
FAULTS: tuple[Fault, ...] = tuple(fault for section in SECTIONS for fault in section.faults)
TESTED: tuple[Fault, ...] = tuple(
    fault for section in SECTIONS if section.part is Part.TESTS for fault in section.faults
)

__all__ = [
    "FAULTS", "SECTIONS", "SUBJECTS", "TESTED", "Fault", "Goal", "Measure", "Part", "Promise", "Row", "Section",
    "Table", "Unit", "number",
]  # fmt: skip
