"""The liquidation desk: the verdict on an account, or why there is none."""

import math
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from risk.decisions.tiers import Tier, TierThresholds
from risk.errors import CannotAssess, ReadFailed
from risk.fleet import Fleet
from risk.liquidation_monitor import (
    DriftLiquidationMonitor,
    entry_ratio_percent,
    finite_prices,
    protection_actions,
)
from risk.margin.remedy import Cut, Remedy
from risk.model.account import AccountSnapshot
from risk.model.liquidation import LiquidationPrice, LiquidationStatus, RiskLevel
from risk.model.market import OracleReading, OracleValidity
from tests.risk.builders import RATIO_ALONE, SLOT, make_account, make_balance, make_perp_market, make_position
from tests.risk.fake_reader import FakeReader
from tests.support.clock import FakeClock

# 90 of 50: a ratio of 180 %.
ACCOUNT = make_account(make_position(10.0), usdc=90.0)
STALE = make_account(
    make_position(10.0), usdc=90.0, perp_markets=[make_perp_market(oracle_validity=OracleValidity.STALE)]
)


def desk(clock: FakeClock, account: AccountSnapshot = ACCOUNT) -> DriftLiquidationMonitor:
    return desk_of(FakeReader(clock, account), clock)


def desk_of(reader: FakeReader, clock: FakeClock) -> DriftLiquidationMonitor:
    return DriftLiquidationMonitor("main", Fleet(reader, ["main"], clock), thresholds=RATIO_ALONE)


async def test_health_in_both_conventions(clock: FakeClock) -> None:
    health = await desk(clock).monitor_health_ratio()
    assert health.account_id == "main"
    assert health.health_ratio_percent == 180.0
    assert health.worst_ratio_percent == 180.0
    assert health.health_percent == pytest.approx(100 * (1 - 50 / 90))
    assert (health.total_collateral_usd, health.maintenance_requirement_usd) == (90.0, 50.0)
    assert (health.initial_collateral_usd, health.initial_requirement_usd) == (90.0, 100.0)
    assert (health.free_collateral_usd, health.margin_to_liquidation_usd) == (0.0, 40.0)
    assert (health.liquidating, health.problems, health.isolated) == (False, (), ())
    assert (health.slot, health.observed_at) == (SLOT, clock.now())


async def test_health_without_a_requirement(clock: FakeClock) -> None:
    health = await desk(clock, make_account(usdc=90.0)).monitor_health_ratio()
    assert (health.health_percent, health.health_ratio_percent, health.worst_ratio_percent) == (100.0, None, math.inf)
    assert health.free_collateral_usd == 90.0


async def test_health_of_an_isolated_position_is_its_own(clock: FakeClock) -> None:
    own = make_position(-0.1, entry_usd=50_000.0, market_index=1, isolated=True, isolated_collateral_tokens=400.0)
    health = await desk(clock, replace(ACCOUNT, perp_positions=(*ACCOUNT.perp_positions, own))).monitor_health_ratio()
    (isolated,) = health.isolated
    assert (isolated.market, isolated.total_collateral_usd) == ("BTC-PERP", 400.0)
    assert (isolated.maintenance_requirement_usd, isolated.initial_requirement_usd) == (250.0, 500.0)
    assert isolated.initial_collateral_usd == 400.0
    assert isolated.health_ratio_percent == 160.0
    assert isolated.health_percent == pytest.approx(37.5)
    assert (health.health_ratio_percent, health.worst_ratio_percent) == (180.0, 160.0)
    assert not health.liquidating


@pytest.mark.parametrize(
    ("account", "liquidating"),
    [
        (ACCOUNT, False),
        (make_account(make_position(10.0), usdc=49.0), True),
        (replace(ACCOUNT, being_liquidated=True), True),
        (make_account(make_position(10.0, isolated=True, isolated_collateral_tokens=49.0), usdc=500.0), True),
        (
            make_account(
                make_position(10.0, isolated=True, isolated_collateral_tokens=90.0, being_liquidated=True), usdc=500.0
            ),
            True,
        ),
    ],
    ids=["fine", "below", "flagged", "isolated below", "isolated flagged"],
)
async def test_whether_an_account_is_being_liquidated(
    clock: FakeClock, account: AccountSnapshot, liquidating: bool
) -> None:
    assert (await desk(clock, account).monitor_health_ratio()).liquidating == liquidating


