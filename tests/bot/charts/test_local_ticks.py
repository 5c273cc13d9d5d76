"""The time axis in somebody's own time, through changes of clocks."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.ticks import time_axis_title, time_ticks
from bot.text.reader import ReadingStyle, reading_as

BERLIN = ReadingStyle(zone=ZoneInfo("Europe/Berlin"))


def s(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_marks_are_round_in_the_readers_time() -> None:
    with reading_as(BERLIN):
        ticks = time_ticks(s("2025-07-01T10:00"), s("2025-07-01T16:00"), most=4)
        title = time_axis_title(s("2025-07-01T10:00"), s("2025-07-01T16:00"))

    assert [tick.label for tick in ticks] == ["12:00", "14:00", "16:00", "18:00"]
    assert ticks[0].at == s("2025-07-01T10:00")
    assert title == "time in CEST, 1 Jul 2025"


def test_midnight_is_theirs() -> None:
    with reading_as(BERLIN):
        labels = [tick.label for tick in time_ticks(s("2025-07-01T20:00"), s("2025-07-02T02:00"), most=4)]
    assert labels == ["22:00", "2 Jul", "02:00", "04:00"]


@pytest.mark.parametrize(
    ("start", "end", "labels", "title"),
    [
        ("2025-03-29T23:00", "2025-03-30T04:00", ["30 Mar", "01:00", "03:00", "04:00", "05:00", "06:00"], "CET/CEST"),
        ("2025-10-25T22:00", "2025-10-26T03:00", ["26 Oct", "01:00", "02:00", "03:00", "04:00"], "CEST/CET"),
    ],
)
def test_a_change_of_clocks_skips_an_hour_or_marks_it_once(start: str, end: str, labels: list[str], title: str) -> None:
    with reading_as(BERLIN):
        ticks = time_ticks(s(start), s(end), most=5)
        assert time_axis_title(s(start), s(end)).startswith(f"time in {title}, ")

    assert [tick.label for tick in ticks] == labels
    assert [tick.at for tick in ticks] == sorted({tick.at for tick in ticks})


@given(
    start=st.floats(s("2024-01-01T00:00"), s("2026-12-01T00:00")),
    span=st.floats(60, 400 * 86_400),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_marks_lie_within_the_axis_in_order_and_are_not_too_many(start: float, span: float, zone: str) -> None:
    with reading_as(ReadingStyle(zone=ZoneInfo(zone))):
        ticks = time_ticks(start, start + span)

    at = [tick.at for tick in ticks]
    assert at == sorted(set(at))
    assert all(start <= one <= start + span for one in at)
    assert len(at) <= 7
