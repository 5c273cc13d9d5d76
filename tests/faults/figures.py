"""How a test states what it measured for its row of docs/reliability.md; see tests/faults."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults import TESTED, Fault, Measure

_ROWS = {fault.node: fault for fault in TESTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A figure, as it stands in a line of $KEEL_FIGURES. ``test`` is the whole name pytest has for it."""

    node: str
    test: str
    measure: Measure
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A test that failed, whatever it stated before."""

    test: str


class Gauge:
    """What one test states. Each figure is held to the row's goal, and noted where $KEEL_FIGURES names a file."""

    def __init__(self, test: str) -> None:
        self._test = test

    def __call__(self, measure: Measure, value: float) -> None:
        """State a figure. Raises: AssertionError, beyond the goal; LookupError, where no row speaks of it."""
        fault = row_of(self._test)
        goal = fault.goal(measure)
        note(Stated(node=fault.node, test=self._test, measure=measure, value=float(value)))
        assert goal.met_by(value), f"{fault.what}: {measure.name} is {value:g}; wanted is {goal}"

    def took(self, measure: Measure, seconds: float) -> None:
        """State seconds of the wall clock: held to the goal only where figures are asked for, on a quiet machine.

        Anywhere else a machine that stands still for a while would fail the test, not Keel.
        """
        if os.environ.get("KEEL_FIGURES"):
            self(measure, seconds)
        else:
            row_of(self._test).goal(measure)

    @contextmanager
    def timing(self, measure: Measure) -> Iterator[None]:
        """State how many seconds the block took, if it comes to its end; see ``took``."""
        began = time.monotonic()
        yield
        self.took(measure, time.monotonic() - began)


def row_of(test: str) -> Fault:
    """Raises: LookupError, where no row names this test."""
    fault = _ROWS.get(test) or _ROWS.get(test.partition("[")[0])
    if fault is None:
        raise LookupError(f"no row of tests/faults names {test}")
    return fault


def names_of(test: str) -> set[str]:
    """Names of the faults this test injects, by which it can be picked."""
    return {fault.name for fault in TESTED if fault.injected_by(test)}


def note(line: Stated | Failed) -> None:
    """Append a line to the file the environment names, if it names one."""
    if path := os.environ.get("KEEL_FIGURES"):
        facts: dict[str, str | float] = {"test": line.test}
        if isinstance(line, Stated):
            facts |= {"node": line.node, "measure": line.measure.name, "value": line.value}
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")


def noted(text: str) -> list[Stated | Failed]:
    """The lines of such a file."""
    found: list[Stated | Failed] = []
    for facts in map(json.loads, text.splitlines()):
        if "measure" in facts:
            measure = Measure[facts["measure"]]
            found.append(Stated(node=facts["node"], test=facts["test"], measure=measure, value=facts["value"]))
        else:
            found.append(Failed(test=facts["test"]))
    return found
