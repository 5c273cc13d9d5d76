"""The statistical desks of one process: made on demand for an account, sharing one store of history and one cache."""

from concurrent.futures import Executor
from dataclasses import dataclass, field

from bot.market_data import MarketDataManager
from bot.risk_board import RiskBoard
from risk.fleet import Fleet
from risk.performance_tracker import PerformanceTracker
from risk.portfolio_manager import DriftPortfolioManager
from risk.ports import Clock
from risk.position_sizer import PositionSizer
from risk.risk_engine import DriftRiskEngine
from risk.stats.fits import FitCache
from storage import Accounts, EquityLog, FillLog, RiskSnapshotLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Desks:
    """What commands and jobs ask for figures that need history."""

    fleet: Fleet
    history: MarketDataManager
    clock: Clock
    equity: EquityLog
    fills: FillLog
    accounts: Accounts
    snapshots: RiskSnapshotLog
    executor: Executor
    board: RiskBoard
    cache: FitCache = field(default_factory=FitCache)

    def risk(self, account_id: str) -> DriftRiskEngine:
        return DriftRiskEngine(
            account_id, self.fleet, self.history, self.clock, equity=self.equity, fills=self.fills,
            limits=self.accounts, snapshots=self.snapshots, executor=self.executor, cache=self.cache,
        )  # fmt: skip

    def performance(self, account_id: str) -> PerformanceTracker:
        return PerformanceTracker(account_id, self.equity, self.clock, fills=self.fills)

    def sizer(self, account_id: str) -> PositionSizer:
        return PositionSizer(
            account_id, self.fleet, self.risk(account_id), limits=self.accounts, executor=self.executor,
            cache=self.cache,
        )  # fmt: skip

    def portfolio(self, account_id: str) -> DriftPortfolioManager:
        return DriftPortfolioManager(
            account_id, self.fleet, limits=self.accounts, equity=self.equity, risk=self.risk(account_id),
            sizer=self.sizer(account_id),
        )  # fmt: skip
