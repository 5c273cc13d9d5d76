"""python -m benchmarks.reliability [tests] [storm] [kills] [orders] [--kills N]

Runs what injects the faults of docs/reliability.md, and writes what was measured between the markers there. Without a
name only the tests run, seven minutes; storm takes three, a thousand kills a quarter of an hour, a thousand in the
middle of orders five. What is not run keeps the figures, and the date, of its last run. The exit code is 1 where a
target was missed or a test failed.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.machine import Machine
from benchmarks.node import ROOT
from benchmarks.reliability import drills
from benchmarks.reliability.outcome import Outcome
from benchmarks.reliability.page import Part, block, replaced
from benchmarks.reliability.tested import run

PAGE = ROOT / "docs" / "reliability.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description="What every fault costs.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(Part)}; tests when none is named")
    parser.add_argument("--kills", type=int, default=1_000)
    given = parser.parse_args()
    unknown = [name for name in given.parts if name not in list(Part)]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; choose of {', '.join(Part)}")
    sound = True
    for part in map(Part, given.parts or [Part.TESTS]):
        print(f"{part} ...", file=sys.stderr, flush=True)
        machine = Machine.here()
        outcomes = _measured(part, kills=given.kills)
        _write(PAGE, part, block(part, machine, outcomes))
        bad = [name for name, outcome in outcomes.items() if not outcome.met]
        print("".join(f"not as it must be: {name}\n" for name in bad), end="")
        sound = sound and not bad
    sys.exit(0 if sound else 1)


def _measured(part: Part, *, kills: int) -> Mapping[str, Outcome]:
    match part:
        case Part.TESTS:
            return run()
        case Part.STORM:
            return asyncio.run(drills.storm())
        case Part.KILLS:
            return asyncio.run(drills.kills(kills))
        case Part.ORDERS:
            return asyncio.run(drills.orders(kills))


def _write(page: Path, part: Part, text: str) -> None:
    page.write_text(replaced(page.read_text(encoding="utf-8"), part, text), encoding="utf-8")


if __name__ == "__main__":
    main()
