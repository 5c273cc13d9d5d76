"""The job looks at what accounts hold, and nothing that goes wrong with a source stops it."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest

from bot.history.watch import HistoryWatch
from bot.market_data import MarketDataManager
from risk.fleet import Fleet
from risk.model.account import Side
from risk.model.candles import Interval
from risk.model.performance import Fill
from risk.risk_engine import DriftRiskEngine
from storage import CandleLog, FillLog, FundingLog, Store
from tests.support.clock import FakeClock
from venues.errors import VenueUnavailable
from venues.paper import PaperSettings, PaperVenue, connect

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class World:
    """A paper market, its past, and what is stored of it."""

    def __init__(self, store: Store) -> None:
        self.clock = FakeClock(NOON)
        self.venue: PaperVenue = connect(PaperSettings(), clock=self.clock)
        assert self.venue.past is not None
        self.fleet = Fleet(self.venue, ["demo-0"], self.clock)
        self.fills = FillLog(store)
        self.history = MarketDataManager(
            CandleLog(store), self.clock, source=self.venue.past, funding=FundingLog(store), rates=self.venue.past
        )
        self.watch = self.watching([self.venue])

    def watching(self, records: Sequence[object]) -> HistoryWatch:
        return HistoryWatch(
            fleet=self.fleet, history=self.history, fills=self.fills, records=records, clock=self.clock  # type: ignore[arg-type]
        )  # fmt: skip


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with await Store.open(":memory:") as store:
        yield World(store)


async def test_before_the_first_reading_there_is_nothing_to_look_for(world: World) -> None:
    await world.watch.look()
    assert (await world.history.progress("SOL")).bars == 0


async def test_everything_the_accounts_touch_gets_its_past(world: World) -> None:
    await world.fleet.current()
    await world.watch.look()
    for asset in ("BTC", "ETH", "SOL"):
        assert (await world.history.progress(asset)).sentence == f"history of {asset}: 999 days"
        assert (await world.history.progress(asset, Interval.HOUR)).missing == 0
    assert len((await world.history.funding("ETH-PERP")).rates) == 720
    assert [fill.market for fill in await world.fills.fills("demo-0")] == ["SOL-PERP", "ETH-PERP", "BTC-PERP"]


async def test_value_at_risk_answers_once_the_past_is_there(world: World) -> None:
    await world.fleet.current()
    await world.watch.look()
    found = await DriftRiskEngine("demo-0", world.fleet, world.history, world.clock).calculate_var(0.95, 1)
    assert found.var_usd > 0
    assert found.n > 500


async def test_fills_are_asked_for_every_few_minutes_and_kept_once(world: World) -> None:
    await world.fleet.current()
    await world.watch.look()
    (await world.venue.reach()).market_order("demo-0", "SOL-PERP", Side.SELL, 50.0)
    await world.watch.look()
    assert len(await world.fills.fills("demo-0")) == 3
    world.clock.pass_s(301)
    await world.watch.look()
    await world.watch.look()
    assert [fill.size_base for fill in await world.fills.fills("demo-0")][-1] == 50.0
    assert len(await world.fills.fills("demo-0")) == 4


async def test_a_record_that_fails_is_left_alone_for_a_while_and_stops_nothing(world: World) -> None:
    class Failing:
        name = "failing"
        asked = 0

        async def fills_since(self, account_id: str, since: datetime) -> Sequence[Fill]:
            self.asked += 1
            raise VenueUnavailable("down")

    failing = Failing()
    watch = world.watching([failing, world.venue])
    await world.fleet.current()
    for _ in range(60):
        await watch.look()
        world.clock.pass_s(10)
    assert 3 <= failing.asked <= 5  # in ten minutes
    assert len(await world.fills.fills("demo-0")) == 3
    assert (await world.history.progress("SOL")).bars == 999


async def test_the_loop_breathes_while_history_warms_up(world: World) -> None:
    await world.fleet.current()
    longest, before, done = 0.0, time.thread_time(), asyncio.Event()  # a busy machine lengthens no processor time

    async def measure() -> None:
        nonlocal longest, before
        while not done.is_set():
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, before = max(longest, now - before), now

    measuring = asyncio.create_task(measure())
    await world.watch.look()
    done.set()
    await measuring
    assert longest < 0.25
