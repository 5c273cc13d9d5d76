"""Every amount of a snapshot comes into the book in its venue's unit, and tables in one and the same order."""

from dataclasses import replace

import numpy as np
import pytest

from risk.margin.book import UNSTATED
from risk.margin.build import book_of
from risk.margin.snapshot import snapshot_at, snapshot_of
from risk.margin.stress import Scenario, run_stress, scenarios_for
from risk.model.account import MarketKind, OpenOrder, OrderKind, Side, SpotBalance
from risk.model.market import OracleReading
from tests.risk.builders import (
    make_account,
    make_perp_market,
    make_position,
    make_spot_market,
    make_usdc_market,
)

ODD = 0.1 + 0.2  # a float just above 0.3


def test_what_an_account_has_booked_is_counted_in_millionths() -> None:
    account = make_account(usdc=1.0, funding_booked_usd=12.5, settled_pnl_usd=-3.25, net_deposits_usd=7.75)
    accounts = book_of([account, make_account(account_id="b")]).accounts
    assert accounts.funding_booked_1e6[0] == 12_500_000.0
    assert accounts.funding_booked_1e6[1] != accounts.funding_booked_1e6[1], "not stated"
    assert accounts.settled_pnl_1e6[0] == -3_250_000.0
    assert accounts.net_deposits_1e6[0] == 7_750_000.0


def test_what_is_known_of_prices_and_interest_is_counted_in_millionths() -> None:
    sol = make_spot_market(deposit_rate_annual_frac=ODD, borrow_rate_annual_frac=None, deposits_tokens=ODD)
    oracle = OracleReading(oracle_id="sol", price_usd=100.25, confidence_usd=ODD, slots_behind=3)
    account = make_account(usdc=1.0, spot_markets=[make_usdc_market(), sol])
    book = book_of([replace(account, oracles={**account.oracles, "sol": oracle})])
    at = book.oracles.ids.index("sol")
    assert (book.oracles.price_1e6[at], book.oracles.confidence_1e6[at]) == (100_250_000.0, 300_000.0)
    assert book.oracles.slots_behind[at] == 3
    assert book.spot_markets.deposit_rate_1e6[1] == 300_000.0
    assert book.spot_markets.borrow_rate_1e6[1] == UNSTATED
    assert book.spot_markets.deposits_raw[1] == 300_000_000.0


def test_rows_are_counted_in_whole_units_whatever_a_float_makes_of_them() -> None:
    account = make_account(
        make_position(1.0, isolated=True, isolated_collateral_tokens=ODD, settled_pnl_usd=2.5),
        balances=[
            SpotBalance(
                market_index=1, amount_tokens=ODD, shares=2.5, open_bids_tokens=ODD, open_asks_tokens=-ODD,
                open_orders=2,
            )
        ],
    )  # fmt: skip
    book = book_of([account])
    assert book.perps.isolated_tokens_raw.tolist() == [300_000.0]
    assert book.perps.settled_pnl_1e6.tolist() == [2_500_000.0]
    spots = book.spots
    assert (spots.tokens_raw.tolist(), spots.shares_1e9.tolist()) == ([300_000_000.0], [2_500_000_000.0])
    assert (spots.open_bids_raw.tolist(), spots.open_asks_raw.tolist()) == ([300_000_000.0], [-300_000_000.0])


@pytest.mark.parametrize("turned", [False, True])
def test_tables_are_sorted_by_number_in_whatever_order_accounts_bring_markets(turned: bool) -> None:
    markets = [make_perp_market(market_index=index, name=f"M{index}-PERP") for index in (10, 2, 0)]
    accounts = [
        make_account(make_position(market_index=market.market_index), perp_markets=[market], account_id=market.name)
        for market in markets
    ]
    book = book_of(accounts[::-1] if turned else accounts)
    assert book.perp_markets.market_index.tolist() == [0, 2, 10]
    assert list(book.oracles.ids) == sorted(book.oracles.ids, key=lambda name: repr(name).rjust(20))


def test_all_that_a_venue_states_comes_out_of_a_book_as_it_went_in() -> None:
    orders = tuple(
        OpenOrder(
            order_id=number, market_kind=MarketKind.PERP, market_index=0, side=Side.SELL,
            kind=OrderKind.TRIGGER_MARKET, size_base=1.0, price_usd=None, reduce_only=True,
            trigger_price_usd=80.0, triggers_above=above, triggered=done,
        )
        for number, (above, done) in enumerate([(True, False), (False, True), (None, None)])
    )  # fmt: skip
    sol = make_spot_market(deposit_rate_annual_frac=0.031, borrow_rate_annual_frac=0.052)
    account = make_account(
        make_position(settled_pnl_usd=2.5), balances=[SpotBalance(market_index=1, amount_tokens=2.0, shares=1.5)],
        spot_markets=[make_usdc_market(), sol], perp_markets=[make_perp_market()], delegate="somebody",
        funding_booked_usd=12.5, open_orders=orders,
    )  # fmt: skip
    oracle = OracleReading(oracle_id="sol", price_usd=100.0, confidence_usd=0.25, slots_behind=2)
    account = replace(account, oracles={**account.oracles, "sol": oracle})
    book = book_of([account])

    assert snapshot_of(book, "main") == account
    assert snapshot_at(book, 0) == account
    assert list(snapshot_at(book, 0).spot_markets) == [0, 1]


def test_whoever_may_trade_for_an_account_goes_with_it() -> None:
    accounts = [make_account(account_id=name, delegate=f"delegate of {name}") for name in "ab"]
    assert [snapshot_at(book_of(accounts), at).delegate for at in (0, 1)] == ["delegate of a", "delegate of b"]


def test_scenarios_are_named_in_one_order_and_one_dollar_token_depegs() -> None:
    usdc_1 = make_usdc_market(name="USDC-1", market_index=3)
    account = make_account(
        make_position(), make_position(market_index=1), usdc=1_000.0,
        spot_markets=[usdc_1, make_usdc_market(), make_spot_market()],
    )  # fmt: skip
    names = [scenario.name for scenario in scenarios_for(book_of([account]))]
    assert [name for name in names if name.endswith("-50%")] == ["BTC -50%", "SOL -50%", "all -50%"]
    assert [name for name in names if name.startswith("USDC")] == ["USDC -2%"]


def test_funding_can_be_all_that_is_asked_for() -> None:
    book = book_of(
        [make_account(make_position(2.0), usdc=1_000.0, perp_markets=[make_perp_market(funding_long_usd=0.1)])]
    )
    still = np.ones(len(book.oracles.ids))
    assert run_stress(book, ()) == ()
    (outcome,) = run_stress(book, (Scenario(name="funding", factors=still, funding_hours=10.0),))
    assert outcome.equity_change_usd == pytest.approx(-2.0, abs=1e-6)
