"""History is asked for where it is missing, kept once it is there, and told as far as it has come."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.history.gaps import Backoff, missing_windows
from bot.market_data import WANTED_DAYS, MarketDataManager
from risk.model.candles import Candles, Interval, no_candles
from risk.model.funding import FundingHistory, FundingRate
from storage import CandleLog, FundingLog, Store
from tests.support.clock import FakeClock
from venues.errors import VenueRejected, VenueUnavailable

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
_DAY = timedelta(days=1)


def bars_at(asset: str, interval: Interval, moments: Sequence[datetime], price: float = 100.0) -> Candles:
    column = np.full(len(moments), price)
    at = np.array([int(moment.timestamp()) for moment in moments], np.int64).view("datetime64[s]")
    return Candles(
        asset=asset, interval=interval, at=at, open_usd=column, high_usd=column, low_usd=column, close_usd=column,
        volume=column,
    )  # fmt: skip


class Source:
    """Has every bar but those that are taken out, and begins where it is told to.

    Attributes:
        holes: Openings of bars it does not have.
        error: Raised instead of an answer.
    """

    name = "source"

    def __init__(self, begins: datetime = datetime(2000, 1, 1, tzinfo=UTC)) -> None:
        self.begins, self.holes = begins, set[datetime]()
        self.asked: list[tuple[str, Interval, datetime, datetime]] = []
        self.error: Exception | None = None
        self.rates: list[FundingRate] = []

    async def fetch(self, asset: str, interval: Interval, since: datetime, until: datetime) -> Candles:
        self.asked.append((asset, interval, since, until))
        if self.error is not None:
            raise self.error
        moment, found = max(since, self.begins), []
        while moment < until:
            if moment not in self.holes:
                found.append(moment)
            moment += interval.span
        return bars_at(asset, interval, found) if found else no_candles(asset, interval)

    async def funding(self, market: str) -> FundingHistory:
        self.asked.append((market, Interval.HOUR, NOON, NOON))
        if self.error is not None:
            raise self.error
        return FundingHistory(market=market, rates=tuple(self.rates))

    def of(self, interval: Interval) -> list[tuple[datetime, datetime]]:
        """Stretches that were asked for."""
        return [(since, until) for _, asked, since, until in self.asked if asked is interval]


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with await Store.open(":memory:") as opened:
        yield opened


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def history(store: Store, clock: FakeClock, source: Source) -> MarketDataManager:
    return MarketDataManager(CandleLog(store), clock, source=source, funding=FundingLog(store), rates=source)


async def test_a_new_asset_gets_days_and_hours_up_to_now_and_nothing_twice(
    history: MarketDataManager, source: Source, clock: FakeClock
) -> None:
    await history.refresh(["SOL", "SOL"])
    days, hours = [await history.candles("SOL", interval) for interval in (Interval.DAY, Interval.HOUR)]
    assert str(days.at[-1]) == "2026-01-04T00:00:00"  # today is not over
    assert str(hours.at[-1]) == "2026-01-05T10:00:00"  # the hour that ended a moment ago may still be counted
    assert (len(days), days.missing, hours.missing) == (WANTED_DAYS[Interval.DAY] - 1, 0, 0)
    asked = len(source.asked)
    await history.refresh(["SOL"])
    assert len(source.asked) == asked
    clock.pass_s(3_600)
    await history.refresh(["SOL"])
    assert source.of(Interval.HOUR)[-1] == (NOON - timedelta(hours=1), NOON)


async def test_progress_says_how_far_it_is(history: MarketDataManager, source: Source) -> None:
    assert (await history.progress("SOL")).sentence == "history of SOL: 0 of 500 days"
    source.begins = NOON.replace(hour=0) - 212 * _DAY
    await history.refresh(["SOL"])
    assert (await history.progress("SOL")).sentence == "history of SOL: 212 of 500 days"
    assert (await history.progress("SOL")).sources == ("source",)


async def test_stale_history_says_how_old_it_is(history: MarketDataManager, source: Source, clock: FakeClock) -> None:
    source.begins = NOON.replace(hour=0) - 600 * _DAY
    await history.refresh(["SOL"])
    assert (await history.progress("SOL")).sentence == "history of SOL: 600 days"
    clock.pass_s(5 * 86_400)
    assert (await history.progress("SOL")).sentence == "history of SOL: 600 days, the last one closed 5 d 12 h ago"


async def test_a_hole_is_asked_for_again_ever_less_often_and_filled_when_it_can_be(
    history: MarketDataManager, source: Source, clock: FakeClock
) -> None:
    hole = NOON.replace(hour=0) - 10 * _DAY
    source.holes = {hole}
    await history.refresh(["SOL"])
    assert (await history.progress("SOL")).missing == 1
    for _ in range(300):  # five hours
        clock.pass_s(60)
        await history.refresh(["SOL"])
    assert 5 <= source.of(Interval.DAY).count((hole, hole + _DAY)) <= 10
    source.holes = set()
    clock.pass_s(86_400)
    await history.refresh(["SOL"])
    assert (await history.progress("SOL")).missing == 0


async def test_a_market_listed_yesterday_is_no_reason_to_ask_all_day(
    history: MarketDataManager, source: Source, clock: FakeClock
) -> None:
    source.begins = NOON.replace(hour=0) - _DAY
    for _ in range(300):
        await history.refresh(["NEW"])
        clock.pass_s(60)
    assert (await history.progress("NEW")).bars == 1
    assert len(source.of(Interval.DAY)) <= 12


async def test_what_a_file_holds_is_not_asked_for_and_not_replaced(
    history: MarketDataManager, source: Source, store: Store
) -> None:
    old = [NOON.replace(hour=0) - day * _DAY for day in range(900, 100, -1)]
    await history.store(bars_at("SOL", Interval.DAY, old, price=7.0), "SOL.csv")
    await history.refresh(["SOL"])
    found = await history.candles("SOL", Interval.DAY)
    assert found.missing == 0
    assert (found.close_usd == 7.0).sum() == 800
    assert set(found.sources) == {"SOL.csv", "source"}
    assert (old[0], old[0] + _DAY) not in source.of(Interval.DAY)


async def test_failures_are_told_and_never_raised_and_wait_longer_each_time(
    history: MarketDataManager, source: Source, clock: FakeClock
) -> None:
    source.error = VenueUnavailable("the source is in trouble (503)")
    await history.refresh(["SOL"])
    assert (await history.progress("SOL")).sentence.endswith("0 of 500 days (the source is in trouble (503))")
    for _ in range(180):
        clock.pass_s(60)
        await history.refresh(["SOL"])
    assert 6 <= len(source.of(Interval.DAY)) <= 9  # in three hours
    source.error = None
    clock.pass_s(3_600)
    await history.refresh(["SOL"])
    assert (await history.progress("SOL")).error == ""


async def test_one_market_that_is_not_known_does_not_stop_the_others(
    history: MarketDataManager, source: Source
) -> None:
    fetch = source.fetch

    async def refusing(asset: str, interval: Interval, since: datetime, until: datetime) -> Candles:
        if asset == "FOO":
            raise VenueRejected("the source has no FOO; keel history import takes files")
        return await fetch(asset, interval, since, until)

    source.fetch = refusing  # type: ignore[method-assign]  # a source that knows one market less
    await history.refresh(["FOO", "SOL"])
    assert "keel history import" in (await history.progress("FOO")).sentence
    assert (await history.progress("SOL")).bars > 500


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf")])
async def test_bars_that_make_no_sense_are_not_stored(price: float, history: MarketDataManager, source: Source) -> None:
    async def damaged(asset: str, interval: Interval, since: datetime, until: datetime) -> Candles:
        return bars_at(asset, interval, [since], price)

    source.fetch = damaged  # type: ignore[method-assign]  # a source without sense
    await history.refresh(["SOL"])
    assert (await history.progress("SOL")).bars == 0
    assert "positive" in (await history.progress("SOL")).error


async def test_bars_beyond_the_question_are_not_taken_and_odd_ones_are_refused(
    history: MarketDataManager, source: Source, clock: FakeClock
) -> None:
    async def generous(asset: str, interval: Interval, since: datetime, until: datetime) -> Candles:
        return bars_at(asset, interval, [since - interval.span, since, until])

    source.fetch = generous  # type: ignore[method-assign]
    await history.refresh(["SOL"])
    assert (await history.candles("SOL", Interval.DAY)).at.astype("datetime64[D]").size == 1

    async def odd(asset: str, interval: Interval, since: datetime, until: datetime) -> Candles:
        return bars_at(asset, interval, [since + timedelta(seconds=7)])

    source.fetch = odd  # type: ignore[method-assign]
    await history.refresh(["ETH"])
    assert "do not open at whole ones" in (await history.progress("ETH")).error


async def test_a_long_warm_up_gives_way_and_goes_on(
    history: MarketDataManager, source: Source, clock: FakeClock
) -> None:
    fetch = source.fetch

    async def slow(asset: str, interval: Interval, since: datetime, until: datetime) -> Candles:
        clock.pass_s(4)
        return await fetch(asset, interval, since, until)

    source.fetch = slow  # type: ignore[method-assign]
    await history.refresh(["SOL"], at_most_s=6)
    assert 0 < len(await history.candles("SOL", Interval.HOUR)) < 2_000
    for _ in range(20):
        await history.refresh(["SOL"], at_most_s=6)
    assert (await history.candles("SOL", Interval.HOUR)).missing == 0


async def test_without_a_source_nothing_is_asked_and_what_is_there_serves(store: Store, clock: FakeClock) -> None:
    history = MarketDataManager(CandleLog(store), clock)
    await history.store(bars_at("SOL", Interval.DAY, [NOON.replace(hour=0)]), "file")
    await history.refresh(["SOL"])
    await history.refresh_funding(["SOL-PERP"])
    assert len(await history.candles("SOL", Interval.DAY)) == 0  # today is not over
    clock.pass_s(43_200)
    assert len(await history.candles("SOL", Interval.DAY)) == 1
    assert (await history.funding("SOL-PERP")).rates == ()


async def test_funding_is_asked_for_once_an_hour_and_kept_with_its_source(
    history: MarketDataManager, source: Source, clock: FakeClock
) -> None:
    source.rates = [FundingRate(at=NOON - timedelta(hours=h), hourly_frac=h * 1e-5, oracle_usd=150.0) for h in (2, 1)]
    for _ in range(3):
        await history.refresh_funding(["SOL-PERP"])
    found = await history.funding("SOL-PERP")
    assert [rate.hourly_frac for rate in found.rates] == [2e-5, 1e-5]
    assert found.sources == ("source",)
    assert len(source.asked) == 1
    source.error = VenueUnavailable("down")
    clock.pass_s(3_600)
    await history.refresh_funding(["SOL-PERP"])
    await history.refresh_funding(["SOL-PERP"])
    assert len(source.asked) == 2
    assert len((await history.funding("SOL-PERP")).rates) == 2


@given(
    there=st.sets(st.integers(0, 60)), begin=st.integers(0, 60), length=st.integers(0, 60), odd=st.integers(0, 3_599)
)
def test_stretches_and_bars_together_are_the_whole_each_once(
    there: set[int], begin: int, length: int, odd: int
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    at = np.array([int(start.timestamp()) + hour * 3_600 for hour in sorted(there)], np.int64).view("datetime64[s]")
    first = start + timedelta(hours=begin)
    windows = missing_windows(
        at, begin=first, end=first + timedelta(hours=length, seconds=odd), span=timedelta(hours=1)
    )  # fmt: skip
    found: list[int] = []
    for window in windows:
        for part in window.parts(timedelta(hours=7)):
            assert part.until - part.since <= timedelta(hours=7)
            hours = (part.since - start) // timedelta(hours=1), (part.until - start) // timedelta(hours=1)
            found += range(*hours)
    assert sorted(found) == [hour for hour in range(begin, begin + length) if hour not in there]
    assert [window.since for window in windows] == sorted((window.since for window in windows), reverse=True)


def test_what_is_asked_in_vain_waits_longer_each_time_up_to_a_bound() -> None:
    backoff, now, waited = Backoff(timedelta(hours=1)), NOON, []
    for _ in range(10):
        backoff.in_vain("question", now)
        until = now
        while backoff.early("question", until):
            until += timedelta(minutes=1)
        waited.append((until - now) // timedelta(minutes=1))
        now = until
    assert waited == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    backoff.answered("question")
    assert not backoff.early("question", now)
