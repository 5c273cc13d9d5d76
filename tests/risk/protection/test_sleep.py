"""Nights: what is promised, what it costs, and that nothing else is promised."""

import time

import numpy as np
import pytest

from risk.after_trade import Prospect
from risk.errors import BadParameter
from risk.liquidation_probability import hourly_funding_usd
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.margin.linear import LinearMargin
from risk.margin.paths import simulate_hits
from risk.margin.plan import MarginPlan
from risk.model.account import Side
from risk.model.candles import Candles
from risk.model.proposal import Purpose
from risk.model.protection import SleepPlan
from risk.model.trading import MarketDepth, OrderStyle
from risk.protection.sleep import plan_sleep, sleep_trade_plan
from risk.protection.sleep_margin import Paths, Trigger, TriggeredMargin
from risk.protection.sleep_paths import Recorded, recorded, simulated
from tests.risk.builders import make_account, make_perp_market, make_position
from tests.risk.depths import make_order
from tests.risk.protection.books import (
    graded_depth,
    hourly_candles,
    long_sol,
    make_trigger,
    prospect_of,
    quiet_hours,
    short_sol,
)

DEPTHS = {market: graded_depth(market, size_usd=20_000.0) for market in ("SOL-PERP", "BTC-PERP")}
HOURLY = {"SOL": quiet_hours(), "BTC": quiet_hours("BTC", seed=4)}


def night(book: FleetBook, prospect: Prospect | None = None, **changes: object) -> SleepPlan:
    values: dict[str, object] = {"hours": 8.0, "budget_frac": 0.01, **changes}
    hourly = values.pop("hourly", HOURLY)
    depth = values.pop("depth", DEPTHS)
    return plan_sleep(book, prospect or prospect_of(book), hourly, depth, **values)  # type: ignore[arg-type]


def margin_of(book: FleetBook) -> TriggeredMargin:
    plan = MarginPlan.of(book)
    return TriggeredMargin(plan, LinearMargin.of(plan).assets, np.zeros(1 + plan.perps.isolated.size))


def along(*prices: float, lag: int = 0) -> Paths:
    """One path of SOL, as factors, a step an hour."""
    factors = np.array(prices)[:, None, None]
    hours = np.arange(1.0, len(prices) + 1)
    return Paths(factors=factors, hours=hours, adverse_frac=np.zeros((1, 1)), lag=lag)


def trigger(factor: float, frac: float = 1.0, *, band: float = 0.0) -> Trigger:
    return Trigger(leg=0, factor=factor, frac=frac, slip_frac=0.0, fee_frac=0.0, band=band)


def test_a_calm_account_needs_no_order() -> None:
    found = night(long_sol(10.0, 900.0))
    assert (found.trades, found.promised, found.deposit_usd) == ((), True, 0.0)
    assert found.survives_worst


def test_a_leveraged_one_gets_reduce_only_triggers_that_hold() -> None:
    found = night(long_sol(10.0, 200.0))
    (trade,) = found.trades
    assert (trade.side, trade.style, trade.reduce_only) == (Side.SELL, OrderStyle.TRIGGER_MARKET, True)
    assert trade.trigger_usd is not None
    assert 800 / 9.5 < trade.trigger_usd < 100.0
    assert trade.triggers_above is False
    assert 0 < trade.size_base <= 10.0
    assert found.promised
    assert found.probability_after <= found.budget_frac
    assert found.probability_after <= found.probability_before
    assert found.expected_cost_usd > 0


def test_a_short_is_bought_back_above() -> None:
    (trade,) = night(short_sol(10.0, 150.0)).trades
    assert (trade.side, trade.triggers_above) == (Side.BUY, True)


def test_the_same_seed_gives_the_same_plan_and_another_one_much_the_same() -> None:
    book = long_sol(10.0, 150.0)
    prospect = prospect_of(book)
    assert night(book, prospect) == night(book, prospect)
    other = night(book, prospect, seed=5)
    assert other.probability_before == pytest.approx(night(book, prospect).probability_before, abs=0.01)


def test_what_cannot_be_promised_says_why_and_what_deposit_would_do() -> None:
    book = long_sol(10.0, 57.0)
    found = night(book)
    assert not found.promised
    assert "cannot be promised" in found.why
    assert found.deposit_usd > 0
    assert f"${found.deposit_usd:,.0f}" in found.why
    assert found.probability_with_deposit <= found.budget_frac < found.probability_before
    fed = book_of([make_account(make_position(10.0), usdc=57.0 + found.deposit_usd)])
    assert night(fed).promised


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"hourly": {}}, "too few hourly bars of SOL"),
        ({"hourly": {"SOL": quiet_hours(n=100)}}, "too few hourly bars of SOL"),
        ({"depth": {}}, "offers nothing now"),
        ({"depth": {"SOL-PERP": graded_depth(size_usd=0.0001)}}, "cannot be promised"),
    ],
    ids=["no bars", "few bars", "no depth", "no book"],
)
def test_nothing_is_promised_on_what_is_not_known(changes: dict[str, object], why: str) -> None:
    found = night(long_sol(10.0, 130.0), None, **changes)
    assert not found.promised
    assert why in found.why


