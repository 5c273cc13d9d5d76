"""Axes are marked at round places, with labels that tell them apart."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.ticks import nice_step, time_axis_title, time_ticks, usd_labels, value_ticks


def labels(start: datetime, end: datetime) -> list[str]:
    return [tick.label for tick in time_ticks(start.timestamp(), end.timestamp())]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month, day and what follows


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (utc(2025, 10, 10, 14, 3, 0), utc(2025, 10, 10, 14, 3, 50), ["14:03:00", "14:03:30"]),
        (utc(2025, 10, 10, 14, 3), utc(2025, 10, 10, 15, 0), ["14:15", "14:30", "14:45", "15:00"]),
        (utc(2025, 10, 10, 14, 3), utc(2025, 10, 11, 14, 3), ["18:00", "11 Oct", "06:00", "12:00"]),
        (utc(2025, 10, 1), utc(2025, 10, 7), ["1 Oct", "3 Oct", "5 Oct", "7 Oct"]),
        (utc(2025, 9, 20), utc(2026, 2, 3), ["Oct", "Nov", "Dec", "2026", "Feb"]),
        (utc(2023, 6, 1), utc(2026, 6, 1), ["2024", "2025", "2026"]),
    ],
)
def test_time_is_marked_at_round_moments_of_utc(start: datetime, end: datetime, expected: list[str]) -> None:
    assert labels(start, end) == expected


@given(start=st.integers(min_value=0, max_value=4_000_000_000), span=st.floats(min_value=2, max_value=3e8))
def test_there_are_few_marks_all_inside_and_neighbours_differ(start: int, span: float) -> None:
    ticks = time_ticks(start, start + span)

    assert len(ticks) <= 7
    assert all(start <= tick.at <= start + span for tick in ticks)
    assert all(one.label != following.label for one, following in itertools.pairwise(ticks))


def test_the_title_of_the_axis_says_unit_and_days() -> None:
    noon, evening, newyear = utc(2025, 10, 10, 12), utc(2025, 10, 10, 20), utc(2026, 1, 1)

    assert time_axis_title(noon.timestamp(), evening.timestamp()) == "time in UTC, 10 Oct 2025"
    assert time_axis_title(noon.timestamp(), newyear.timestamp()) == "time in UTC, 10 Oct 2025 to 1 Jan 2026"


@pytest.mark.parametrize(("least", "step"), [(1.0, 1.0), (1.1, 2.0), (2.1, 2.5), (0.03, 0.05), (60.0, 100.0)])
def test_steps_are_round(least: float, step: float) -> None:
    assert nice_step(least) == pytest.approx(step)


@pytest.mark.parametrize(
    ("values", "step", "expected"),
    [
        ([9_900, 10_000, 10_100], 100, ("$9,900", "$10,000", "$10,100")),
        ([0, 0.5, 1.0], 0.5, ("$0", "$0.50", "$1.00")),
        ([1_200_000, 1_225_000], 25_000, ("$1.200M", "$1.225M")),
        ([-1_000, 0, 1_000], 1_000, ("-$1,000", "$0", "$1,000")),
        ([0, 1e9, 2e9], 1e9, ("$0", "$1B", "$2B")),
    ],
)
def test_dollars_have_one_unit_and_the_decimals_they_need(
    values: list[float], step: float, expected: tuple[str, ...]
) -> None:
    assert usd_labels(values, step=step) == expected


@given(low=st.floats(min_value=-1e9, max_value=1e9), span=st.floats(min_value=1, max_value=1e10))
def test_labels_of_values_tell_them_apart(low: float, span: float) -> None:
    step = nice_step(span / 6)
    marks = value_ticks(low, low + span, step=step)

    assert 1 <= len(marks) <= 7
    assert len(set(usd_labels(marks, step=step))) == len(marks)
