"""Sizes end where they say they end: just inside the constraint that is named."""

from dataclasses import replace

import pytest

from risk.errors import BadParameter, CannotAssess, NotEnoughData
from risk.fleet import Fleet
from risk.model.account import AccountSnapshot, Side
from risk.model.limits import RiskLimits
from risk.model.sizing import Binding, PositionSizing, SizingStrategy
from risk.position_sizer import PositionSizer
from risk.risk_engine import DriftRiskEngine
from tests.risk.builders import make_account, make_position
from tests.risk.fake_reader import FakeReader
from tests.risk.histories import Shelf, shelf
from tests.support.clock import FakeClock

CASH = make_account(usdc=10_000)
FREE = RiskLimits(
    max_portfolio_leverage=1e6, max_position_size_usd=1e12, max_position_size_percent=1e6, max_correlation_exposure=1.0,
    max_var_1d_percent=1.0, min_health_ratio=100.0, max_drawdown_percent=1.0,
)  # fmt: skip


class Limits:
    """A limits store that holds one set."""

    def __init__(self, limits: RiskLimits) -> None:
        self.limits = limits

    async def load_limits(self, account_id: str) -> RiskLimits:
        return self.limits

    async def save_limits(self, account_id: str, limits: RiskLimits) -> None:
        self.limits = limits


def sizer(account: AccountSnapshot = CASH, limits: RiskLimits = FREE, history: Shelf | None = None) -> PositionSizer:
    clock = FakeClock()
    fleet = Fleet(FakeReader(clock, account), ["main"], clock)
    engine = DriftRiskEngine("main", fleet, history or shelf(), clock)
    return PositionSizer("main", fleet, engine, limits=Limits(limits))


async def sized(strategy: SizingStrategy, tolerance: float, **other: object) -> PositionSizing:
    desk = sizer(**{name: other.pop(name) for name in ("account", "limits", "history") if name in other})  # type: ignore[arg-type]  # a table of arguments
    return await desk.size("SOL-PERP", strategy, tolerance, **other)  # type: ignore[arg-type]  # the same


async def test_fixed_risk_loses_what_it_says_at_the_stop() -> None:
    found = await sized(SizingStrategy.FIXED_RISK, 0.02, stop_distance_frac=0.10)
    assert found.binding is Binding.STRATEGY
    assert found.notional_usd * (0.10 + 0.002) == pytest.approx(0.02 * 10_000)  # fee and slippage are part of the loss
    assert found.size_base == pytest.approx(found.notional_usd / 100.0)


async def test_a_volatility_target_is_reached_whatever_is_held() -> None:
    held = make_account(make_position(10.0), usdc=10_000)
    alone = await sized(SizingStrategy.VOLATILITY_TARGET, 0.5)
    beside = await sized(SizingStrategy.VOLATILITY_TARGET, 0.5, account=held)
    assert alone.notional_usd == pytest.approx(beside.notional_usd + 1_000, rel=0.01)


async def test_what_is_above_its_volatility_target_gets_nothing_and_is_told_why() -> None:
    held = make_account(make_position(300.0), usdc=10_000)
    found = await sized(SizingStrategy.VOLATILITY_TARGET, 0.2, account=held)
    assert found.size_base == 0
    assert "already, above the 20% wanted" in found.reason


async def test_kelly_follows_the_drift_and_never_bets_against_it() -> None:
    sides = [await sized(SizingStrategy.KELLY, 0.25, side=side) for side in (Side.BUY, Side.SELL)]
    assert min(found.size_base for found in sides) == 0
    with pytest.raises(BadParameter, match="at most a quarter"):
        await sized(SizingStrategy.KELLY, 0.5)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("budget", [0.01, 0.05])
async def test_the_size_proposed_has_the_probability_promised(side: Side, budget: float) -> None:
    found = await sized(SizingStrategy.INVERSE_LIQUIDATION, budget, side=side, probability_budget=1.0)
    assert found.binding in (Binding.STRATEGY, Binding.LIQUIDATION_DISTANCE, Binding.INITIAL_MARGIN)
    assert found.probability_24h < budget
    if found.binding is Binding.STRATEGY:
        assert found.probability_24h > 0.7 * budget  # and it is the largest such size, to the bisection's width


@pytest.mark.parametrize(
    ("change", "binding"),
    [
        ({"max_portfolio_leverage": 0.5}, Binding.LEVERAGE_LIMIT),
        ({"max_position_size_usd": 1_000.0}, Binding.POSITION_LIMIT_USD),
        ({"max_position_size_percent": 0.1}, Binding.POSITION_LIMIT_SHARE),
        ({"max_var_1d_percent": 0.01}, Binding.VAR_LIMIT),
        ({"min_health_ratio": 100_000.0}, Binding.HEALTH_LIMIT),
    ],
)
async def test_a_limit_that_binds_is_named_and_holds_after_the_trade(
    change: dict[str, float], binding: Binding
) -> None:
    limits = replace(FREE, **change)
    found = await sized(SizingStrategy.FIXED_RISK, 0.5, limits=limits, stop_distance_frac=0.1)
    assert found.binding is binding
    assert 0 < found.size_base < found.wanted_base
    assert found.leverage_after <= limits.max_portfolio_leverage
    assert found.health_ratio_after >= limits.min_health_ratio
    assert found.notional_usd <= limits.max_position_size_usd * 1.0001
    assert found.var_1d_frac_after <= limits.max_var_1d_percent * 1.0001


async def test_a_market_nobody_read_and_an_asset_without_history_are_named() -> None:
    with pytest.raises(CannotAssess, match="DOGE-PERP is not among the markets that were read: SOL-PERP"):
        await sizer().size("DOGE-PERP", SizingStrategy.KELLY, 0.1)
    with pytest.raises(NotEnoughData, match="daily bars of SOL"):
        await sizer(history=Shelf({})).size("SOL-PERP", SizingStrategy.KELLY, 0.1)


async def test_an_account_without_equity_cannot_be_sized() -> None:
    broke = make_account(make_position(10.0), usdc=-500.0, balances=())
    with pytest.raises(CannotAssess, match="no equity"):
        await sizer(broke).size("SOL-PERP", SizingStrategy.FIXED_RISK, 0.02)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan"), 1.5])
async def test_tolerances_that_mean_nothing_are_refused(tolerance: float) -> None:
    with pytest.raises(BadParameter):
        await sizer().size("SOL-PERP", SizingStrategy.INVERSE_LIQUIDATION, tolerance)
