"""Days are made of the hours of a UTC day, all of them, and stand in only where no daily bar is stored."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from risk.model.candles import Candles, Interval, no_candles


def hours(n: int, *, begin: str = "2026-01-01T00", without: tuple[int, ...] = ()) -> Candles:
    kept = np.array([hour for hour in range(n) if hour not in without], np.int64)
    opens = (100.0 + kept).astype(np.float64)
    return Candles(
        asset="SOL", interval=Interval.HOUR, at=np.datetime64(begin, "s") + kept * np.timedelta64(3_600, "s"),
        open_usd=opens, high_usd=opens + 2, low_usd=opens - 1, close_usd=opens + 1, volume=np.ones(kept.size),
        sources=("SOL.csv",),
    )  # fmt: skip


def test_a_day_opens_with_its_first_hour_and_closes_with_its_last() -> None:
    days = hours(48).daily()
    assert [str(at) for at in days.at] == ["2026-01-01T00:00:00", "2026-01-02T00:00:00"]
    assert days.interval is Interval.DAY
    assert days.open_usd.tolist() == [100.0, 124.0]
    assert days.high_usd.tolist() == [125.0, 149.0]
    assert days.low_usd.tolist() == [99.0, 123.0]
    assert days.close_usd.tolist() == [124.0, 148.0]
    assert days.volume.tolist() == [24.0, 24.0]
    assert days.sources == ("SOL.csv from hours",)


def test_a_day_that_lacks_an_hour_is_none() -> None:
    assert [str(at)[:10] for at in hours(72, without=(30,)).daily().at] == ["2026-01-01", "2026-01-03"]
    assert len(hours(23).daily()) == 0
    assert len(hours(47, begin="2026-01-01T01").daily()) == 1, "only the second day has all of its hours"
    assert len(hours(48, begin="2026-01-01T00:30").daily()) == 0, "those are no hours of a day"
    assert len(no_candles("SOL", Interval.HOUR).daily()) == 0


def test_a_daily_bar_that_is_stored_stays_and_hours_fill_the_others() -> None:
    first = hours(24, begin="2026-01-01T00").daily()
    stored = Candles(
        asset="SOL", interval=Interval.DAY, at=first.at, open_usd=np.array([7.0]), high_usd=np.array([7.0]),
        low_usd=np.array([7.0]), close_usd=np.array([7.0]), volume=np.array([np.nan]), sources=("days.csv",),
    )  # fmt: skip
    both = stored.filled(hours(48).daily())
    assert both.close_usd.tolist() == [7.0, 148.0]
    assert both.sources == ("SOL.csv from hours", "days.csv"), "newest first"
    assert stored.filled(first) is stored, "what is not used is not named"
    assert no_candles("SOL", Interval.DAY).filled(first).sources == ("SOL.csv from hours",)


@given(st.sets(st.integers(0, 24 * 6 - 1)))
def test_whatever_is_missing_only_whole_days_are_made(missing: set[int]) -> None:
    found = hours(24 * 6, without=tuple(missing)).daily()
    whole = [day for day in range(6) if not missing & set(range(24 * day, 24 * day + 24))]
    assert (found.at.astype("datetime64[D]") - np.datetime64("2026-01-01")).astype(int).tolist() == whole
    _ = found.bars  # prices of a day do not contradict each other
