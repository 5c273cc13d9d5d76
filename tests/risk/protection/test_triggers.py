"""Stops and take-profits: what rests, and what is refused with what would work instead."""

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.margin.liquidation import liquidation_prices
from risk.model.account import Side
from risk.model.market import ContractTier, MarketStatus
from risk.model.proposal import Purpose, Refusal
from risk.model.trading import MarketDepth, OrderStyle
from risk.protection.keepers import Keepers, bad_frac, band_frac, slippage_frac
from risk.protection.triggers import StopPlan, plan_bracket, plan_stop, plan_take_profit
from tests.risk.builders import make_account, make_perp_market, make_position
from tests.risk.depths import make_depth
from tests.risk.protection.books import graded_depth, long_sol, make_trigger, short_sol

SIGMA = 0.01


def stop(book: FleetBook, price: float, **changes: object) -> StopPlan | Refusal:
    depth = changes.pop("depth", graded_depth())
    assert isinstance(depth, MarketDepth)
    return plan_stop(book, "SOL-PERP", price, depth=depth, sigma_hourly=SIGMA, **changes)  # type: ignore[arg-type]


def planned(found: StopPlan | Refusal) -> StopPlan:
    assert isinstance(found, StopPlan), found
    return found


def refused(found: StopPlan | Refusal) -> Refusal:
    assert isinstance(found, Refusal), found
    return found


def test_a_stop_for_a_long_sells_below_and_only_reduces() -> None:
    found = planned(stop(long_sol(), 92.0))
    (trade,) = found.trades
    assert (trade.side, trade.style, trade.reduce_only) == (Side.SELL, OrderStyle.TRIGGER_MARKET, True)
    assert (trade.size_base, trade.trigger_usd, trade.triggers_above) == (10.0, 92.0, False)
    assert found.liquidation_usd == pytest.approx(800 / 9.5, rel=1e-6)
    plan = found.trade_plan("ann")
    assert (plan.purpose, plan.requested_by, plan.trades) == (Purpose.STOP, "ann", found.trades)


def test_a_stop_for_a_short_buys_above() -> None:
    (trade,) = planned(stop(short_sol(), 107.0)).trades
    assert (trade.side, trade.triggers_above, trade.reduce_only) == (Side.BUY, True, True)


def test_a_take_profit_waits_on_the_other_side() -> None:
    found = plan_take_profit(long_sol(), "SOL-PERP", 120.0, depth=graded_depth(), share_frac=0.5, sigma_hourly=SIGMA)
    (trade,) = planned(found).trades
    assert (trade.side, trade.triggers_above, trade.size_base) == (Side.SELL, True, 5.0)


def test_a_bracket_is_both_of_one_size() -> None:
    found = planned(plan_bracket(long_sol(), "SOL-PERP", 92.0, 120.0, depth=graded_depth(), sigma_hourly=SIGMA))
    assert [(one.trigger_usd, one.triggers_above, one.size_base) for one in found.trades] == [
        (92.0, False, 10.0), (120.0, True, 10.0),
    ]  # fmt: skip
    assert found.purpose is Purpose.BRACKET
    assert len(found.executions) == 2


@pytest.mark.parametrize(
    ("book", "price", "reason", "nearest"),
    [
        (long_sol(), 101.0, "would fire at once", r"\$99.79 or lower"),
        (long_sol(), 100.0, "would fire at once", "or lower"),
        (long_sol(), 99.9, "within 0.2%", r"\$99.79 or lower"),
        (short_sol(), 99.0, "would fire at once", r"\$100.21 or higher"),
        (long_sol(), 84.0, "beyond the liquidation price", "or higher"),
        (long_sol(), 84.5, "too near to the liquidation price", "or higher"),
        (short_sol(), 114.2, "liquidation price", "or lower"),
        (long_sol(), 0.0, "above zero", "SOL-PERP is at"),
        (long_sol(), float("nan"), "above zero", "SOL-PERP is at"),
        (long_sol(), -5.0, "above zero", "SOL-PERP is at"),
        (long_sol(usdc=52.0), 99.7, "no stop can be trusted", "/protect"),
        (book_of([make_account(usdc=100.0)]), 90.0, "no position in SOL-PERP", ""),
    ],
)
def test_what_would_not_protect_is_refused_with_what_would(
    book: FleetBook, price: float, reason: str, nearest: str
) -> None:
    found = refused(stop(book, price))
    assert reason in found.reason
    assert re.search(nearest, found.nearest)


