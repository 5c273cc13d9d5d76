"""How numbers and moments look to whom: in any locale the same number, in any zone the same moment."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from babel.localedata import locale_identifiers
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import width

from bot.text import ages, numbers
from bot.text.locales import UnknownNumbers, number_style
from bot.text.reader import PLAIN, NumberStyle, ReadingStyle, figure, reader, reading_as
from bot.text.tables import fit, lines

EVERY_LOCALE = sorted(locale_identifiers())
styles = st.sampled_from(EVERY_LOCALE).map(number_style)
values = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e14, max_value=1e14)
FORMATS: list[Callable[[float], str]] = [
    numbers.usd, numbers.signed_usd, numbers.usd_compact, numbers.price, numbers.size, numbers.percent_of_fraction,
    numbers.distance, numbers.health_percent, numbers.health_ratio, numbers.multiple, numbers.leverage,
    numbers.signed_usd_compact,
]  # fmt: skip


def read_back(text: str, style: NumberStyle) -> str:
    """The text as somebody of no locale writes it: no groups, a point before decimals."""
    return text.replace(style.group, "").replace(style.decimal, ".")


@given(value=values, style=styles, which=st.sampled_from(FORMATS))
def test_in_any_locale_it_is_the_same_number(value: float, style: NumberStyle, which: Callable[[float], str]) -> None:
    plain = which(value)
    with reading_as(ReadingStyle(numbers=style)):
        written = which(value)

    assert read_back(written, style) == plain.replace(",", "")


@given(value=values, style=styles)
def test_groups_have_the_digits_their_locale_gives_them(value: float, style: NumberStyle) -> None:
    with reading_as(ReadingStyle(numbers=style)):
        whole = numbers.size(float(round(value))).removeprefix("-").split(style.decimal)[0]

    *head, last = whole.split(style.group)
    if head and style.last_group:
        assert len(last) == style.last_group
        assert all(len(one) == style.groups for one in head[1:])
        assert 1 <= len(head[0]) <= style.groups


@given(values=st.lists(values, min_size=1, max_size=4), style=styles, label=st.text(min_size=1, max_size=30))
def test_tables_fit_a_phone_in_any_locale_and_cut_no_number(
    values: list[float], style: NumberStyle, label: str
) -> None:
    with reading_as(ReadingStyle(numbers=style)):
        cells = [numbers.usd_compact(value) for value in values[:2]]
        table = fit([[label, *cells]])

    assert all(width(line) <= 34 for line in lines(table, columns=200))
    # A no-break space is a space in a table, where no line is broken.
    assert [cell.replace(" ", "\N{NO-BREAK SPACE}") for cell in table.rows[0][1:]] == cells


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("en", "$1,234,567.50"),
        ("de", "$1.234.567,50"),
        ("fr", "$1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567,50"),
        ("in", "$12,34,567.50"),
        ("hi-IN", "$12,34,567.50"),
        ("de_CH", "$1’234’567.50"),
        ("PT-br", "$1.234.567,50"),
        ("en_US_POSIX", "$1234567.50"),
        ("ar_EG", "$1,234,567.50"),
    ],
)
def test_a_locale_is_understood_however_it_is_typed(typed: str, written: str) -> None:
    with reading_as(ReadingStyle(numbers=number_style(typed))):
        assert numbers.usd(1_234_567.5, cents=True) == written


@pytest.mark.parametrize("typed", ["xx", "", "klingon", "de_XX", "../en", "x" * 10_000, "\x00", "🤷"])
def test_a_locale_nobody_has_is_refused_in_words(typed: str) -> None:
    with pytest.raises(UnknownNumbers, match=r"^no numbers are known as ") as refused:
        number_style(typed)
    assert len(str(refused.value)) < 120


def test_what_comes_near_is_suggested() -> None:
    with pytest.raises(UnknownNumbers, match="did you mean de "):
        number_style("de_XX")


def test_separators_of_every_locale_are_one_column_wide_and_differ() -> None:
    for identifier in EVERY_LOCALE:
        style = number_style(identifier)

        assert width(style.decimal) == width(style.group) == 1, identifier
        assert style.decimal != style.group, identifier


# Time.

AT = datetime(2025, 10, 26, 0, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "twelve", "moment", "day_and_moment"),
    [
        ("UTC", False, "00:30:05 UTC", "26 Oct 2025 00:30 UTC"),
        ("Europe/Berlin", False, "02:30:05 CEST", "26 Oct 2025 02:30 CEST"),
        ("America/New_York", False, "20:30:05 EDT", "25 Oct 2025 20:30 EDT"),
        ("America/New_York", True, "8:30:05 PM EDT", "25 Oct 2025 8:30 PM EDT"),
        ("UTC", True, "12:30:05 AM UTC", "26 Oct 2025 12:30 AM UTC"),
        ("Asia/Kathmandu", False, "06:15:05 +0545", "26 Oct 2025 06:15 +0545"),
    ],
)
def test_moments_are_told_in_the_readers_time_with_its_name(
    zone: str, twelve: bool, moment: str, day_and_moment: str
) -> None:
    with reading_as(ReadingStyle(zone=ZoneInfo(zone), twelve_hours=twelve)):
        assert ages.moment(AT) == moment
        assert ages.day_and_moment(AT) == day_and_moment


@given(at=st.datetimes(timezones=st.just(UTC)), zone=st.sampled_from(["Europe/Berlin", "Asia/Tokyo", "America/Lima"]))
def test_a_moment_told_in_another_zone_is_the_same_moment(at: datetime, zone: str) -> None:
    # The last day of the calendar has no tomorrow east of Greenwich.
    at = at.replace(year=min(max(at.year, 1970), 9_000), microsecond=0)
    with reading_as(ReadingStyle(zone=ZoneInfo(zone))):
        hours, minutes, seconds = map(int, re.findall(r"\d\d", ages.moment(at))[:3])

    local = at.astimezone(ZoneInfo(zone))
    assert (hours, minutes, seconds) == (local.hour, local.minute, local.second)


# Who reads.


async def test_a_reader_holds_for_what_begins_within_and_ends_with_it() -> None:
    german = ReadingStyle(numbers=number_style("de"))

    async def written() -> str:
        await asyncio.sleep(0)
        return figure("1234.5")

    with reading_as(german):
        task = asyncio.create_task(written())
        assert reader() is german
        with reading_as(PLAIN):
            assert figure("1234.5") == "1,234.5"
        assert figure("1234.5") == "1.234,5"
    assert reader() is PLAIN
    assert await task == "1.234,5"
    assert figure("1234.5") == "1,234.5"


async def test_readers_side_by_side_do_not_mix() -> None:
    async def reading(identifier: str) -> list[str]:
        heard = []
        with reading_as(ReadingStyle(numbers=number_style(identifier))):
            for _ in range(20):
                await asyncio.sleep(0)
                heard.append(figure("1234.5"))
        return heard

    german, english = await asyncio.gather(reading("de"), reading("en"))
    assert set(german) == {"1.234,5"}
    assert set(english) == {"1,234.5"}
