"""When a bar's prices are played, and what stands where bars are missing."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.replaying import HOUR_S, START_S, flat, make_bars
from venues.replay import BadRecording, Bars
from venues.replay.ticks import Ticks, ticks_of

NAN = float("nan")


def played(ticks: Ticks, column: int = 0) -> list[tuple[float, float]]:
    """(minutes since the start, price)."""
    return [
        ((at - START_S) / 60, price)
        for at, price in zip(ticks.at_s.tolist(), ticks.prices_usd[:, column].tolist(), strict=True)
    ]


def same(found: list[tuple[float, float]], expected: list[tuple[float, float]]) -> bool:
    return bool(np.array_equal(np.array(found), np.array(expected), equal_nan=True))


def test_a_bar_plays_open_low_high_close_at_thirds_of_its_length() -> None:
    ticks = ticks_of([make_bars([(10, 12, 8, 11), (20, 22, 18, 21)])])
    assert played(ticks) == [
        (0, 10), (20, 8), (40, 12), (60, 11),
        (60, 20), (80, 18), (100, 22), (120, 21),
    ]  # fmt: skip


def test_for_a_short_book_the_high_comes_first() -> None:
    ticks = ticks_of([make_bars([(10, 12, 8, 11), (20, 22, 18, 21)])], high_first=True)
    assert [price for _, price in played(ticks)] == [10, 12, 8, 11, 20, 22, 18, 21]


def test_a_missing_bar_has_no_price_from_its_open_to_the_next_one() -> None:
    ticks = ticks_of([make_bars(flat(1, 2, 3, 4), missing=[1, 2])])
    assert same(
        played(ticks),
        [
            (0, 1), (20, 1), (40, 1), (60, 1),
            (60, NAN), (80, NAN), (100, NAN), (120, NAN), (140, NAN), (160, NAN),
            (180, 4), (200, 4), (220, 4), (240, 4),
        ],
    )  # fmt: skip


def test_lines_without_prices_behind_the_last_bar_are_played_as_missing() -> None:
    bars = replace(make_bars(flat(1, 2)), until_s=START_S + 4 * HOUR_S)
    assert same(
        played(ticks_of([bars]))[7:], [(120, 2), *((at, NAN) for at in (120, 140, 160, 180, 200, 220))]
    )  # fmt: skip


def test_what_is_recorded_without_a_price_before_the_first_is_not_played_and_known() -> None:
    ticks = ticks_of([replace(make_bars(flat(1, 2)), from_s=START_S - 2 * HOUR_S)])
    assert (ticks.at_s[0], ticks.recorded_from_s) == (START_S, START_S - 2 * HOUR_S)


def test_assets_play_side_by_side_and_one_may_be_missing_alone() -> None:
    ticks = ticks_of([make_bars(flat(1, 2, 3)), make_bars(flat(7, 8, 9), asset="BTC", missing=[1])])
    assert [price for _, price in played(ticks)] == [1] * 4 + [2] * 4 + [3] * 4
    assert same(
        played(ticks, 1), [(m, p) for (m, _), p in zip(played(ticks), [7] * 4 + [NAN] * 4 + [9] * 4, strict=True)]
    )


def test_history_begins_when_every_asset_has_a_price_and_ends_with_the_longest_recording() -> None:
    early = make_bars(flat(1, 2, 3), asset="SOL")
    late = make_bars(flat(8, 9, 9), asset="BTC", start_s=START_S + HOUR_S)
    ticks = ticks_of([early, late])
    assert played(ticks)[0] == (60, 2)
    assert same(played(ticks)[-4:], [(180, NAN), (200, NAN), (220, NAN), (240, NAN)])
    assert played(ticks, 1)[-1] == (240, 9)


def test_assets_with_bars_of_different_lengths_play_together() -> None:
    hours, day = (
        make_bars(flat(*range(1, 49))),
        make_bars([(5, 9, 3, 6), (6, 6, 6, 6)], asset="BTC", step_s=24 * HOUR_S),
    )
    ticks = ticks_of([hours, day])
    btc = dict(zip(ticks.at_s.tolist(), ticks.prices_usd[:, 1].tolist(), strict=True))
    assert [btc[START_S + hour * HOUR_S] for hour in (0, 1, 7, 8, 15, 16, 23)] == [5, 5, 5, 3, 3, 9, 9]
    assert not np.isnan(ticks.prices_usd).any()


def test_a_bar_that_comes_a_little_late_is_not_a_missing_one() -> None:
    bars = Bars(
        asset="SOL", opened_s=np.array([0, 60, 125]), prices_usd=np.array(flat(1, 2, 3), np.float64), length_s=60
    )
    assert not np.isnan(ticks_of([bars]).prices_usd).any()


def test_recordings_without_a_common_moment_are_refused() -> None:
    with pytest.raises(BadRecording, match="bars of SOL, BTC have no moment in common"):
        ticks_of([make_bars(flat(1, 2)), make_bars(flat(1, 2), asset="BTC", start_s=START_S + 9 * HOUR_S)])


def test_a_stray_time_does_not_fill_the_memory() -> None:
    bars = Bars(
        asset="SOL",
        opened_s=np.array([0, 1, 2_000_000_000]),
        prices_usd=np.array(flat(1, 1, 1), np.float64),
        length_s=1,
    )
    with pytest.raises(BadRecording, match="stray time"):
        ticks_of([bars])


@given(
    st.lists(st.tuples(*[st.floats(1, 9)] * 4), min_size=3, max_size=12),
    st.sets(st.integers(1, 10), max_size=5),
    st.integers(1, 100),
    st.booleans(),
)
def test_every_price_is_played_once_in_order_and_gaps_only_where_bars_are_missing(
    bars: list[tuple[float, float, float, float]], gone: set[int], step_s: int, high_first: bool
) -> None:
    missing = sorted(at for at in gone if at < len(bars) - 1)
    ticks = ticks_of([make_bars(bars, missing=missing, step_s=step_s)], high_first=high_first)
    order = (0, 1, 2, 3) if high_first else (0, 2, 1, 3)
    prices = ticks.prices_usd[:, 0]
    assert prices[~np.isnan(prices)].tolist() == [
        bar[column] for at, bar in enumerate(bars) if at not in missing for column in order
    ]
    assert np.count_nonzero(np.isnan(prices)) == 3 * len(missing)
    assert all(later >= earlier for earlier, later in pairwise(ticks.at_s.tolist()))
    assert ticks.at_s[-1] == START_S + len(bars) * step_s
