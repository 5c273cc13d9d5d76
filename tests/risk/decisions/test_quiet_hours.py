"""Quiet hours: when they begin and end on clocks that jump, and how several become one."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.quiet_hours import QuietSpan, WholeDay, merged, next_time, quiet_until, span, wall_moment

BERLIN = ZoneInfo("Europe/Berlin")
FORWARD = date(2026, 3, 29)  # 02:00 becomes 03:00
BACK = date(2026, 10, 25)  # 03:00 becomes 02:00


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(begins: str, ends: str) -> QuietSpan:
    return span(time.fromisoformat(begins), time.fromisoformat(ends))


NIGHT = (hours("22:00", "07:00"),)
MOMENTS = {
    "before": ("2026-01-05 20:59", None),
    "as it begins": ("2026-01-05 21:00", "2026-01-06 06:00"),
    "after midnight": ("2026-01-06 01:00", "2026-01-06 06:00"),
    "the last moment": ("2026-01-06 05:59:59", "2026-01-06 06:00"),
    "as it ends": ("2026-01-06 06:00", None),
    "the night the clocks go forward": ("2026-03-28 23:30", "2026-03-29 05:00"),
    "the night the clocks go back": ("2026-10-24 22:00", "2026-10-25 06:00"),
}


@pytest.mark.parametrize(("now", "ends"), MOMENTS.values(), ids=MOMENTS)
def test_a_night_in_berlin(now: str, ends: str | None) -> None:
    assert quiet_until(NIGHT, BERLIN, at(now)) == (None if ends is None else at(ends))


def test_an_end_that_the_clocks_skip_is_the_moment_they_jump() -> None:
    spans = (hours("01:00", "02:30"),)

    assert quiet_until(spans, BERLIN, at("2026-03-29 00:30")) == at("2026-03-29 01:00")
    assert quiet_until(spans, BERLIN, at("2026-03-29 01:00")) is None


def test_a_stretch_that_the_clocks_skip_as_a_whole_does_not_happen() -> None:
    spans = (hours("02:10", "02:50"),)

    assert not any(quiet_until(spans, BERLIN, at("2026-03-29 00:00") + timedelta(minutes=m)) for m in range(180))
    assert quiet_until(spans, BERLIN, at("2026-03-28 01:15")) == at("2026-03-28 01:50")


def test_a_time_that_comes_twice_counts_once() -> None:
    spans = (hours("02:15", "02:45"),)
    quiet = [m for m in range(240) if quiet_until(spans, BERLIN, at("2026-10-25 00:00") + timedelta(minutes=m))]

    assert quiet == list(range(15, 45))


def test_a_beginning_that_comes_twice_is_its_first_coming() -> None:
    assert quiet_until((hours("02:30", "04:00"),), BERLIN, at("2026-10-25 00:30")) == at("2026-10-25 03:00")


def test_a_day_that_a_zone_skips_leaves_no_gap_and_no_error() -> None:
    apia = ZoneInfo("Pacific/Apia")  # there was no 30 December 2011

    assert wall_moment(date(2011, 12, 30), 12 * 60, apia) == at("2011-12-30 10:00")
    assert quiet_until(NIGHT, apia, at("2011-12-30 09:00")) == at("2011-12-30 17:00")


MERGED = {
    "overlapping": ([("22:00", "07:00"), ("06:00", "09:00")], [("22:00", "09:00")]),
    "touching": ([("22:00", "00:00"), ("00:00", "07:00")], [("22:00", "07:00")]),
    "apart": ([("22:00", "07:00"), ("13:00", "14:00")], [("13:00", "14:00"), ("22:00", "07:00")]),
    "one inside another": ([("22:00", "07:00"), ("23:00", "01:00")], [("22:00", "07:00")]),
    "three in a chain": ([("01:00", "03:00"), ("02:00", "05:00"), ("05:00", "06:00")], [("01:00", "06:00")]),
    "none": ([], []),
}


@pytest.mark.parametrize(("given_spans", "expected"), MERGED.values(), ids=MERGED)
def test_overlapping_hours_become_one(given_spans: list[tuple[str, str]], expected: list[tuple[str, str]]) -> None:
    assert merged(hours(*one) for one in given_spans) == tuple(hours(*one) for one in expected)


@pytest.mark.parametrize("pair", [("22:00", "10:00", "09:00", "22:00"), ("00:00", "12:00", "12:00", "00:00")])
def test_the_whole_day_is_refused_in_words(pair: tuple[str, str, str, str]) -> None:
    with pytest.raises(WholeDay, match="cannot cover the whole day"):
        merged([hours(pair[0], pair[1]), hours(pair[2], pair[3])])
    with pytest.raises(WholeDay):
        hours("08:00", "08:00")


def test_the_next_eight_o_clock_lies_ahead_whatever_the_clocks_do() -> None:
    assert next_time(8 * 60, BERLIN, at("2026-03-28 07:00")) == at("2026-03-29 06:00")
    assert next_time(8 * 60, BERLIN, at("2026-10-24 06:00")) == at("2026-10-25 07:00")
    assert next_time(150, BERLIN, at("2026-03-29 00:59")) == at("2026-03-29 01:00")


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
SPANS = st.lists(
    st.builds(lambda begins, length: QuietSpan(begins_minute=begins, ends_minute=begins + length),
              st.integers(0, 1439), st.integers(1, 700)), min_size=1, max_size=3,
)  # fmt: skip
MOMENT = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(SPANS, ZONES, MOMENT)
def test_quiet_ends_within_a_day_and_then_it_is_over(spans: list[QuietSpan], zone: str, now: datetime) -> None:
    try:
        quiet = merged(spans)
    except WholeDay:
        return
    ends = quiet_until(quiet, ZoneInfo(zone), now)

    if ends is not None:
        assert now < ends <= now + timedelta(hours=26)
        assert quiet_until(quiet, ZoneInfo(zone), ends) is None


@given(SPANS, ZONES, MOMENT)
def test_it_is_quiet_when_the_clock_on_the_wall_says_so(spans: list[QuietSpan], zone: str, now: datetime) -> None:
    """On days without a jump of the clocks, which have stretches of their own above."""
    try:
        quiet = merged(spans)
    except WholeDay:
        return
    local = now.astimezone(ZoneInfo(zone))
    offsets = {
        (local + timedelta(hours=h)).astimezone(UTC).astimezone(ZoneInfo(zone)).utcoffset() for h in range(-49, 50)
    }
    if len(offsets) > 1:
        return
    minute = local.hour * 60 + local.minute
    inside = any(one.begins_minute <= m < one.ends_minute for one in quiet for m in (minute, minute + 1440))

    assert (quiet_until(quiet, ZoneInfo(zone), now) is not None) is inside
