"""How much prices move in a day: hand-computed spans, and what must hold for any looks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.volatility import HALF_LIVES_S, LEAST_FRAC, PRIOR_FRAC, PRIOR_WEIGHT_S, DailyMoves

HOUR_S, DAY_S = 3_600.0, 86_400.0
FAST_S, SLOW_S = HALF_LIVES_S
START_S = 1_760_000_400.0


def seen(*looks: tuple[float, float], moves: DailyMoves | None = None) -> DailyMoves:
    """After looks at one price: seconds after the start, and the price."""
    moves = moves or DailyMoves()
    for after_s, price in looks:
        moves = moves.after(("sol",), np.array([price]), START_S + after_s)
    return moves


def daily(moves: DailyMoves) -> float:
    return float(moves.daily_frac()[0])


def test_before_there_is_history_five_percent_a_day_are_assumed() -> None:
    assert daily(seen((0, 100.0))) == pytest.approx(PRIOR_FRAC)


def test_an_assumption_is_no_measurement_until_an_hour_was_watched() -> None:
    two = DailyMoves().after(("sol", "btc"), np.array([100.0, math.nan]), START_S)
    assert two.measured().tolist() == [False, False]
    two = two.after(("sol", "btc"), np.array([100.0, 50_000.0]), START_S + 3_599)
    assert two.measured().tolist() == [False, False]
    two = two.after(("sol", "btc"), np.array([100.0, 50_000.0]), START_S + 3_600)
    assert two.measured().tolist() == [True, False]
    assert two.after(("btc", "sol"), np.array([50_000.0, 100.0]), START_S + 3_605).measured().tolist() == [False, True]


def expected(variance: float, length_s: float, half_life_s: float) -> float:
    """One span of ``variance`` over ``length_s`` after the assumption alone."""
    weight_s = min(PRIOR_WEIGHT_S, half_life_s)
    keep = 2 ** (-length_s / half_life_s)
    rate = (weight_s * PRIOR_FRAC**2 / DAY_S * keep + variance) / (weight_s * keep + length_s)
    return math.sqrt(rate * DAY_S)


def test_the_range_of_an_hour_is_its_variance() -> None:
    """Open 100, low 90, high 110, close 105: ln(110/90)^2 / (4 ln 2), the larger of both averages."""
    bar = seen((0, 100.0), (1_200, 90.0), (2_400, 110.0), (3_600, 105.0))
    variance = math.log(110 / 90) ** 2 / (4 * math.log(2))
    assert daily(bar) == pytest.approx(expected(variance, HOUR_S, FAST_S))
    assert daily(bar) > expected(variance, HOUR_S, SLOW_S)


def test_a_fall_is_felt_at_once_and_counts_as_a_whole_hour() -> None:
    fell = seen((0, 100.0), (5, 90.0))
    assert daily(fell) == pytest.approx(expected(math.log(100 / 90) ** 2 / (4 * math.log(2)), HOUR_S, FAST_S))


def test_an_hour_that_has_only_begun_does_not_calm_anything() -> None:
    crash = seen((0, 100.0), (1_200, 80.0), (2_400, 90.0), (3_600, 85.0))
    assert daily(seen((3_660, 85.0), (4_000, 85.0), moves=crash)) == daily(crash)
    assert daily(seen((3_660, 85.0), (5_000, 85.0), (7_200, 85.0), moves=crash)) < daily(crash)


def test_a_span_needs_three_looks_and_an_hour() -> None:
    """Bars of a day, four prices each, are one span a day."""
    sparse = seen((0, 100.0), (28_800, 90.0), (57_600, 110.0))
    assert sparse.weight_s[0, 0] == min(PRIOR_WEIGHT_S, FAST_S)
    whole = seen((86_400, 105.0), moves=sparse)
    variance = math.log(110 / 90) ** 2 / (4 * math.log(2))
    assert daily(whole) == pytest.approx(max(expected(variance, DAY_S, half_life_s) for half_life_s in HALF_LIVES_S))


def test_the_close_of_a_bar_and_the_open_of_the_next_are_one_look() -> None:
    once = seen((0, 100.0), (1_200, 95.0), (2_400, 105.0), (3_600, 100.0), (3_600, 100.0), (4_800, 99.0))
    assert once.looks.tolist() == [1]
    assert daily(once) == daily(seen((0, 100.0), (1_200, 95.0), (2_400, 105.0), (3_600, 100.0), (4_800, 99.0)))


def test_no_market_is_calmer_than_three_percent_a_day() -> None:
    looks = [(step * 1_200.0, 100.0) for step in range(3 * 24 * 60)]
    assert daily(seen(*looks)) == LEAST_FRAC


def test_a_price_that_cannot_be_trusted_is_not_looked_at() -> None:
    calm = seen((0, 100.0), (1_200, 99.0))
    for bad in (math.nan, 0.0, -1.0, math.inf):
        assert daily(seen((1_205, bad), moves=calm)) == daily(calm)
    only = DailyMoves().after(("sol", "btc"), np.array([100.0, math.nan]), START_S)
    assert only.daily_frac().tolist() == [pytest.approx(PRIOR_FRAC)] * 2


def test_other_accounts_bring_other_prices_and_what_was_known_stays() -> None:
    crash = seen((0, 100.0), (1_200, 80.0))
    more = crash.after(("btc", "sol"), np.array([50_000.0, 80.0]), START_S + 1_205)
    assert more.daily_frac().tolist() == pytest.approx([PRIOR_FRAC, daily(crash)])
    assert more.after(("btc",), np.array([50_000.0]), START_S + 1_210).ids == ("btc",)


def test_a_clock_that_was_set_back_does_not_stop_the_watch() -> None:
    ahead = seen((DAY_S, 100.0), (DAY_S + 5, 101.0))
    back = seen((0, 100.0), (1_200, 100.0), (2_400, 100.0), (3_600, 100.0), (4_800, 90.0), moves=ahead)
    assert daily(back) > daily(ahead)


def test_a_random_walk_is_measured_without_bias() -> None:
    """Looked at once a minute for a year at 4 % a day."""
    random = np.random.default_rng(7)
    prices = 100 * np.exp(np.cumsum(random.normal(0, 0.04 / math.sqrt(1_440), 60 * 24 * 60)))
    moves, slow = DailyMoves(), []
    for step, price in enumerate(prices):
        moves = moves.after(("sol",), np.array([price]), START_S + step * 60)
        slow.append(math.sqrt(moves.variance[1, 0] / moves.weight_s[1, 0] * DAY_S))
    assert np.mean(slow[-20 * 1_440 :]) == pytest.approx(0.04, rel=0.1)


LOOKS = st.lists(st.tuples(st.floats(1, 7_200), st.floats(-0.2, 0.2)), min_size=1, max_size=60)


@given(looks=LOOKS, fall=st.floats(0.01, 0.5))
def test_a_new_extreme_never_makes_things_look_calmer(looks: list[tuple[float, float]], fall: float) -> None:
    at_s, price, moves = 0.0, 100.0, DailyMoves()
    for step_s, move in looks:
        at_s, price = at_s + step_s, price * math.exp(move)
        moves = seen((at_s, price), moves=moves)
    lowest = math.exp(float(moves.low[0]))
    before = daily(seen((at_s + 1, price), moves=moves))
    assert daily(seen((at_s + 1, lowest * (1 - fall)), moves=moves)) >= before


@given(looks=LOOKS, scale=st.floats(1e-6, 1e6))
def test_the_unit_of_a_price_does_not_matter(looks: list[tuple[float, float]], scale: float) -> None:
    one, other, at_s, price = DailyMoves(), DailyMoves(), 0.0, 100.0
    for step_s, move in looks:
        at_s, price = at_s + step_s, price * math.exp(move)
        one, other = seen((at_s, price), moves=one), seen((at_s, price * scale), moves=other)
    assert daily(one) == pytest.approx(daily(other), rel=1e-9)
