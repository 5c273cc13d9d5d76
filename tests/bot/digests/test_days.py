"""When a digest is due: once for each local day, late rather than never, through changes of clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.digests.days import due_day, moment_of, newest_day

BERLIN, SYDNEY = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Sydney")
EIGHT = 8 * 60


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "now", "due", "why"),
    [
        ("2026-01-04", "2026-01-05T06:59", None, "it is not eight there yet"),
        ("2026-01-04", "2026-01-05T07:00", "2026-01-05", "eight o'clock in Berlin"),
        ("2026-01-05", "2026-01-05T07:01", None, "told already"),
        ("2026-01-04", "2026-01-05T22:59", "2026-01-05", "late, on the same day"),
        ("2026-01-04", "2026-01-06T03:00", "2026-01-05", "late, in the night after"),
        ("2026-01-01", "2026-01-06T07:30", "2026-01-06", "of several that were missed the newest"),
        ("2026-01-09", "2026-01-06T07:30", None, "a clock that was set back tells nothing twice"),
    ],
)
def test_the_day_that_is_due(told: str, now: str, due: str | None, why: str) -> None:
    found = due_day(date.fromisoformat(told), EIGHT, BERLIN, at(now))
    assert found == (date.fromisoformat(due) if due else None), why


@pytest.mark.parametrize(
    ("day", "minute", "moment", "why"),
    [
        ("2026-03-29", 150, "2026-03-29T01:30", "02:30 does not exist: it comes when clocks have been changed"),
        ("2026-10-25", 150, "2026-10-25T00:30", "02:30 comes twice: the first time counts"),
        ("2026-07-01", EIGHT, "2026-07-01T06:00", "summer"),
        ("2026-12-01", EIGHT, "2026-12-01T07:00", "winter"),
        ("2026-07-01", 0, "2026-06-30T22:00", "midnight"),
        ("2026-07-01", 1439, "2026-07-01T21:59", "the last minute"),
    ],
)
def test_the_moment_of_a_day_through_changes_of_clocks(day: str, minute: int, moment: str, why: str) -> None:
    assert moment_of(date.fromisoformat(day), minute, BERLIN) == at(moment), why


@given(
    start=st.datetimes(timezones=st.just(UTC)).filter(lambda one: 1971 < one.year < 2100),
    minute=st.integers(0, 1439),
    zone=st.sampled_from([UTC, BERLIN, SYDNEY, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")]),
    steps=st.lists(st.integers(1, 40 * 60), max_size=80),
)
def test_however_often_and_late_it_is_looked_at_each_day_is_told_at_most_once_in_order(
    start: datetime, minute: int, zone: ZoneInfo, steps: list[int]
) -> None:
    now, told, seen = start, newest_day(minute, zone, start), []
    for step in steps:
        now += timedelta(minutes=step)
        day = due_day(told, minute, zone, now)
        if day is not None:
            assert moment_of(day, minute, zone) <= now
            seen.append(day)
            told = day

    assert seen == sorted(set(seen))
    # Looked at every minute, no day is missed.
    if steps and max(steps) < 23 * 60:
        days = (newest_day(minute, zone, now) - newest_day(minute, zone, start)).days
        assert len(seen) == days
