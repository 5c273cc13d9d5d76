"""Tables fit a phone, and give up names before numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import width

from bot.messages import Table
from bot.text.tables import TABLE_COLUMNS, fit, lines

CELL = st.text(max_size=40)
ROWS = st.integers(min_value=1, max_value=8).flatmap(
    lambda n: st.lists(st.lists(CELL, min_size=0, max_size=n), min_size=1, max_size=6)
)


@given(rows=ROWS, header=st.lists(CELL, max_size=8), shrink=st.lists(st.integers(0, 9), max_size=3))
def test_whatever_the_cells_the_table_fits(rows: list[list[str]], header: list[str], shrink: list[int]) -> None:
    table = fit(rows, header=header, shrink=shrink)

    assert len(table.rows) == len(rows)
    assert len({len(row) for row in table.rows} | ({len(table.header)} - {0})) == 1
    for line in lines(table):
        assert width(line) <= TABLE_COLUMNS
        assert line.isprintable()


def test_a_table_that_fits_is_left_alone() -> None:
    rows = [["SOL-PERP", "152.30", "4.1%"], ["BTC-PERP", "101,533", "12.0%"]]

    assert fit(rows, header=["", "liq", "away"]).rows == tuple(map(tuple, rows))


def test_the_named_column_shrinks_and_the_numbers_stay_whole() -> None:
    table = fit([["a market with a name", "101,533.25", "4.1%"], ["b", "1", "2"]])

    assert table.rows[0] == ("a market with a n…", "101,533.25", "4.1%")


def test_columns_shrink_in_the_order_given_and_keep_four_characters_first() -> None:
    table = fit([["first-column-text", "second-column-text", "123456789.00"]], shrink=(1, 0))

    assert table.rows[0] == ("first-column-te…", "sec…", "123456789.00")


def test_a_number_that_does_not_fit_goes_whole() -> None:
    table = fit([["account", "1,234,567,890.12", "1,234,567,890.12345"], ["b", "12", "34"]])

    assert table.rows[0][2] == "…"
    assert table.rows[0][1] == "1,234,567,890.12"
    assert table.rows[1] == ("b", "12", "34")


def test_the_first_column_is_on_the_left_and_the_others_on_the_right() -> None:
    table = fit([["SOL", "1.5"], ["日本", "120.25"]], header=["what", "size"])

    assert lines(table) == ("what   size", "SOL     1.5", "日本 120.25")


def test_a_broken_cell_cannot_break_the_table() -> None:
    assert fit([["a\nb", "1\x1b[2J"]]).rows == (("a b", "1[2J"),)


def test_a_table_somebody_built_too_wide_is_cut_visibly() -> None:
    (line,) = lines(Table(rows=(("x" * 30, "y" * 30),)))

    assert line == "x" * 30 + " yy…"


def test_too_many_columns_are_the_authors_mistake() -> None:
    with pytest.raises(ValueError, match="18 columns do not fit"):
        fit([["x"] * 18])


def test_an_empty_table_is_a_table() -> None:
    assert fit([]) == Table(rows=())
    assert lines(fit([], header=["a", "b"])) == ("a b",)
