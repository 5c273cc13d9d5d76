"""python -m benchmarks [NAME ...] [--quick] [--json] [--patience SECONDS]

A target that is missed is a row that says no; the exit code is 0, for a busy machine is no defect.
"""

import argparse
import sys

from benchmarks.figures import as_json, as_table
from benchmarks.machine import Machine, wait_until_idle
from benchmarks.measure import NAMES, Outcome, measured
from benchmarks.runner import QUICK, THOROUGH


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
    machine, outcomes = Machine.here(), list[Outcome]()
    for name in arguments.names or NAMES:
        wait_until_idle(arguments.patience)
        print(f"{name} ...", file=sys.stderr, flush=True)
        outcomes.append(measured(name, QUICK if arguments.quick else THOROUGH))
    figures = [figure for outcome in outcomes for figure in outcome.figures]
    failures = [outcome.failure for outcome in outcomes if outcome.failure]
    if arguments.json:
        print(as_json(machine, figures, failures))
        return
    print(f"\n{machine}\nMedians; smaller is better; peer / Keel above 1 means Keel is faster or smaller.\n")
    print(as_table(figures))
    print("".join(f"\nnot measured: {failure}" for failure in failures))


if __name__ == "__main__":
    main()
