"""Limits a trader sets for an account, and their breaches."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
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
            the largest one, over gross notional, both weighted by volatility, a fraction; does not apply to a single
            asset. See risk.stats.exposure.
        max_var_1d_percent: One-day value at risk at 95 % over total value, a fraction: the figure that /var shows.
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


class LimitState(StrEnum):
    """What can be said of a limit. UNKNOWN is not fine: it was not checked."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"


NO_FIGURES_YET = "no risk figures yet; they are made every few minutes"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFigures:
    """The statistics that limits are held against, as the risk desk states them.

    Attributes:
        var_1d_frac: One day at 95 % by the default method, of total equity; None where it is not known.
        var_method: What it was computed by; empty without one.
        correlation_exposure: See RiskLimits; None where it is not known or does not apply.
        unknown: Why a limit cannot be checked, by limit. A limit that has neither a figure nor a reason does not apply.
        made_at: When they were computed; None for none.
    """

    var_1d_frac: float | None = None
    var_method: str = ""
    correlation_exposure: float | None = None
    unknown: Mapping[LimitName, str] = field(default_factory=dict)
    made_at: datetime | None = None

    @classmethod
    def missing(cls, why: str) -> "LimitFigures":
        """Nothing is known, for one reason."""
        return cls(unknown=dict.fromkeys((LimitName.MAX_CORRELATION_EXPOSURE, LimitName.MAX_VAR_1D_PERCENT), why))


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitCheck:
    """Every limit of an account, judged.

    Attributes:
        violations: Account-wide ones first.
        states: Of every limit.
        unchecked: Why, for those that are UNKNOWN.
    """

    violations: tuple[RiskViolation, ...]
    states: Mapping[LimitName, LimitState]
    unchecked: Mapping[LimitName, str]