@pytest.mark.parametrize("changes", [{"hours": 0.5}, {"hours": 200.0}, {"budget_frac": 0.0}, {"budget_frac": 0.9}])
def test_nights_and_budgets_have_bounds(changes: dict[str, object]) -> None:
    with pytest.raises(BadParameter, match="not supported"):
        night(long_sol(), None, **changes)


def test_orders_that_would_grow_the_position_are_cancelled_and_old_stops_replaced() -> None:
    grows = make_order(3, side=Side.BUY, size_base=5.0, price_usd=95.0)
    book = long_sol(10.0, 200.0, grows, make_trigger(7, 90.0), make_trigger(8, 130.0, above=True))
    found = night(book)
    assert found.cancels == (3,)
    (trade,) = found.trades
    assert trade.cancels == (7,), "in the transaction that places the new one, so that none is missing in between"
    plan = sleep_trade_plan(found, "ann")
    assert (plan.purpose, plan.cancels, plan.trades) == (Purpose.SLEEP, (3,), found.trades)


def test_asked_again_what_rests_already_is_enough() -> None:
    first = night(long_sol())
    (trade,) = first.trades
    assert trade.trigger_usd is not None
    again = night(long_sol(10.0, 200.0, make_trigger(7, trade.trigger_usd, size_base=trade.size_base)))
    assert (again.promised, again.trades, again.cancels, again.resting) == (True, (), (), (7,))
    assert again.why.startswith("With what rests already (order 7) liquidation within 8 h has a probability of ")
    assert again.probability_before == again.probability_after == first.probability_after


def test_what_rests_and_is_not_enough_is_replaced() -> None:
    found = night(long_sol(10.0, 200.0, make_trigger(7, 82.0, size_base=1.0)))
    assert found.trades
    assert all(trade.cancels == (7,) for trade in found.trades)


def test_a_longer_night_is_never_safer() -> None:
    book = long_sol(10.0, 300.0)
    prospect = prospect_of(book)
    found = [night(book, prospect, hours=hours).probability_before for hours in (1.0, 4.0, 8.0, 10.0, 16.0, 24.0)]
    assert found == sorted(found)
    assert found[-1] > 0
    diffusion, _ = prospect.diffusion
    short, long = (simulated(diffusion, hours, paths=50, seed=3) for hours in (2.5, 9.0))
    assert np.array_equal(long.factors[: short.factors.shape[0]], short.factors)
    assert np.array_equal(long.adverse_frac, short.adverse_frac)


def test_every_probability_comes_with_its_sampling_error() -> None:
    found = night(long_sol())
    assert found.interval_before is not None
    assert found.interval_after is not None
    assert found.interval_before[0] <= found.probability_before <= found.interval_before[1]
    assert found.interval_after[0] <= found.probability_after < found.interval_after[1]


def test_both_positions_are_protected_where_both_can_liquidate() -> None:
    positions = make_position(10.0), make_position(0.02, entry_usd=50_000.0, market_index=1)
    book = book_of([make_account(*positions, usdc=260.0)])
    found = night(book)
    assert found.trades
    for trade in found.trades:
        held = {"SOL-PERP": 10.0, "BTC-PERP": 0.02}[trade.market]
        assert trade.size_base <= held + 1e-9
        assert trade.reduce_only


def test_an_isolated_position_is_counted_by_itself() -> None:
    own = make_position(10.0, isolated=True, isolated_collateral_tokens=120.0)
    book = book_of([make_account(own, usdc=5_000.0)])
    found = night(book)
    assert found.probability_before > 0
    assert found.trades or found.deposit_usd


def test_the_probability_without_orders_is_that_of_the_liquidation_desk() -> None:
    book = long_sol(10.0, 80.0)
    prospect = prospect_of(book)
    margin = LinearMargin.of(MarginPlan.of(book), prospect.history.margin.assets)
    theirs = simulate_hits(
        margin, prospect.diffusion[0], horizons_hours=(8.0,), paths=20_000, seed=9,
        funding_usd_per_hour=hourly_funding_usd(margin),
    ).within(8.0)  # fmt: skip
    ours = margin_of(book).outcome(simulated(prospect.diffusion[0], 8.0, paths=20_000, seed=9), ())
    assert ours.dead_frac == pytest.approx(theirs, abs=0.01)
    assert theirs > 0.05


def test_a_plan_takes_less_than_a_second_and_a_half() -> None:

    book = long_sol(10.0, 150.0)
    prospect = prospect_of(book)
    begun = time.thread_time()
    night(book, prospect, hourly={"SOL": quiet_hours(n=20_000)})
    assert time.thread_time() - begun < 1.5


