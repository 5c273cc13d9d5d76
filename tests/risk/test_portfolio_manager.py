"""The portfolio desk on accounts small enough to compute by hand."""

import math
from dataclasses import replace
from typing import Any

import pytest

from risk.decisions.limits import BadLimits
from risk.errors import BadParameter, CannotAssess, NotProposed
from risk.fleet import Fleet
from risk.hedging_engine import DriftHedgingEngine
from risk.model.account import AccountSnapshot, MarketKind, OpenOrder, OrderKind, Side
from risk.model.limits import LimitName, RiskLimits
from risk.model.market import OracleReading, OracleValidity
from risk.model.proposal import Purpose, Refusal
from risk.portfolio_manager import DriftPortfolioManager
from risk.risk_engine import DriftRiskEngine
from tests.risk.builders import make_account, make_balance, make_perp_market, make_position, repriced
from tests.risk.fake_reader import FakeReader
from tests.risk.hedging.books import Depths
from tests.risk.hedging.books import Desk as TradeDesk
from tests.risk.hedging.tasks import FREE as WIDE
from tests.risk.histories import shelf
from tests.support.clock import FakeClock

ORDER = OpenOrder(
    order_id=3, market_kind=MarketKind.PERP, market_index=0, side=Side.SELL, kind=OrderKind.LIMIT, size_base=2.0,
    price_usd=120.0, reduce_only=True,
)  # fmt: skip
# 10 SOL bought at 90, one borrowed, and an isolated short of 0.03 BTC on 150 USDC of its own.
ACCOUNT = make_account(
    make_position(10.0, entry_usd=90.0, funding_usd=-5.0, settled_pnl_usd=40.0),
    make_position(-0.03, entry_usd=50_000.0, market_index=1, isolated=True, isolated_collateral_tokens=150.0),
    usdc=500.0,
    balances=[make_balance(-1.0)],
    open_orders=(ORDER,),
    settled_pnl_usd=77.0,
)


class Limits:
    """A store of limits."""

    def __init__(self, stored: RiskLimits | None = None) -> None:
        self.stored = stored

    async def load_limits(self, account_id: str) -> RiskLimits | None:
        return self.stored

    async def save_limits(self, account_id: str, limits: RiskLimits) -> None:
        self.stored = limits


class Equity:
    """A history that ends in a drawdown."""

    def __init__(self, drawdown: float | None) -> None:
        self._drawdown = drawdown

    async def drawdown_frac(self, account_id: str) -> float | None:
        return self._drawdown


def desk(
    clock: FakeClock, account: AccountSnapshot = ACCOUNT, *, limits: Limits | None = None, equity: Equity | None = None
) -> DriftPortfolioManager:
    fleet = Fleet(FakeReader(clock, account), ["main"], clock)
    return DriftPortfolioManager("main", fleet, limits=limits, equity=equity)


async def test_an_account_in_ten_numbers(clock: FakeClock) -> None:
    summary = await desk(clock).get_portfolio_summary()
    assert summary.total_value == pytest.approx(500 - 100 + (100 - 5) + 150)
    assert summary.unrealized_pnl == pytest.approx(95.0)
    assert summary.realized_pnl == 77.0
    # Ten percent of 1,000 USD and 120 % of what is borrowed; the isolated position has its own.
    assert summary.margin_used == pytest.approx(100 + 120)
    assert summary.margin_available == pytest.approx(500 + 95 - 220)
    assert summary.leverage == pytest.approx((1_000 + 1_500 + 100) / 645)
    # Cross: 595 of 50 + 110. Isolated: 150 of 75.
    assert summary.health_ratio == pytest.approx(200.0)
    assert summary.open_orders == (ORDER,)
    assert summary.last_updated == clock.now()


async def test_positions_by_notional(clock: FakeClock) -> None:
    short, long = await desk(clock).get_position_breakdown()
    assert (short.market, short.size, short.entry_price, short.current_price) == ("BTC-PERP", -0.03, 50_000.0, 50_000.0)
    assert (short.notional, short.isolated, short.unrealized_pnl) == (1_500.0, True, 0.0)
    assert short.margin_requirement == 75.0
    assert short.liquidation_price == pytest.approx(50_000 + 75 / (0.03 * 1.05), rel=1e-7)
    assert (long.market, long.size, long.entry_price, long.current_price) == ("SOL-PERP", 10.0, 90.0, 100.0)
    assert (long.notional, long.isolated, long.funding) == (1_000.0, False, -5.0)
    assert (long.unrealized_pnl, long.realized_pnl, long.total_pnl) == (95.0, 40.0, 135.0)
    # The borrowed SOL rises and falls with the position.
    assert long.liquidation_price == pytest.approx((900 + 5 - 500) / (10 - 0.5 - 1.1), rel=1e-7)
    assert (long.risk_contribution, long.volatility, long.beta, long.correlation_to_portfolio) == (None,) * 4


