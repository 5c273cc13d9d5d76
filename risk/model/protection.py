"""What protects an account: now by acting, and while nobody looks by orders that rest at the venue."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from risk.model.account import Side
from risk.model.hedge import HedgeResult
from risk.model.liquidation import RiskLevel
from risk.model.proposal import Effect, PlannedTrade


class ProtectionKind(StrEnum):
    """The steps of protection, mildest first."""

    CANCEL_ORDERS = "cancel_orders"
    CUT = "cut"
    HEDGE = "hedge"
    DEPOSIT = "deposit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionAction:
    """One step.

    Attributes:
        says: One sentence, with amounts.
        effect: Health and P(liquidation) before and after it; None where it could not be computed.
        trades, cancels: What it takes; none for a deposit.
        deposit_usd: Exact; 0 for every other step.
        instead: Of a deposit, whether it would do without the steps before it.
        proposed: Whether it is part of what was proposed.
    """

    kind: ProtectionKind
    says: str
    effect: Effect | None
    trades: tuple[PlannedTrade, ...] = ()
    cancels: tuple[int, ...] = ()
    deposit_usd: float = 0.0
    instead: bool = False
    proposed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionResult:
    """What protection came to. Nothing went out without a press, or a standing approval that covers it.

    Attributes:
        hedge: Of the hedge, which is proposed by itself: it opens a position, which no standing approval covers.
    """

    risk_level: RiskLevel
    actions: tuple[ProtectionAction, ...]
    result: HedgeResult
    hedge: HedgeResult | None = None


class StopFault(StrEnum):
    """What is wrong with an order that was to protect."""

    MISSING = "missing"
    CANCELLED = "cancelled"
    OVERSIZED = "oversized"
    NOT_TRIGGERED = "not_triggered"
    BEYOND_LIQUIDATION = "beyond_liquidation"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFinding:
    """A protective order that does not protect.

    Attributes:
        says: What is wrong, with the figures, and behind a semicolon what to do, with the commands.
        nothing_left: Whether there is no position any more that it could close: it endangers only the next one.
    """

    fault: StopFault
    market: str
    side: Side
    order_id: int | None
    says: str
    nothing_left: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepPlan:
    """Orders that keep an account alive while nobody and nothing of ours looks after it.

    Attributes:
        budget_frac: Probability of liquidation that is accepted over the time.
        trades: Reduce-only triggers, the cheapest set that was found.
        deposit_usd: Advised beside them; 0 for none.
        probability_before, probability_after: Of liquidation within the time, the deposit not counted, on the same
            paths; before it with the stops that rest already.
        interval_before, interval_after: 95 % of the sampling error of both; None where nothing was simulated.
        resting: Stops that rest already and are counted.
        probability_with_deposit: The same with it.
        worst_start: When the worst recorded stretch of that length began.
        survives_worst: Whether the account survives it with the triggers, keeper delay and slippage as modelled.
        expected_cost_usd: Of the triggers: probability of each times what it costs then.
        promised: Whether both the budget and the worst stretch hold. Where not, ``why`` says so, and the card before
            anything is pressed.
        cancels: Orders that are to be cancelled before: they may enlarge what is held, or are replaced.
    """

    account_id: str
    hours: float
    budget_frac: float
    trades: tuple[PlannedTrade, ...]
    deposit_usd: float
    probability_before: float
    probability_after: float
    probability_with_deposit: float
    worst_start: datetime | None
    survives_worst: bool
    expected_cost_usd: float
    promised: bool
    why: str
    n: int
    data_age_s: float
    seed: int
    cancels: tuple[int, ...] = ()
    resting: tuple[int, ...] = ()
    interval_before: tuple[float, float] | None = None
    interval_after: tuple[float, float] | None = None
