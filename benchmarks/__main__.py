"""python -m benchmarks [NAME ...] [--quick] [--json] [--patience SECONDS]

A target that is missed is a row that says no; the exit code is 0, for a busy machine is no defect.
"""

import argparse
import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.figures import Figure, as_json, as_table
from benchmarks.machine import Machine, wait_until_idle
from benchmarks.runner import QUICK, THOROUGH, Effort

# Each is a module here with a function ``figures``. Processes come first: nothing they start waits for what follows.
NAMES = ("process", "health", "liquidation", "scenarios", "fleet", "tick")
Figures = Callable[[Effort], Iterator[Figure]]


@dataclass(slots=True)
class Results:
    """What has been measured so far, and the reasons why something was not."""

    figures: list[Figure]
    failures: list[str]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast Keel is, beside driftpy.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which, of {', '.join(NAMES)}; all when none is named"
    )
    parser.add_argument("--quick", action="store_true", help="few repetitions: whether it runs, not how fast it is")
    parser.add_argument("--json", action="store_true", help="one JSON object, in seconds and MiB")
    parser.add_argument(
        "--patience", type=float, default=0.0, metavar="SECONDS",
        help="before each benchmark, wait so long at most for the machine to have nothing else to do",
    )  # fmt: skip
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; choose of {', '.join(NAMES)}")
    warnings.simplefilter("ignore")  # driftpy's dependencies have many
    machine, results = Machine.here(), Results([], [])
    for name in arguments.names or NAMES:
        wait_until_idle(arguments.patience)
        print(f"{name} ...", file=sys.stderr, flush=True)
        measure(name, QUICK if arguments.quick else THOROUGH, results)
    if arguments.json:
        print(as_json(machine, results.figures, results.failures))
    else:
        print(f"\n{machine}\nMedians; smaller is better; peer / Keel above 1 means Keel is faster or smaller.\n")
        print(as_table(results.figures))
        print("".join(f"\nnot measured: {failure}" for failure in results.failures))


def measure(name: str, effort: Effort, results: Results) -> None:
    """Add the figures of one benchmark; one that breaks leaves a reason and the others alone."""
    try:
        figures: Figures = importlib.import_module(f"benchmarks.{name}").figures
        results.figures.extend(figures(effort))
    except Exception as exc:  # noqa: BLE001  # the top of a job: the other benchmarks are still worth having
        results.failures.append(f"{name}: {type(exc).__name__}: {exc}")


if __name__ == "__main__":
    main()
