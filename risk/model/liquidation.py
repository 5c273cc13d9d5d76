"""How far an account is from liquidation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class LiquidationStatus(StrEnum):
    """Whether a price liquidates: at a price, at none, or the account is there already."""

    AT = "at"
    NONE = "none"
    ALREADY = "already"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationPrice:
    """Price of one market at which maintenance collateral falls below its requirement, others fixed.

    Attributes:
        price_usd: None unless status is AT.
        distance_frac: |price / current - 1|; None unless status is AT.
        isolated: True when it is the isolated position of the market that would be liquidated.
    """

    market: str
    status: LiquidationStatus
    price_usd: float | None = None
    distance_frac: float | None = None
    isolated: bool = False


class RiskLevel(StrEnum):
    """The requirement's four words for a tier."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class IsolatedHealth:
    """Health of one isolated position, USD and percent."""

    market: str
    total_collateral_usd: float
    maintenance_requirement_usd: float
    initial_collateral_usd: float
    initial_requirement_usd: float
    health_percent: float
    health_ratio_percent: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthStatus:
    """Health of an account in both conventions.

    Attributes:
        health_percent: The venue's 0 to 100 of the cross account; 0 is liquidation.
        health_ratio_percent: Collateral over maintenance requirement, cross; None without a requirement.
        worst_ratio_percent: Least of cross and isolated ratios; infinite without any requirement.
        free_collateral_usd: Initial collateral minus initial requirement, never below 0.
        margin_to_liquidation_usd: Maintenance collateral minus requirement of the cross account; may be negative.
        liquidating: The venue's flag, or below maintenance, cross or any isolated position.
        problems: Why these figures must not be trusted; while there are any, nothing here says healthy.
        slot: Ledger slot of the reading.
        observed_at: When it arrived.
    """

    account_id: str
    health_percent: float
    health_ratio_percent: float | None
    worst_ratio_percent: float
    total_collateral_usd: float
    maintenance_requirement_usd: float
    initial_collateral_usd: float
    initial_requirement_usd: float
    free_collateral_usd: float
    margin_to_liquidation_usd: float
    isolated: tuple[IsolatedHealth, ...]
    liquidating: bool
    problems: tuple[str, ...]
    slot: int
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StressOutcome:
    """What one scenario leaves, USD."""

    scenario: str
    health_percent: float
    health_ratio_percent: float
    equity_usd: float
    equity_change_usd: float
    liquidated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StressTestResult:
    """Full revaluation under named scenarios, worst health ratio first."""

    account_id: str
    outcomes: tuple[StressOutcome, ...]
    slot: int
    observed_at: datetime

    @property
    def worst(self) -> StressOutcome:
        return self.outcomes[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationRisk:
    """The monitor's verdict.

    Attributes:
        liquidation_prices: Finite prices only, by market.
        time_to_liquidation: By when half of all simulated paths are liquidated; None where fewer are within a week, or
            nothing could be simulated: ``probability_24h`` is then None too.
        protection_actions: Sentences a person can act on, most effective first.
        stress_test_results: Scenario name -> health ratio in percent.
        probability_24h: Of being liquidated within a day, by the same simulation.
    """

    health_ratio: float
    liquidation_prices: Mapping[str, float]
    time_to_liquidation: timedelta | None
    risk_level: RiskLevel
    protection_actions: tuple[str, ...]
    stress_test_results: Mapping[str, float]
    probability_24h: float | None = None