async def test_invalid_oracles_do_not_blank_figures_but_say_why_not_to_trust_them(clock: FakeClock) -> None:
    health = await desk(clock, STALE).monitor_health_ratio()
    assert health.health_ratio_percent == 180.0
    assert health.problems == ("the oracle of SOL-PERP has not been updated lately",)


async def test_an_old_view_comes_with_its_age(clock: FakeClock) -> None:
    reader = FakeReader(clock, ACCOUNT)
    monitor = desk_of(reader, clock)
    read_at = (await monitor.monitor_health_ratio()).observed_at
    reader.fails = ReadFailed("the venue is down")
    clock.pass_s(30)
    health = await monitor.monitor_health_ratio()
    assert health.observed_at == read_at
    assert health.problems == ("no usable answer from the venue for 30 s",)
    with pytest.raises(CannotAssess, match="no usable answer"):
        await monitor.assess_liquidation_risk()


async def test_prices_are_the_finite_ones(clock: FakeClock) -> None:
    monitor = desk(clock)
    assert await monitor.calculate_liquidation_prices() == {"SOL-PERP": pytest.approx(910 / 9.5, rel=1e-7)}
    assert {price.market: price.status for price in await monitor.liquidation_prices()} == {
        "SOL-PERP": LiquidationStatus.AT,
        "USDC": LiquidationStatus.NONE,
    }
    move = await monitor.whole_book_move()
    assert move.move_frac == pytest.approx(910 / 950 - 1, rel=1e-6)


async def test_the_verdict(clock: FakeClock) -> None:
    risk = await desk(clock, make_account(make_position(10.0), usdc=90.55)).assess_liquidation_risk()
    assert risk.health_ratio == pytest.approx(181.1)
    assert risk.risk_level is RiskLevel.HIGH
    assert risk.liquidation_prices == {"SOL-PERP": pytest.approx(909.45 / 9.5, rel=1e-7)}
    assert risk.time_to_liquidation is None
    # WATCH begins at 200 %: 100 of collateral, or 905.50 of notional.
    assert risk.protection_actions == ("deposit $10", "cut SOL-PERP by $95")
    assert risk.stress_test_results["SOL -5%"] == pytest.approx(100 * 40.55 / 47.5)
    # Ten shocks each of SOL and of everything, the worst day, the depeg, the funding.
    assert len(risk.stress_test_results) == 23


@pytest.mark.parametrize(
    ("usdc", "level"),
    [
        (125.0, RiskLevel.LOW),
        (124.0, RiskLevel.MEDIUM),
        (100.0, RiskLevel.MEDIUM),
        (99.0, RiskLevel.HIGH),
        (60.0, RiskLevel.HIGH),
        (59.0, RiskLevel.CRITICAL),
        (49.0, RiskLevel.CRITICAL),
    ],
)
async def test_the_level_is_that_of_the_tier(clock: FakeClock, usdc: float, level: RiskLevel) -> None:
    account = make_account(make_position(10.0), usdc=usdc)
    assert (await desk(clock, account).assess_liquidation_risk()).risk_level is level


async def test_thresholds_of_the_account_decide(clock: FakeClock) -> None:
    fleet = Fleet(FakeReader(clock, ACCOUNT), ["main"], clock)
    anxious = TierThresholds(ratio_percent={Tier.WATCH: 300.0, Tier.CRITICAL: 190.0})
    monitor = DriftLiquidationMonitor("main", fleet, thresholds=anxious)
    assert (await monitor.assess_liquidation_risk()).risk_level is RiskLevel.CRITICAL


