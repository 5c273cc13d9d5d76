"""Limits and their breaches in words: the same in the alert and in /limits."""

from bot.text import numbers
from bot.text.clean import name
from risk.model.limits import LimitName, RiskViolation

_FRACTIONS = (
    LimitName.MAX_POSITION_SIZE_PERCENT,
    LimitName.MAX_CORRELATION_EXPOSURE,
    LimitName.MAX_VAR_1D_PERCENT,
    LimitName.MAX_DRAWDOWN_PERCENT,
)
_WHAT = {
    LimitName.MAX_PORTFOLIO_LEVERAGE: "leverage",
    LimitName.MAX_POSITION_SIZE_USD: "size",
    LimitName.MAX_POSITION_SIZE_PERCENT: "share of equity",
    LimitName.MAX_CORRELATION_EXPOSURE: "correlated exposure",
    LimitName.MAX_VAR_1D_PERCENT: "one-day VaR",
    LimitName.MIN_HEALTH_RATIO: "health ratio",
    LimitName.MAX_DRAWDOWN_PERCENT: "drawdown",
}


def breach(violation: RiskViolation) -> str:
    """What is beyond which limit; the figure within the first words."""
    relation = "below" if violation.limit is LimitName.MIN_HEALTH_RATIO else "above"
    value, limit = shown(violation.limit, violation.value), shown(violation.limit, violation.threshold)
    if not violation.market:
        return f"{_WHAT[violation.limit]} {value}, {relation} {limit}"
    of_equity = " of equity" if violation.limit is LimitName.MAX_POSITION_SIZE_PERCENT else ""
    return f"{name(violation.market)} {value}{of_equity}, {relation} {limit}"


def held(limit: LimitName, market: str) -> str:
    """The end of a breach."""
    return f"{name(market)} {_WHAT[limit]} limit holds" if market else f"{_WHAT[limit]} limit holds"


def is_fraction(limit: LimitName) -> bool:
    """Whether the limit is a fraction, which people read and write in percent."""
    return limit in _FRACTIONS


def shown(limit: LimitName, value: float) -> str:
    """A limit or a measured value in the limit's own unit, a breach never rounded away."""
    if limit in _FRACTIONS:
        return numbers.percent_of_fraction(value, rounding=numbers.Rounding.UP)
    if limit is LimitName.MIN_HEALTH_RATIO:
        return numbers.health_ratio(value)
    if limit is LimitName.MAX_POSITION_SIZE_USD:
        return numbers.usd(value, rounding=numbers.Rounding.UP)
    return numbers.leverage(value)
