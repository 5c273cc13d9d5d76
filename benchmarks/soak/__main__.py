"""python -m benchmarks.soak [--hours 24] [--speed 100] [--seed N]

The whole bot for a simulated day under faults by chance, everything promised checked all the while. Writes
docs/soak.md. The first violation ends the run, is printed with its seed and its simulated moment, and makes the exit
code 1; so does a run that takes four times as long as it should on an idle machine. Ctrl-C stops it and writes nothing.
"""

import argparse
import asyncio
import math
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.soak.day import PAGE, day
from benchmarks.soak.run import SLICE, Plan

_LEAST_WALL_S = 600.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="A day of the bot under fire.")
    parser.add_argument("--hours", type=float, default=24.0, help="simulated")
    parser.add_argument("--speed", type=float, default=100.0, help="at most so many times that of the wall")
    parser.add_argument("--seed", type=int, help="of prices, faults and people")
    parser.add_argument("--slice", action="store_true", help="ten minutes with everything packed in, as in the tests")
    parser.add_argument("--goes-on", action="store_true", help="beyond the first violation, to see all of them")
    parser.add_argument("--most-minutes", type=float, help="of the wall; four times what it should take if left out")
    parser.add_argument("--log", type=Path, help="keep the bot's log here, and say every ten minutes how it goes")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the report goes")
    given = parser.parse_args()
    lasts_s = given.hours * 3_600.0
    most_s = given.most_minutes * 60.0 if given.most_minutes else max(_LEAST_WALL_S, 4.0 * lasts_s / given.speed)
    plan = Plan(lasts_s=lasts_s, speed=given.speed, most_wall_s=most_s, log=given.log)
    if given.slice:
        plan = replace(SLICE, speed=given.speed, log=given.log)
    plan = replace(plan, goes_on=given.goes_on)
    if given.seed is not None:
        plan = replace(plan, seed=given.seed)
    try:
        outcome = day(plan, report=None if given.slice else given.page)
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("stopped; nothing was written", file=sys.stderr)
        sys.exit(130)
    for violation in outcome.violations:
        print(f"seed {plan.seed}, {violation}", file=sys.stderr)
    if outcome.violations:
        how = "--slice" if given.slice else f"--hours {given.hours:g}"
        again = f"python -m benchmarks.soak {how} --speed {given.speed:g} --seed {plan.seed}"
        print(f"again, with its log: {again} --log soak.log", file=sys.stderr)
        sys.exit(1)
    slope = "" if math.isnan(outcome.slope_mib) else f"{outcome.slope_mib:+.2f} MiB for 100,000 assessments, "
    print(
        f"{outcome.simulated_s / 3_600:.1f} h in {outcome.wall_s / 60:.0f} min: {outcome.faults.total():,} faults,"
        f" {outcome.breaches:,} breaches, {outcome.executed:,} orders, {slope}0 violations"
    )


if __name__ == "__main__":
    main()
