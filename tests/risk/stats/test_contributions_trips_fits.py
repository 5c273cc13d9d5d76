"""Parts that sum to their whole, trades that add up to their profit, and fits that are made once."""

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from risk.errors import BadSeries
from risk.margin.book import FloatArray
from risk.model.account import Side
from risk.model.performance import Fill
from risk.stats import tails
from risk.stats.contributions import (
    es_contributions,
    gaussian_es_contributions,
    gaussian_var_contributions,
    modified_var_contributions,
    volatility_contributions,
)
from risk.stats.fits import FitCache
from risk.stats.round_trips import round_trips
from risk.stats.trips import trip_statistics

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
seeds = st.integers(0, 10_000)


def book(seed: int, n: int = 300, k: int = 4) -> tuple[FloatArray, FloatArray]:
    random = np.random.default_rng(seed)
    returns = random.standard_t(5, (n, k)) @ (random.standard_normal((k, k)) * 0.01)
    return random.standard_normal(k) * 1_000, returns


@given(seed=seeds, confidence=st.sampled_from([0.9, 0.95, 0.99]))
def test_parts_sum_to_the_whole_by_every_rule(seed: int, confidence: float) -> None:
    weights, returns = book(seed)
    covariance, mean = np.cov(returns.T), returns.mean(axis=0)
    sigma, mu, z = float(np.sqrt(weights @ covariance @ weights)), float(weights @ mean), norm.ppf(1 - confidence)
    assert volatility_contributions(weights, covariance).sum() == pytest.approx(sigma, rel=1e-10)
    var = gaussian_var_contributions(weights, mean, covariance, confidence).sum()
    assert var == pytest.approx(-mu - z * sigma, rel=1e-10)
    es = gaussian_es_contributions(weights, mean, covariance, confidence).sum()
    assert es == pytest.approx(-mu + sigma * norm.pdf(z) / (1 - confidence), rel=1e-10)
    tail = tails.historical(returns @ weights, confidence)
    assert es_contributions(weights, returns, confidence).sum() == pytest.approx(tail.es, rel=1e-10)


@given(seed=seeds)
def test_a_part_is_what_a_little_more_of_the_position_adds(seed: int) -> None:
    """Euler's rule, by differences: w times the derivative of the whole."""
    weights, returns = book(seed)
    covariance = np.cov(returns.T)
    mean = np.zeros(weights.size)

    def modified(w: FloatArray) -> float:
        return float(modified_var_contributions(w, returns, 0.95).sum())

    def whole(w: FloatArray) -> float:
        return float(gaussian_var_contributions(w, mean, covariance, 0.95).sum())

    for total, parts in (
        (whole, gaussian_var_contributions(weights, mean, covariance, 0.95)),
        (modified, modified_var_contributions(weights, returns, 0.95)),
    ):
        for at in range(weights.size):
            step = np.zeros(weights.size)
            step[at] = 1e-5 * weights[at]
            slope = (total(weights + step) - total(weights - step)) / 2e-5
            assert parts[at] == pytest.approx(slope, rel=1e-3, abs=1e-4 * abs(total(weights)))


def test_a_book_without_risk_has_parts_without_risk() -> None:
    assert volatility_contributions(np.zeros(2), np.eye(2)).tolist() == [0.0, 0.0]
    with pytest.raises(BadSeries, match="does not move"):
        modified_var_contributions(np.zeros(2), np.random.default_rng(0).standard_normal((50, 2)), 0.95)


# Trades.


def fill(at_min: int, side: Side, size: float, price: float, *, fee: float = 0.0, market: str = "SOL-PERP",
         funding: float = 0.0) -> Fill:  # fmt: skip
    return Fill(
        at=NOON + timedelta(minutes=at_min), market=market, side=side, size_base=size, price_usd=price, fee_usd=fee,
        funding_usd=funding, order_id=str(at_min),
    )  # fmt: skip


def test_a_trip_ends_flat_net_of_fees_and_funding() -> None:
    bought = [fill(0, Side.BUY, 2, 100, fee=1), fill(1, Side.BUY, 1, 106, fee=0.5)]
    (trip,) = round_trips([*bought, fill(2, Side.SELL, 3, 110, fee=2, funding=-3)])
    assert trip.size_base == 3
    assert trip.pnl_usd == pytest.approx(330 - 200 - 106 - 3.5 - 3)
    assert (trip.fees_usd, trip.funding_usd) == (3.5, -3)
    assert (trip.opened_at, trip.closed_at) == (NOON, NOON + timedelta(minutes=2))


