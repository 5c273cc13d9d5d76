"""Which positions have a liquidation price, and where liquidation has begun already."""

from dataclasses import replace

import numpy as np
import pytest

from risk.errors import CannotAssess
from risk.margin.build import book_of
from risk.margin.liquidation import liquidation_prices, whole_book_move
from risk.model.account import AccountSnapshot, SpotBalance
from risk.model.liquidation import LiquidationStatus
from tests.risk.builders import make_account, make_balance, make_position


def markets(account: AccountSnapshot) -> list[str]:
    return [price.market for price in liquidation_prices(book_of([account]))]


def test_orders_alone_can_liquidate_and_what_is_only_booked_cannot() -> None:
    assert markets(make_account(make_position(0.0, open_bids_base=1.0), usdc=10.0)) == ["SOL-PERP", "USDC"]
    assert markets(make_account(make_position(0.0, open_asks_base=-1.0), usdc=10.0)) == ["SOL-PERP", "USDC"]
    assert markets(make_account(make_position(0.0, quote_usd=3.0), usdc=10.0)) == ["USDC"]


def test_a_balance_of_nothing_has_no_liquidation_price() -> None:
    empty = SpotBalance(market_index=1, amount_tokens=0.0, open_orders=1)
    assert markets(make_account(usdc=10.0, balances=[empty])) == ["USDC"]
    assert markets(make_account(usdc=10.0, balances=[make_balance(0.000_000_001)])) == ["USDC", "SOL"]


@pytest.mark.parametrize(("deposit", "status"), [
    (5.0, LiquidationStatus.AT), (5.5, LiquidationStatus.AT), (4.999_999, LiquidationStatus.ALREADY),
])  # fmt: skip
def test_a_book_is_liquidated_already_only_below_its_requirement(deposit: float, status: LiquidationStatus) -> None:
    assert whole_book_move(book_of([make_account(make_position(1.0), usdc=deposit)])).status is status


def test_an_isolated_position_of_an_account_in_liquidation_is_judged_by_itself() -> None:
    account = make_account(
        make_position(1.0), make_position(1.0, market_index=1, isolated=True, isolated_collateral_tokens=50_000.0),
        usdc=500.0, being_liquidated=True,
    )  # fmt: skip
    found = {price.market: (price.status, price.isolated) for price in liquidation_prices(book_of([account]))}
    assert found["SOL-PERP"] == (LiquidationStatus.ALREADY, False)
    assert found["BTC-PERP"][1]
    assert found["BTC-PERP"][0] is not LiquidationStatus.ALREADY


@pytest.mark.parametrize("isolated", [False, True])
def test_a_price_that_is_missing_is_said_so_and_no_liquidation_price_is_named(isolated: bool) -> None:
    position = make_position(1.0, isolated=isolated, isolated_collateral_tokens=20.0 if isolated else 0.0)
    book = book_of([make_account(position, usdc=100.0)])
    prices = np.where([name == "sol" for name in book.oracles.ids], np.nan, book.oracles.price_1e6)
    unknown = replace(book, oracles=replace(book.oracles, price_1e6=prices))
    for ask in (liquidation_prices, whole_book_move):
        with pytest.raises(CannotAssess) as caught:
            ask(unknown)
        assert caught.value.reasons == ("a price this account depends on is missing",)
