"""An account after one trade, to the unit: what is bought, what it costs, and whose row it is."""

import math

import pytest

from risk.errors import BadParameter, CannotAssess
from risk.margin.assets import asset_of
from risk.margin.build import book_of
from risk.margin.trade import with_trade
from tests.risk.builders import make_account, make_position


def test_a_trade_moves_the_position_and_pays_price_and_fee() -> None:
    book = book_of([make_account(make_position(1.0), make_position(-0.5, market_index=1), usdc=100.0)])
    perps = with_trade(book, "SOL-PERP", -3.0, price_usd=101.5, fee_usd=0.25).perps
    assert perps.base_1e9.tolist() == [-2e9, book.perps.base_1e9[1]]
    assert perps.quote_1e6.tolist() == [-100e6 + 304_500_000 - 250_000, book.perps.quote_1e6[1]]
    assert with_trade(book, "BTC-PERP", 1.0).perps.quote_1e6.tolist() == [-100e6, book.perps.quote_1e6[1] - 50_000e6]


def test_a_trade_in_another_market_has_an_empty_row_of_its_own() -> None:
    book = book_of([make_account(make_position(1.0), usdc=100.0)])
    perps = with_trade(book, "BTC-PERP", 0.1).perps
    assert (perps.account.tolist(), perps.base_1e9.tolist()) == ([0, 0], [1e9, 1e8])
    assert [book.perp_markets.names[row] for row in perps.market] == ["SOL-PERP", "BTC-PERP"]
    assert (perps.isolated.tolist(), perps.being_liquidated.tolist()) == ([False, False], [False, False])
    for name in ("funding_1e6", "open_bids_1e9", "open_asks_1e9", "open_orders", "max_ratio_1e4", "settled_pnl_1e6"):
        assert getattr(perps, name).tolist()[1] == 0.0, name


def test_what_cannot_be_tried_is_refused() -> None:
    book = book_of([make_account(usdc=100.0)])
    for size in (math.nan, math.inf):
        with pytest.raises(BadParameter, match="a size must be a finite number"):
            with_trade(book, "SOL-PERP", size)
    with pytest.raises(CannotAssess, match="DOGE-PERP is not among the markets"):
        with_trade(book, "DOGE-PERP", 1.0)
    with pytest.raises(BadParameter, match="one account at a time"):
        with_trade(book_of([make_account(account_id="a"), make_account(account_id="b")]), "SOL-PERP", 1.0)


@pytest.mark.parametrize(
    "name", ["mSOL", "jitoSOL", "bSOL", "dSOL", "BNSOL", "jupSOL", "INF", "hSOL", "laineSOL", "bonkSOL", "SOL-PERP"]
)
def test_staked_sol_is_sol(name: str) -> None:
    assert asset_of(name) == "SOL"
