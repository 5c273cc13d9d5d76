"""CacheManager asks once, never goes back in time, and keeps for good only what cannot change any more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from risk.margin.book import FleetBook
from risk.model.candles import Candles, Interval, no_candles
from tests.support.clock import FakeClock
from venues.cache import CacheManager
from venues.errors import VenueUnavailable
from venues.paper import PaperSettings, PaperVenue, connect

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class Counting:
    """A reader and a source that count, and fail or lag on demand."""

    name = "counting"

    def __init__(self, venue: PaperVenue) -> None:
        self._venue = venue
        self.reads = self.fetches = 0
        self.behind_slots = 0
        self.fails = self.closed = False

    async def read(self, account_ids: Sequence[str], *, with_orders: bool = True) -> FleetBook:
        self.reads += 1
        if self.fails:
            raise VenueUnavailable("down")
        book = await self._venue.read(account_ids, with_orders=with_orders)
        return replace(book, slot=book.slot - self.behind_slots)

    async def fetch(self, asset: str, interval: Interval, since: datetime, until: datetime) -> Candles:
        self.fetches += 1
        if self.fails:
            raise VenueUnavailable("down")
        return no_candles(asset, interval)

    async def resolve(self, reference: str) -> str:
        return await self._venue.resolve(reference)

    async def sub_accounts(self, authority: str) -> list[str]:
        return await self._venue.sub_accounts(authority)

    def sweep(self, *, batch_accounts: int = 10_000):  # type: ignore[no-untyped-def]  # as the venue has it
        return self._venue.sweep(batch_accounts=batch_accounts)

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def wrapped(clock: FakeClock) -> Counting:
    return Counting(connect(PaperSettings(), clock=clock))


@pytest.fixture
def cache(clock: FakeClock, wrapped: Counting) -> CacheManager:
    return CacheManager(clock, reader=wrapped, source=wrapped)


async def test_a_book_serves_for_its_time_and_only_for_the_same_question(
    cache: CacheManager, wrapped: Counting, clock: FakeClock
) -> None:
    first = await cache.read(["demo-0"])
    assert await cache.read(["demo-0"]) is first
    assert wrapped.reads == 1
    assert (await cache.read(["demo-0"], with_orders=False)).orders is None
    clock.pass_s(1)
    assert (await cache.read(["demo-0"])).slot > first.slot
    assert wrapped.reads == 3


async def test_a_book_of_an_older_slot_is_dropped(cache: CacheManager, wrapped: Counting, clock: FakeClock) -> None:
    first = await cache.read(["demo-0"])
    clock.pass_s(2)
    wrapped.behind_slots = 100
    assert await cache.read(["demo-0"]) is first
    wrapped.behind_slots = 0
    assert (await cache.read(["demo-0"])).slot > first.slot


async def test_a_failure_is_raised_and_not_remembered(cache: CacheManager, wrapped: Counting) -> None:
    wrapped.fails = True
    with pytest.raises(VenueUnavailable):
        await cache.read(["demo-0"])
    wrapped.fails = False
    assert (await cache.read(["demo-0"])).accounts.ids == ["demo-0"]


async def test_a_window_of_the_past_is_asked_for_once_and_one_that_reaches_into_the_present_again(
    cache: CacheManager, wrapped: Counting, clock: FakeClock
) -> None:
    past, now = (NOON - timedelta(days=9), NOON - timedelta(days=2)), (NOON - timedelta(days=2), NOON)
    for _ in range(3):
        await cache.fetch("SOL", Interval.DAY, *past)
        await cache.fetch("SOL", Interval.DAY, *now)
    assert wrapped.fetches == 2
    clock.pass_s(3_600)
    await cache.fetch("SOL", Interval.DAY, *past)
    assert wrapped.fetches == 2
    await cache.fetch("SOL", Interval.DAY, *now)
    assert wrapped.fetches == 3


async def test_it_forgets_the_oldest_when_there_is_too_much(cache: CacheManager, wrapped: Counting) -> None:
    for days in range(600):
        await cache.fetch("SOL", Interval.DAY, NOON - timedelta(days=days + 10), NOON - timedelta(days=9))
    await cache.fetch("SOL", Interval.DAY, NOON - timedelta(days=609), NOON - timedelta(days=9))
    assert wrapped.fetches == 600
    await cache.fetch("SOL", Interval.DAY, NOON - timedelta(days=10), NOON - timedelta(days=9))
    assert wrapped.fetches == 601


async def test_everything_else_goes_through(cache: CacheManager, wrapped: Counting) -> None:
    assert cache.name == "counting"
    assert await cache.resolve("demo:0") == "demo-0"
    assert await cache.sub_accounts("demo") == ["demo-0"]
    assert [book.accounts.ids async for book in cache.sweep()] == [["demo-0"]]
    await cache.close()
    assert wrapped.closed


async def test_half_a_cache_says_which_half_it_lacks(clock: FakeClock, wrapped: Counting) -> None:
    with pytest.raises(TypeError, match="no source of candles"):
        await CacheManager(clock, reader=wrapped).fetch("SOL", Interval.DAY, NOON, NOON)
    with pytest.raises(TypeError, match="no reader"):
        await CacheManager(clock, source=wrapped).read(["demo-0"])
