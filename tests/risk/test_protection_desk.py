"""The protection desk: what it plans reaches the venue through the trade desk, or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from risk.errors import CannotAssess, NotEnoughData
from risk.fleet import Fleet
from risk.liquidation_monitor import DriftLiquidationMonitor
from risk.model.account import AccountSnapshot, Side
from risk.model.candles import Candles, Interval, no_candles
from risk.model.liquidation import RiskLevel
from risk.model.market import MarketStatus, OracleValidity
from risk.model.proposal import Proposal, Proposed, Purpose, Refusal, TradePlan
from risk.model.protection import ProtectionKind
from risk.model.trading import MarketDepth
from risk.protection_desk import protection_trade_plan
from risk.risk_engine import DriftRiskEngine
from tests.risk.builders import RATIO_ALONE, make_account, make_perp_market, make_position
from tests.risk.depths import make_order
from tests.risk.fake_reader import FakeReader
from tests.risk.histories import correlated, daily_candles
from tests.risk.protection.books import graded_depth, quiet_hours
from tests.support.clock import FakeClock

GROWS = make_order(3, side=Side.BUY, size_base=2.0, price_usd=95.0)
# 90 of 50 is 180 %; with the order that grows, of 60: 150 %.
SHORT_OF_MARGIN = make_account(make_position(10.0), usdc=90.0, open_orders=(GROWS,))


@dataclass
class Depths:
    """Markets that stand where a test puts them."""

    changed: dict[str, MarketDepth] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def depth(self, account_id: str, markets: Sequence[str]) -> Mapping[str, MarketDepth]:
        self.asked.append(tuple(markets))
        return {one: self.changed.get(one) or graded_depth(one) for one in markets}


@dataclass
class Desk:
    """Refuses every plan, and keeps it."""

    plans: list[TradePlan] = field(default_factory=list)

    async def propose(self, plan: TradePlan) -> Proposed:
        self.plans.append(plan)
        return Proposed(proposal=None, refusal=Refusal(reason="a test", nearest="none"))

    async def proposal(self, proposal_id: str) -> Proposal | None:
        return None


class Bars:
    """Daily and hourly bars."""

    def __init__(self, days: int = 300) -> None:
        returns = correlated(days, (0.04, 0.02), 0.8)
        self._days = {asset: daily_candles(asset, returns[:, at]) for at, asset in enumerate(("SOL", "BTC"))}

    async def candles(self, asset: str, interval: Interval) -> Candles:
        if asset not in self._days:
            return no_candles(asset, interval)
        return quiet_hours(asset) if interval is Interval.HOUR else self._days[asset]


def monitor_of(
    clock: FakeClock, account: AccountSnapshot, *, desk: Desk | None = None, depth: Depths | None = None,
    bars: Bars | None = None,
) -> DriftLiquidationMonitor:  # fmt: skip
    fleet = Fleet(FakeReader(clock, account), ["main"], clock)
    engine = None if bars is None else DriftRiskEngine("main", fleet, bars, clock)
    return DriftLiquidationMonitor(
        "main", fleet, thresholds=RATIO_ALONE, desk=desk, depth=depth or Depths(), histories=engine, candles=bars
    )


async def test_protection_ends_in_a_plan_for_the_trade_desk(clock: FakeClock) -> None:
    desk = Desk()
    found = await monitor_of(clock, SHORT_OF_MARGIN, desk=desk, bars=Bars()).execute_protection_actions(RiskLevel.HIGH)
    (plan,) = desk.plans
    assert (plan.purpose, plan.account_id, plan.cancels) == (Purpose.PROTECT, "main", (3,))
    assert all(trade.reduce_only for trade in plan.trades)
    assert [one.kind for one in found.actions] == [ProtectionKind.CANCEL_ORDERS, ProtectionKind.CUT]
    assert found.result.refusal == Refusal(reason="a test", nearest="none")
    for action in found.actions:
        assert not action.proposed
        assert action.effect is not None
        assert action.effect.probability_after is not None


async def test_the_target_is_where_watch_begins(clock: FakeClock) -> None:
    found = await monitor_of(clock, SHORT_OF_MARGIN, desk=Desk()).execute_protection_actions(RiskLevel.HIGH)
    effect = found.actions[-1].effect
    assert effect is not None
    assert 200.0 <= effect.health_ratio_after < 201.0


async def test_with_trading_off_nothing_is_proposed_and_the_steps_are_shown(clock: FakeClock) -> None:
    found = await monitor_of(clock, SHORT_OF_MARGIN).execute_protection_actions(RiskLevel.CRITICAL)
    assert found.actions
    assert found.result.proposal_id == ""
    assert found.result.refusal is not None
    assert "switched off" in found.result.refusal.reason
    assert not any(one.proposed for one in found.actions)


async def test_nothing_is_proposed_at_low_risk(clock: FakeClock) -> None:
    desk = Desk()
    found = await monitor_of(clock, SHORT_OF_MARGIN, desk=desk).execute_protection_actions(RiskLevel.LOW)
    assert (found.actions, desk.plans, found.result.refusal) == ((), [], None)


async def test_nothing_is_planned_on_data_that_cannot_be_trusted(clock: FakeClock) -> None:
    stale = make_account(
        make_position(10.0), usdc=90.0, perp_markets=[make_perp_market(oracle_validity=OracleValidity.STALE)]
    )
    monitor = monitor_of(clock, stale, desk=Desk(), bars=Bars())
    with pytest.raises(CannotAssess):
        await monitor.execute_protection_actions(RiskLevel.CRITICAL)
    with pytest.raises(CannotAssess):
        await monitor.plan_sleep(8.0, 0.01)
    with pytest.raises(CannotAssess):
        await monitor.protection.plan_stop("SOL-PERP", 95.0)


async def test_a_hedge_is_proposed_by_itself_for_no_standing_approval_covers_it(clock: FakeClock) -> None:
    depth = Depths({"SOL-PERP": replace(graded_depth(), status=MarketStatus.FILL_PAUSED)})
    desk = Desk()
    account = make_account(make_position(10.0), usdc=400.0, open_orders=(GROWS,))
    monitor = monitor_of(clock, account, desk=desk, depth=depth, bars=Bars())
    actions = await monitor.protection.plan_protection(RiskLevel.CRITICAL, 2_000.0)
    plans = protection_trade_plan("main", RiskLevel.CRITICAL, actions)
    assert plans[0].cancels == (3,)
    assert plans[0].deposit_usd > 0
    for plan in plans[1:]:
        assert plan.purpose is Purpose.HEDGE
        assert plan.deposit_usd == 0


async def test_a_night_is_planned_from_hourly_bars(clock: FakeClock) -> None:
    found = await monitor_of(clock, make_account(make_position(10.0), usdc=200.0), bars=Bars()).plan_sleep(8.0, 0.01)
    assert found.account_id == "main"
    assert found.trades
    assert found.promised


async def test_a_night_without_history_is_refused(clock: FakeClock) -> None:
    with pytest.raises(NotEnoughData):
        await monitor_of(clock, SHORT_OF_MARGIN).plan_sleep(8.0, 0.01)


async def test_a_stop_knows_the_volatility_of_its_market(clock: FakeClock) -> None:
    account = make_account(make_position(10.0), usdc=200.0)
    known = await monitor_of(clock, account, bars=Bars()).protection.plan_stop("SOL-PERP", 92.0)
    unknown = await monitor_of(clock, account).protection.plan_stop("SOL-PERP", 92.0)
    assert not isinstance(known, Refusal)
    assert not isinstance(unknown, Refusal)
    assert len(known.notes) == 1
    assert len(unknown.notes) == 2
    assert np.isfinite(known.executions[0].bad_usd)
    bracket = await monitor_of(clock, account).protection.plan_bracket("SOL-PERP", 92.0, 120.0)
    assert not isinstance(bracket, Refusal)
    assert len(bracket.trades) == 2
    profit = await monitor_of(clock, account).protection.plan_take_profit("BTC-PERP", 60_000.0)
    assert isinstance(profit, Refusal)
    assert "positions: SOL-PERP" in profit.nearest
