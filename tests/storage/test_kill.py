"""kill -9 at every statement of the transaction that promises an alert: afterwards all of it is there, or nothing."""

import os
import subprocess
import sys
from pathlib import Path

from storage import Incidents, Outbox, Store, TierStates
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.storage.builders import claim_ids

ROOT = Path(__file__).resolve().parents[2]


async def test_a_kill_at_any_statement_leaves_the_whole_assessment_or_none_of_it(tmp_path: Path, figure: Gauge) -> None:
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs in this test
        [sys.executable, "-m", "tests.storage.kill_worker", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # a fork copies only one thread
        capture_output=True,
        check=True,
        text=True,
        timeout=240,
    )
    crash_points = int(done.stdout)
    figure(Measure.KILLS, crash_points)
    whole, halves = list[bool](), list[int]()
    for number in range(crash_points):
        async with await Store.open(tmp_path / f"{number}.db") as store:
            incidents = {incident.incident_id for incident in await Incidents(store).open_incidents()}
            states = set(await TierStates(store).load())
            waiting = set(await claim_ids(store))
            found = (incidents, states, waiting)
            halves += [] if found in [({1}, set(), set()), ({1, 2}, {"main"}, {"phone", "desk"})] else [number]
            whole.append(incidents == {1, 2})
            assert (await Outbox(store).counts()).dead == 0
    figure(Measure.HALVES, len(halves))
    # Nothing counts before COMMIT, everything after.
    assert whole == sorted(whole)
    assert whole[-1]
    assert not whole[0]
