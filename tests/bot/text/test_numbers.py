"""Numbers in chat: readable, never nan or inf, and never safer than they are."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import numbers
from bot.text.numbers import Rounding

ANY_NUMBER = st.none() | st.floats(allow_nan=True, allow_infinity=True)
FINITE = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)
FORMATS: tuple[Callable[[float | None], str], ...] = (
    numbers.usd,
    numbers.signed_usd,
    numbers.usd_compact,
    numbers.price,
    numbers.size,
    numbers.percent_of_fraction,
    numbers.distance,
    numbers.health_percent,
    numbers.health_ratio,
    numbers.multiple,
    numbers.leverage,
)


def value_of(text: str) -> float:
    return float(text.strip("%x>").replace("$", "").replace(",", ""))


def noise(value: float) -> float:
    """What arithmetic leaves behind; no figure is rounded for its sake."""
    return 1e-12 * abs(value)


@pytest.mark.parametrize("show", FORMATS)
@given(value=ANY_NUMBER)
def test_no_number_is_shown_as_nan_or_inf_or_at_unbearable_length(
    show: Callable[[float | None], str], value: float | None
) -> None:
    text = show(value)

    assert text
    assert "nan" not in text.lower()
    assert "inf" not in text.lower()
    assert len(text) <= 24
    assert text.isprintable()


@pytest.mark.parametrize("show", FORMATS)
def test_what_is_unknown_and_what_is_unbounded_have_one_sign_each_without_a_unit(
    show: Callable[[float | None], str],
) -> None:
    assert show(None) == show(math.nan) == show(np.float64("nan")) == "-"
    assert show(math.inf) == "∞"
    assert show(-math.inf) == "-∞"


@pytest.mark.parametrize("show", FORMATS)
@given(value=st.floats(min_value=-1e-13, max_value=0))
def test_zero_has_no_sign(show: Callable[[float | None], str], value: float) -> None:
    assert value_of(numbers.usd(value)) == 0
    assert not numbers.signed_usd(value).startswith(("+", "-"))
    assert not show(-0.0).startswith("-")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.4, "$1,234"),
        (12.34, "$12.34"),
        (99.994, "$99.99"),
        (99.996, "$100"),  # not $100.00: cents end at 100
        (100.0, "$100"),
        (-820.4, "-$820"),
        (-0.001, "$0.00"),
        (0.0, "$0"),
        (1e9, "$1,000,000,000"),
        (3e20, "$3.0e+20"),
    ],
)
def test_dollars_have_cents_below_a_hundred(value: float, text: str) -> None:
    assert numbers.usd(value) == text


def test_cents_are_shown_where_they_are_asked_for() -> None:
    assert numbers.usd(2480.466849, cents=True) == "$2,480.47"
    assert numbers.usd(0, cents=True) == "$0.00"
    assert numbers.signed_usd(-2480.466849, cents=True) == "-$2,480.47"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (999.4, "$999"),
        (999.6, "$1.0K"),
        (1_200_000, "$1.2M"),
        (-12_345, "-$12.3K"),
        (999_949, "$999.9K"),
        (999_950, "$1.0M"),  # never $1000.0K
        (4.2e9, "$4.2B"),
        (9.99e14, "$999.0T"),
        (45.5, "$45.50"),
    ],
)
def test_compact_dollars_move_to_the_next_unit_in_time(value: float, text: str) -> None:
    assert numbers.usd_compact(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00001234, "0.00001234"),
        (101_533.25, "101,533.25"),
        (101_532.646123, "101,532.65"),
        (152.3, "152.30"),
        (152.3456, "152.35"),
        (1.0, "1.00"),
        (9.999999, "10.00"),
        (0.362611, "0.36261"),
        (2e-15, "0"),
        (0.0, "0"),
    ],
)
def test_a_price_has_the_digits_to_act_on(value: float, text: str) -> None:
    assert numbers.price(value) == text


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [
        (101_533.25, 10, "101,533.25"),
        (101_533.25, 9, "101,533.3"),
        (101_533.25, 7, "101,533"),
        (101_533.25, 3, "101,533"),  # digits before the point are never spared
        (0.00001234, 8, "0.000012"),
        (0.00001234, 3, "0.000012"),
        (1.23456, 4, "1.23"),
    ],
)
def test_a_price_gives_up_decimals_for_width(value: float, width: int, text: str) -> None:
    assert numbers.price(value, width=width) == text


@given(value=st.floats(min_value=1e-7, max_value=1e9))
def test_a_price_is_within_a_hundredth_of_a_percent(value: float) -> None:
    assert value_of(numbers.price(value)) == pytest.approx(value, rel=1e-4)


@given(value=st.floats(min_value=1e-4, max_value=1e9))
def test_a_size_is_within_a_hundredth_of_a_percent(value: float) -> None:
    assert value_of(numbers.size(value)) == pytest.approx(value, rel=1e-4)


@given(fraction=st.floats(min_value=-2, max_value=1e6))
def test_distance_is_never_shown_longer_than_it_is(fraction: float) -> None:
    assert value_of(numbers.distance(fraction)) <= fraction * 100 + noise(100 * fraction)


@given(percent=st.floats(min_value=-1e6, max_value=1e14))
def test_a_health_ratio_is_never_shown_better_than_it_is(percent: float) -> None:
    assert value_of(numbers.health_ratio(percent)) <= percent + noise(percent)


@given(percent=st.floats(min_value=10, max_value=100))
def test_health_reads_as_on_the_venues_own_pages(percent: float) -> None:
    assert abs(value_of(numbers.health_percent(percent)) - percent) <= 0.5 + noise(percent)


@given(percent=st.floats(min_value=0, max_value=9.999))
def test_health_near_liquidation_is_never_shown_better_than_it_is(percent: float) -> None:
    assert value_of(numbers.health_percent(percent)) <= percent + noise(percent)


@given(threshold=st.floats(min_value=1, max_value=999), below=st.floats(min_value=1e-9, max_value=1))
def test_a_ratio_below_a_threshold_never_reads_as_equal_to_it(threshold: float, below: float) -> None:
    threshold = round(threshold, 1)  # thresholds are set with the decimals that are shown

    assert value_of(numbers.health_ratio(threshold)) == pytest.approx(threshold)
    assert value_of(numbers.health_ratio(threshold - below)) < threshold


@given(value=st.floats(min_value=0, max_value=1e6))
def test_leverage_is_never_shown_lower_than_it_is(value: float) -> None:
    assert value_of(numbers.leverage(value)) >= value - noise(value)


@given(value=FINITE)
def test_a_deposit_that_helps_is_never_shown_too_small(value: float) -> None:
    assert value_of(numbers.usd(value, rounding=Rounding.UP)) >= value - noise(value)
    assert value_of(numbers.usd(value, rounding=Rounding.DOWN)) <= value + noise(value)
    assert value_of(numbers.size(value, rounding=Rounding.UP)) >= value - noise(value)


@given(value=st.decimals(min_value=0, max_value=10, places=3))
def test_rounding_sees_the_decimal_and_not_the_float_behind_it(value: float) -> None:
    fraction = float(value) / 10  # one decimal of percent

    exactly = float(f"{fraction:.4f}")
    assert value_of(numbers.percent_of_fraction(exactly, decimals=2)) == pytest.approx(exactly * 100, abs=1e-9)


def test_a_distance_of_exactly_4_1_percent_reads_4_1() -> None:
    assert numbers.distance(0.041) == "4.1%"  # 0.041 * 100 is 4.1000000000000005, and 0.29 * 100 is 28.999999999999996
    assert numbers.distance(0.29) == "29.0%"


def test_what_arithmetic_left_behind_the_thirteenth_digit_is_no_reason_to_round() -> None:
    assert numbers.distance(180 / 150 - 1) == "20.0%"  # 0.19999999999999996
    assert numbers.leverage(5.000000000000001) == "5.0x"
    assert numbers.health_ratio(149.9999999999) == "149.9%"


@pytest.mark.parametrize(
    ("fraction", "text"), [(0.0041, "0.4%"), (0.9996, "100%"), (12.34, "1,234%"), (-0.0004, "0.0%")]
)
def test_percent_drops_decimals_that_say_nothing(fraction: float, text: str) -> None:
    assert numbers.percent_of_fraction(fraction) == text


def test_a_change_carries_its_sign_unless_it_is_none() -> None:
    assert numbers.signed_usd(820) == "+$820"
    assert numbers.percent_of_fraction(0.024, signed=True) == "+2.4%"
    assert numbers.percent_of_fraction(-0.024, signed=True) == "-2.4%"
    assert numbers.percent_of_fraction(0.0001, signed=True) == "0.0%"