async def test_only_the_first_hundred_of_a_profit_is_margin_to_use(clock: FakeClock) -> None:
    rich = repriced(make_account(make_position(10.0), usdc=100.0), sol=150.0)
    summary = await desk(clock, rich).get_portfolio_summary()
    assert summary.total_value == 600.0
    assert summary.margin_available == pytest.approx(100 + 100 - 150)


async def test_margin_available_is_never_negative(clock: FakeClock) -> None:
    poor = make_account(make_position(10.0), usdc=60.0)
    summary = await desk(clock, poor).get_portfolio_summary()
    assert (summary.margin_used, summary.margin_available) == (100.0, 0.0)


async def test_resting_orders_count_into_leverage(clock: FakeClock) -> None:
    bidding = make_account(make_position(1.0, open_bids_base=9.0, open_orders=1), usdc=500.0)
    assert (await desk(clock, bidding).get_portfolio_summary()).leverage == pytest.approx(2.0)


async def test_an_account_that_holds_nothing(clock: FakeClock) -> None:
    summary = await desk(clock, make_account()).get_portfolio_summary()
    assert (summary.total_value, summary.margin_used, summary.margin_available, summary.leverage) == (0.0,) * 4
    assert summary.health_ratio == math.inf
    assert (summary.positions, summary.open_orders) == ((), ())


async def test_an_account_that_owes_more_than_it_has_is_infinitely_leveraged(clock: FakeClock) -> None:
    broke = make_account(make_position(10.0, entry_usd=110.0), usdc=50.0)
    summary = await desk(clock, broke).get_portfolio_summary()
    assert (summary.total_value, summary.leverage) == (-50.0, math.inf)


async def test_a_position_without_a_cost_basis_has_no_entry_price(clock: FakeClock) -> None:
    flat = make_account(make_position(0.0, quote_usd=-20.0, quote_entry_usd=0.0), usdc=50.0)
    (position,) = await desk(clock, flat).get_position_breakdown()
    assert math.isnan(position.entry_price)
    assert (position.unrealized_pnl, position.liquidation_price) == (-20.0, None)


async def test_what_is_not_known_is_not_a_number(clock: FakeClock) -> None:
    blind = replace(ACCOUNT, oracles={**ACCOUNT.oracles, "sol": OracleReading(oracle_id="sol", price_usd=math.nan)})
    manager = desk(clock, blind)
    summary = await manager.get_portfolio_summary()
    assert math.isnan(summary.total_value)
    assert math.isnan(summary.health_ratio)
    assert math.isnan(summary.margin_available)
    assert math.isnan(summary.leverage)
    assert {position.liquidation_price for position in summary.positions} == {None}
    with pytest.raises(CannotAssess):
        await manager.check_risk_limits()


async def test_limits_are_the_requirements_until_set(clock: FakeClock) -> None:
    manager = desk(clock)
    assert await manager.get_risk_limits() == RiskLimits()
    assert await manager.set_risk_limits(RiskLimits(max_portfolio_leverage=9.0))
    assert (await manager.get_risk_limits()).max_portfolio_leverage == 9.0


async def test_limits_live_in_their_store(clock: FakeClock) -> None:
    store = Limits(RiskLimits(max_portfolio_leverage=2.0))
    manager = desk(clock, limits=store)
    assert (await manager.get_risk_limits()).max_portfolio_leverage == 2.0
    assert await manager.set_risk_limits(RiskLimits(max_portfolio_leverage=3.0))
    assert store.stored == RiskLimits(max_portfolio_leverage=3.0)
    assert await desk(clock, limits=store).get_risk_limits() == RiskLimits(max_portfolio_leverage=3.0)
    assert await desk(clock, limits=Limits()).get_risk_limits() == RiskLimits()


async def test_limits_that_make_no_sense_leave_the_old_ones(clock: FakeClock) -> None:
    store = Limits(RiskLimits(max_portfolio_leverage=2.0))
    manager = desk(clock, limits=store)
    with pytest.raises(BadLimits):
        await manager.set_risk_limits(RiskLimits(max_drawdown_percent=15.0))
    assert store.stored == RiskLimits(max_portfolio_leverage=2.0)


async def test_limits_that_do_not_hold(clock: FakeClock) -> None:
    manager = desk(clock, equity=Equity(0.2))
    found = {(violation.limit, violation.market) for violation in await manager.check_risk_limits()}
    assert found == {
        (LimitName.MAX_DRAWDOWN_PERCENT, ""),
        (LimitName.MAX_POSITION_SIZE_PERCENT, "BTC-PERP"),
        (LimitName.MAX_POSITION_SIZE_PERCENT, "SOL-PERP"),
    }
    await manager.set_risk_limits(RiskLimits(max_portfolio_leverage=4.0, max_position_size_percent=2.4))
    found = {(violation.limit, violation.market) for violation in await manager.check_risk_limits()}
    assert found == {(LimitName.MAX_DRAWDOWN_PERCENT, ""), (LimitName.MAX_PORTFOLIO_LEVERAGE, "")}


