"""Equity over time: what is stored, what thinning may drop, what a drawdown is measured from."""

import asyncio
import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.ports import EquityHistory
from storage import EquityLog, EquitySample, Store
from storage.columns import to_us
from tests.storage.builders import NOW, make_sample

DAY = 24 * 60
A_LONG_TIME = timedelta(days=4_000)


async def kept(store: Store, account_id: str = "main") -> list[float]:
    """Minutes after NOW of the samples that are left."""
    series = await EquityLog(store).series(account_id, NOW - A_LONG_TIME, NOW + A_LONG_TIME)
    return [(int(at) - to_us(NOW)) / 60_000_000 for at in series.sampled_at.astype(np.int64)]


async def test_a_series_has_columns_of_one_length_oldest_first(store: Store) -> None:
    log = EquityLog(store)
    await log.record([make_sample(2, ratio=None), make_sample(0, ratio=math.inf), make_sample(1, ratio=150.0)])
    await log.record([make_sample(1, account_id="other")])
    series = await log.series("main", NOW, NOW + timedelta(minutes=3))
    assert series.sampled_at.dtype == np.dtype("datetime64[us]")
    assert series.sampled_at[0] == np.datetime64("2026-01-05T12:00:00.000000")
    assert list(np.diff(series.sampled_at).astype(int)) == [60_000_000, 60_000_000]
    assert list(series.equity_usd) == [1_000.0] * 3
    np.testing.assert_array_equal(series.health_ratio_percent, [math.inf, 150.0, math.nan])


async def test_the_end_of_a_series_is_not_part_of_it(store: Store) -> None:
    log = EquityLog(store)
    await log.record([make_sample(0), make_sample(1)])
    series = await log.series("main", NOW, NOW + timedelta(minutes=1))
    assert len(series.sampled_at) == 1


async def test_a_series_of_nothing_is_empty_and_still_typed(store: Store) -> None:
    series = await EquityLog(store).series("nobody", NOW, NOW + A_LONG_TIME)
    assert series.sampled_at.shape == series.equity_usd.shape == series.health_ratio_percent.shape == (0,)


async def test_a_second_sample_of_the_same_moment_replaces_the_first(store: Store) -> None:
    log = EquityLog(store)
    await log.record([make_sample(0, unit_value_usd=1.0)])
    await log.record([make_sample(0, unit_value_usd=2.0)])
    latest = await log.latest("main")
    assert latest is not None
    assert latest.unit_value_usd == 2.0
    assert await kept(store) == [0]


async def test_one_bad_sample_keeps_the_whole_batch_out(store: Store) -> None:
    with pytest.raises(ValueError, match="cannot be stored"):
        await EquityLog(store).record([make_sample(0), make_sample(1, unit_value_usd=math.nan)])
    assert await kept(store) == []


async def test_the_high_water_mark_is_the_earliest_of_the_highest(store: Store) -> None:
    log = EquityLog(store)
    assert await log.high_water_mark("main") is None
    values = [1.0, 1.5, 1.2, 1.5, 0.9]
    await log.record([make_sample(minute, unit_value_usd=value) for minute, value in enumerate(values)])
    mark = await log.high_water_mark("main")
    assert mark == make_sample(1, unit_value_usd=1.5)


@pytest.mark.parametrize(
    ("values", "drawdown_frac"),
    [([], None), ([1.0], 0.0), ([1.0, 2.0], 0.0), ([2.0, 1.0, 1.5], 0.25), ([1.0, -0.5], 1.5), ([-1.0, -2.0], None)],
)
async def test_a_drawdown_is_measured_from_the_high_water_mark(
    store: Store, values: list[float], drawdown_frac: float | None
) -> None:
    history: EquityHistory = EquityLog(store)
    samples = [make_sample(minute, unit_value_usd=value) for minute, value in enumerate(values)]
    await EquityLog(store).record(samples)
    assert await history.drawdown_frac("main") == drawdown_frac


