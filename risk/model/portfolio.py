"""What a portfolio is worth and what its positions do."""

from dataclasses import dataclass
from datetime import datetime

from risk.model.account import OpenOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionAnalysis:
    """One perp position. Statistics are None until a risk model has filled them.

    Attributes:
        size: Base units, > 0 long.
        entry_price: USD per base unit; NaN when the venue keeps no cost basis.
        current_price: Oracle price in USD.
        unrealized_pnl: USD, unsettled funding included.
        realized_pnl: USD settled in this slot so far.
        total_pnl: unrealized + realized.
        liquidation_price: USD with all other prices fixed; None when no price liquidates.
        margin_requirement: Maintenance requirement of this position in USD.
        isolated: Whether the position has collateral of its own.
    """

    market: str
    size: float
    entry_price: float
    current_price: float
    unrealized_pnl: float
    realized_pnl: float
    total_pnl: float
    liquidation_price: float | None
    margin_requirement: float
    notional: float
    funding: float
    isolated: bool = False
    risk_contribution: float | None = None
    volatility: float | None = None
    beta: float | None = None
    correlation_to_portfolio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioSummary:
    """An account in ten numbers, USD.

    Attributes:
        total_value: Net equity including unrealised PnL, unweighted.
        margin_used: Initial requirement of the cross account; isolated positions use collateral of their own.
        margin_available: max(0, initial collateral - margin_used).
        leverage: (perp liabilities + spot borrows) / total_value; infinite when total_value <= 0 and liabilities > 0.
        health_ratio: Worst of cross and isolated, percent, 100 is liquidation; infinite without a requirement.
        last_updated: When the venue was read.
    """

    total_value: float
    unrealized_pnl: float
    realized_pnl: float
    margin_used: float
    margin_available: float
    leverage: float
    health_ratio: float
    positions: tuple[PositionAnalysis, ...]
    open_orders: tuple[OpenOrder, ...]
    last_updated: datetime
