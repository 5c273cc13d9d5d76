"""Funding by the hour."""

import pytest

from risk.model.account import Side
from tests.venues.paper.builders import account, equity_usd, make_exchange, open_funded

SOL = "SOL-PERP"
HOUR_S = 3_600


def test_every_hour_longs_pay_shorts_at_the_rate_set() -> None:
    exchange = make_exchange()
    ann, bob = (open_funded(exchange, authority=name) for name in ("ann", "bob"))
    exchange.set_funding(SOL, 0.0001)
    exchange.market_order(ann, SOL, Side.BUY, 100.0)
    exchange.market_order(bob, SOL, Side.SELL, 100.0)
    before = equity_usd(exchange, ann), equity_usd(exchange, bob)
    exchange.advance(HOUR_S - 1)
    assert equity_usd(exchange, ann) == before[0]
    exchange.advance(2 * HOUR_S)
    assert equity_usd(exchange, ann) == pytest.approx(before[0] - 2 * 1.0)
    assert equity_usd(exchange, bob) == pytest.approx(before[1] + 2 * 1.0)


def test_funding_is_due_until_a_trade_books_it() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange)
    exchange.set_funding(SOL, 0.0001)
    exchange.market_order(ann, SOL, Side.BUY, 100.0)
    exchange.advance(HOUR_S)
    snapshot = exchange.world.snapshot(account(exchange, ann))
    assert snapshot.perp_positions[0].funding_usd == pytest.approx(-1.0)
    assert snapshot.perp_markets[0].funding_long_usd == pytest.approx(0.01)
    exchange.market_order(ann, SOL, Side.SELL, 1.0)
    snapshot = exchange.world.snapshot(account(exchange, ann))
    assert snapshot.perp_positions[0].funding_usd == 0
    assert account(exchange, ann).funding_1e6 == -1_000_000


def test_without_a_set_rate_the_crowded_side_pays() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange)
    exchange.market_order(ann, SOL, Side.SELL, 400.0)
    before = equity_usd(exchange, ann)
    exchange.advance(HOUR_S)
    # Net short 0.04 million USD: the mark is 2 basis points low, a 24th of which is due on 40,000 USD.
    assert equity_usd(exchange, ann) == pytest.approx(before - 40_000 * 2e-4 / 24, abs=1e-3)


def test_a_position_opened_after_the_hour_owes_nothing_for_it() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange)
    exchange.set_funding(SOL, 0.001)
    exchange.advance(5 * HOUR_S)
    exchange.market_order(ann, SOL, Side.BUY, 100.0)
    assert exchange.world.snapshot(account(exchange, ann)).perp_positions[0].funding_usd == 0