async def test_young_samples_are_all_kept_and_older_ones_thin_out_with_age(store: Store) -> None:
    log = EquityLog(store)
    minutes = [
        *range(-60, 0),  # within 2 days
        *range(-3 * DAY, -3 * DAY + 60),  # within 30 days: 4 quarters of an hour
        *range(-40 * DAY, -40 * DAY + 120),  # within 2 years: 2 hours
        *range(-800 * DAY, -800 * DAY + 60),  # older
    ]
    # Falling all the time, so the highest of a span is its first and the lowest its last.
    await log.record([make_sample(minute, unit_value_usd=10.0 - minute / DAY / 1_000) for minute in minutes])
    dropped = await log.thin(NOW)
    left = await kept(store)
    assert dropped == len(minutes) - len(left)
    assert [minute for minute in left if minute >= -60] == list(range(-60, 0))
    quarters = [minute + 3 * DAY for minute in left if -3 * DAY <= minute < -60]
    assert quarters == [0, 14, 15, 29, 30, 44, 45, 59]
    hours = [minute + 40 * DAY for minute in left if -40 * DAY <= minute < -3 * DAY]
    assert hours == [0, 59, 60, 119]
    assert [minute + 800 * DAY for minute in left if minute < -40 * DAY] == [0]  # the high-water mark


async def test_of_equal_samples_of_a_span_the_earliest_stays(store: Store) -> None:
    log = EquityLog(store)
    values = [1.0, 2.0, 1.0, 2.0, 1.0]
    await log.record([make_sample(-3 * DAY + minute, unit_value_usd=value) for minute, value in enumerate(values)])
    await log.thin(NOW)
    assert [minute + 3 * DAY for minute in await kept(store)] == [0, 1]


async def test_thinning_looks_at_each_account_alone(store: Store) -> None:
    log = EquityLog(store)
    for account_id, sign in (("up", 1), ("down", -1)):
        await log.record(
            [
                make_sample(-800 * DAY + minute, unit_value_usd=10.0 + sign * minute, account_id=account_id)
                for minute in range(5)
            ]
        )
    await log.thin(NOW)
    assert await kept(store, "up") == [-800 * DAY + 4]
    assert await kept(store, "down") == [-800 * DAY]


histories = st.dictionaries(
    st.integers(-1_000 * DAY, 0) | st.integers(-60 * DAY, -59 * DAY) | st.integers(-4 * DAY, -3 * DAY),
    st.sampled_from([0.5, 1.0, 1.0, 1.25, 2.0, 3.0]),
    min_size=1,
    max_size=60,
).map(lambda values: [make_sample(minute, unit_value_usd=value) for minute, value in sorted(values.items())])


@given(samples=histories, days=st.lists(st.integers(0, 900), max_size=3))
def test_thinning_twice_or_late_is_thinning_once_and_the_mark_stays(
    samples: list[EquitySample], days: list[int]
) -> None:
    async def scenario() -> None:
        last = NOW + timedelta(days=max(days, default=0))
        async with await Store.open(":memory:") as often, await Store.open(":memory:") as once:
            for store in (often, once):
                await EquityLog(store).record(samples)
            mark = await EquityLog(once).high_water_mark("main")
            for day in sorted(days):
                await EquityLog(often).thin(NOW + timedelta(days=day))
            await EquityLog(often).thin(last)
            await EquityLog(once).thin(last)
            assert await kept(often) == await kept(once)
            assert await EquityLog(often).thin(last) == 0
            assert await EquityLog(once).high_water_mark("main") == mark

    asyncio.run(scenario())


def max_drawdown(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return float(np.max(1 - values / np.maximum.accumulate(values)))


@given(steps=st.lists(st.floats(-0.2, 0.2), min_size=2, max_size=40))
def test_the_worst_drawdown_across_hours_survives_thinning(steps: list[float]) -> None:
    async def scenario() -> None:
        # One sample an hour: no fall begins and ends within one span.
        values = np.exp(np.cumsum(steps))
        samples = [
            make_sample(-100 * DAY + 60 * hour, unit_value_usd=float(value)) for hour, value in enumerate(values)
        ]
        noise = [
            make_sample(-100 * DAY + 60 * hour + 20, unit_value_usd=float(values[hour : hour + 2].mean()))
            for hour in range(len(values) - 1)
        ]
        async with await Store.open(":memory:") as store:
            await EquityLog(store).record([*samples, *noise])
            await EquityLog(store).thin(NOW)
            series = await EquityLog(store).series("main", NOW - A_LONG_TIME, NOW)
            assert max_drawdown(series.unit_value_usd) == pytest.approx(max_drawdown(values), abs=1e-12)

    asyncio.run(scenario())
