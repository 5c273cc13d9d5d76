"""Orders: prices, fees, margin, reduce-only, partial fills."""

import pytest

from risk.model.account import Side
from tests.venues.paper.builders import account, make_exchange, margin_of, open_funded
from venues.errors import VenueRejected, VenueUnavailable
from venues.paper.ledger import FillReason
from venues.paper.markets import SOL_ORACLE

SOL = "SOL-PERP"
SOL_INDEX = 0


def test_a_market_order_pays_the_spread_an_impact_that_grows_with_size_and_the_taker_fee() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange)
    small, large = exchange.market_order(ann, SOL, Side.BUY, 1.0), exchange.market_order(ann, SOL, Side.BUY, 500.0)
    assert small.price_usd == pytest.approx(100 * (1 + 1e-4 + 20e-4 * 100 / 1e6), abs=2e-6)
    assert large.price_usd == pytest.approx(100 * (1 + 1e-4 + 20e-4 * 50_000 / 1e6), abs=2e-6)
    assert large.fee_usd == pytest.approx(500 * large.price_usd * 0.00035, abs=1e-5)


def test_a_sale_gets_less_than_the_oracle_price() -> None:
    exchange = make_exchange()
    assert exchange.market_order(open_funded(exchange), SOL, Side.SELL, 10.0).price_usd < 99.99


def test_the_fee_comes_out_of_quote_but_not_out_of_the_entry_price() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange)
    report = exchange.market_order(ann, SOL, Side.BUY, 10.0)
    slot = account(exchange, ann).perps[SOL_INDEX]
    assert slot.quote_entry_1e6 / 1e6 == pytest.approx(-10 * report.price_usd)
    assert slot.quote_1e6 / 1e6 == pytest.approx(-10 * report.price_usd - report.fee_usd)


def test_what_is_not_available_this_second_is_left_unfilled() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange, usdc=1_000_000.0)
    report = exchange.market_order(ann, SOL, Side.BUY, 1_500.0)
    assert (report.filled_base, report.unfilled_base) == (1_000.0, 500.0)
    with pytest.raises(VenueUnavailable, match="this second"):
        exchange.market_order(ann, SOL, Side.BUY, 1.0)
    exchange.advance(1)
    assert exchange.market_order(ann, SOL, Side.BUY, 500.0).unfilled_base == 0


def test_an_order_beyond_initial_margin_is_refused_with_the_numbers_and_changes_nothing() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange, usdc=1_000.0)
    with pytest.raises(VenueRejected, match=r"initial margin of \$1,\d{3}\.\d\d .* deposit \$"):
        exchange.market_order(ann, SOL, Side.BUY, 250.0)
    assert not account(exchange, ann).perps
    assert not exchange.fills


def test_initial_margin_is_strict_a_price_above_its_average_does_not_count() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (1, 150.0)]})
    ann = open_funded(exchange, usdc=0.0)
    exchange.advance(1)
    exchange.deposit(ann, "SOL", 10.0)
    margin = margin_of(exchange, ann, strict=True).full.initial
    assert margin.collateral_usd[0] == pytest.approx(10 * 125 * 0.8)
    with pytest.raises(VenueRejected, match="initial margin"):
        exchange.market_order(ann, SOL, Side.BUY, 140.0)  # 21,000 at 5 % is 1,050
    exchange.market_order(ann, SOL, Side.BUY, 120.0)  # 900


def test_resting_orders_reserve_margin() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.limit_order(ann, SOL, Side.BUY, 150.0, 90.0)
    with pytest.raises(VenueRejected, match="initial margin"):
        exchange.limit_order(ann, SOL, Side.BUY, 100.0, 90.0)


def test_a_resting_order_waits_then_fills_at_its_limit_with_the_makers_fee() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (10, 95.0), (11, 80.0), (12, 95.0)]})
    ann = open_funded(exchange)
    order_id = exchange.limit_order(ann, SOL, Side.BUY, 50.0, 90.0)
    exchange.advance(10)
    assert order_id in account(exchange, ann).orders
    exchange.advance(12)
    (fill,) = exchange.fills
    assert (fill.at_s, fill.order_id, fill.price_1e6, fill.reason) == (11, order_id, 90_000_000, FillReason.MAKER)
    assert fill.fee_1e6 == -112_500  # a rebate of a quarter of a basis point
    assert not account(exchange, ann).orders


