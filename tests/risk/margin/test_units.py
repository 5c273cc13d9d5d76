"""Every amount of a snapshot comes into the book in its venue's unit, and tables in one and the same order."""

from dataclasses import replace

import pytest

from risk.margin.book import UNSTATED
from risk.margin.build import book_of
from risk.model.account import SpotBalance
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