def test_a_trade_through_flat_closes_one_trip_and_opens_the_next() -> None:
    fills = [fill(0, Side.BUY, 1, 100), fill(1, Side.SELL, 3, 110, fee=3), fill(2, Side.BUY, 2, 105)]
    long, short = round_trips(fills)
    assert long.pnl_usd == pytest.approx(10 - 1), "a third of the fee"
    assert short.pnl_usd == pytest.approx(10 - 2)
    assert (long.size_base, short.size_base) == (1, -2)


def test_what_is_open_is_no_trip_and_markets_do_not_mix() -> None:
    fills = [fill(0, Side.BUY, 1, 100), fill(1, Side.SELL, 1, 50_000, market="BTC-PERP")]
    assert round_trips(fills) == ()


steps = st.lists(
    st.tuples(st.sampled_from(list(Side)), st.integers(1, 20), st.floats(50, 150), st.floats(0, 1)), max_size=30
)


@given(steps=steps)
def test_closed_trips_add_up_to_the_cash_of_their_fills(steps: list[tuple[Side, int, float, float]]) -> None:
    """However positions were built and turned, once flat the trips are the cash that came in."""
    fills = [fill(at, side, size / 10, price, fee=fee) for at, (side, size, price, fee) in enumerate(steps)]
    net = sum(one.size_base if one.side is Side.BUY else -one.size_base for one in fills)
    if abs(net) > 1e-9:
        side = Side.SELL if net > 0 else Side.BUY
        fills.append(fill(len(fills), side, abs(net), 100.0, fee=0.1))
    cash = sum((-1 if one.side is Side.BUY else 1) * one.size_base * one.price_usd - one.fee_usd for one in fills)
    assert math.fsum(trip.pnl_usd for trip in round_trips(fills)) == pytest.approx(cash, abs=1e-6)


@pytest.mark.parametrize(
    "fills",
    [
        [fill(1, Side.BUY, 1, 100), fill(0, Side.SELL, 1, 100)],
        [fill(0, Side.BUY, 0, 100)],
        [fill(0, Side.BUY, 1, -5)],
        [fill(0, Side.BUY, 1, math.nan)],
    ],
)
def test_fills_that_cannot_be_are_refused(fills: list[Fill]) -> None:
    with pytest.raises(BadSeries):
        round_trips(fills)


@given(pnl=st.lists(st.integers(-1_000, 1_000), max_size=60))
def test_statistics_of_trips_are_those_of_a_person_counting(pnl: list[int]) -> None:
    found = trip_statistics(np.array(pnl, np.float64))
    won, lost = [one for one in pnl if one > 0], [one for one in pnl if one < 0]
    assert (found.total, found.winning, found.losing) == (len(pnl), len(won), len(lost))
    if won or lost:
        assert found.win_rate == pytest.approx(len(won) / (len(won) + len(lost)))
    else:
        assert math.isnan(found.win_rate)
    if lost:
        assert found.profit_factor == pytest.approx(sum(won) / -sum(lost))
        assert found.average_loss == pytest.approx(sum(lost) / len(lost))
        assert found.largest_loss == min(lost)
    elif won:
        assert found.profit_factor == math.inf
        assert found.largest_win == max(won)
    else:
        assert math.isnan(found.profit_factor)


# Fits.


def test_a_fit_is_made_once_and_the_least_used_make_way() -> None:
    cache, made = FitCache(size=2), Counter[str]()

    def ask(key: str) -> str:
        def make() -> str:
            made[key] += 1
            return key.upper()

        return cache.get(key, make)

    assert [ask(key) for key in "aab"] == ["A", "A", "B"]
    assert made == {"a": 1, "b": 1}
    ask("a")
    ask("c")
    assert (cache.known("a"), cache.known("b"), cache.known("c")) == (True, False, True)


def test_a_fit_that_fails_is_not_remembered() -> None:
    cache = FitCache()
    with pytest.raises(BadSeries):
        cache.get("a", beyond)
    assert not cache.known("a")
    assert cache.get("a", lambda: 1) == 1


def beyond() -> int:
    raise BadSeries("no")


def test_threads_that_ask_together_get_one_answer() -> None:
    cache, together = FitCache(), Barrier(4)

    def ask(number: int) -> object:
        together.wait()
        return cache.get("a", object)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert cache.get("a", object) in found