@pytest.mark.parametrize("equity", [None, Equity(None), Equity(0.15)])
async def test_drawdown_is_no_breach_without_history_or_at_its_limit(clock: FakeClock, equity: Equity | None) -> None:
    found = {violation.limit for violation in await desk(clock, equity=equity).check_risk_limits()}
    assert LimitName.MAX_DRAWDOWN_PERCENT not in found


async def test_limits_are_not_checked_on_data_that_cannot_be_trusted(clock: FakeClock) -> None:
    doubtful = make_account(
        make_position(1.0), usdc=100.0, perp_markets=[make_perp_market(oracle_validity=OracleValidity.STALE)]
    )
    with pytest.raises(CannotAssess, match="the oracle of SOL-PERP has not been updated lately"):
        await desk(clock, doubtful).check_risk_limits()


LONG = make_account(make_position(60.0), usdc=10_000.0)


def trading(clock: FakeClock, account: AccountSnapshot = LONG, **rest: Any) -> tuple[DriftPortfolioManager, TradeDesk]:
    """A portfolio desk that is handed the hedging it coordinates, and the trade desk behind that."""
    fleet, taker = Fleet(FakeReader(clock, account), ["main"], clock), rest.pop("desk", TradeDesk())
    figures = DriftRiskEngine("main", fleet, shelf(), clock)
    hedging = DriftHedgingEngine("main", fleet, figures, clock, depth=Depths(), desk=taker, limits=Limits(WIDE))
    return DriftPortfolioManager("main", fleet, hedging=hedging), taker


async def test_an_automatic_hedge_is_a_proposal(clock: FakeClock) -> None:
    manager, taker = trading(clock)
    assert await manager.auto_hedge_portfolio() == ["P1"]
    (plan,) = taker.plans
    assert [(trade.market, trade.side, trade.size_base) for trade in plan.trades] == [("SOL-PERP", Side.SELL, 60.0)]
    assert await manager.auto_hedge_portfolio(1_500.0) == ["P2"]
    assert taker.plans[1].trades[0].size_base == 45.0


async def test_under_a_standing_approval_an_automatic_hedge_names_its_orders(clock: FakeClock) -> None:
    manager, _ = trading(clock, desk=TradeDesk(order_ids=("sig1", "sig2")))
    assert await manager.auto_hedge_portfolio() == ["sig1", "sig2"]


async def test_an_automatic_hedge_that_cannot_be_proposed_says_why(clock: FakeClock) -> None:
    manager, _ = trading(clock, desk=TradeDesk(Refusal(reason="trading is halted", nearest="use /resume")))
    with pytest.raises(NotProposed, match="trading is halted; use /resume"):
        await manager.auto_hedge_portfolio()
    with pytest.raises(NotProposed, match="only takes exposure away"):
        await manager.auto_hedge_portfolio(9_000.0)


async def test_a_rebalance_is_one_proposal_and_shows_the_shares(clock: FakeClock) -> None:
    manager, taker = trading(clock)
    found = await manager.rebalance_portfolio({"SOL": 0.4, "BTC": 0.4, "USDC": 0.2})
    assert found.result.proposal_id == "P1"
    assert [(trade.market, trade.side, trade.reduce_only) for trade in found.trades] == [
        ("SOL-PERP", Side.SELL, True),
        ("BTC-PERP", Side.BUY, False),
    ]
    assert found.within_tolerance
    assert taker.plans[0].purpose is Purpose.REBALANCE
    assert taker.plans[0].title == "Rebalance to SOL 40%, BTC 40%, USDC 20%"


async def test_a_rebalance_with_nothing_to_do_proposes_nothing(clock: FakeClock) -> None:
    manager, taker = trading(clock)
    found = await manager.rebalance_portfolio({"SOL": 0.6})
    assert (found.trades, found.result.proposal_id, found.result.refusal) == ((), "", None)
    assert found.within_tolerance
    assert taker.plans == []
    with pytest.raises(BadParameter, match="not to 1"):
        await manager.rebalance_portfolio({"SOL": 0.6, "USDC": 0.6})


async def test_without_a_hedging_desk_nothing_is_traded(clock: FakeClock) -> None:
    with pytest.raises(CannotAssess, match="without a hedging desk"):
        await desk(clock).auto_hedge_portfolio()
    with pytest.raises(CannotAssess, match="without a hedging desk"):
        await desk(clock).rebalance_portfolio({"SOL": 0.5})
