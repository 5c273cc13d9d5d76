"""A process that kills itself in the middle of a transaction: before every statement it sends to SQLite, in turn.

Usage: python -m tests.storage.kill_worker FOLDER. One database for each crash point, N.db, is left behind in FOLDER;
the last one is that of the run that survived. Prints how many there are.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

# Before the first fork, or every child would spend a second on it.
import sqlite_utils  # noqa: F401

from risk.decisions.tiers import Tier, TierState
from storage import IncidentStep, Store
from tests.storage.builders import DESK, PHONE, assess, make_cause, make_incident, make_notice

if TYPE_CHECKING:
    from sqlite_utils import Database

MOST_STATEMENTS = 200


async def assess_and_die(path: Path, statements: int) -> None:
    """Store an assessment, and be killed when the given number of statements has been started."""
    started = 0

    def count(_sql: str) -> None:
        nonlocal started
        started += 1
        if started > statements:
            os.kill(os.getpid(), signal.SIGKILL)

    def arm(db: "Database") -> None:
        db.conn.set_trace_callback(count)

    async with await Store.open(path) as store:
        # What stood before must survive as well.
        await assess(store, steps=[IncidentStep(before=None, after=make_incident(1, cause=make_cause("earlier")))])
        await store.run(arm)
        await assess(
            store,
            steps=[IncidentStep(before=None, after=make_incident(2))],
            notices=[
                make_notice("phone", incident_id=2, receiver=PHONE),
                make_notice("desk", incident_id=2, receiver=DESK),
            ],
            tier_states={"main": TierState(tier=Tier.HIGH, known=Tier.HIGH)},
        )
        await store.run(lambda db: db.conn.set_trace_callback(None))


def main(folder: Path) -> None:
    for statements in range(MOST_STATEMENTS):
        child = os.fork()
        if child == 0:
            asyncio.run(assess_and_die(folder / f"{statements}.db", statements))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            sys.stdout.write(f"{statements + 1}\n")
            return
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            sys.exit("a run ended on its own")
    sys.exit("no run survived")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
