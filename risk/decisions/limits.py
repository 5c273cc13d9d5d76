"""Which limits do not hold. Reaching a limit exactly is no breach; what cannot be measured is not called fine."""

import math

from risk.errors import RiskError
from risk.model.limits import LimitName, RiskLimits, RiskViolation
from risk.model.portfolio import PortfolioSummary


class BadLimits(RiskError, ValueError):
    """Limits that make no sense; the text names the limit and what would be accepted."""


# Limits on correlation exposure and value at risk need the statistics of the risk engine.
CHECKED = (
    LimitName.MAX_PORTFOLIO_LEVERAGE,
    LimitName.MAX_POSITION_SIZE_USD,
    LimitName.MAX_POSITION_SIZE_PERCENT,
    LimitName.MIN_HEALTH_RATIO,
    LimitName.MAX_DRAWDOWN_PERCENT,
)


def validated(limits: RiskLimits) -> RiskLimits:
    """The limits, if every one of them is a positive number in its range. Raises: BadLimits."""
    for name in LimitName:
        value = getattr(limits, name.value)
        if not (math.isfinite(value) and value > 0):
            raise BadLimits(f"{name.value} must be a positive number, not {value:g}")
    for name in (LimitName.MAX_VAR_1D_PERCENT, LimitName.MAX_DRAWDOWN_PERCENT, LimitName.MAX_CORRELATION_EXPOSURE):
        value = getattr(limits, name.value)
        if value > 1:
            raise BadLimits(f"{name.value} is a fraction: write 0.15 for 15 %, not {value:g}")
    if limits.min_health_ratio < 100:
        raise BadLimits(
            f"min_health_ratio is in percent and 100 is liquidation: {limits.min_health_ratio:g} is too low"
        )
    return limits


def breaches(limits: RiskLimits, summary: PortfolioSummary, drawdown_frac: float | None) -> tuple[RiskViolation, ...]:
    """Every limit an account breaches, account-wide ones first.

    Args:
        drawdown_frac: None while there is no equity history; the drawdown limit is then not checked.
    """
    found: list[RiskViolation] = []

    def above(name: LimitName, value: float | None, threshold: float, market: str = "") -> None:
        if value is not None and value > threshold:
            found.append(RiskViolation(limit=name, value=value, threshold=threshold, market=market))

    above(LimitName.MAX_PORTFOLIO_LEVERAGE, summary.leverage, limits.max_portfolio_leverage)
    if summary.health_ratio < limits.min_health_ratio:
        found.append(
            RiskViolation(
                limit=LimitName.MIN_HEALTH_RATIO, value=summary.health_ratio, threshold=limits.min_health_ratio
            )
        )
    above(LimitName.MAX_DRAWDOWN_PERCENT, drawdown_frac, limits.max_drawdown_percent)
    for position in summary.positions:
        above(LimitName.MAX_POSITION_SIZE_USD, position.notional, limits.max_position_size_usd, position.market)
        share = position.notional / summary.total_value if summary.total_value > 0 else math.inf
        if position.notional > 0:
            above(LimitName.MAX_POSITION_SIZE_PERCENT, share, limits.max_position_size_percent, position.market)
    return tuple(found)
