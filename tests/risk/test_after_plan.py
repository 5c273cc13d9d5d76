"""The account after a plan: what several trades in a row leave, and which limits they break."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.after_plan import TradeStep, effect_of, health_of_ratio, without_orders
from risk.errors import CannotAssess
from risk.margin.book import FleetBook
from risk.margin.evaluate import evaluate
from risk.margin.health import worst_ratio_percent
from risk.margin.trade import with_trade
from risk.model.limits import LimitName
from tests.support.bot_world import GENEROUS
from tests.support.clock import FakeClock
from tests.support.trade_world import ACCOUNT, still
from venues.paper.demo import demo_exchange
from venues.paper.venue import PaperVenue


@pytest.fixture
async def book() -> FleetBook:
    """Long 250 SOL and 11 ETH, short 0.15 BTC; an order to sell 100 SOL rests."""
    venue = PaperVenue(demo_exchange(still(), liquidates=False), clock=FakeClock())
    return await venue.read([ACCOUNT])


def step(base: float, market: str = "SOL-PERP", **more: Any) -> TradeStep:
    price = {"SOL-PERP": 160.0, "ETH-PERP": 3_500.0, "BTC-PERP": 100_000.0}[market]
    known: dict[str, Any] = {"price_usd": price, "fee_usd": 0.0, "oracle_usd": price}
    return TradeStep(market=market, base=base, **(known | more))


def ratio(book: FleetBook) -> float:
    return float(worst_ratio_percent(evaluate(book))[0])


def test_trades_in_a_row_leave_what_they_leave_one_by_one(book: FleetBook) -> None:
    found = effect_of(book, [step(-100.0), step(-5.0, "ETH-PERP")])
    by_hand = with_trade(with_trade(book, "SOL-PERP", -100.0), "ETH-PERP", -5.0)
    assert found.health_ratio_before == pytest.approx(ratio(book))
    assert found.health_ratio_after == pytest.approx(ratio(by_hand), rel=1e-9)
    assert found.health_percent_after == pytest.approx(100 - 1e4 / ratio(by_hand))


def test_what_a_trade_costs_is_stated_against_the_oracle(book: FleetBook) -> None:
    found = effect_of(book, [step(-100.0, price_usd=159.0, fee_usd=5.0), step(-1.0, "ETH-PERP", price_usd=3_500.0)])
    assert found.slippage_usd == pytest.approx(100.0)
    assert found.fee_usd == pytest.approx(5.0)


def test_without_history_the_probability_is_unknown_and_says_why(book: FleetBook) -> None:
    found = effect_of(book, [step(-1.0)], unknown="0 of 100 days")
    assert found.probability_before is None
    assert found.probability_unknown == "0 of 100 days"


def test_the_least_margin_of_all_steps_is_kept(book: FleetBook) -> None:
    up_and_down = effect_of(book, [step(200.0), step(-200.0)])
    assert up_and_down.least_free_usd < up_and_down.free_collateral_after_usd
    assert up_and_down.free_collateral_after_usd == pytest.approx(
        effect_of(book, []).free_collateral_after_usd, abs=0.01
    )


def test_a_limit_that_was_broken_before_and_gets_better_is_no_violation(book: FleetBook) -> None:
    limits = replace(GENEROUS, max_portfolio_leverage=1.0)
    better, worse = effect_of(book, [step(-100.0)], limits=limits), effect_of(book, [step(10.0)], limits=limits)
    assert better.violations == ()
    assert [one.limit for one in worse.violations] == [LimitName.MAX_PORTFOLIO_LEVERAGE]


def test_a_position_left_alone_breaks_nothing_new_when_a_fee_makes_its_share_larger(book: FleetBook) -> None:
    limits = replace(GENEROUS, max_position_size_percent=0.5)
    hedge = step(-0.001, "BTC-PERP", fee_usd=20.0)
    broken = effect_of(book, [hedge], limits=limits).violations
    assert {one.market for one in broken} == {"BTC-PERP"}


def test_cancelled_orders_set_their_margin_free(book: FleetBook) -> None:
    assert book.orders is not None
    order = int(book.orders.order_id[0])
    after = without_orders(book, [order])
    assert after.orders is not None
    assert after.orders.order_id.size == 0
    assert after.perps.open_asks_1e9.sum() == 0
    assert without_orders(book, [order + 99]) is book
    assert effect_of(book, [], cancels=[order]).health_ratio_after >= ratio(book)


def test_a_market_that_was_not_read_cannot_be_tried(book: FleetBook) -> None:
    with pytest.raises(CannotAssess, match="DOGE-PERP"):
        effect_of(book, [TradeStep(market="DOGE-PERP", base=1.0, price_usd=1.0, fee_usd=0.0, oracle_usd=1.0)])


@pytest.mark.parametrize(
    ("ratio_percent", "health"), [(100.0, 0.0), (200.0, 50.0), (float("inf"), 100.0), (50.0, 0.0), (-3.0, 0.0)]
)
def test_health_and_ratio_are_one_number(ratio_percent: float, health: float) -> None:
    assert health_of_ratio(ratio_percent) == pytest.approx(health)


@given(share=st.floats(0.0, 1.0))
@settings(max_examples=30, deadline=None)
def test_closing_more_of_everything_never_leaves_less_health(share: float) -> None:
    exchange = demo_exchange(still(), liquidates=False)
    book = exchange.world.book([exchange.world.accounts[ACCOUNT]])
    some = effect_of(
        book, [step(-250.0 * share / 2), step(-11.0 * share / 2, "ETH-PERP"), step(0.075 * share, "BTC-PERP")]
    )
    more = effect_of(book, [step(-250.0 * share), step(-11.0 * share, "ETH-PERP"), step(0.15 * share, "BTC-PERP")])
    assert more.health_percent_after >= some.health_percent_after - 1e-6
