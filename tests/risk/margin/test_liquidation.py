"""Liquidation prices: the nearest price at which the whole engine says that an account can be liquidated."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from risk.errors import CannotAssess
from risk.margin.book import FloatArray
from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.liquidation import default_betas, liquidation_prices, whole_book_move
from risk.margin.plan import MarginPlan
from risk.model.account import AccountSnapshot
from risk.model.liquidation import LiquidationPrice, LiquidationStatus
from risk.model.market import ContractType, OracleReading
from tests.risk.builders import (
    excess_usd,
    fleet_book,
    make_account,
    make_balance,
    make_btc_market,
    make_perp_market,
    make_position,
    repriced,
)
from tests.risk.generated import accounts

LOWEST, HIGHEST = 1e-4, 1e3  # factors on today's price that the search covers
NOISE_USD = 5e-5  # floors of a few rows


def found(account: AccountSnapshot) -> dict[str, LiquidationPrice]:
    return {price.market: price for price in liquidation_prices(book_of([account]))}


def margin_along(account: AccountSnapshot, target: LiquidationPrice, factors: FloatArray) -> FloatArray:
    """Collateral minus requirement of the scope a price answers for, with its feed at many multiples of today's."""
    book = book_of([account])
    feed = feed_of(account, target)
    moved = np.array([oracle == feed for oracle in book.oracles.ids])
    prices = book.oracles.price_1e6 / 1e6 * np.where(moved, factors[:, None], 1.0)
    totals = evaluate(MarginPlan.of(book), prices, maintenance_only=True).maintenance
    if not target.isolated:
        return np.asarray((totals.collateral_usd - totals.requirement_usd)[:, 0])
    own = [position.market_index for position in account.perp_positions if position.isolated]
    at = own.index(next(index for index, m in account.perp_markets.items() if m.name == target.market))
    return np.asarray((totals.isolated_collateral_usd - totals.isolated_requirement_usd)[:, at])


def feed_of(account: AccountSnapshot, target: LiquidationPrice) -> str:
    oracles = {market.name: market.oracle_id for market in account.spot_markets.values()}
    oracles |= {market.name: market.oracle_id for market in account.perp_markets.values()}
    return oracles[target.market]


def brute_force(account: AccountSnapshot, target: LiquidationPrice) -> float | None:
    """Distance to the nearest factor of a dense grid at which the account can be liquidated; None where none is."""
    factors = np.concatenate([np.geomspace(LOWEST, 1.0, 1_500), np.geomspace(1.0, HIGHEST, 1_500)])
    below = factors[margin_along(account, target, factors) < -NOISE_USD]
    return float(np.abs(below - 1).min()) if below.size else None


def today_usd(account: AccountSnapshot, target: LiquidationPrice) -> float:
    return float(margin_along(account, target, np.array([1.0]))[0])


@given(account=accounts())
def test_just_inside_the_price_the_account_stands_and_just_beyond_it_falls(account: AccountSnapshot) -> None:
    for target in found(account).values():
        if target.status is not LiquidationStatus.AT:
            continue
        assert target.price_usd is not None
        assert target.distance_frac is not None
        factor = target.price_usd / account.oracles[feed_of(account, target)].price_usd
        assert abs(factor - 1) == pytest.approx(target.distance_frac, abs=1e-12)
        step = 1e-6 * np.sign(factor - 1)
        inside, at, beyond = margin_along(account, target, factor * np.array([1 - step, 1.0, 1 + step]))
        assert inside >= -NOISE_USD
        assert at <= NOISE_USD
        assert beyond < NOISE_USD


@given(account=accounts())
def test_no_price_nearer_than_the_one_found_liquidates(account: AccountSnapshot) -> None:
    for target in found(account).values():
        nearest, today = brute_force(account, target), today_usd(account, target)
        if today < 0:
            assert target.status is LiquidationStatus.ALREADY
        elif target.status is LiquidationStatus.NONE:
            assert nearest is None
        else:
            assert target.distance_frac is not None
            assert nearest is None or target.distance_frac <= nearest + 1e-9


