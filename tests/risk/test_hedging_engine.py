"""The hedging desk on accounts small enough to compute by hand."""

from typing import Any

import pytest

from risk.fleet import Fleet
from risk.hedging_engine import DriftHedgingEngine
from risk.model.account import AccountSnapshot, Side
from risk.model.hedge import HedgeStrategy
from risk.model.limits import RiskLimits
from risk.risk_engine import DriftRiskEngine
from tests.risk.builders import make_account, make_balance, make_position
from tests.risk.fake_reader import FakeReader
from tests.risk.hedging.books import Depths, Desk
from tests.risk.histories import Shelf, shelf
from tests.support.clock import FakeClock

FREE = RiskLimits(
    max_portfolio_leverage=1_000.0, max_position_size_usd=1e12, max_position_size_percent=1_000.0,
    max_correlation_exposure=1.0, max_var_1d_percent=1.0, min_health_ratio=100.0, max_drawdown_percent=1.0,
)  # fmt: skip
LONG = make_account(make_position(100.0), usdc=5_000.0)


class Limits:
    """A store that holds one set."""

    def __init__(self, limits: RiskLimits = FREE) -> None:
        self.limits = limits

    async def load_limits(self, account_id: str) -> RiskLimits | None:
        return self.limits

    async def save_limits(self, account_id: str, limits: RiskLimits) -> None:
        self.limits = limits


def engine(
    account: AccountSnapshot = LONG, *, depths: Depths | None = None, history: Shelf | None = None,
    limits: RiskLimits = FREE, **rest: Any,
) -> DriftHedgingEngine:  # fmt: skip
    clock = FakeClock()
    fleet = Fleet(FakeReader(clock, account), ["main"], clock)
    risk = DriftRiskEngine("main", fleet, history or shelf(), clock)
    return DriftHedgingEngine(
        "main", fleet, risk, clock, depth=depths or Depths(), limits=Limits(limits), **{"desk": Desk(), **rest}
    )


async def test_a_delta_hedge_closes_the_position_it_hedges() -> None:
    found = await engine().calculate_hedge_requirements(0.0)
    (trade,) = found.required_trades
    assert (trade.market, trade.side, trade.size, trade.reduce_only) == ("SOL-PERP", Side.SELL, 100.0, True)
    assert (found.current_delta, found.delta_deviation, found.net_delta_after) == (10_000.0, 10_000.0, 0.0)


@pytest.mark.parametrize("strategy", list(HedgeStrategy))
async def test_every_strategy_answers(strategy: HedgeStrategy) -> None:
    target = 0.2 if strategy is HedgeStrategy.VOLATILITY else 0.0
    found = await engine(make_account(make_position(100.0), usdc=5_000.0, balances=[make_balance(10.0)])).calculate_hedge_requirements(target, strategy=strategy)
    print(found)
