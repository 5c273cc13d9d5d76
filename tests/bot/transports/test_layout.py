"""Tables and clean text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Table
from bot.transports.layout import TABLE_COLUMNS, clean, columns, cut, one_line, table_lines

CELLS = st.text(max_size=20)


@given(st.lists(st.lists(CELLS, max_size=4).map(tuple), max_size=6).map(tuple))
def test_no_row_of_any_table_is_wider_than_a_phone(rows: tuple[tuple[str, ...], ...]) -> None:
    assert all(columns(line) <= TABLE_COLUMNS for line in table_lines(Table(rows)))


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


def test_figures_are_aligned_right_under_their_header() -> None:
    table = Table(rows=(("BTC-PERP", "0.25", "-3%"), ("SOL", "1,200", "0%")), header=("", "Size", "PnL"))
    assert table_lines(table) == ("          Size PnL", "BTC-PERP  0.25 -3%", "SOL      1,200  0%")


def test_a_long_label_gives_way_so_that_no_figure_is_cut() -> None:
    (line,) = table_lines(Table(rows=(("A-NICKNAME-NOBODY-SHOULD-CHOOSE", "1,234,567.89", "12.5%"),)))
    assert line == "A-NICKNAME-NOB… 1,234,567.89 12.5%"


def test_figures_too_wide_on_their_own_end_in_an_ellipsis() -> None:
    (line,) = table_lines(Table(rows=(("label", "1" * 40),)))
    assert line.endswith("…")
    assert columns(line) == TABLE_COLUMNS


def test_wide_characters_count_as_two_columns() -> None:
    assert table_lines(Table(rows=(("中文", "1"), ("ab", "22")))) == ("中文  1", "ab   22")


def test_a_cut_never_splits_a_character_from_its_accents() -> None:
    assert cut("e\u0301" * 5, 3) == "e\u0301e\u0301…"


def test_short_rows_are_filled_up() -> None:
    assert table_lines(Table(rows=(("a",), ("b", "1")))) == ("a", "b 1")


@pytest.mark.parametrize("table", [Table(rows=()), Table(rows=((), ()))])
def test_an_empty_table_has_no_lines(table: Table) -> None:
    assert table_lines(table) == ()


def test_every_line_break_is_a_newline_and_a_tab_a_space() -> None:
    assert clean("a\r\nb\rc\u2028d\u2029e\tf") == "a\nb\nc\nd\ne f"
