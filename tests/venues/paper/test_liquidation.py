"""Liquidation: the flag, the steps, the end."""

import pytest

from risk.model.account import Side
from tests.venues.paper.builders import account, equity_usd, make_exchange, open_funded, ratio_percent
from venues.errors import VenueRejected
from venues.paper.ledger import FillReason
from venues.paper.markets import SOL_ORACLE

SOL = "SOL-PERP"
FALL = {SOL_ORACLE: [(0.0, 100.0), (60.0, 92.0)]}


def test_an_account_below_maintenance_is_reduced_step_by_step_until_it_is_healthy_with_a_buffer() -> None:
    exchange = make_exchange(FALL)
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.market_order(ann, SOL, Side.BUY, 120.0)
    exchange.limit_order(ann, SOL, Side.BUY, 1.0, 50.0)
    exchange.advance(300)
    liquidations = [fill for fill in exchange.fills if fill.reason is FillReason.LIQUIDATION]
    assert len(liquidations) > 1
    assert all(fill.base_1e9 < 0 and fill.fee_1e6 > 0 for fill in liquidations)
    assert not account(exchange, ann).orders
    assert not account(exchange, ann).being_liquidated
    assert account(exchange, ann).base_1e9(0) > 0
    assert ratio_percent(exchange, ann) > 120
    assert not account(exchange, ann).bankrupt


def test_without_liquidation_the_account_is_flagged_and_freed_when_the_buffer_is_regained() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (60, 94.0), (61, 95.0), (62, 99.0)]}, liquidates=False)
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.market_order(ann, SOL, Side.BUY, 120.0)
    exchange.advance(60)
    assert account(exchange, ann).being_liquidated
    exchange.advance(61)
    assert ratio_percent(exchange, ann) > 100
    assert account(exchange, ann).being_liquidated
    exchange.advance(62)
    assert not account(exchange, ann).being_liquidated
    assert account(exchange, ann).base_1e9(0) == 120 * 10**9


def test_a_deposit_frees_at_once_and_until_then_nothing_else_is_allowed() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (60, 94.0)]}, liquidates=False)
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.market_order(ann, SOL, Side.BUY, 120.0)
    exchange.advance(60)
    for refused in (
        lambda: exchange.market_order(ann, SOL, Side.SELL, 1.0),
        lambda: exchange.limit_order(ann, SOL, Side.SELL, 1.0, 120.0),
        lambda: exchange.withdraw(ann, "USDC", 1.0),
        lambda: exchange.settle_pnl(ann, SOL),
    ):
        with pytest.raises(VenueRejected, match=r"being liquidated .* deposit to free it"):
            refused()
    exchange.deposit(ann, "USDC", 1_000.0)
    exchange.market_order(ann, SOL, Side.SELL, 1.0)


def test_a_gap_through_everything_ends_in_bankruptcy_with_nothing_left_to_take() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (10, 100.0), (11, 50.0)]})
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.market_order(ann, SOL, Side.BUY, 150.0)
    exchange.advance(200)
    assert account(exchange, ann).bankrupt
    assert not account(exchange, ann).perps
    assert equity_usd(exchange, ann) < 0
    with pytest.raises(VenueRejected, match="bankrupt"):
        exchange.deposit(ann, "USDC", 1.0)


def test_a_borrow_is_repaid_from_the_largest_deposit() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (60, 150.0)]})
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.withdraw(ann, "SOL", 6.5)
    exchange.advance(120)
    assert account(exchange, ann).tokens_raw.keys() == {0}
    assert not account(exchange, ann).being_liquidated
    # Below 1.1 times the borrow at $140; repaid at that price and one per cent.
    assert equity_usd(exchange, ann) == pytest.approx(1_000 - 6.5 * 140 * 1.01)


def test_a_loss_beyond_usdc_is_repaid_from_other_collateral() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (60, 85.0)]})
    ann = open_funded(exchange, usdc=100.0)
    exchange.deposit(ann, "wBTC", 0.02)
    exchange.market_order(ann, SOL, Side.BUY, 120.0)
    exchange.advance(61)
    exchange.advance(500)
    slots = account(exchange, ann)
    assert not slots.being_liquidated
    assert 0 < slots.base_1e9(0) < 120 * 10**9


@pytest.mark.parametrize("usdc", [0.0, 50.0])
def test_an_account_without_positions_is_never_touched(usdc: float) -> None:
    exchange = make_exchange(FALL)
    ann = open_funded(exchange, usdc=usdc)
    exchange.advance(4_000)
    assert not account(exchange, ann).being_liquidated
