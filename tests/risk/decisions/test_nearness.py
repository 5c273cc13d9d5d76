"""How near liquidation is in daily moves: single books by hand, what nets out and what does not, unknown stays so."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.nearness import nearness, trusted_prices_usd
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.liquidation import liquidation_prices
from risk.margin.plan import MarginPlan
from risk.model.account import PerpPosition, SpotBalance
from risk.model.market import OracleValidity, SpotMarket
from tests.risk.builders import make_account, make_position, make_spot_market, make_usdc_market


def near(book: FleetBook, **daily: float) -> tuple[float, float]:
    """(daily moves to liquidation, ratio points of one) of the first account; 5 % a day where not given."""
    frac = np.array([daily.get(one, 0.05) for one in book.oracles.ids])
    found = nearness(evaluate(book), frac)
    return float(found.sigmas[0]), float(found.step_percent[0])


def test_one_long_by_hand() -> None:
    """1,000 USD, 50 SOL at 100: 750 to spare; a day moves 5 % of 5,000 * 0.95, so 237.50."""
    book = book_of([make_account(make_position(50.0), usdc=1_000.0)])
    sigmas, step = near(book)
    assert sigmas == pytest.approx(750 / 237.5)
    assert step == pytest.approx(100 * 237.5 / 250)


def test_one_short_by_hand() -> None:
    """Rising, the requirement grows against it: 5 % of 5,000 * 1.05."""
    book = book_of([make_account(make_position(-50.0), usdc=1_000.0)])
    assert near(book)[0] == pytest.approx(750 / 262.5)


@pytest.mark.parametrize("size", [50.0, -50.0, 3.0])
def test_for_one_market_it_is_the_distance_of_its_price_in_daily_moves(size: float) -> None:
    book = book_of([make_account(make_position(size), usdc=1_000.0)])
    price = next(one for one in liquidation_prices(MarginPlan.of(book)) if one.market == "SOL-PERP")
    if price.distance_frac is None:
        assert near(book, sol=0.04)[0] > 1 / 0.04
    else:
        assert near(book, sol=0.04)[0] == pytest.approx(price.distance_frac / 0.04, rel=1e-3)


def two(sol: float, btc: float) -> FleetBook:
    return book_of(
        [make_account(make_position(sol), make_position(btc, market_index=1, entry_usd=50_000.0), usdc=1_000.0)]
    )


def test_two_longs_fall_together() -> None:
    """25 SOL and 0.05 BTC: 2,500 each, 750 to spare, 237.50 a day together."""
    assert near(two(25.0, 0.05))[0] == pytest.approx(750 / 237.5)


def test_a_hedge_takes_from_the_danger_only_as_far_as_half_a_correlation_would() -> None:
    """Long and short 2,500: 118.75 against -131.25; at one half sqrt(half the squares and half the squared sum)."""
    long_usd, short_usd = 0.05 * 2_500 * 0.95, 0.05 * 2_500 * 1.05
    deviation = math.sqrt(0.5 * (long_usd**2 + short_usd**2) + 0.5 * (long_usd - short_usd) ** 2)
    assert near(two(25.0, -0.05))[0] == pytest.approx(750 / deviation)


def make_jito() -> SpotMarket:
    return make_spot_market(name="jitoSOL", market_index=2, oracle_id="jito", oracle_twap_usd=120.0)


def test_a_staked_token_hedges_its_own_asset_fully() -> None:
    account = make_account(
        make_position(-12.0), usdc=1_000.0, balances=[SpotBalance(market_index=2, amount_tokens=10.0)],
        spot_markets=[make_usdc_market(), make_jito()], prices={"jito": 120.0},
    )  # fmt: skip
    sigmas, _ = near(book_of([account]))
    assert sigmas > 100  # what is left is the requirement's own move


def test_dollars_do_not_move_and_an_account_without_risk_is_infinitely_far() -> None:
    assert near(book_of([make_account(usdc=1_000.0)]))[0] == math.inf
    assert math.isnan(near(book_of([make_account(usdc=1_000.0)]))[1])


def test_below_maintenance_it_is_negative() -> None:
    assert near(book_of([make_account(make_position(50.0), usdc=200.0)]))[0] < 0


def test_the_nearest_isolated_position_counts() -> None:
    isolated = PerpPosition(
        market_index=1, size_base=0.1, quote_usd=-5_000.0, quote_entry_usd=-5_000.0, isolated=True,
        isolated_collateral_tokens=500.0,
    )  # fmt: skip
    account = make_account(make_position(1.0), isolated, usdc=10_000.0)
    sigmas, step = near(book_of([account]))
    assert sigmas == pytest.approx(250 / 237.5)
    assert step == pytest.approx(100 * 237.5 / 250)


def test_unknown_stays_unknown() -> None:
    book = book_of([make_account(make_position(50.0), usdc=1_000.0)])
    gone = replace(book, oracles=replace(book.oracles, price_1e6=np.full(len(book.oracles.ids), math.nan)))
    assert math.isnan(near(gone)[0])


def test_a_price_that_no_market_vouches_for_is_not_looked_at() -> None:
    book = book_of([make_account(make_position(50.0), usdc=1_000.0)])
    validity = np.array([OracleValidity.STALE.value, OracleValidity.VALID.value], np.int8)
    stale = replace(book, perp_markets=replace(book.perp_markets, validity=validity))
    at = dict(zip(book.oracles.ids, trusted_prices_usd(stale), strict=True))
    assert math.isnan(at["sol"])
    assert at["usdc"] == 1.0
    assert dict(zip(book.oracles.ids, trusted_prices_usd(book), strict=True))["sol"] == 100.0


@given(
    sol=st.floats(-80, 80), btc=st.floats(-0.2, 0.2), usdc=st.floats(10, 50_000), more=st.floats(1.01, 3),
)  # fmt: skip
def test_livelier_markets_are_never_further_from_liquidation(sol: float, btc: float, usdc: float, more: float) -> None:
    book = book_of(
        [make_account(make_position(sol), make_position(btc, market_index=1, entry_usd=50_000.0), usdc=usdc)]
    )
    calm, lively = near(book, sol=0.04, btc=0.03)[0], near(book, sol=0.04 * more, btc=0.03 * more)[0]
    assert abs(lively) <= abs(calm) * (1 + 1e-9)
