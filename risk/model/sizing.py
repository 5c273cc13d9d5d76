"""How large a position may be, and what keeps it from being larger."""

from dataclasses import dataclass
from enum import StrEnum

from risk.model.account import Side


class SizingStrategy(StrEnum):
    """What decides a size; the risk tolerance means something else for each.

    FIXED_RISK: the fraction of equity lost when the stop is hit. VOLATILITY_TARGET: annual volatility of the account.
    KELLY: share of the growth-optimal size, at most 0.25. INVERSE_LIQUIDATION: probability of liquidation in 24 hours.
    """

    FIXED_RISK = "fixed_risk"
    VOLATILITY_TARGET = "volatility_target"
    KELLY = "kelly"
    INVERSE_LIQUIDATION = "inverse_liquidation"


class Binding(StrEnum):
    """What a size ends at."""

    STRATEGY = "strategy"
    LEVERAGE_LIMIT = "max_portfolio_leverage"
    POSITION_LIMIT_USD = "max_position_size_usd"
    POSITION_LIMIT_SHARE = "max_position_size_percent"
    HEALTH_LIMIT = "min_health_ratio"
    VAR_LIMIT = "max_var_1d_percent"
    CORRELATION_LIMIT = "max_correlation_exposure"
    INITIAL_MARGIN = "initial margin"
    LIQUIDATION_DISTANCE = "distance to liquidation"
    LIQUIDATION_PROBABILITY = "probability of liquidation"


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionSizing:
    """The largest size that a strategy wants and every constraint allows.

    Attributes:
        size_base: Of the trade, unsigned; 0 where nothing may be added.
        notional_usd: At the oracle price.
        binding: What it ends at.
        reason: The same in one sentence, with the figures.
        wanted_base: What the strategy alone would take.
        stop_distance_frac: For fixed risk, how far the stop is; None otherwise.
        probability_24h: Of liquidation within 24 hours after the trade: what the risk desk says of the account then,
            with the same seed.
        health_ratio_after: Percent, 100 is liquidation.
        leverage_after: Liabilities over equity.
        var_1d_frac_after: One-day VaR at 95 % over equity by past days at today's volatility. The limit on VaR holds by
            every other method too.
    """

    market: str
    side: Side
    strategy: SizingStrategy
    risk_tolerance: float
    size_base: float
    notional_usd: float
    price_usd: float
    binding: Binding
    reason: str
    wanted_base: float
    stop_distance_frac: float | None
    probability_24h: float
    health_ratio_after: float
    leverage_after: float
    var_1d_frac_after: float
    n: int
    data_age_s: float
    seed: int
    warnings: tuple[str, ...] = ()
