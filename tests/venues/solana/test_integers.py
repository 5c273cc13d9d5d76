"""Exact products of 64-bit columns, against Python's own integers."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from venues.solana.integers import magnitude, multiply_divide, wide_integers

U64 = st.integers(0, 2**64 - 1)
DIVISORS = st.one_of(st.sampled_from([10**power for power in range(20)]), st.integers(1, 2**64 - 1))
ROWS = st.tuples(st.one_of(U64, st.integers(0, 2**40)), st.one_of(U64, st.integers(10**10, 10**13)), DIVISORS)


def _exact(value: int, factor: int, divisor: int, up: bool) -> float:
    quotient, rest = divmod(value * factor, divisor)
    return float(quotient + (1 if up and rest else 0))


@given(rows=st.lists(st.tuples(ROWS, st.booleans()), min_size=1, max_size=80))
@example(rows=[((2**64 - 1, 2**64 - 1, 1), True)] * 40)
@example(rows=[((2**53 + 1, 10**10, 10**10), False)] * 40)
def test_multiply_divide_is_the_float_next_to_the_exact_integer(
    rows: list[tuple[tuple[int, int, int], bool]],
) -> None:
    values, factors, divisors = (np.array(column, np.uint64) for column in zip(*(row for row, _ in rows), strict=True))
    ups = np.array([up for _, up in rows])
    expected = [_exact(*row, up) for row, up in rows]
    assert multiply_divide(values, factors, divisors, ups).tolist() == expected


@given(rows=st.lists(ROWS, min_size=60, max_size=60))
def test_many_rows_give_what_single_rows_give(rows: list[tuple[int, int, int]]) -> None:
    values, factors, divisors = (np.array(column, np.uint64) for column in zip(*rows, strict=True))
    single = [
        multiply_divide(values[at : at + 1], factors[at : at + 1], divisors[at : at + 1])[0] for at in range(len(rows))
    ]
    assert multiply_divide(values, factors, divisors).tolist() == single


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_magnitude_holds_for_the_lowest_integer_too(values: list[int]) -> None:
    assert magnitude(np.array(values, np.int64)).tolist() == [abs(value) for value in values]


@given(st.integers(-(2**127), 2**127 - 1))
def test_a_signed_128_bit_field_reads_back(value: int) -> None:
    column = np.frombuffer(value.to_bytes(16, "little", signed=True), [("lo", "<u8"), ("hi", "<i8")])
    assert wide_integers(column) == [value]