def test_a_large_resting_order_fills_second_by_second() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (1, 80.0)]})
    ann = open_funded(exchange, usdc=1_000_000.0)
    order_id = exchange.limit_order(ann, SOL, Side.BUY, 3_000.0, 90.0)
    exchange.advance(2)
    assert account(exchange, ann).orders[order_id].remaining_1e9 == 500 * 10**9
    exchange.advance(9)
    assert [(fill.at_s, fill.base_1e9 // 10**9) for fill in exchange.fills] == [(1, 1_250), (2, 1_250), (3, 500)]


def test_the_better_price_fills_first_then_the_older_order() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (1, 80.0)]})
    ann, bob = (open_funded(exchange, usdc=1e6, authority=name) for name in ("ann", "bob"))
    older = exchange.limit_order(ann, SOL, Side.BUY, 800.0, 89.0)
    younger = exchange.limit_order(bob, SOL, Side.BUY, 800.0, 89.0)
    better = exchange.limit_order(bob, SOL, Side.BUY, 800.0, 90.0)
    exchange.advance(1)
    assert [(fill.order_id, fill.base_1e9 // 10**9) for fill in exchange.fills] == [(better, 800), (older, 450)]
    exchange.advance(2)
    assert [fill.order_id for fill in exchange.fills[2:]] == [older, younger]


def test_a_limit_order_that_would_trade_at_once_is_refused() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange)
    with pytest.raises(VenueRejected, match=r"must be below \$100\.01"):
        exchange.limit_order(ann, SOL, Side.BUY, 1.0, 100.01)
    with pytest.raises(VenueRejected, match=r"must be above \$99\.99"):
        exchange.limit_order(ann, SOL, Side.SELL, 1.0, 99.0)
    exchange.limit_order(ann, SOL, Side.BUY, 1.0, 100.0)


def test_limits_are_rounded_away_from_the_market_and_sizes_down() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange)
    bid = exchange.limit_order(ann, SOL, Side.BUY, 1.019, 90.00019)
    ask = exchange.limit_order(ann, SOL, Side.SELL, 1.0, 110.00011)
    orders = account(exchange, ann).orders
    assert (orders[bid].price_1e6, orders[ask].price_1e6) == (90_000_100, 110_000_200)
    assert orders[bid].remaining_1e9 == 1_010_000_000


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan"), float("inf"), 0.001])
def test_a_size_that_is_none_is_refused(size: float) -> None:
    exchange = make_exchange()
    with pytest.raises(VenueRejected, match="size"):
        exchange.market_order(open_funded(exchange), SOL, Side.BUY, size)


def test_reduce_only_never_turns_a_position_around() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange)
    exchange.market_order(ann, SOL, Side.BUY, 10.0)
    report = exchange.market_order(ann, SOL, Side.SELL, 25.0, reduce_only=True)
    assert report.filled_base == 10.0
    with pytest.raises(VenueRejected, match="no SOL-PERP position to reduce"):
        exchange.market_order(ann, SOL, Side.SELL, 1.0, reduce_only=True)
    with pytest.raises(VenueRejected, match="to reduce"):
        exchange.limit_order(ann, SOL, Side.SELL, 1.0, 120.0, reduce_only=True)


def test_a_resting_reduce_only_order_fills_no_more_than_is_left_of_the_position() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (5, 130.0)]})
    ann = open_funded(exchange)
    exchange.market_order(ann, SOL, Side.BUY, 10.0)
    exchange.limit_order(ann, SOL, Side.SELL, 10.0, 120.0, reduce_only=True)
    exchange.market_order(ann, SOL, Side.SELL, 6.0)
    exchange.advance(10)
    assert [fill.base_1e9 // 10**9 for fill in exchange.fills] == [10, -6, -4]
    assert account(exchange, ann).base_1e9(SOL_INDEX) == 0
    assert not account(exchange, ann).orders


def test_a_resting_reduce_only_order_is_dropped_when_the_position_is_gone() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (5, 130.0)]})
    ann = open_funded(exchange)
    exchange.market_order(ann, SOL, Side.BUY, 10.0)
    exchange.limit_order(ann, SOL, Side.SELL, 10.0, 120.0, reduce_only=True)
    exchange.market_order(ann, SOL, Side.SELL, 10.0)
    exchange.advance(5)
    assert len(exchange.fills) == 2
    assert not account(exchange, ann).orders


def test_a_fill_that_would_liquidate_its_maker_cancels_the_order_instead() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (1, 60.0)]}, liquidates=False)
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.limit_order(ann, SOL, Side.BUY, 100.0, 90.0)
    exchange.advance(2)
    assert not exchange.fills
    assert not account(exchange, ann).orders


def test_a_position_may_always_be_reduced_above_maintenance() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (1_000, 96.5)]})
    ann = open_funded(exchange, usdc=1_000.0)
    exchange.market_order(ann, SOL, Side.BUY, 150.0)
    exchange.advance(1_000)
    with pytest.raises(VenueRejected, match="initial margin"):
        exchange.market_order(ann, SOL, Side.BUY, 1.0)
    exchange.market_order(ann, SOL, Side.SELL, 50.0)


def test_cancelling_twice_says_so() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange)
    order_id = exchange.limit_order(ann, SOL, Side.BUY, 1.0, 90.0)
    exchange.cancel(ann, order_id)
    with pytest.raises(VenueRejected, match=f"no resting order {order_id}"):
        exchange.cancel(ann, order_id)


def test_risk_cannot_be_added_on_a_stale_price() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange)
    exchange.market_order(ann, SOL, Side.BUY, 10.0)
    exchange.world.board.halt(SOL_ORACLE, 0)
    exchange.advance(60)
    with pytest.raises(VenueUnavailable, match="SOL/USD is stale"):
        exchange.market_order(ann, SOL, Side.BUY, 1.0)
    exchange.market_order(ann, SOL, Side.SELL, 1.0)


def test_unknown_markets_and_accounts_are_named_with_what_there_is() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange)
    with pytest.raises(VenueRejected, match="choose one of SOL-PERP, BTC-PERP, ETH-PERP"):
        exchange.market_order(ann, "DOGE-PERP", Side.BUY, 1.0)
    with pytest.raises(VenueRejected, match="accounts: ann-0"):
        exchange.market_order("bob-0", SOL, Side.BUY, 1.0)
