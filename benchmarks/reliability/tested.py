"""The tests that inject faults, run once, and what they stated."""

import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.node import ROOT
from benchmarks.reliability.outcome import Outcome
from tests.faults import TESTED, Fault, Measure
from tests.faults.figures import Failed, Stated, noted


def run(faults: Sequence[Fault] = TESTED) -> Mapping[str, Outcome]:
    """Outcomes by the names of the faults."""
    tests = list(dict.fromkeys(fault.node for fault in faults))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures"
        path.touch()
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "KEEL_FIGURES": str(path)}, check=False)  # noqa: S603
        if done.returncode not in (0, 1):  # 1: some failed, which the rows say
            raise SystemExit(f"pytest ended with {done.returncode}; nothing was measured")
        lines = noted(path.read_text(encoding="utf-8"))
    return outcomes(faults, lines)


def outcomes(faults: Iterable[Fault], lines: Iterable[Stated | Failed]) -> Mapping[str, Outcome]:
    """What the lines say of each fault. A test that failed takes its row along, whatever it stated before."""
    lines = list(lines)
    stated: dict[str, dict[Measure, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if isinstance(line, Stated):
            stated[line.node][line.measure].append(line.value)
    failed = {line.test for line in lines if isinstance(line, Failed)}
    found: dict[str, Outcome] = {}
    for fault in faults:
        values = {measure: tuple(own) for measure, own in stated[fault.node].items()}
        why_not = "" if values else "the test did not run"
        if any(map(fault.injected_by, failed)):
            why_not = "the test failed"
        found[fault.name] = Outcome(fault=fault, values=values, why_not=why_not)
    return found
