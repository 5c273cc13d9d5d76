"""Stretches of time as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.durations import BadDuration, duration, written

READ = {
    "30m": 1_800, "30 min": 1_800, "2h": 7_200, "1 H": 3_600, "1h30m": 5_400, "1h 30 min": 5_400, "90s": 90,
    "3 s": 3, "0.5h": 1_800, "1 day": 86_400, "2 days 1 hour": 176_400, "0s": 0,
}  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), READ.items())
def test_it_reads_numbers_with_units(text: str, seconds: float) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", " ", "5", "5 parsecs", "h", "-3m", "1h 5", "1e3 s", "∞ h", "٣h", "1h,30m", "x" * 10_000]
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadDuration, match="30m, 2h or 1d") as refused:
        duration(text)
    assert len(str(refused.value)) < 120


def test_more_than_the_most_is_refused_and_the_most_is_named() -> None:
    with pytest.raises(BadDuration, match="8d is too long; at most 7 d"):
        duration("8d", longest=timedelta(days=7))
    assert duration("7d", longest=timedelta(days=7)) == timedelta(days=7)


@given(st.integers(min_value=0, max_value=10**8))
def test_what_is_written_is_read_back(seconds: int) -> None:
    span = timedelta(seconds=seconds)

    assert duration(written(span)) == span
