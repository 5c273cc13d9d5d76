"""python -m benchmarks.order_kills [--kills N] [--at-once N] [--seed N]

Trade desks are killed with SIGKILL while orders go out to a Solana node on loopback that lands them, fails them, loses
its answers, drops them, refuses them and lets them expire: at every named moment in turn, before any statement of
SQLite, and from outside at random. Started again on the same database each goes on, until it is killed again. In the
end what the node saw is held against what the database says. ``python -m benchmarks.reliability orders`` writes the
figures into docs/reliability.md.
"""

import argparse
import asyncio
import sys
import time

from tests.support.order_kills.moments import SCENES
from tests.support.order_kills.run import Toll, toll


async def killed(kills: int, *, at_once: int = 2, seed: int = 1) -> Toll:
    """Kill so often."""
    return await toll(kills, at_once=at_once, seed=seed)


def missed(found: Toll) -> list[str]:
    """Named moments at which nothing died."""
    return [name for name in SCENES if not found.at[name]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.order_kills", description="What kill -9 costs orders.")
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--at-once", type=int, default=2, help="desks side by side")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began_s = time.monotonic()
    found = asyncio.run(killed(given.kills, at_once=given.at_once, seed=given.seed))
    for name, times in sorted(found.at.items()):
        print(f"  {times:5,d}  {name}")
    print(
        f"{found.kills:,d} kills in {time.monotonic() - began_s:,.0f} s (seed {given.seed}):"
        f" {sum(one.proposals for one in found.verdicts):,d} proposals,"
        f" {sum(one.approved for one in found.verdicts):,d} approved,"
        f" {sum(one.sent for one in found.verdicts):,d} transactions taken,"
        f" {sum(one.landed for one in found.verdicts):,d} landed;"
        f" {len(found.duplicates)} sent twice, {len(found.unapproved)} without approval, {len(found.lost)} lost,"
        f" {len(found.wrong)} believed wrongly; {len(missed(found))} moments missed"
    )
    problems = (*found.duplicates, *found.unapproved, *found.lost, *found.wrong, *missed(found))
    print("".join(f"  {problem}\n" for problem in problems), end="")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