async def test_nothing_needs_doing_for_a_healthy_account(clock: FakeClock) -> None:
    healthy = make_account(make_position(10.0), usdc=500.0)
    assert (await desk(clock, healthy).assess_liquidation_risk()).protection_actions == ()


@pytest.mark.parametrize(
    "account",
    [
        STALE,
        replace(ACCOUNT, oracles={**ACCOUNT.oracles, "sol": OracleReading(oracle_id="sol", price_usd=math.nan)}),
    ],
    ids=["stale oracle", "missing price"],
)
async def test_there_is_no_verdict_on_data_that_cannot_be_trusted(clock: FakeClock, account: AccountSnapshot) -> None:
    monitor = desk(clock, account)
    for ask in (monitor.assess_liquidation_risk, monitor.simulate_stress_scenarios, monitor.remedy):
        with pytest.raises(CannotAssess):
            await ask()


async def test_a_missing_price_has_no_liquidation_prices(clock: FakeClock) -> None:
    blind = replace(ACCOUNT, oracles={**ACCOUNT.oracles, "sol": OracleReading(oracle_id="sol", price_usd=math.nan)})
    monitor = desk(clock, blind)
    for ask in (monitor.calculate_liquidation_prices, monitor.whole_book_move):
        with pytest.raises(CannotAssess):
            await ask()
    assert math.isnan((await monitor.monitor_health_ratio()).worst_ratio_percent)


async def test_without_any_answer_the_failure_is_told(clock: FakeClock) -> None:
    reader = FakeReader(clock, ACCOUNT)
    reader.fails = ReadFailed("the venue is down")
    with pytest.raises(ReadFailed, match="the venue is down"):
        await desk_of(reader, clock).monitor_health_ratio()


async def test_stress_is_worst_first_with_slot_and_time(clock: FakeClock) -> None:
    result = await desk(clock).simulate_stress_scenarios()
    assert (result.account_id, result.slot, result.observed_at) == ("main", SLOT, clock.now())
    assert result.worst is result.outcomes[0]
    assert result.worst.scenario in ("SOL -50%", "all -50%")


async def test_the_remedy_leads_into_the_tier_that_is_asked_for(clock: FakeClock) -> None:
    monitor = desk(clock)
    assert (await monitor.remedy()).target_ratio_percent == 200.0
    assert (await monitor.remedy(Tier.OK)).target_ratio_percent == 250.0
    assert (await monitor.remedy(Tier.OK)).deposit_usd == pytest.approx(35.0, rel=1e-5)
    assert (await monitor.remedy(Tier.HIGH)).deposit_usd == 0.0


@pytest.mark.parametrize(
    ("tier", "ratio"),
    [(Tier.OK, 250.0), (Tier.WATCH, 200.0), (Tier.WARNING, 150.0), (Tier.HIGH, 120.0), (Tier.CRITICAL, 100.0)],
)
def test_a_tier_is_entered_at_the_threshold_of_the_next_worse_one(tier: Tier, ratio: float) -> None:
    assert entry_ratio_percent(TierThresholds(), tier) == ratio


@pytest.mark.parametrize(
    ("tier", "step_percent", "ratio", "why"),
    [
        (Tier.WATCH, 50.0, 350.0, "WARNING begins at five daily moves of 50 points"),
        (Tier.WATCH, 15.0, 200.0, "or at a ratio of 200, where that is more"),
        (Tier.HIGH, 100.0, 175.0, "CRITICAL at three quarters of a move"),
        (Tier.WATCH, 500.0, 1_000.0, "but no more than enough is asked for"),
        (Tier.CRITICAL, 500.0, 100.0, "no daily moves begin LIQUIDATING"),
    ],
)
def test_daily_moves_raise_where_a_tier_is_entered(tier: Tier, step_percent: float, ratio: float, why: str) -> None:
    assert entry_ratio_percent(TierThresholds(), tier, step_percent) == ratio, why


