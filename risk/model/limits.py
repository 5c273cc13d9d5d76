"""Limits a trader sets for an account, and their breaches."""

from dataclasses import dataclass
from enum import StrEnum


class LimitName(StrEnum):
    """Names of the limits, as people type them."""

    MAX_PORTFOLIO_LEVERAGE = "max_portfolio_leverage"
    MAX_POSITION_SIZE_USD = "max_position_size_usd"
    MAX_POSITION_SIZE_PERCENT = "max_position_size_percent"
    MAX_CORRELATION_EXPOSURE = "max_correlation_exposure"
    MAX_VAR_1D_PERCENT = "max_var_1d_percent"
    MIN_HEALTH_RATIO = "min_health_ratio"
    MAX_DRAWDOWN_PERCENT = "max_drawdown_percent"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """Limits of one account. Reaching a limit exactly is no breach.

    Attributes:
        max_portfolio_leverage: (perp liabilities + spot borrows) / net equity.
        max_position_size_usd: Absolute notional of one perp position.
        max_position_size_percent: Absolute notional / total value, a fraction.
        max_correlation_exposure: Largest same-direction beta-adjusted notional of assets correlated 0.7 or more with
            the largest one, over gross notional, a fraction.
        max_var_1d_percent: One-day value at risk over total value, a fraction.
        min_health_ratio: Collateral over maintenance requirement in percent; 100 is liquidation.
        max_drawdown_percent: Fall of flow-adjusted equity from its high-water mark, a fraction.
    """

    max_portfolio_leverage: float = 5.0
    max_position_size_usd: float = 50_000.0
    max_position_size_percent: float = 0.3
    max_correlation_exposure: float = 0.7
    max_var_1d_percent: float = 0.05
    min_health_ratio: float = 150.0
    max_drawdown_percent: float = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskViolation:
    """One limit that does not hold.

    Attributes:
        limit: Which one.
        market: The position concerned, empty for the whole account.
        value: Measured, in the unit of the limit.
        threshold: The limit itself.
    """

    limit: LimitName
    value: float
    threshold: float
    market: str = ""
