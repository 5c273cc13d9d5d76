"""Deposits, withdrawals, settlement."""

import pytest

from risk.model.account import Side
from tests.venues.paper.builders import account, equity_usd, make_exchange, margin_of, open_funded
from venues.errors import VenueRejected, VenueUnavailable
from venues.paper.markets import SOL_ORACLE

SOL = "SOL-PERP"


def test_deposits_and_withdrawals_are_valued_when_they_are_made() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (1, 150.0)]})
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.deposit(ann, "SOL", 2.0)
    exchange.advance(1)
    exchange.withdraw(ann, "SOL", 1.0)
    assert account(exchange, ann).net_deposits_1e6 == (1_000 + 200 - 150) * 10**6
    assert equity_usd(exchange, ann) == 1_150.0


def test_more_than_is_held_can_be_withdrawn_as_a_borrow_within_initial_margin() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.withdraw(ann, "SOL", 5.0)
    assert account(exchange, ann).tokens_raw[1] == -5 * 10**9
    assert margin_of(exchange, ann).full.spot_borrow_usd[0] == 500.0
    with pytest.raises(VenueRejected, match="withdrawing 5 SOL needs initial margin"):
        exchange.withdraw(ann, "SOL", 5.0)


def test_the_last_cent_can_be_withdrawn_but_not_one_more() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange, usdc=1_000.0)
    with pytest.raises(VenueRejected, match="initial margin"):
        exchange.withdraw(ann, "USDC", 1_000.01)
    exchange.withdraw(ann, "USDC", 1_000.0)
    assert account(exchange, ann).tokens_raw == {}


def test_nothing_is_withdrawn_on_a_stale_price() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange)
    exchange.deposit(ann, "SOL", 1.0)
    exchange.world.board.halt(SOL_ORACLE, 0)
    exchange.advance(60)
    with pytest.raises(VenueUnavailable, match="stale"):
        exchange.withdraw(ann, "USDC", 1.0)


def test_settling_moves_a_gain_into_usdc_and_changes_no_equity() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (1, 110.0)]})
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.market_order(ann, SOL, Side.BUY, 10.0)
    exchange.advance(1)
    before = equity_usd(exchange, ann)
    settled = exchange.settle_pnl(ann, SOL)
    assert 99 < settled < 100
    slot = account(exchange, ann).perps[0]
    assert slot.settled_pnl_1e6 == round(settled * 1e6)
    assert account(exchange, ann).tokens_raw[0] == 1_000 * 10**6 + round(settled * 1e6)
    assert equity_usd(exchange, ann) == pytest.approx(before, abs=1e-6)
    assert exchange.settle_pnl(ann, SOL) == 0


def test_settling_a_closed_position_empties_its_slot() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.market_order(ann, SOL, Side.BUY, 10.0)
    exchange.market_order(ann, SOL, Side.SELL, 10.0)
    assert exchange.settle_pnl(ann, SOL) < 0
    assert not account(exchange, ann).perps
    with pytest.raises(VenueRejected, match="nothing to settle"):
        exchange.settle_pnl(ann, SOL)


def test_an_account_can_be_opened_once() -> None:
    exchange = make_exchange()
    exchange.open_account("ann", 1)
    with pytest.raises(VenueRejected, match="open already"):
        exchange.open_account("ann", 1)
    with pytest.raises(VenueRejected, match="colon"):
        exchange.open_account("ann:1")
