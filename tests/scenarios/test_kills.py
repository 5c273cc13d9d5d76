"""kill -9 at random while alerts fire: nothing that was promised is lost. ``python -m benchmarks.kills`` does it 1,000
times; this is a taste of it."""

from benchmarks.kills import toll
from tests.faults import Measure
from tests.faults.figures import Gauge


async def test_kills_at_random_lose_no_alert_and_repeats_say_that_they_may_be_some(figure: Gauge) -> None:
    found = await toll(8, at_once=2, life_s=(0.1, 1.0), seed=7)

    figure(Measure.KILLS, found.kills)
    figure(Measure.LOST, found.lost)
    figure(Measure.UNMARKED, found.unmarked)
    assert found.repeats <= 2 * found.kills, "at most what was on its way at each kill"
