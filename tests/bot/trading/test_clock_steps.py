"""A clock that is set gives nobody time: what has expired by any clock counts for nothing."""

from datetime import datetime, timedelta

import pytest

from risk.model.proposal import ProposalState
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.clock import FakeClock
from tests.support.trade_world import TradeWorld, trade_world


class SetClock(FakeClock):
    """One whose wall clock can be set, while its monotonic one goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.set_by_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.set_by_s)


async def seconds_pass(world: TradeWorld, count: float) -> None:
    """With the job that runs every second."""
    for _ in range(round(count)):
        world.clock.pass_s(1)
        await world.desk.expire()


@pytest.mark.parametrize("set_by_s", [-7 * 3_600, -45, 7 * 3_600], ids=["hours back", "a little back", "hours ahead"])
async def test_a_yes_after_its_time_counts_for_nothing_however_the_clock_was_set(
    set_by_s: float, figure: Gauge
) -> None:
    clock = SetClock()
    async with trade_world(clock=clock) as world:
        asked = await world.proposed()
        lasts_s = (asked.expires_at - clock.now()).total_seconds()
        await seconds_pass(world, lasts_s / 2)
        clock.set_by_s = set_by_s
        await seconds_pass(world, lasts_s / 2)
        await world.press(asked)
        figure(Measure.UNAPPROVED, await world.position() != 250.0)
        assert (await world.now(asked)).state is ProposalState.EXPIRED


async def test_a_clock_set_back_takes_no_time_from_what_still_has_some() -> None:
    clock = SetClock()
    async with trade_world(clock=clock) as world:
        asked = await world.proposed()
        await seconds_pass(world, 5)
        clock.set_by_s = -3_600
        await seconds_pass(world, 5)
        assert (await world.now(asked)).state is ProposalState.OPEN
