"""Whether the venue moves: what stands still, goes back or falls silent is not fresh."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.freshness import Freshness, saw, why_stale
from tests.risk.builders import NOW

STALL = timedelta(seconds=10)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def seen(*readings: tuple[int, float]) -> Freshness:
    """Slots with the second they were read at."""
    state = Freshness()
    for slot, second in readings:
        state = saw(state, slot, after(second))
    return state


@pytest.mark.parametrize(
    ("state", "second", "sentence"),
    [
        (Freshness(), 0, "no reading yet"),
        (seen((100, 0)), 0, ""),
        (seen((100, 0)), 10, ""),
        (seen((100, 0)), 11, "no usable answer from the venue for 11 s"),
        (seen((100, 0), (100, 8)), 10, ""),
        (seen((100, 0), (100, 8)), 12, "slot 100 has not moved for 12 s"),
        (seen((100, 0), (101, 8)), 18, ""),
        # Nobody could look for most of the time: that it has not moved is more than is known.
        (seen((100, 0), (100, 2)), 12, "no usable answer from the venue for 10 s"),
        (seen((100, 0), (99, 8)), 12, "slot 100 has not moved for 12 s"),
        (seen((100, 0), (99, 8), (101, 11)), 12, ""),
        (seen((100, 0), (100, 5), (100, 30)), 45, "no usable answer from the venue for 15 s"),
    ],
)
def test_why_data_is_too_old(state: Freshness, second: float, sentence: str) -> None:
    assert why_stale(state, after(second), STALL) == sentence


@pytest.mark.parametrize(
    ("asked", "second", "sentence"),
    [
        # The only look in all that time may have been answered at its beginning.
        (1, 12, ""),
        (5, 12, ""),
        (7, 12, "slot 100 has not moved for 12 s"),
        (12, 12, "slot 100 has not moved for 12 s"),
        (1, 24, "no usable answer from the venue for 12 s"),
    ],
)
def test_an_answer_that_hung_shows_the_slot_of_when_it_was_asked_for(
    asked: float, second: float, sentence: str
) -> None:
    state = saw(seen((100, 0)), 100, after(12), after(asked))
    assert why_stale(state, after(second), STALL) == sentence


def test_the_highest_slot_counts() -> None:
    state = seen((100, 0), (105, 1), (103, 2))
    assert state == Freshness(slot=105, moved_at=after(1), read_at=after(2), stood_at=after(2))


@given(slots=st.lists(st.integers(0, 50), min_size=1, max_size=30), gap_s=st.floats(0.1, 20))
def test_data_is_fresh_only_while_answers_come_and_the_slot_rises(slots: list[int], gap_s: float) -> None:
    state, highest, moved = Freshness(), -1, 0.0
    for step, slot in enumerate(slots):
        second = step * gap_s
        state = saw(state, slot, after(second))
        if slot > highest:
            highest, moved = slot, second
        assert state.slot == highest
        assert (why_stale(state, after(second), STALL) == "") == (after(second) - after(moved) <= STALL)
        assert why_stale(state, after(second) + STALL + timedelta(microseconds=1), STALL) != ""
