"""Which limits do not hold. Reaching a limit exactly is no breach; what cannot be measured is not called fine."""

import math

from risk.errors import RiskError
from risk.model.limits import (
    NO_FIGURES_YET,
    LimitCheck,
    LimitFigures,
    LimitName,
    LimitState,
    RiskLimits,
    RiskViolation,
)
from risk.model.portfolio import PortfolioSummary


class BadLimits(RiskError, ValueError):
    """Limits that make no sense; the text names the limit and what would be accepted."""


NO_EQUITY_YET = "no equity was recorded yet"


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


def breaches(
    limits: RiskLimits,
    summary: PortfolioSummary,
    drawdown_frac: float | None,
    figures: LimitFigures | None = None,
) -> tuple[RiskViolation, ...]:
    """Every limit an account breaches, account-wide ones first.

    Args:
        drawdown_frac: None while there is no equity history; the drawdown limit is then not checked.
        figures: What the risk desk states; limits on what it does not know are not checked. See check().
    """
    found: list[RiskViolation] = []
    known = figures or LimitFigures()

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
    above(LimitName.MAX_VAR_1D_PERCENT, known.var_1d_frac, limits.max_var_1d_percent)
    above(LimitName.MAX_CORRELATION_EXPOSURE, known.correlation_exposure, limits.max_correlation_exposure)
    above(LimitName.MAX_DRAWDOWN_PERCENT, drawdown_frac, limits.max_drawdown_percent)
    for position in summary.positions:
        above(LimitName.MAX_POSITION_SIZE_USD, position.notional, limits.max_position_size_usd, position.market)
        share = position.notional / summary.total_value if summary.total_value > 0 else math.inf
        if position.notional > 0:
            above(LimitName.MAX_POSITION_SIZE_PERCENT, share, limits.max_position_size_percent, position.market)
    return tuple(found)


def check(
    limits: RiskLimits,
    summary: PortfolioSummary,
    drawdown_frac: float | None,
    figures: LimitFigures | None = None,
) -> LimitCheck:
    """As breaches(), with a state for every limit: what was not checked is never said to hold."""
    known = figures or LimitFigures.missing(NO_FIGURES_YET)
    violations = breaches(limits, summary, drawdown_frac, known)
    unchecked = dict(known.unknown)
    if drawdown_frac is None:
        unchecked[LimitName.MAX_DRAWDOWN_PERCENT] = NO_EQUITY_YET
    broken = {violation.limit for violation in violations}
    measured = {
        LimitName.MAX_VAR_1D_PERCENT: known.var_1d_frac,
        LimitName.MAX_CORRELATION_EXPOSURE: known.correlation_exposure,
    }

    def state(name: LimitName) -> LimitState:
        if name in broken:
            return LimitState.BROKEN
        if name in unchecked:
            return LimitState.UNKNOWN
        return LimitState.NOT_APPLICABLE if name in measured and measured[name] is None else LimitState.HOLDS

    return LimitCheck(violations=violations, states={name: state(name) for name in LimitName}, unchecked=unchecked)
