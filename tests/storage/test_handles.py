"""Handles: short, opaque, the same again, and different for everything that differs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import CardAction, CardPlace, Handles
from storage.handles import HANDLE_LENGTH, handle_digest

KEY = bytes(range(32))
HANDLES = Handles(KEY)
meanings = st.tuples(
    st.sampled_from(["P1", "P11", "P111"]),
    st.integers(1, 12),
    st.sampled_from(CardAction),
    st.builds(CardPlace, transport=st.sampled_from(["a", "ab"]), chat=st.text(max_size=3), thread=st.text(max_size=3)),
)


def test_a_handle_is_22_characters_that_every_platform_carries() -> None:
    handle = HANDLES.of("P12", 3, CardAction.CONFIRM, CardPlace(transport="telegram", chat="-100123"))
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", handle)
    assert len(handle) == HANDLE_LENGTH
    assert Handles(KEY).of("P12", 3, CardAction.CONFIRM, CardPlace(transport="telegram", chat="-100123")) == handle


@given(meanings, meanings)
def test_two_handles_are_the_same_only_if_they_mean_the_same(
    one: tuple[str, int, CardAction, CardPlace], other: tuple[str, int, CardAction, CardPlace]
) -> None:
    assert (HANDLES.of(*one) == HANDLES.of(*other)) is (one == other)


def test_another_key_makes_other_handles() -> None:
    place = CardPlace(transport="telegram", chat="1")
    assert Handles(bytes(32)).of("P1", 1, CardAction.HALF, place) != HANDLES.of("P1", 1, CardAction.HALF, place)


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Handles(key)


def test_the_key_is_not_shown() -> None:
    assert repr(HANDLES) == "Handles(***)"


@given(st.text())
def test_any_text_at_all_has_a_digest(text: str) -> None:
    assert len(handle_digest(text)) == 32


def test_what_cannot_be_encoded_has_a_digest() -> None:
    assert len(handle_digest("\ud800")) == 32