async def test_the_remedy_leads_out_of_what_daily_moves_say(clock: FakeClock) -> None:
    """480 % is much, but 4.98 % a day moves the ratio by 94.6 points: WATCH needs five of those."""
    account = make_account(make_position(10.0), usdc=240.0)
    fleet = Fleet(FakeReader(clock, account), ["main"], clock, stall=timedelta(hours=2))
    monitor = DriftLiquidationMonitor("main", fleet)
    assert (await monitor.assess_liquidation_risk()).risk_level is RiskLevel.LOW, "nothing has been watched"
    clock.pass_s(3_600)
    assert (await monitor.assess_liquidation_risk()).risk_level is RiskLevel.HIGH
    needed = await monitor.remedy()
    assert needed.target_ratio_percent == pytest.approx(573.0, abs=0.1)
    assert needed.deposit_usd == pytest.approx(46.5, abs=0.1)


def test_tiers_without_a_threshold_are_passed_over() -> None:
    sparse = TierThresholds(ratio_percent={Tier.WATCH: 300.0, Tier.CRITICAL: 130.0}, distance_sigmas={})
    assert entry_ratio_percent(sparse, Tier.OK) == 300.0
    assert entry_ratio_percent(sparse, Tier.WATCH) == 130.0
    with pytest.raises(ValueError, match="no tier is worse than CRITICAL"):
        entry_ratio_percent(sparse, Tier.CRITICAL)


def needed(**changes: object) -> Remedy:
    nothing = Remedy(target_ratio_percent=200.0, scope="", deposit_usd=None, cut=None)
    return replace(nothing, **changes)  # type: ignore[arg-type]  # any of its fields


@pytest.mark.parametrize(
    ("remedy", "actions"),
    [
        (needed(), ()),
        (needed(deposit_usd=0.0), ()),
        (needed(deposit_usd=1_234.01), ("deposit $1,235",)),
        (needed(deposit_usd=10.0, scope="BTC-PERP"), ("deposit $10 to isolated BTC-PERP",)),
        (
            needed(deposit_usd=5.5, cut=Cut(market="SOL-PERP", fraction=0.5, size_base=5.0, notional_usd=500.2)),
            ("deposit $6", "cut SOL-PERP by $501"),
        ),
        (needed(deposit_usd=5.5, cut_all_frac=0.781), ("deposit $6", "cut every position by 79 %")),
    ],
)
def test_actions_are_rounded_to_the_safe_side(remedy: Remedy, actions: tuple[str, ...]) -> None:
    assert protection_actions(remedy) == actions


def test_only_prices_that_liquidate_are_finite() -> None:
    prices = (
        LiquidationPrice(market="A", status=LiquidationStatus.AT, price_usd=5.0, distance_frac=0.1),
        LiquidationPrice(market="B", status=LiquidationStatus.NONE),
        LiquidationPrice(market="C", status=LiquidationStatus.ALREADY),
    )
    assert finite_prices(prices) == {"A": 5.0}


async def test_one_reading_serves_every_question(clock: FakeClock) -> None:
    reader = FakeReader(clock, make_account(make_position(10.0), usdc=90.0, balances=[make_balance(0.1)]))
    monitor = desk_of(reader, clock)
    await monitor.monitor_health_ratio()
    await monitor.assess_liquidation_risk()
    await monitor.calculate_liquidation_prices()
    clock.pass_s(timedelta(seconds=5).total_seconds())
    await monitor.simulate_stress_scenarios()
    assert len(reader.reads) == 1


def test_the_desks_need_nothing_of_the_bot() -> None:
    """A notebook imports risk and nothing else of ours comes along, nor any third party but numpy."""
    script = (
        "import sys; from risk import DriftLiquidationMonitor, DriftPortfolioManager, Fleet, book_of, evaluate\n"
        "ours = {'bot', 'venues', 'storage', 'tests'} & {name.split('.')[0] for name in sys.modules}\n"
        "others = {'httpx', 'pandas', 'pydantic', 'sqlite3', 'structlog', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'{ours} {others}' if ours or others else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
