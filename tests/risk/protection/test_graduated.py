"""The steps of protection: what each level calls for, what it costs, and that nothing ever grows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.health import worst_ratio_percent
from risk.margin.remedy import remedy, with_deposit
from risk.margin.trade import with_trade
from risk.model.account import OpenOrder, OrderKind, Side
from risk.model.liquidation import RiskLevel
from risk.model.market import MarketStatus
from risk.model.protection import ProtectionAction, ProtectionKind
from risk.model.trading import MarketDepth
from risk.protection.graduated import plan_protection, risk_increasing_orders
from risk.protection.margin_orders import costly_orders
from risk.protection.triggers import held_base
from tests.risk.builders import make_account, make_position
from tests.risk.depths import make_depth, make_order
from tests.risk.protection.books import graded_depth, make_trigger, prospect_of

DEPTHS = {market: graded_depth(market) for market in ("SOL-PERP", "BTC-PERP")}
TARGET = 200.0


def kinds(actions: tuple[ProtectionAction, ...]) -> list[ProtectionKind]:
    return [one.kind for one in actions]


def ratio(book: FleetBook) -> float:
    return float(worst_ratio_percent(evaluate(book))[0])


def mixed(*orders: OpenOrder, usdc: float = 150.0) -> FleetBook:
    """Ten SOL and a fiftieth of a BTC long: 2,000 USD; 150 of collateral is a ratio of 150 %."""
    positions = make_position(10.0), make_position(0.02, entry_usd=50_000.0, market_index=1)
    return book_of([make_account(*positions, usdc=usdc, open_orders=orders)])


def order_that_grows(order_id: int = 3) -> OpenOrder:
    return make_order(order_id, side=Side.BUY, size_base=2.0, price_usd=95.0)


@pytest.mark.parametrize(
    ("level", "found"),
    [
        (RiskLevel.LOW, []),
        (RiskLevel.MEDIUM, [ProtectionKind.CANCEL_ORDERS]),
        (RiskLevel.HIGH, [ProtectionKind.CANCEL_ORDERS, ProtectionKind.CUT]),
        (RiskLevel.CRITICAL, [ProtectionKind.CANCEL_ORDERS, ProtectionKind.CUT, ProtectionKind.DEPOSIT]),
    ],
)
def test_each_level_adds_a_step(level: RiskLevel, found: list[ProtectionKind]) -> None:
    assert kinds(plan_protection(mixed(order_that_grows()), level, DEPTHS, TARGET)) == found


def test_only_orders_that_would_enlarge_something_are_cancelled() -> None:
    book = mixed(
        order_that_grows(1),
        make_order(2, side=Side.SELL, size_base=5.0),
        make_order(3, side=Side.SELL, size_base=25.0),
        make_order(4, side=Side.SELL, size_base=25.0, reduce_only=True),
        make_trigger(5, 90.0),
        make_order(6, side=Side.BUY, kind=OrderKind.TRIGGER_MARKET, size_base=1.0, trigger_price_usd=110.0),
    )
    # 3 would turn the position into a larger one the other way round.
    assert risk_increasing_orders(book) == (1, 3, 6)


def test_a_cut_is_as_small_as_reaches_the_target() -> None:
    (cut,) = plan_protection(mixed(), RiskLevel.HIGH, DEPTHS, TARGET)
    (trade,) = cut.trades
    assert (trade.reduce_only, trade.side) == (True, Side.SELL)
    assert cut.effect is not None
    assert cut.effect.health_ratio_before == pytest.approx(150.0)
    assert cut.effect.health_ratio_after >= TARGET
    assert ratio(with_trade(mixed(), trade.market, -0.98 * trade.size_base)) < TARGET


def test_the_leg_that_helps_most_for_its_cost_goes_first() -> None:
    cheap_btc = DEPTHS | {"SOL-PERP": graded_depth(spread_frac=0.02)}
    (cut, *_) = plan_protection(mixed(), RiskLevel.HIGH, cheap_btc, TARGET)
    assert cut.trades[0].market == "BTC-PERP"
    dear_btc = DEPTHS | {"BTC-PERP": graded_depth("BTC-PERP", spread_frac=0.02)}
    (cut, *_) = plan_protection(mixed(), RiskLevel.HIGH, dear_btc, TARGET)
    assert cut.trades[0].market == "SOL-PERP"


def test_a_leg_that_is_not_enough_is_followed_by_the_next() -> None:
    found = plan_protection(mixed(usdc=60.0), RiskLevel.HIGH, DEPTHS, TARGET)
    assert kinds(found) == [ProtectionKind.CUT, ProtectionKind.CUT]
    assert [one.trades[0].priority for one in found] == [1, 2]
    first, second = (one.effect for one in found)
    assert first is not None
    assert second is not None
    assert second.health_ratio_before == pytest.approx(first.health_ratio_after)


@pytest.mark.parametrize(
    "depths",
    [
        {},
        {"SOL-PERP": make_depth(status=MarketStatus.FILL_PAUSED)},
        {"SOL-PERP": make_depth(bids=())},
        {"SOL-PERP": make_depth(problem="its oracle is stale")},
    ],
    ids=["no depth", "paused", "no book", "stale"],
)
def test_what_cannot_be_cut_is_not_and_a_deposit_is_advised(depths: dict[str, MarketDepth]) -> None:
    book = book_of([make_account(make_position(10.0), usdc=75.0)])
    (deposit,) = plan_protection(book, RiskLevel.HIGH, depths, TARGET)
    assert deposit.kind is ProtectionKind.DEPOSIT
    assert deposit.deposit_usd == pytest.approx(25.0, abs=0.02)
    assert not deposit.proposed


def test_a_deposit_is_exact() -> None:
    *_, deposit = plan_protection(mixed(), RiskLevel.CRITICAL, DEPTHS, TARGET)
    enough, little = (with_deposit(mixed(), deposit.deposit_usd - less) for less in (0.0, 0.02))
    assert enough is not None
    assert little is not None
    assert ratio(enough) >= TARGET > ratio(little)
    assert deposit.effect is not None
    assert deposit.effect.health_ratio_before == pytest.approx(150.0)
    assert "instead of the trades" in deposit.says


def test_an_isolated_position_is_cut_and_fed_by_itself() -> None:
    own = make_position(10.0, isolated=True, isolated_collateral_tokens=75.0)
    book = book_of([make_account(own, make_position(0.02, entry_usd=50_000.0, market_index=1), usdc=500.0)])
    cut, deposit = plan_protection(book, RiskLevel.CRITICAL, DEPTHS, TARGET)
    assert cut.trades[0].market == "SOL-PERP"
    assert "isolated SOL-PERP" in deposit.says
    fed = with_deposit(book, deposit.deposit_usd, "SOL-PERP")
    assert fed is not None
    assert ratio(fed) >= TARGET


def test_what_cannot_be_cut_is_hedged_where_that_makes_liquidation_less_likely() -> None:
    book = book_of([make_account(make_position(10.0), usdc=400.0)])
    depths = {"SOL-PERP": make_depth(status=MarketStatus.FILL_PAUSED), "BTC-PERP": graded_depth("BTC-PERP")}
    prospect = prospect_of(book, also=("BTC",), sol=0.12, correlation=0.97)
    # What opens a position needs initial margin: where health is low there is none, so the target is high here.
    hedge, deposit = plan_protection(book, RiskLevel.CRITICAL, depths, 1_000.0, prospect=prospect)
    assert deposit.kind is ProtectionKind.DEPOSIT
    assert hedge.kind is ProtectionKind.HEDGE
    (trade,) = hedge.trades
    assert (trade.market, trade.side) == ("BTC-PERP", Side.SELL)
    assert hedge.effect is not None
    assert hedge.effect.probability_before is not None
    assert hedge.effect.probability_after is not None
    assert hedge.effect.probability_after < hedge.effect.probability_before
    assert hedge.effect.free_collateral_after_usd > 0
    assert kinds(plan_protection(book, RiskLevel.HIGH, depths, 1_000.0, prospect=prospect)) == [ProtectionKind.DEPOSIT]


def test_every_step_says_what_it_does_to_the_probability_or_why_that_is_not_known() -> None:
    book = mixed(order_that_grows())
    for action in plan_protection(book, RiskLevel.CRITICAL, DEPTHS, TARGET, prospect=prospect_of(book)):
        assert action.effect is not None
        assert action.effect.probability_before is not None
        assert action.effect.probability_after is not None
    for action in plan_protection(book, RiskLevel.CRITICAL, DEPTHS, TARGET, unknown="no bars"):
        assert action.effect is not None
        assert (action.effect.probability_after, action.effect.probability_unknown) == (None, "no bars")


def test_a_healthy_account_is_left_alone() -> None:
    assert plan_protection(mixed(usdc=1_000.0), RiskLevel.CRITICAL, DEPTHS, TARGET) == ()


def test_one_leg_of_a_hedged_pair_is_not_cut_where_that_makes_liquidation_likelier() -> None:
    positions = make_position(20.0), make_position(-0.02, entry_usd=50_000.0, market_index=1)
    book = book_of([make_account(*positions, usdc=500.0)])
    # The short leg is the cheap one to cut, and it is what steadies the long one.
    depths = {"SOL-PERP": graded_depth(spread_frac=0.004), "BTC-PERP": graded_depth("BTC-PERP", spread_frac=0.0001)}
    (blind, *_) = plan_protection(book, RiskLevel.HIGH, depths, 480.0)
    assert blind.trades[0].market == "BTC-PERP"
    prospect = prospect_of(book, sol=0.1, correlation=0.97)
    (cut, *_) = plan_protection(book, RiskLevel.HIGH, depths, 480.0, prospect=prospect)
    assert cut.trades[0].market == "SOL-PERP"
    assert cut.effect is not None
    assert cut.effect.probability_after is not None
    assert cut.effect.probability_before is not None
    assert cut.effect.probability_after <= cut.effect.probability_before


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sol=st.floats(-50.0, 50.0), btc=st.floats(-0.1, 0.1), usdc=st.floats(10.0, 3_000.0),
    level=st.sampled_from(list(RiskLevel)), spread=st.floats(1e-4, 0.03), target=st.floats(110.0, 500.0),
)  # fmt: skip
def test_protection_never_enlarges_a_position_and_each_cut_lifts_health(
    sol: float, btc: float, usdc: float, level: RiskLevel, spread: float, target: float
) -> None:
    positions = make_position(sol), make_position(btc, entry_usd=50_000.0, market_index=1)
    book = book_of([make_account(*positions, usdc=usdc)])
    depths = {market: graded_depth(market, spread_frac=spread) for market in ("SOL-PERP", "BTC-PERP")}
    after = book
    for action in plan_protection(book, level, depths, target):
        if action.kind is ProtectionKind.CUT:
            assert action.effect is not None
            assert action.effect.health_ratio_after > action.effect.health_ratio_before
        for trade in action.trades:
            assert trade.reduce_only
            held = held_base(after, trade.market)
            signed = trade.size_base if trade.side is Side.BUY else -trade.size_base
            assert 0 < trade.size_base <= abs(held) + 1e-9
            assert held * signed < 0
            after = with_trade(after, trade.market, signed)
    for market in ("SOL-PERP", "BTC-PERP"):
        assert abs(held_base(after, market)) <= abs(held_base(book, market)) + 1e-9
        assert held_base(after, market) * held_base(book, market) >= 0


def test_a_book_without_a_price_gives_no_wrong_cut() -> None:
    book = mixed()
    oracles = replace(book.oracles, price_1e6=np.full_like(book.oracles.price_1e6, np.nan))
    assert plan_protection(replace(book, oracles=oracles), RiskLevel.HIGH, DEPTHS, TARGET) == ()


def flagged(*orders: OpenOrder) -> FleetBook:
    account = make_account(make_position(10.0), usdc=30.0, open_orders=orders)
    return book_of([replace(account, being_liquidated=True)])


def test_while_the_venue_liquidates_only_the_exact_deposit_is_called_for() -> None:
    book = flagged(order_that_grows())
    (deposit,) = plan_protection(book, RiskLevel.CRITICAL, DEPTHS, TARGET)
    needed = remedy(book, TARGET).deposit_usd
    assert needed is not None
    assert (deposit.kind, deposit.instead) == (ProtectionKind.DEPOSIT, False)
    assert needed <= deposit.deposit_usd < needed + 0.01


def test_an_order_that_takes_up_margin_goes_before_a_position_is_cut() -> None:
    big = make_order(4, side=Side.SELL, size_base=60.0, price_usd=178.0, reduce_only=True)
    book = book_of(
        [make_account(make_position(10.0, open_asks_base=-60.0), usdc=120.0, open_orders=(big, make_trigger(5, 95.0)))]
    )
    (cancel, *rest) = plan_protection(book, RiskLevel.HIGH, DEPTHS, TARGET)
    assert (cancel.kind, cancel.cancels) == (ProtectionKind.CANCEL_ORDERS, (4,))
    assert cancel.says == "Cancel the resting order that would take up margin."
    bare = book_of([make_account(make_position(10.0), usdc=120.0, open_orders=(make_trigger(5, 95.0),))])
    without = plan_protection(bare, RiskLevel.HIGH, DEPTHS, TARGET)
    assert [one.trades for one in rest] == [one.trades for one in without]


def test_an_order_that_would_take_up_margin_only_after_the_cut_goes_too() -> None:
    # As large as the position: nothing is asked for it before anything is cut.
    twice = make_order(4, side=Side.SELL, size_base=20.0, price_usd=178.0, reduce_only=True)
    book = book_of([make_account(make_position(10.0, open_asks_base=-20.0), usdc=60.0, open_orders=(twice,))])
    assert costly_orders(book) == ()
    (cancel, cut, *_) = plan_protection(book, RiskLevel.HIGH, DEPTHS, 400.0)
    assert (cancel.cancels, cut.kind) == ((4,), ProtectionKind.CUT)


def test_of_orders_on_both_sides_the_fewest_go() -> None:
    buy, sell = (make_order(at, side=side, size_base=5.0, price_usd=100.0) for at, side in enumerate(Side, start=1))
    position = make_position(10.0, open_bids_base=5.0, open_asks_base=-5.0)
    both = book_of([make_account(position, usdc=500.0, open_orders=(buy, sell, make_trigger(9, 95.0)))])
    assert costly_orders(both) == (1,), "the sale could only shrink the long"


def test_a_deposit_that_would_do_instead_says_so() -> None:
    *_, deposit = plan_protection(mixed(), RiskLevel.CRITICAL, DEPTHS, TARGET)
    assert deposit.instead
    shut = {"SOL-PERP": make_depth(status=MarketStatus.FILL_PAUSED)}
    *_, besides = plan_protection(mixed(), RiskLevel.CRITICAL, shut, TARGET)
    assert not besides.instead
