"""What the numbers are. Usable from a notebook, without the bot.

fleet = Fleet(reader, ["5MWFVJx..."], clock)
monitor = DriftLiquidationMonitor("5MWFVJx...", fleet)
health = await monitor.monitor_health_ratio()
"""

from importlib import import_module
from typing import TYPE_CHECKING

from risk.errors import (
    BadBook,
    BadParameter,
    BadSeries,
    CannotAssess,
    NotEnoughData,
    NotProposed,
    RiskError,
    UnknownAccount,
)
from risk.fleet import Fleet, FleetView
from risk.liquidation_monitor import DriftLiquidationMonitor
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.margin.evaluate import Evaluation, evaluate
from risk.margin.plan import MarginPlan
from risk.model.account import AccountSnapshot, PerpPosition, SpotBalance
from risk.model.hedge import (
    EmergencyHedgeResult,
    FilledHedge,
    HedgeMonitoring,
    HedgeRequirements,
    HedgeResult,
    HedgeStrategy,
    HedgeTrade,
    RebalanceResult,
)
from risk.model.limits import RiskLimits, RiskViolation
from risk.model.liquidation import HealthStatus, LiquidationPrice, LiquidationRisk, StressTestResult
from risk.model.market import OracleReading, PerpMarket, SpotMarket
from risk.model.portfolio import PortfolioSummary, PositionAnalysis
from risk.portfolio_manager import DriftPortfolioManager

if TYPE_CHECKING:
    from risk.hedging_engine import DriftHedgingEngine
    from risk.model.candles import Candles, Interval
    from risk.model.metrics import RiskMetrics, VaRMethod, VaRResult
    from risk.model.performance import PerformanceMetrics
    from risk.model.sizing import PositionSizing, SizingStrategy
    from risk.offline import Offline, daily_candles
    from risk.performance_tracker import PerformanceTracker
    from risk.position_sizer import PositionSizer
    from risk.risk_engine import DriftRiskEngine
    from risk.stats.correlation import CorrelationModel
    from risk.stats.var import VaRCalculator
    from risk.stats.volatility import VolatilityModel

# Loaded when they are asked for: scipy's distributions take half a second to import, and the alerts do without.
_LATE = {
    "Candles": "risk.model.candles",
    "CorrelationModel": "risk.stats.correlation",
    "DriftHedgingEngine": "risk.hedging_engine",
    "DriftRiskEngine": "risk.risk_engine",
    "Interval": "risk.model.candles",
    "Offline": "risk.offline",
    "PerformanceMetrics": "risk.model.performance",
    "PerformanceTracker": "risk.performance_tracker",
    "PositionSizer": "risk.position_sizer",
    "PositionSizing": "risk.model.sizing",
    "RiskMetrics": "risk.model.metrics",
    "SizingStrategy": "risk.model.sizing",
    "VaRCalculator": "risk.stats.var",
    "VaRMethod": "risk.model.metrics",
    "VaRResult": "risk.model.metrics",
    "VolatilityModel": "risk.stats.volatility",
    "daily_candles": "risk.offline",
}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)


__all__ = [
    "AccountSnapshot",
    "BadBook",
    "BadParameter",
    "BadSeries",
    "Candles",
    "CannotAssess",
    "CorrelationModel",
    "DriftHedgingEngine",
    "DriftLiquidationMonitor",
    "DriftPortfolioManager",
    "DriftRiskEngine",
    "EmergencyHedgeResult",
    "Evaluation",
    "FilledHedge",
    "Fleet",
    "FleetBook",
    "FleetView",
    "HealthStatus",
    "HedgeMonitoring",
    "HedgeRequirements",
    "HedgeResult",
    "HedgeStrategy",
    "HedgeTrade",
    "Interval",
    "LiquidationPrice",
    "LiquidationRisk",
    "MarginPlan",
    "NotEnoughData",
    "NotProposed",
    "Offline",
    "OracleReading",
    "PerformanceMetrics",
    "PerformanceTracker",
    "PerpMarket",
    "PerpPosition",
    "PortfolioSummary",
    "PositionAnalysis",
    "PositionSizer",
    "PositionSizing",
    "RebalanceResult",
    "RiskError",
    "RiskLimits",
    "RiskMetrics",
    "RiskViolation",
    "SizingStrategy",
    "SpotBalance",
    "SpotMarket",
    "StressTestResult",
    "UnknownAccount",
    "VaRCalculator",
    "VaRMethod",
    "VaRResult",
    "VolatilityModel",
    "book_of",
    "daily_candles",
    "evaluate",
]