def test_margin_with_triggers_is_the_engines() -> None:
    """A path without a trigger, and one on which half is closed, against the engine's own books."""
    book = long_sol(10.0, 200.0)
    untouched = margin_of(book).outcome(along(1.0, 0.9), ())
    assert untouched.least_usd[0, 0] == pytest.approx(200 - 100 - 45)
    half = margin_of(book).outcome(along(1.0, 0.9), (trigger(0.95, 0.5),))
    # Sold at 90, where the step ended: half the requirement is gone, and no loss is.
    assert half.least_usd[0, 0] == pytest.approx(200 - 100 - 45)  # the moment before
    later = margin_of(book).outcome(along(0.94, 0.8), (trigger(0.95, 0.5),))
    assert later.least_usd[0, 0] == pytest.approx(200 - 30 - 100 - 20)


def test_a_price_that_jumps_over_a_trigger_is_filled_where_it_lands() -> None:
    margin = margin_of(long_sol(10.0, 200.0))
    landed = margin.outcome(along(1.0, 0.7, 1.0), (trigger(0.95),))
    assert landed.least_usd[0, 0] < 0  # 300 of loss on 200 of collateral
    assert landed.cost_usd[0] == pytest.approx(250.0)


def test_a_keeper_who_comes_late_gets_the_worst_price_meanwhile() -> None:
    margin = margin_of(long_sol(10.0, 200.0))
    at_once = margin.outcome(along(0.94, 0.9, 0.95), (trigger(0.95),))
    late = margin.outcome(along(0.94, 0.9, 0.95, lag=1), (trigger(0.95),))
    assert at_once.cost_usd[0] == pytest.approx(10.0)
    assert late.cost_usd[0] == pytest.approx(50.0)


def test_the_band_of_the_venues_price_delays_a_trigger() -> None:
    margin = margin_of(long_sol(10.0, 200.0))
    assert margin.outcome(along(0.949), (trigger(0.95, band=0.002),)).cost_usd[0] == 0.0
    assert margin.outcome(along(0.948), (trigger(0.95, band=0.002),)).cost_usd[0] > 0.0


def test_an_account_liquidated_before_its_trigger_is_dead() -> None:
    margin = margin_of(long_sol(10.0, 100.0))
    assert margin.outcome(along(0.96, 0.95), (trigger(0.93),)).dead_frac == 0.0
    assert margin.outcome(along(0.94, 0.92), (trigger(0.93),)).dead_frac == 1.0


def test_gains_that_count_less_are_counted_less() -> None:
    market = make_perp_market(pnl_maintenance_weight=0.5)
    book = book_of([make_account(make_position(10.0), usdc=100.0, perp_markets=[market])])
    outcome = margin_of(book).outcome(along(1.2), ())
    assert outcome.least_usd[0, 0] == pytest.approx(100 + 100 - 60)


def stretches(hourly: Candles, book: FleetBook, hours: float = 8.0) -> Recorded:
    found = recorded(margin_of(book), {"SOL": hourly}, ("SOL",), hours)
    assert isinstance(found, Recorded)
    return found


def test_the_worst_stretch_is_the_one_with_the_fall_in_it() -> None:
    moves = np.zeros(3_000)
    moves[1_500] = -0.2
    hourly = hourly_candles("SOL", moves)
    first = stretches(hourly, long_sol()).starts[0]
    assert first is not None
    fell = hourly.at[1_500]
    assert fell - np.timedelta64(7, "h") <= np.datetime64(first.replace(tzinfo=None)) <= fell


def test_lows_inside_a_bar_count_although_the_bar_closes_where_it_opened() -> None:
    lows = np.full(3_000, 0.001)
    lows[1_500] = 0.25
    book = long_sol(10.0, 200.0)
    found = stretches(hourly_candles("SOL", np.zeros(3_000), low_frac=lows), book)
    outcome = margin_of(book).outcome(found.paths, ())
    assert (outcome.least_usd[0, :-2] < 0).any()


def test_a_hole_in_the_bars_is_no_stretch() -> None:
    whole = hourly_candles("SOL", np.zeros(3_000))
    kept = np.ones(3_000, bool)
    kept[1_500] = False
    holed = Candles(
        asset="SOL", interval=whole.interval, at=whole.at[kept], open_usd=whole.open_usd[kept],
        high_usd=whole.high_usd[kept], low_usd=whole.low_usd[kept], close_usd=whole.close_usd[kept],
        volume=whole.volume[kept],
    )  # fmt: skip
    assert stretches(whole, long_sol()).looked_at - stretches(holed, long_sol()).looked_at == 8


def test_depth_of_a_market_that_is_thin_costs_more() -> None:
    book = long_sol(100.0, 2_000.0)
    prospect = prospect_of(book)

    def cost(depth: MarketDepth) -> float:
        return night(book, prospect, depth={"SOL-PERP": depth}).expected_cost_usd

    assert cost(graded_depth(size_usd=100_000.0)) < cost(graded_depth(size_usd=1_100.0, spread_frac=0.002))