@given(
    size=st.floats(0.01, 1_000),
    price=st.floats(0.5, 10_000),
    entry=st.floats(0.8, 1.2),
    leverage=st.floats(0.3, 19.0),
    maintenance=st.sampled_from([0.01, 0.05, 0.1, 0.33]),
    direction=st.sampled_from([1, -1]),
)
@example(size=1.0, price=100.0, entry=1.0, leverage=2.0, maintenance=0.05, direction=1)
def test_the_price_of_a_single_position_is_the_closed_form(
    size: float, price: float, entry: float, leverage: float, maintenance: float, direction: int
) -> None:
    """Long: S - FC / (q (1 - MMR)); short: S + FC / (q (1 + MMR)); FC is the free collateral at maintenance."""
    account = make_account(
        make_position(direction * size, entry_usd=entry * price),
        usdc=size * price / leverage,
        perp_markets=[make_perp_market(maintenance_ratio=maintenance, initial_ratio=2 * maintenance)],
        prices={"sol": price},
    )
    free, now = excess_usd(account), round(price * 1e6) / 1e6
    closed = now - direction * free / (round(size * 1e9) / 1e9 * (1 - direction * maintenance))
    target = found(account)["SOL-PERP"]
    if free < 0:
        assert target.status is LiquidationStatus.ALREADY
    elif closed <= LOWEST * now:
        assert target.status is LiquidationStatus.NONE
    else:
        assert target.status is LiquidationStatus.AT
        assert target.price_usd == pytest.approx(closed, rel=1e-7, abs=1e-5 / size)


def test_an_account_below_its_requirement_is_there_already() -> None:
    target = found(make_account(make_position(10.0), usdc=49.99))["SOL-PERP"]
    assert (target.status, target.price_usd, target.distance_frac) == (LiquidationStatus.ALREADY, None, None)


def test_an_account_at_its_requirement_is_not_yet_there() -> None:
    target = found(make_account(make_position(10.0), usdc=50.0))["SOL-PERP"]
    assert target.status is LiquidationStatus.AT
    assert target.price_usd == pytest.approx(100.0, rel=1e-7)


@given(
    price_1e6=st.integers(500_000, 10**11), size=st.sampled_from([1.0, 2.0, 5.0]), direction=st.sampled_from([1, -1])
)
@example(price_1e6=33_004_496_038, size=2.0, direction=1)
@example(price_1e6=2_085_597_106, size=5.0, direction=-1)
def test_an_account_with_nothing_to_spare_is_at_the_brink(price_1e6: int, size: float, direction: int) -> None:
    """A floor that differs by a millionth must not turn the nearest price there is into none."""
    price = price_1e6 / 1e6
    bare = make_account(make_position(direction * size, entry_usd=price), prices={"sol": price})
    account = replace(make_account(usdc=-excess_usd(bare)), perp_positions=bare.perp_positions, oracles=bare.oracles)
    assert excess_usd(account) == 0.0
    target = found(account)["SOL-PERP"]
    assert target.status is LiquidationStatus.AT
    assert target.distance_frac == pytest.approx(0.0, abs=1e-5)


def test_an_account_the_venue_liquidates_is_there_already_however_rich() -> None:
    account = make_account(make_position(1.0), usdc=10_000.0, being_liquidated=True)
    assert {target.status for target in found(account).values()} == {LiquidationStatus.ALREADY}
    assert whole_book_move(book_of([account])).status is LiquidationStatus.ALREADY


def test_a_paid_for_position_has_no_price() -> None:
    account = make_account(make_position(1.0), usdc=200.0)
    assert found(account)["SOL-PERP"].status is LiquidationStatus.NONE
    assert found(account)["USDC"].status is LiquidationStatus.NONE


def test_nothing_held_has_no_prices() -> None:
    assert liquidation_prices(book_of([make_account()])) == ()


@pytest.mark.parametrize("spare_usd", [0.5, 1.0, 2.0, 3.0, 5.0, 9.0])
@pytest.mark.parametrize("tilt", [0.0, 0.3, 0.6, 0.9, -0.3, -0.6])
def test_the_nearer_of_two_sides_is_given_wherever_they_lie(spare_usd: float, tilt: float) -> None:
    """Profit counts half here, so that long and short on one feed lose whichever way it goes."""
    half = {"pnl_maintenance_weight": 0.5, "maintenance_ratio": 0.001, "initial_ratio": 0.002}
    markets = [make_perp_market(**half), make_perp_market(name="SOL-26JUN", market_index=1, **half)]
    account = make_account(
        make_position(10.0 + tilt),
        make_position(-10.0 + tilt, market_index=1),
        usdc=2.0 + spare_usd,
        perp_markets=markets,
    )
    target = found(account)["SOL-PERP"]
    factors = np.concatenate([np.linspace(0.5, 1.0, 4_000), np.linspace(1.0, 1.5, 4_000)])
    below = factors[margin_along(account, target, factors) < 0]
    assert target.distance_frac == pytest.approx(np.abs(below - 1).min(), abs=1.5e-4)


