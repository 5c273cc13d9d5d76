"""Single ratios and weights against whole numbers."""

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from risk.margin import rules
from tests.risk import reference

SIZES_1E9 = st.integers(0, 2**52)
RATIOS = st.integers(1, 20_000)
IMFS = st.integers(0, 1_000_000)


def column(value: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([value], dtype=np.float64)


@given(st.integers(0, 2**53))
@example(2**52)
@example((2**26) ** 2 - 1)
@example(94_906_265**2)
@example(94_906_265**2 - 1)
def test_the_square_root_is_exact_for_every_whole_number_a_float_holds(value: int) -> None:
    assert rules.isqrt(column(value))[0] == math.isqrt(value)


@given(st.integers(2**53, 9 * 10**18 - 1))
def test_the_square_root_of_larger_numbers_is_that_of_their_float(value: int) -> None:
    held = int(float(value))
    assert rules.isqrt(column(value))[0] == math.isqrt(held)
    assert abs(math.isqrt(held) - math.isqrt(value)) <= 1


def test_the_square_root_of_nothing_known_is_not_known() -> None:
    roots = rules.isqrt(np.array([np.nan, 0.0, 1.0, 9e18]))
    assert np.isnan(roots[0])
    assert roots[1:].tolist() == [0.0, 1.0, 3e9]


def test_roots_near_a_whole_number_are_settled_in_whole_numbers() -> None:
    whole = np.arange(2_900_000_000, 2_900_000_300, dtype=np.float64)
    squares = whole * whole
    assert (rules.isqrt(squares) == [math.isqrt(int(square)) for square in squares]).all()
    below = np.nextafter(squares, 0.0)
    assert (rules.isqrt(below) == [math.isqrt(int(square)) for square in below]).all()


@given(ratio=RATIOS, size=SIZES_1E9, imf=IMFS)
def test_a_requirement_grows_with_size_as_the_rules_say(ratio: int, size: int, imf: int) -> None:
    root = rules.size_root(column(size))
    assert rules.size_premium(column(ratio), root, column(imf))[0] == reference.size_premium(ratio, size, imf)


@given(weight=st.integers(0, 10_000), size=SIZES_1E9, imf=IMFS)
def test_an_asset_counts_less_with_size_as_the_rules_say(weight: int, size: int, imf: int) -> None:
    bound = rules.size_discount(rules.size_root(column(size)), column(imf))
    assert min(weight, bound[0]) == reference.size_discount(weight, size, imf)


@given(pre=st.integers(5, 20_000), lowered=RATIOS, size=SIZES_1E9, imf=IMFS)
def test_high_leverage_fades_with_size_as_the_rules_say(pre: int, lowered: int, size: int, imf: int) -> None:
    root = rules.size_root(column(size))
    ratio = rules.high_leverage_initial(column(pre), column(lowered), root, column(imf))
    assert ratio[0] == reference.high_leverage_initial(pre, lowered, size, imf)


@given(pre=st.integers(100, 20_000), size=SIZES_1E9, more=SIZES_1E9, imf=IMFS)
def test_a_larger_size_never_needs_less(pre: int, size: int, more: int, imf: int) -> None:
    roots = rules.size_root(np.array([size, size + more], dtype=np.float64))
    premium = rules.size_premium(np.array([pre, pre], dtype=np.float64), roots, np.full(2, imf, dtype=np.float64))
    discount = rules.size_discount(roots, np.full(2, imf, dtype=np.float64))
    assert pre <= premium[0] <= premium[1]
    assert discount[1] <= discount[0] <= 11_000


def test_a_root_that_needs_settling_is_settled_beside_one_that_does_not() -> None:
    largest = 94_906_265.0
    squares = np.array([4.0, largest**2 - 1.0, largest**2, 9.0])
    assert rules.isqrt(squares).tolist() == [2.0, largest - 1.0, largest, 3.0]
