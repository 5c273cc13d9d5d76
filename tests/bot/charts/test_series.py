"""A series knows its gaps."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts import NotEnoughPoints
from bot.charts.series import Gap, series_of
from tests.bot.charts.builders import START, at_seconds, every

NAN = float("nan")


def test_unknown_values_are_gaps_wherever_they_lie() -> None:
    series = series_of(every(60, 6), [NAN, 1, 2, NAN, 3, NAN], what="equity")
    zero = START.timestamp()

    assert series.runs == ((1, 3), (4, 5))
    assert series.gaps == (Gap(start_s=zero, end_s=zero + 60), Gap(start_s=zero + 120, end_s=zero + 240),
                           Gap(start_s=zero + 240, end_s=zero + 300))  # fmt: skip
    assert (series.first, series.last, series.unknown_for_s) == (1, 3, 60)


def test_a_pause_in_the_records_is_a_gap() -> None:
    seconds = [*range(0, 600, 60), *range(6_000, 6_600, 60)]

    series = series_of(at_seconds(seconds), np.arange(20.0), what="equity")

    assert series.runs == ((0, 10), (10, 20))
    assert [gap.end_s - gap.start_s for gap in series.gaps] == [5_460]


def test_history_thinned_out_with_age_is_no_gap() -> None:
    seconds = [*range(0, 36_000, 3_600), *range(36_000, 37_800, 60)]

    series = series_of(at_seconds(seconds), np.zeros(len(seconds)), what="equity")

    assert series.gaps == ()


def test_the_caller_may_say_what_a_gap_is() -> None:
    series = series_of(at_seconds([0, 60, 180]), [1, 2, 3], what="equity", gap_s=100)

    assert series.runs == ((0, 2), (2, 3))


def test_data_that_ended_a_while_ago_is_followed_by_a_gap_until_now() -> None:
    times = every(60, 30)

    stale = series_of(times, np.ones(30), what="equity", now=times[-1] + timedelta(minutes=20))
    fresh = series_of(times, np.ones(30), what="equity", now=times[-1] + timedelta(seconds=70))

    assert stale.unknown_for_s == 1_200
    assert stale.times_s[-1] == times[-1].timestamp() + 1_200
    assert fresh.unknown_for_s == 0
    assert fresh.gaps == ()


def test_a_single_point_stands_for_now_for_a_few_minutes() -> None:
    fresh = series_of([START], [1.0], what="equity", now=START + timedelta(seconds=200))
    stale = series_of([START], [1.0], what="equity", now=START + timedelta(seconds=400))

    assert (fresh.unknown_for_s, stale.unknown_for_s) == (0, 400)


def test_order_of_the_records_does_not_matter() -> None:
    times = every(60, 5)

    assert series_of(times[::-1], [5, 4, 3, 2, 1], what="equity").values.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("values", [[], [NAN], [NAN, NAN]])
def test_nothing_known_says_what_to_do(values: list[float]) -> None:
    with pytest.raises(NotEnoughPoints, match=r"No equity has been recorded yet; ask again after the next check."):
        series_of(every(60, len(values)), values, what="equity")


def test_lengths_and_zones_must_fit() -> None:
    with pytest.raises(ValueError, match="equity: 2 times and values of shape"):
        series_of(every(60, 2), [1.0], what="equity")
    with pytest.raises(ValueError, match="pass aware datetimes"):
        series_of([START.replace(tzinfo=None)], [1.0], what="equity")


@given(
    steps=st.lists(st.sampled_from([0.0, 1.0, 60.0, 3_600.0, 86_400.0]), max_size=30),
    values=st.lists(st.sampled_from([NAN, 1.0, 2.0, float("inf")]), min_size=31, max_size=31),
)
def test_every_known_value_is_in_one_run_and_runs_and_gaps_fill_the_axis(
    steps: list[float], values: list[float]
) -> None:
    seconds = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = [1.0, *values[: len(steps)]]  # one is known

    series = series_of(at_seconds(seconds.tolist()), wanted, what="equity")

    inside = [at for first, last in series.runs for at in range(first, last)]
    assert inside == np.flatnonzero(~np.isnan(series.values)).tolist()
    covered = sum(gap.end_s - gap.start_s for gap in series.gaps)
    covered += sum(series.times_s[last - 1] - series.times_s[first] for first, last in series.runs)
    assert covered == pytest.approx(series.times_s[-1] - series.times_s[0])
