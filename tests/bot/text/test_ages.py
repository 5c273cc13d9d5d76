"""Ages and moments."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import ages

NOON = datetime(2025, 10, 10, 12, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.01, "1 s"),
        (10.2, "11 s"),  # a limit of 10 s is passed, and it shows
        (119, "119 s"),
        (119.5, "2 min"),
        (299, "4 min"),
        (3_599.5, "1 h 00 min"),
        (7_500, "2 h 05 min"),
        (86_399.5, "1 d"),
        (100_000, "1 d 3 h"),
        (3 * 86_400, "3 d"),
        (9 * 86_400 + 7_200, "9 d"),
        (-5, "0 s"),
        (None, "-"),
        (math.nan, "-"),
        (math.inf, "∞"),
    ],
)
def test_age(seconds: float | None, text: str) -> None:
    assert ages.age(seconds) == text


def test_data_too_old_to_be_relied_on_says_so_before_its_age() -> None:
    assert ages.age_of_data(3) == "3 s old"
    assert ages.age_of_data(250, stale=True) == "STALE 4 min old"


@given(st.floats(min_value=-1e9, max_value=1e12))
def test_an_age_is_short_whatever_it_is(seconds: float) -> None:
    assert len(ages.age(seconds)) <= 12


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(119.4, "119 s"), (119.6, "2 min"), (86_340, "24 h"), (47.4 * 3600, "47 h"), (47.6 * 3600, "2 d"), (0, "0 s")],
)
def test_a_span_has_one_unit(seconds: float, text: str) -> None:
    assert ages.span(seconds) == text


def test_a_moment_names_its_zone() -> None:
    east = timezone(timedelta(hours=5, minutes=30))

    assert ages.moment(NOON) == "12:00:05 UTC"
    assert ages.moment(NOON, east) == "17:30:05 UTC+05:30"
    assert ages.day_and_moment(NOON.replace(hour=20), east) == "11 Oct 2025 01:30 UTC+05:30"
    assert ages.day(NOON) == "10 Oct"
    assert ages.month(NOON) == "Oct 2025"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="pass an aware datetime"):
        ages.moment(NOON.replace(tzinfo=None))