def test_markets_that_share_a_feed_move_together() -> None:
    hedged = make_account(make_position(-10.0), usdc=-100.0, balances=[make_balance(10.0)])
    prices = found(hedged)
    assert prices["SOL-PERP"] == replace(prices["SOL"], market="SOL-PERP")
    # 9 p - (10 p - 1000) - 0.5 p = 100 where 10 SOL count for nine.
    assert prices["SOL"].price_usd == pytest.approx(600.0, rel=1e-7)


def test_a_feed_read_under_a_multiple_moves_with_it() -> None:
    account = make_account(
        make_position(10.0), make_position(-9_999.0, entry_usd=0.1, market_index=1), usdc=120.0,
        perp_markets=[make_perp_market(), make_perp_market(name="1MSOL-PERP", market_index=1, oracle_id="msol")],
        prices={"msol": 0.1},
    )  # fmt: skip
    book = book_of([account])
    one_feed = replace(book, oracles=replace(book.oracles, feeds=np.where(book.oracles.feeds >= 0, 0, 0)))
    apart = {price.market: price.status for price in liquidation_prices(book)}
    together = {price.market: price.status for price in liquidation_prices(one_feed)}
    assert apart["SOL-PERP"] is LiquidationStatus.AT
    assert together["1MSOL-PERP"] is together["SOL-PERP"]
    joint = {price.market: price for price in liquidation_prices(one_feed)}
    assert joint["SOL-PERP"].distance_frac == joint["1MSOL-PERP"].distance_frac


def test_other_prices_stay_where_they_are() -> None:
    both = make_account(make_position(10.0), make_position(0.02, entry_usd=50_000.0, market_index=1), usdc=200.0)
    prices = found(both)
    # 200 - 10 (100 - p) = 50 (BTC) + 0.5 p
    assert prices["SOL-PERP"].price_usd == pytest.approx(850 / 9.5, rel=1e-7)
    assert prices["BTC-PERP"].price_usd == pytest.approx((1_000 - 150) / 0.02 / 0.95, rel=1e-7)
    # Collateral and requirement are in USDC alike.
    assert prices["USDC"].status is LiquidationStatus.NONE


def test_an_isolated_position_has_the_price_of_its_own_collateral() -> None:
    own = make_position(10.0, isolated=True, isolated_collateral_tokens=100.0)
    rest = make_position(0.01, entry_usd=50_000.0, market_index=1)
    prices = found(make_account(own, rest, usdc=1_000.0, perp_markets=[make_perp_market(), make_btc_market()]))
    assert prices["SOL-PERP"].isolated
    assert prices["SOL-PERP"].price_usd == pytest.approx(900 / 9.5, rel=1e-7)
    assert not prices["BTC-PERP"].isolated
    assert prices["BTC-PERP"].status is LiquidationStatus.NONE


def test_an_isolated_position_that_falls_does_not_take_the_cross_account_with_it() -> None:
    own = make_position(10.0, isolated=True, isolated_collateral_tokens=40.0)
    flagged = make_position(0.01, entry_usd=50_000.0, market_index=1, isolated=True, isolated_collateral_tokens=900.0,
                            being_liquidated=True)  # fmt: skip
    account = make_account(own, flagged, usdc=5.0, balances=[make_balance(-0.01)])
    prices = found(account)
    assert prices["SOL-PERP"].status is LiquidationStatus.ALREADY
    assert prices["BTC-PERP"].status is LiquidationStatus.ALREADY
    assert prices["SOL"].status is LiquidationStatus.AT


def test_resting_orders_bring_the_price_nearer() -> None:
    plain = found(make_account(make_position(10.0), usdc=200.0))["SOL-PERP"]
    resting = make_position(10.0, open_bids_base=20.0, open_orders=1)
    ordered = found(make_account(resting, usdc=200.0))["SOL-PERP"]
    # 200 - 10 (100 - p) = 1.5 p + 0.01
    assert ordered.price_usd == pytest.approx(800.01 / 8.5, rel=1e-7)
    assert plain.price_usd == pytest.approx(800 / 9.5, rel=1e-7)
    flat = make_account(make_position(0.0, open_asks_base=-10.0, open_orders=1), usdc=60.0)
    assert found(flat)["SOL-PERP"].price_usd == pytest.approx(59.99 / 0.5, rel=1e-7)


def test_a_prediction_contract_is_liquidated_between_nothing_and_one_dollar() -> None:
    bet = make_perp_market(contract_type=ContractType.PREDICTION)
    account = make_account(make_position(-1_000.0, entry_usd=0.4), usdc=150.0, perp_markets=[bet], prices={"sol": 0.4})
    # 150 - 1000 (p - 0.4) = 0.05 * 1000 (1 - p)
    assert found(account)["SOL-PERP"].price_usd == pytest.approx(500 / 950, rel=1e-7)


