"""What the numbers are. Usable from a notebook, without the bot.

fleet = Fleet(reader, ["5MWFVJx..."], clock)
monitor = DriftLiquidationMonitor("5MWFVJx...", fleet)
health = await monitor.monitor_health_ratio()
"""

from risk.errors import BadBook, CannotAssess, RiskError, UnknownAccount
from risk.fleet import Fleet, FleetView
from risk.liquidation_monitor import DriftLiquidationMonitor
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.margin.evaluate import Evaluation, evaluate
from risk.margin.plan import MarginPlan
from risk.model.account import AccountSnapshot
from risk.model.limits import RiskLimits, RiskViolation
from risk.model.liquidation import HealthStatus, LiquidationPrice, LiquidationRisk, StressTestResult
from risk.model.portfolio import PortfolioSummary, PositionAnalysis
from risk.portfolio_manager import DriftPortfolioManager

__all__ = [
    "AccountSnapshot",
    "BadBook",
    "CannotAssess",
    "DriftLiquidationMonitor",
    "DriftPortfolioManager",
    "Evaluation",
    "Fleet",
    "FleetBook",
    "FleetView",
    "HealthStatus",
    "LiquidationPrice",
    "LiquidationRisk",
    "MarginPlan",
    "PortfolioSummary",
    "PositionAnalysis",
    "RiskError",
    "RiskLimits",
    "RiskViolation",
    "StressTestResult",
    "UnknownAccount",
    "book_of",
    "evaluate",
]
