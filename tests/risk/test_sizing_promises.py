"""A proposed size keeps what it promises: judged by the desks themselves, on the account as it is after the trade."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from risk.errors import BadParameter, BadSeries, NotEnoughData
from risk.fleet import Fleet
from risk.liquidation_probability import liquidation_probability
from risk.margin.book import FleetBook
from risk.margin.trade import with_trade
from risk.model.account import AccountSnapshot, Side
from risk.model.limits import LimitState, RiskLimits
from risk.model.metrics import VaRMethod
from risk.model.sizing import Binding, PositionSizing, SizingStrategy
from risk.portfolio_manager import DriftPortfolioManager
from risk.position_sizer import PositionSizer
from risk.risk_engine import DriftRiskEngine
from risk.sizing import SizingTask, size
from risk.stats.fits import FitCache
from tests.risk.builders import NOW, make_account, make_btc_market, make_perp_market, make_position
from tests.risk.fake_reader import FakeReader
from tests.risk.histories import Shelf, correlated, daily_candles, shelf
from tests.risk.recorded_history import history_of, recorded_book
from tests.risk.test_position_sizer import FREE
from tests.support.clock import FakeClock
from tests.support.reading import book_of
from tests.support.recorded import recorded_world

COSTS = 0.002


def traded(book: FleetBook, found: PositionSizing) -> FleetBook:
    sign = 1.0 if found.side is Side.BUY else -1.0
    return with_trade(book, found.market, sign * found.size_base, fee_usd=found.notional_usd * COSTS)


@pytest.mark.parametrize(("user", "side"), [(1, Side.BUY), (4, Side.SELL)])
@pytest.mark.parametrize("budget", [0.002, 0.005])
def test_the_desk_finds_the_probability_that_was_promised(material: Path, user: int, side: Side, budget: float) -> None:
    """Recorded accounts, real bars, the same seed."""
    recorded = recorded_world(material, "fuzz_shared")
    book = book_of(recorded.world, [list(recorded.expected)[user]])
    history = history_of(material, book)
    task = SizingTask(
        book=book, market="BTC-PERP", side=side, strategy=SizingStrategy.INVERSE_LIQUIDATION, risk_tolerance=budget,
        limits=FREE, history=history, probability_budget=1.0, seed=3,
    )  # fmt: skip
    found = size(task)
    assert found.binding is Binding.STRATEGY
    assert found.size_base > 0
    desk = liquidation_probability(history_of(material, traded(book, found)), seed=3)
    assert desk.hits.within(24.0) == found.probability_24h < budget
    larger = traded(book, replace(found, size_base=1.02 * found.size_base, notional_usd=1.02 * found.notional_usd))
    assert liquidation_probability(history_of(material, larger), seed=3).hits.within(24.0) > 0.97 * budget


def test_an_account_beyond_its_budget_gets_no_size_and_is_told_why(material: Path) -> None:
    book = recorded_book(material)
    found = size(
        SizingTask(
            book=book, market="BTC-PERP", side=Side.SELL, strategy=SizingStrategy.FIXED_RISK, risk_tolerance=0.02,
            limits=FREE, history=history_of(material, book),
        )
    )  # fmt: skip
    assert found.size_base == 0
    assert found.binding in (Binding.LIQUIDATION_DISTANCE, Binding.LIQUIDATION_PROBABILITY)
    assert found.probability_24h == liquidation_probability(history_of(material, book)).hits.within(24.0) > 0.05


class _Limits:
    def __init__(self, limits: RiskLimits) -> None:
        self.limits = limits

    async def load_limits(self, account_id: str) -> RiskLimits:
        return self.limits

    async def save_limits(self, account_id: str, limits: RiskLimits) -> None:
        self.limits = limits


MARKETS = [make_perp_market(), make_btc_market()]
HELD = make_account(make_position(20.0), usdc=10_000, perp_markets=MARKETS)


def manager(account: AccountSnapshot, limits: RiskLimits, history: Shelf) -> DriftPortfolioManager:
    clock = FakeClock()
    fleet = Fleet(FakeReader(clock, account), ["main"], clock)
    cache = FitCache()
    engine = DriftRiskEngine("main", fleet, history, clock, cache=cache)
    store = _Limits(limits)
    sizer = PositionSizer("main", fleet, engine, limits=store, cache=cache)
    return DriftPortfolioManager("main", fleet, limits=store, risk=engine, sizer=sizer)


@pytest.mark.parametrize(
    ("change", "binding"),
    [
        ({}, Binding.POSITION_LIMIT_SHARE),
        ({"max_position_size_percent": 10.0}, Binding.VAR_LIMIT),
        ({"max_position_size_percent": 10.0, "max_var_1d_percent": 0.5}, Binding.LEVERAGE_LIMIT),
        ({"max_position_size_percent": 10.0, "max_var_1d_percent": 0.5, "min_health_ratio": 900.0}, None),
    ],
)
async def test_every_limit_holds_after_the_trade_by_whatever_method_var_shows(
    change: dict[str, float], binding: Binding | None
) -> None:
    limits = replace(RiskLimits(), **change)
    account = make_account(usdc=10_000, perp_markets=MARKETS)
    found = await manager(account, limits, shelf(650)).suggest_position_sizes("SOL-PERP", "fixed_risk", 0.9)
    if binding is not None:
        assert found.binding is binding
    assert 0 < found.size_base < found.wanted_base
    after = make_account(make_position(found.size_base), usdc=10_000 - found.notional_usd * COSTS, perp_markets=MARKETS)
    desk = manager(after, limits, shelf(650))
    judged = await desk.judge_limits()
    assert judged.violations == ()
    assert [state for state in judged.states.values() if state is LimitState.BROKEN] == []
    for method in VaRMethod:
        engine = desk._risk
        assert isinstance(engine, DriftRiskEngine)
        assert (await engine.calculate_var(method=method)).var_frac <= limits.max_var_1d_percent


async def test_a_second_name_for_the_same_bet_is_bounded_by_concentration() -> None:
    limits = replace(FREE, max_correlation_exposure=0.7)
    found = await manager(HELD, limits, shelf(650, correlation=0.9)).suggest_position_sizes("BTC-PERP", "kelly", 0.25)
    other = await manager(HELD, FREE, shelf(650, correlation=0.9)).suggest_position_sizes("BTC-PERP", "kelly", 0.25)
    if other.size_base:
        assert found.binding is Binding.CORRELATION_LIMIT
        assert found.size_base < other.size_base


async def test_a_larger_budget_never_means_a_smaller_size() -> None:
    desk = manager(make_account(usdc=10_000), FREE, shelf(650))
    sizes = [
        (await desk.suggest_position_sizes("SOL-PERP", "inverse_liquidation", budget)).size_base
        for budget in (0.001, 0.003, 0.01)
    ]
    assert sizes == sorted(sizes)


BAD = [
    ("fixed_risk", 1.0, {}, BadParameter, "fraction of equity to lose"),
    ("fixed_risk", float("inf"), {}, BadParameter, "positive number"),
    ("volatility_target", 50.0, {}, BadParameter, "volatility a year as a fraction"),
    ("kelly", 0.26, {}, BadParameter, "at most a quarter"),
    ("inverse_liquidation", 1.0, {}, BadParameter, "takes a probability"),
    ("martingale", 0.1, {}, BadParameter, "there is no strategy martingale; strategies are fixed_risk"),
    ("fixed_risk", 0.02, {"stop_distance_frac": 0.0}, BadParameter, "a stop is away"),
    ("fixed_risk", 0.02, {"stop_distance_frac": float("nan")}, BadParameter, "a stop is away"),
    ("fixed_risk", 0.02, {"probability_budget": 0.0}, BadParameter, "the budget is a probability"),
]


@pytest.mark.parametrize(("strategy", "tolerance", "more", "error", "words"), BAD)
async def test_questions_without_an_answer_are_refused_in_words(
    strategy: str, tolerance: float, more: dict[str, float], error: type[Exception], words: str
) -> None:
    clock = FakeClock()
    fleet = Fleet(FakeReader(clock, make_account(usdc=10_000)), ["main"], clock)
    desk = PositionSizer("main", fleet, DriftRiskEngine("main", fleet, shelf(200), clock))
    with pytest.raises(error, match=words):
        await desk.size("SOL-PERP", strategy, tolerance, **more)  # type: ignore[arg-type]  # a table of arguments


async def test_prices_that_stand_still_give_no_size() -> None:
    flat = Shelf({"SOL": daily_candles("SOL", np.zeros(300))})
    with pytest.raises(BadSeries, match="SOL has not moved in 300 days"):
        await manager(make_account(usdc=10_000), FREE, flat).suggest_position_sizes("SOL-PERP", "kelly", 0.1)


async def test_a_market_listed_yesterday_is_too_young_and_says_how_young() -> None:
    young = Shelf({"SOL": daily_candles("SOL", correlated(40, (0.04,), 0.0)[:, 0])})
    with pytest.raises(NotEnoughData, match="40 of 100"):
        await manager(make_account(usdc=10_000), FREE, young).suggest_position_sizes(
            "SOL-PERP", "inverse_liquidation", 0.01
        )


async def test_the_portfolio_desk_states_its_risk() -> None:
    metrics = await manager(HELD, RiskLimits(), shelf(650)).calculate_portfolio_risk()
    assert 0 < metrics.var_1d < metrics.var_7d
    assert metrics.expected_shortfall_1d > metrics.var_1d
    assert sum(metrics.risk_contribution.values()) == pytest.approx(metrics.expected_shortfall_1d, rel=1e-9)
    assert metrics.calculated_at == NOW


async def test_an_asset_meets_the_same_prices_before_it_is_held_and_after() -> None:
    """Through the desks: a size of SOL for somebody who holds BTC alone, and what is said when both are held."""
    short = make_position(-0.02, entry_usd=50_000, market_index=1)
    before = make_account(short, usdc=2_000, perp_markets=MARKETS)
    found = await manager(before, FREE, shelf(300)).suggest_position_sizes("SOL-PERP", "inverse_liquidation", 0.004)
    assert found.size_base > 0
    after = make_account(
        short, make_position(found.size_base), usdc=2_000 - found.notional_usd * COSTS, perp_markets=MARKETS
    )
    clock = FakeClock()
    fleet = Fleet(FakeReader(clock, after), ["main"], clock)
    desk = await DriftRiskEngine("main", fleet, shelf(300), clock).liquidation_probability()
    assert desk.hits.within(24.0) == pytest.approx(found.probability_24h, abs=1e-9)
    assert 0 < found.probability_24h < 0.004