def test_what_is_named_as_nearest_works() -> None:
    """As it is shown."""
    found = refused(stop(long_sol(), 84.5))
    shown = float(found.nearest.split()[0].removeprefix("$").replace(",", ""))
    planned(stop(long_sol(), shown))
    high = refused(stop(long_sol(), 101.0))
    planned(stop(long_sol(), float(high.nearest.split()[0].removeprefix("$"))))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size_base": 10.5}, "more than the position"),
        ({"size_base": 0.0}, "protects nothing"),
        ({"size_base": float("inf")}, "protects nothing"),
        ({"share_frac": 1.5}, "no share"),
        ({"size_base": 0.001}, "smallest order"),
        ({"depth": make_depth(status=MarketStatus.FILL_PAUSED)}, "paused"),
        ({"depth": make_depth(status=MarketStatus.DELISTED)}, "delisted"),
        ({"depth": make_depth(problem="the oracle is stale")}, "oracle is stale"),
        ({"depth": make_depth(oracle_usd=0.0)}, "no positive price"),
    ],
)
def test_sizes_and_markets_that_cannot_be_are_refused(changes: dict[str, object], reason: str) -> None:
    assert reason in refused(stop(long_sol(), 92.0, **changes)).reason


def test_two_stops_are_never_more_than_the_position() -> None:
    book = long_sol(10.0, 200.0, make_trigger(7, 93.0, size_base=6.0))
    found = refused(stop(book, 92.0))
    assert "order 7" in found.reason
    assert "cancel order 7" in found.nearest
    planned(stop(book, 92.0, size_base=4.0))
    # A take-profit rests on the other side and is no second stop.
    planned(plan_take_profit(book, "SOL-PERP", 120.0, depth=graded_depth(), sigma_hourly=SIGMA))


def test_what_it_gets_is_worse_than_its_trigger_and_says_by_how_much() -> None:
    (one,) = planned(stop(long_sol(), 92.0)).executions
    assert one.bad_usd < one.likely_usd < one.trigger_usd == 92.0
    assert (one.likely_delay_s, one.bad_delay_s) == (15.0, 90.0)
    assert one.fee_usd == pytest.approx(10 * 92.0 * 0.001)
    (back,) = planned(stop(short_sol(), 107.0)).executions
    assert back.bad_usd > back.likely_usd > 107.0


@pytest.mark.parametrize(
    ("tier", "band"),
    [(ContractTier.A, 0.002), (ContractTier.B, 0.002), (ContractTier.C, 0.01), (ContractTier.SPECULATIVE, 0.025)],
)
def test_the_band_is_that_of_the_tier(tier: ContractTier, band: float) -> None:
    market = make_perp_market(contract_tier=tier)
    book = book_of([make_account(make_position(1.0), usdc=500.0, perp_markets=[market])])
    assert band_frac(book, "SOL-PERP") == band


def test_slippage_grows_with_size_and_counts_what_the_book_lacks() -> None:
    depth = graded_depth()
    small, large, over = (slippage_frac(depth, Side.SELL, size) for size in (1.0, 150.0, 400.0))
    assert small < large < over
    assert slippage_frac(dataclasses.replace(depth, bids=()), Side.SELL, 1.0) > 0.05
    assert slippage_frac(make_depth(), Side.SELL, 1.0) == Keepers().least_slippage_frac


def test_without_history_it_says_what_it_takes_an_hour_to_move() -> None:
    found = planned(plan_stop(long_sol(), "SOL-PERP", 92.0, depth=graded_depth()))
    assert any("Without price history" in note for note in found.notes)


@given(
    size=st.floats(0.05, 500.0), room=st.floats(0.02, 0.9), at=st.floats(0.5, 1.5), share=st.floats(0.01, 1.0),
    is_long=st.booleans(),
)  # fmt: skip
def test_a_stop_is_never_larger_than_its_position_and_fills_before_liquidation(
    size: float, room: float, at: float, share: float, is_long: bool
) -> None:
    position = make_position(size if is_long else -size)
    book = book_of([make_account(position, usdc=size * 100.0 * (0.05 + room))])
    depth = graded_depth(size_usd=5_000.0)
    found = plan_stop(book, "SOL-PERP", 100.0 * at, depth=depth, share_frac=share, sigma_hourly=SIGMA)
    if isinstance(found, Refusal):
        assert found.reason
        return
    (trade,) = found.trades
    assert 0 < trade.size_base <= size + 1e-9
    assert trade.reduce_only
    assert trade.side is (Side.SELL if is_long else Side.BUY)
    (price,) = (one.price_usd for one in liquidation_prices(book) if one.market == "SOL-PERP")
    (execution,) = found.executions
    if price is not None:
        assert execution.bad_usd > price if is_long else execution.bad_usd < price
    assert bad_frac(SIGMA, 0.001, 0.002) > 0
