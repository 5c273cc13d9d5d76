"""What a portfolio is worth and what its positions do."""

import math
from dataclasses import dataclass, replace
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
        risk_contribution: What it adds to the account's one-day expected shortfall at 95 %, as a fraction of total
            equity; below 0 for a position that takes risk away.
        volatility: Of its asset, annualised, a fraction.
        beta: Of its asset to SOL.
        correlation_to_portfolio: Of the position's PnL with the whole account's.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetStatistics:
    """What history says of one asset of an account; NaN where it says nothing.

    Attributes:
        volatility: Annualised, a fraction.
        beta: To SOL.
        correlation_to_portfolio: Of the asset itself with the account's PnL; a short has the opposite one.
        tail_loss_frac: Mean loss of one dollar long while the account is in its worst 5 % of days.
    """

    asset: str
    volatility: float
    beta: float
    correlation_to_portfolio: float
    tail_loss_frac: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BookStatistics:
    """Statistics of an account's assets, and where they come from.

    Attributes:
        n: Daily returns behind them.
        data_age_s: Since the last bar closed, when they were made.
    """

    assets: tuple[AssetStatistics, ...]
    equity_usd: float
    method: str
    n: int
    data_age_s: float
    made_at: datetime
    warnings: tuple[str, ...] = ()

    def of(self, asset: str) -> AssetStatistics | None:
        """None for an asset that was not part of it, such as one bought since."""
        return next((one for one in self.assets if one.asset == asset), None)


def with_statistics(position: PositionAnalysis, asset: str, found: BookStatistics) -> PositionAnalysis:
    """The position with what is known of its asset; what is not known stays None."""
    known = found.of(asset)
    if known is None:
        return position
    sign = math.copysign(1.0, position.size)
    share = position.notional / found.equity_usd if found.equity_usd > 0 else math.nan

    def stated(value: float) -> float | None:
        return None if math.isnan(value) else value

    return replace(
        position,
        risk_contribution=stated(sign * share * known.tail_loss_frac),
        volatility=stated(known.volatility),
        beta=stated(known.beta),
        correlation_to_portfolio=stated(sign * known.correlation_to_portfolio),
    )
