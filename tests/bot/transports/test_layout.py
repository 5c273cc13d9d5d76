"""Clean text."""

from hypothesis import given
from hypothesis import strategies as st

from bot.transports.layout import clean, one_line


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


def test_every_line_break_is_a_newline_and_a_tab_a_space() -> None:
    assert clean("a\r\nb\rc\u2028d\u2029e\tf") == "a\nb\nc\nd\ne f"
