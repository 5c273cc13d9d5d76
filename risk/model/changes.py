"""How an account's risk differs from yesterday's."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from risk.decisions.tiers import Tier


class RiskMeasure(StrEnum):
    """What is compared from day to day."""

    VAR = "var"
    VOLATILITY = "volatility"
    CORRELATION = "correlation"
    BETA = "beta"
    LEVERAGE = "leverage"
    FUNDING = "funding"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSnapshot:
    """One day's figures of an account; NaN where unknown.

    Attributes:
        var_1d_frac: 95 %, of total equity, by past days at today's volatility whatever /var shows by default, so that
            two days can be compared.
        volatility: Annualised, of total equity.
        correlation: Mean off the diagonal.
        beta_sol: Beta-adjusted delta over equity.
        funding_daily_frac: What funding costs a day at the last rates, of total equity, > 0 a cost.
    """

    at: datetime
    var_1d_frac: float
    volatility: float
    correlation: float
    beta_sol: float
    leverage: float
    funding_daily_frac: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskChange:
    """One measure that has moved enough to be told.

    Attributes:
        tier: OK for one that has come back to what it was; it is then only part of what eases.
        before: Yesterday's; NaN where only its level or the limit speaks.
        shown: What a person is shown of it: for VaR the figure of /var; for the others the same as ``now``.
        limit: What it is held against; NaN without one.
        by_limit: The limit alone makes it worth a word.
    """

    measure: RiskMeasure
    tier: Tier
    before: float
    now: float
    shown: float
    limit: float
    by_limit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskChangeAlert:
    """What has changed since yesterday, worst first; empty where nothing has.

    Attributes:
        compared_with: When yesterday's figures were made; None on the first day.
    """

    account_id: str
    changes: tuple[RiskChange, ...]
    now: RiskSnapshot
    compared_with: datetime | None

    @property
    def worst(self) -> Tier:
        return max((change.tier for change in self.changes), key=lambda tier: tier.value, default=Tier.OK)