def test_a_borrow_has_a_price_above() -> None:
    prices = found(make_account(usdc=2_200.0, balances=[make_balance(-10.0)]))
    assert prices["SOL"].price_usd == pytest.approx(200.0, rel=1e-7)


@given(account=accounts(), at=st.integers(0, 20))
def test_a_missing_price_gives_no_prices_at_all(account: AccountSnapshot, at: int) -> None:
    used = {account.spot_markets[balance.market_index].oracle_id for balance in account.spot_balances}
    used |= {account.perp_markets[position.market_index].oracle_id for position in account.perp_positions}
    if not used:
        return
    feed = sorted(used)[at % len(used)]
    blind = replace(account, oracles={**account.oracles, feed: OracleReading(oracle_id=feed, price_usd=float("nan"))})
    book = book_of([blind])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ask in (liquidation_prices, whole_book_move):
            with pytest.raises(CannotAssess):
                ask(book)


def test_reasons_of_the_venue_are_passed_on() -> None:
    book = book_of([make_account(make_position(1.0), usdc=100.0)])
    bad = replace(book, accounts=replace(book.accounts, problems={0: ("its data is damaged",)}))
    with pytest.raises(CannotAssess, match="its data is damaged"):
        liquidation_prices(bad)


def test_prices_are_of_one_account() -> None:
    two = fleet_book(make_account(usdc=1.0), make_account(usdc=1.0))
    for ask in (liquidation_prices, whole_book_move):
        with pytest.raises(ValueError, match="one account"):
            ask(two)


def test_the_whole_book_falls_together_while_dollars_stand_still() -> None:
    account = make_account(make_position(10.0), make_position(0.02, entry_usd=50_000.0, market_index=1), usdc=300.0)
    move = whole_book_move(book_of([account]))
    # 300 + 2000 m = 0.05 * 2000 (1 + m)
    assert move.status is LiquidationStatus.AT
    assert move.move_frac == pytest.approx(-200 / 1_900, rel=1e-6)
    assert default_betas(book_of([account])).tolist() == [1.0, 1.0, 0.0]


def test_the_whole_book_moves_along_betas() -> None:
    account = make_account(make_position(10.0), make_position(-0.02, entry_usd=50_000.0, market_index=1), usdc=300.0)
    book = book_of([account])
    betas = np.array([{"sol": 2.0, "btc": 1.0, "usdc": 0.0}[feed] for feed in book.oracles.ids])
    move = whole_book_move(book, betas)
    # 300 + 1000 * 2 m - 1000 m = 0.05 * 1000 (1 + 2 m) + 0.05 * 1000 (1 + m)
    assert move.move_frac == pytest.approx(-200 / 850, rel=1e-6)
    assert whole_book_move(book, np.zeros(3)).status is LiquidationStatus.NONE


def test_a_whole_book_below_its_requirement_is_there_already() -> None:
    move = whole_book_move(book_of([make_account(make_position(10.0), usdc=10.0)]))
    assert (move.status, move.move_frac) == (LiquidationStatus.ALREADY, None)


@given(account=accounts())
def test_the_whole_book_move_is_where_the_whole_book_falls(account: AccountSnapshot) -> None:
    book = book_of([account])
    move = whole_book_move(book)
    if move.status is not LiquidationStatus.AT:
        return
    assert move.move_frac is not None
    step = 1e-6 * np.sign(move.move_frac)

    def margin(frac: float) -> float:
        factors = np.maximum(1 + frac * default_betas(book), LOWEST)
        totals = evaluate(book, book.oracles.price_1e6 / 1e6 * factors).maintenance
        return float(totals.collateral_usd[0] - totals.requirement_usd[0])

    assert margin(move.move_frac) <= NOISE_USD
    assert margin((1 + move.move_frac) * (1 - step) - 1) >= -NOISE_USD


def test_collateral_that_shares_the_feed_counts() -> None:
    """Three long SOL on one deposited: the deposit falls with the position."""
    account = make_account(make_position(3.0), balances=[make_balance(1.0)])
    prices = found(account)
    # 0.9 p - 3 (100 - p) = 0.15 p
    assert prices["SOL-PERP"].price_usd == pytest.approx(300 / 3.75, rel=1e-7)
    assert found(repriced(account, sol=90.0))["SOL-PERP"].price_usd == pytest.approx(80.0, rel=1e-7)
