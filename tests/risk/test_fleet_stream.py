"""A fleet that is told and asks as well: whoever knows the later slot is believed, and nobody waits twice."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.errors import ReadFailed
from risk.fleet import Fleet, FleetView
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.model.account import AccountSnapshot
from risk.single_flight import SingleFlight
from tests.risk.builders import SLOT, make_account, make_position
from tests.risk.fake_reader import FakeReader
from tests.risk.generated import fleets
from tests.support.clock import FakeClock

MAIN = make_account(make_position(1.0), usdc=100.0)
RICH = make_account(make_position(2.0), usdc=1_000.0, account_id="rich")
HUNG = timedelta(seconds=12)


@pytest.fixture
def reader(clock: FakeClock) -> FakeReader:
    return FakeReader(clock, MAIN, RICH)


@pytest.fixture
def fleet(reader: FakeReader, clock: FakeClock) -> Fleet:
    return Fleet(reader, ["main", "rich"], clock)


def told(clock: FakeClock, slot: int, *accounts: AccountSnapshot) -> FleetBook:
    """A book the venue sends by itself."""
    return book_of([replace(account, slot=slot, observed_at=clock.now()) for account in accounts or (MAIN, RICH)])


def poorer(account: AccountSnapshot) -> AccountSnapshot:
    return make_account(make_position(1.0), usdc=30.0, account_id=account.account_id)


async def test_a_book_that_was_sent_is_the_latest_view(fleet: Fleet, clock: FakeClock, reader: FakeReader) -> None:
    view = fleet.accept(told(clock, SLOT + 4, poorer(MAIN), RICH))
    assert fleet.latest is view
    assert fleet.reading("main").ratio_percent == 600.0
    assert await fleet.current() is view
    assert reader.reads == []


async def test_of_stream_and_polling_the_later_slot_wins(fleet: Fleet, clock: FakeClock, reader: FakeReader) -> None:
    fleet.accept(told(clock, SLOT + 4, poorer(MAIN), RICH))
    await fleet.refresh()
    assert fleet.reading("main").ratio_percent == 600.0, "what was read is four slots older"
    reader.slot = SLOT + 5
    await fleet.refresh()
    assert fleet.reading("main").ratio_percent == 2_000.0
    fleet.accept(told(clock, SLOT + 4, poorer(MAIN), RICH))
    assert fleet.reading("main").ratio_percent == 2_000.0
    fleet.accept(told(clock, SLOT + 5, poorer(MAIN), RICH))
    assert fleet.reading("main").ratio_percent == 600.0, "of the same slot the later one"


async def test_a_venue_that_speaks_is_not_silent_even_of_an_older_slot(fleet: Fleet, clock: FakeClock) -> None:
    fleet.accept(told(clock, SLOT))
    for _ in range(4):
        clock.pass_s(4)
        fleet.accept(told(clock, SLOT - 1))
    assert fleet.why_stale() == f"slot {SLOT} has not moved for 16 s"


async def test_a_stream_keeps_data_fresh_while_readings_fail(
    fleet: Fleet, clock: FakeClock, reader: FakeReader
) -> None:
    reader.fails = ReadFailed("down")
    for step in range(10):
        clock.pass_s(4)
        fleet.accept(told(clock, SLOT + step))
        with pytest.raises(ReadFailed):
            await fleet.refresh()
        assert fleet.problems("main") == ()


async def test_a_book_of_other_accounts_changes_nothing(fleet: Fleet, clock: FakeClock) -> None:
    known = fleet.accept(told(clock, SLOT))
    assert fleet.accept(told(clock, SLOT + 9, MAIN)) is known
    assert fleet.accept(told(clock, SLOT + 9, RICH, MAIN)) is known
    assert fleet.latest is known


async def test_what_is_watched_may_change_while_a_stream_still_tells_of_before(
    fleet: Fleet, clock: FakeClock, reader: FakeReader
) -> None:
    reader.put(replace(RICH, account_id="new"))
    fleet.accept(told(clock, SLOT + 3))
    fleet.watch(["main", "rich", "new"])
    fleet.accept(told(clock, SLOT + 4))
    assert fleet.problems("main") == ()
    await fleet.refresh()
    assert fleet.problems("new") == (), "a reading that is a little older is better than none"
    fleet.accept(told(clock, SLOT + 5))
    assert fleet.problems("new") == ()
    assert fleet.latest is not None
    assert list(fleet.latest.book.accounts.ids) == ["main", "rich", "new"]


async def test_accounts_that_change_while_a_reading_hangs_are_read_at_once(fleet: Fleet, reader: FakeReader) -> None:
    reader.put(replace(RICH, account_id="new"))
    reader.gate = asyncio.Event()
    reading = asyncio.create_task(fleet.refresh())
    await asyncio.sleep(0.01)
    fleet.watch(["new"])
    reader.gate.set()
    assert "new" in await reading
    assert reader.reads == [("main", "rich"), ("new",)]


async def test_a_failure_is_shared_by_everybody_who_waits_for_it(fleet: Fleet, reader: FakeReader) -> None:
    reader.gate, reader.fails = asyncio.Event(), ReadFailed("down")
    waiting = [asyncio.create_task(fleet.refresh()) for _ in range(20)]
    await asyncio.sleep(0.01)
    reader.gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, ReadFailed) for outcome in outcomes)
    assert len(reader.reads) == 1


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others(fleet: Fleet, reader: FakeReader) -> None:
    reader.gate = asyncio.Event()
    first, second = asyncio.create_task(fleet.refresh()), asyncio.create_task(fleet.refresh())
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.01)
    reader.gate.set()
    assert "main" in await second
    assert first.cancelled()


async def test_a_reading_nobody_waits_for_any_more_ends(fleet: Fleet, reader: FakeReader) -> None:
    reader.gate = asyncio.Event()
    before = asyncio.all_tasks()
    reading = asyncio.create_task(fleet.refresh())
    await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() <= before | {reading}
    reader.gate.set()
    assert "main" in await fleet.refresh()


async def test_work_that_begins_while_the_last_one_ends_is_work_of_its_own() -> None:
    runs = 0

    async def work() -> int:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0)
        return runs

    flight = SingleFlight(work)
    assert [await flight.join() for _ in range(3)] == [1, 2, 3]
    assert await asyncio.gather(*(flight.join() for _ in range(3))) == [4, 4, 4]
    assert not flight.busy


class SlowReader(FakeReader):
    """A venue whose answers take their time, and are of when they were asked for.

    Attributes:
        delays_s: Of the next answers; then they come at once.
    """

    def __init__(self, clock: FakeClock, *accounts: AccountSnapshot) -> None:
        super().__init__(clock, *accounts)
        self.own_clock, self.delays_s = clock, list[float]()
        self.start = clock.now()

    async def read(self, account_ids: Sequence[str], *, with_orders: bool = True) -> FleetBook:
        self.slot = SLOT + int((self.own_clock.now() - self.start).total_seconds() * 2.5)
        slot = self.slot
        self.own_clock.pass_s(self.delays_s.pop(0) if self.delays_s else 0.0)
        return replace(await super().read(account_ids, with_orders=with_orders), slot=slot)


async def test_a_reading_that_hung_is_no_reason_to_say_that_the_venue_stands_still(clock: FakeClock) -> None:
    reader = SlowReader(clock, MAIN)
    fleet = Fleet(reader, ["main"], clock)
    await fleet.refresh()
    clock.pass_s(0.1)
    reader.delays_s = [12.0]
    await fleet.refresh()
    assert fleet.problems("main") == ()
    assert len(reader.reads) == 3, "it was asked again at once"
    assert fleet.latest is not None
    assert fleet.latest.book.slot > SLOT


async def test_a_venue_that_hangs_and_stands_still_is_said_to_stand_still(clock: FakeClock) -> None:
    reader = SlowReader(clock, MAIN)
    fleet = Fleet(reader, ["main"], clock)
    await fleet.refresh()
    reader.start += HUNG + timedelta(days=1)  # its slot stays where it is from now on
    frozen = SLOT

    async def stuck(account_ids: Sequence[str], *, with_orders: bool = True) -> FleetBook:
        clock.pass_s(reader.delays_s.pop(0) if reader.delays_s else 0.0)
        return told(clock, frozen, MAIN)

    reader.read = stuck  # type: ignore[method-assign]
    reader.delays_s = [12.0]
    await fleet.refresh()
    assert fleet.problems("main") == (f"slot {SLOT} has not moved for 12 s",)


@given(fleet=fleets(), factor=st.floats(0.3, 3.0), data=st.data())
def test_a_view_that_follows_another_is_the_view_made_from_nothing(
    fleet: list[AccountSnapshot], factor: float, data: st.DataObject
) -> None:
    before = book_of(fleet)
    columns = len(before.oracles.ids)
    moved = np.array(data.draw(st.lists(st.booleans(), min_size=columns, max_size=columns)))
    prices = np.where(moved, np.rint(before.oracles.price_1e6 * factor), before.oracles.price_1e6)
    after = replace(
        before,
        slot=before.slot + 1,
        oracles=replace(before.oracles, price_1e6=prices),
        perp_markets=replace(before.perp_markets, validity=before.perp_markets.validity.copy()),
    )
    follower, fresh = FleetView.of(after, None, FleetView.of(before)), FleetView.of(after)
    for name in ("worst_ratio_percent", "liquidating", "doubtful"):
        np.testing.assert_array_equal(getattr(follower, name), getattr(fresh, name))
    assert follower.evaluation.book is after
    for account in fleet:
        assert follower.position_of(account.account_id) == fresh.position_of(account.account_id)
        assert follower.single(account.account_id).book.slot == after.slot


def test_an_account_that_changed_in_the_same_markets_is_planned_anew() -> None:
    before = book_of([MAIN])
    view = FleetView.of(before)
    doubled = replace(before, perps=replace(before.perps, base_1e9=before.perps.base_1e9 * 2))
    assert FleetView.of(doubled, None, view).worst_ratio_percent.tolist() == (
        FleetView.of(doubled).worst_ratio_percent.tolist()
    )
    swept = replace(before, accounts=replace(before.accounts, problems={0: ("its bytes are damaged",)}))
    assert np.isnan(FleetView.of(swept, None, view).worst_ratio_percent).all()


def test_a_market_that_changed_its_terms_is_planned_anew() -> None:
    before = book_of([MAIN])
    view = FleetView.of(before)
    stricter = replace(
        before, perp_markets=replace(before.perp_markets, maintenance_1e4=before.perp_markets.maintenance_1e4 * 2)
    )
    assert FleetView.of(stricter, None, view).worst_ratio_percent.tolist() == [1_000.0]
    assert view.worst_ratio_percent.tolist() == [2_000.0]
