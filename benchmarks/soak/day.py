"""One soak as a whole: run, and written down."""

from pathlib import Path

from benchmarks.machine import Machine
from benchmarks.node import ROOT
from benchmarks.soak.page import page
from benchmarks.soak.run import Outcome, Plan, Soak
from benchmarks.soak.time import run_paced

PAGE = ROOT / "docs" / "soak.md"


def day(plan: Plan | None = None, *, report: Path | None = PAGE) -> Outcome:
    """Run a plan, a day unless another is given, and write its report."""
    plan, machine = plan or Plan(), Machine.here()
    outcome = run_paced(lambda pace, clock: Soak.of(plan, pace, clock).run(), plan.speed)
    if report is not None:
        report.write_text(page(outcome, machine), encoding="utf-8")
    return outcome
