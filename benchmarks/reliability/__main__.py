"""python -m benchmarks.reliability [tests] [storm] [kills] [orders] [commands] [soak] [--kills N]

Runs what injects the faults of docs/reliability.md, and writes what was measured between the markers there. Without a
name only the tests run, seven minutes; storm takes three, a thousand kills a quarter of an hour, a thousand in the
middle of orders five, ten thousand commands two, a simulated day a quarter of an hour. What is not run keeps the
figures, and the date, of its last run; `python -m tests.faults NAME --write` measures single rows. The exit code is 1
where a target was missed or a test failed.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping

from benchmarks.machine import Machine
from benchmarks.reliability import drills
from benchmarks.reliability.outcome import Outcome
from benchmarks.reliability.page import write
from benchmarks.reliability.tested import run
from tests.faults import Part


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
        outcomes = measured(part, kills=given.kills)
        write(part, machine, outcomes)
        bad = [name for name, outcome in outcomes.items() if not outcome.met]
        print("".join(f"not as it must be: {name}\n" for name in bad), end="")
        sound = sound and not bad
    sys.exit(0 if sound else 1)


def measured(part: Part, *, kills: int = 1_000) -> Mapping[str, Outcome]:
    """Outcomes of a part by the names of its faults."""
    match part:
        case Part.TESTS:
            return run()
        case Part.STORM:
            return asyncio.run(drills.storm())
        case Part.KILLS:
            return asyncio.run(drills.kills(kills))
        case Part.ORDERS:
            return asyncio.run(drills.orders(kills))
        case Part.SOAK:
            return drills.soak()
        case Part.COMMANDS:
            return asyncio.run(drills.commands())


if __name__ == "__main__":
    main()
