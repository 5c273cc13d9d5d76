"""Foreign text: what is seen is what is there."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcwidth, width

from bot.text import clean

HOSTILE = st.text(
    st.characters()
    | st.sampled_from(
        "\u202e\u2066\u200b\u200d\ufeff\x1b\x00\r\n\t\u0301\u034f\u115f\u2800\U000e0041\ud800\u0085\u2028"
    )
)


@given(HOSTILE)
def test_nothing_invisible_directional_or_controlling_survives(text: str) -> None:
    for shown in (clean.name(text), clean.sentence(text)):
        for character in shown:
            category = unicodedata.category(character)
            assert not category.startswith("C"), f"U+{ord(character):04X}"
            assert unicodedata.bidirectional(character) not in {
                "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "B", "S", "BN",
            }  # fmt: skip
            assert category.startswith("M") or wcwidth(character) > 0, f"U+{ord(character):04X}"
        assert "  " not in shown
        assert shown == shown.strip()
        assert shown.encode() or not shown


@given(HOSTILE, st.integers(min_value=1, max_value=40))
def test_a_name_is_never_empty_nor_wider_than_allowed(text: str, columns: int) -> None:
    shown = clean.name(text, columns=columns)

    assert shown
    assert 0 < width(shown) <= columns


@given(HOSTILE)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean.name(clean.name(text)) == clean.name(text)


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=24))
def test_an_honest_name_stays_as_it_is(text: str) -> None:
    assert clean.name(text) == text


@pytest.mark.parametrize("text", ["café", "Ωmega", "日本語", "Алиса", "नमस्ते", "sub 2 🚀"])
def test_names_in_other_scripts_stay_readable(text: str) -> None:
    assert clean.name(text) == text


def test_towers_of_marks_are_taken_down() -> None:
    tower = "a" + "\u0323\u0301\u0302\u0303\u0304" * 20

    assert len(clean.name(tower)) <= 3


def test_a_mark_has_no_hold_on_what_stands_before_the_name() -> None:
    assert clean.name("\u0301\u20dfmain") == "main"


def test_letters_are_cut_whole() -> None:
    assert clean.cut("日本語日本語", 6) == "日本…"
    assert clean.cut("🇩🇪🇫🇷🇮🇹", 5) == "🇩🇪🇫🇷…"
    assert clean.cut("abc", 0) == ""
