"""Tables fit a phone, and give up names before numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import width

from bot.messages import Table
from bot.text.clean import cut
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

    assert line == "xx… " + "y" * 30


def test_too_many_columns_are_the_authors_mistake() -> None:
    with pytest.raises(ValueError, match="18 columns do not fit"):
        fit([["x"] * 18])


def test_an_empty_table_is_a_table() -> None:
    assert fit([]) == Table(rows=())
    assert lines(fit([], header=["a", "b"])) == ("a b",)


@given(st.lists(st.lists(st.text(max_size=20), max_size=4).map(tuple), max_size=6).map(tuple))
def test_no_row_of_any_table_is_wider_than_a_phone(rows: tuple[tuple[str, ...], ...]) -> None:
    assert all(width(line) <= TABLE_COLUMNS for line in lines(Table(rows)))


def test_figures_are_aligned_right_under_their_header() -> None:
    table = Table(rows=(("BTC-PERP", "0.25", "-3%"), ("SOL", "1,200", "0%")), header=("", "Size", "PnL"))
    assert lines(table) == ("          Size PnL", "BTC-PERP  0.25 -3%", "SOL      1,200  0%")


def test_a_long_label_gives_way_so_that_no_figure_is_cut() -> None:
    (line,) = lines(Table(rows=(("A-NICKNAME-NOBODY-SHOULD-CHOOSE", "1,234,567.89", "12.5%"),)))
    assert line == "A-NICKNAME-NOB… 1,234,567.89 12.5%"


def test_figures_too_wide_on_their_own_end_in_an_ellipsis() -> None:
    (line,) = lines(Table(rows=(("label", "1" * 40),)))
    assert line.endswith("…")
    assert width(line) == TABLE_COLUMNS


def test_wide_characters_count_as_two_columns() -> None:
    assert lines(Table(rows=(("中文", "1"), ("ab", "22")))) == ("中文  1", "ab   22")


def test_a_cut_never_splits_a_character_from_its_accents() -> None:
    assert cut("e\u0301" * 5, 3) == "e\u0301e\u0301…"


def test_short_rows_are_filled_up() -> None:
    assert lines(Table(rows=(("a",), ("b", "1")))) == ("a", "b 1")


@pytest.mark.parametrize("table", [Table(rows=()), Table(rows=((), ()))])
def test_an_empty_table_has_no_lines(table: Table) -> None:
    assert lines(table) == ()
