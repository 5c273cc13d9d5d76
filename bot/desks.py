"""The statistical desks of one process: made on demand for an account, sharing one store of history and one cache."""

from concurrent.futures import Executor
from dataclasses import dataclass, field

from bot.market_data import MarketDataManager
from bot.risk_board import RiskBoard
from risk.decisions.tiers import TierThresholds
from risk.fleet import Fleet
from risk.hedging_engine import DriftHedgingEngine
from risk.liquidation_monitor import DriftLiquidationMonitor
from risk.performance_tracker import PerformanceTracker
from risk.portfolio_manager import DriftPortfolioManager
from risk.ports import Clock
from risk.position_sizer import PositionSizer
from risk.risk_engine import DriftRiskEngine
from risk.stats.fits import FitCache
from risk.trade_ports import DepthSource, HedgeLog, MarketBooks, TradeDesk
from storage import Accounts, EquityLog, FillLog, RiskSnapshotLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Desks:
    """What commands and jobs ask for figures that need history, and for plans.

    Attributes:
        trade_desk: Where plans of jobs are proposed; None where nothing is traded. Whoever asks in a chat hands over
            the desk as it is asked there.
        depth: Who knows what markets offer; None where nobody does.
        hedges: What was hedged so far; None where nobody keeps it.
        books: Who brings along markets an account is not in; None where nobody does.
    """

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
    trade_desk: TradeDesk | None = None
    depth: DepthSource | None = None
    hedges: HedgeLog | None = None
    books: MarketBooks | None = None

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

    def portfolio(self, account_id: str, *, desk: TradeDesk | None = None) -> DriftPortfolioManager:
        """Args: desk: In place of ``trade_desk``."""
        return DriftPortfolioManager(
            account_id, self.fleet, limits=self.accounts, equity=self.equity, risk=self.risk(account_id),
            sizer=self.sizer(account_id), hedging=self.hedging(account_id, desk=desk),
        )  # fmt: skip

    def hedging(self, account_id: str, *, desk: TradeDesk | None = None) -> DriftHedgingEngine:
        """Args: desk: In place of ``trade_desk``."""
        return DriftHedgingEngine(
            account_id, self.fleet, self.risk(account_id), self.clock, depth=self.depth, desk=desk or self.trade_desk,
            limits=self.accounts, hedges=self.hedges, executor=self.executor, cache=self.cache, books=self.books,
        )  # fmt: skip

    def monitor(
        self, account_id: str, thresholds: TierThresholds, *, desk: TradeDesk | None = None
    ) -> DriftLiquidationMonitor:
        """Args: desk: In place of ``trade_desk``."""
        risk = self.risk(account_id)
        return DriftLiquidationMonitor(
            account_id, self.fleet, thresholds=thresholds, odds=risk, desk=desk or self.trade_desk, depth=self.depth,
            histories=risk, candles=self.history, executor=self.executor, cache=self.cache,
        )  # fmt: skip
