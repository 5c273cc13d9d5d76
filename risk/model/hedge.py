"""What a hedge takes, what came of it, and how well it worked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from risk.model.account import Side
from risk.model.proposal import Effect, ProposalState, Refusal


class HedgeStrategy(StrEnum):
    """What decides the trades.

    DELTA: every asset in its own perp. BETA: the whole book in one reference perp, by betas. CORRELATION: minimum
    variance over several perps. VOLATILITY: all positions scaled to a target. DYNAMIC: CORRELATION, but only outside a
    band within which a trade costs more than it saves.
    """

    DELTA = "delta"
    BETA = "beta"
    CORRELATION = "correlation"
    VOLATILITY = "volatility"
    DYNAMIC = "dynamic"


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeTrade:
    """One trade of a hedge.

    Attributes:
        market: A perp.
        size: In units of the base asset, > 0.
        hedge_ratio: USD of the hedge for each USD of what it hedges, > 0.
        priority: 1 goes first.
        reasoning: One sentence, with its figures.
        reduce_only: Whether it only shrinks a position that is held.
    """

    market: str
    side: Side
    size: float
    hedge_ratio: float
    priority: int
    reasoning: str
    reduce_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeRequirements:
    """What it takes to bring an account to a delta.

    Deltas are USD of equity gained for a rise of the reference by 100 %: per asset they are summed, by betas they are
    weighted.

    Attributes:
        delta_deviation: current less target.
        estimated_cost: USD: fees, spread and impact of all trades, and funding over ``horizon_hours``; > 0 a cost.
        market_impact: Fraction of the hedge's notional lost against the oracle price.
        confidence_score: 0 to 1: the least of ``confidence``.
        confidence: Its parts by name, each 0 to 1: r2, data age, depth. docs/hedging.md defines them.
        reference: Asset the delta is stated in, "SOL" or "BTC"; empty for USD per asset.
        unhedged: Sentences: what stays open, and why. Nothing is left out silently.
        variance_reduction: Predicted share of the book's variance that goes, 0 to 1; None without history.
        net_delta_after: By the trades as rounded.
        target_volatility: A fraction of equity a year, for VOLATILITY alone.
        n, data_age_s: Days of history used, 0 for a strategy that needs none, and the age of the data.
    """

    account_id: str
    strategy: HedgeStrategy
    reference: str
    target_delta: float
    current_delta: float
    delta_deviation: float
    required_trades: tuple[HedgeTrade, ...]
    estimated_cost: float
    market_impact: float
    confidence_score: float
    confidence: Mapping[str, float]
    unhedged: tuple[str, ...]
    variance_reduction: float | None
    net_delta_after: float
    horizon_hours: float
    n: int
    data_age_s: float
    observed_at: datetime
    warnings: tuple[str, ...] = ()
    target_volatility: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeResult:
    """What came of asking for a hedge. Fills arrive as events.

    Attributes:
        proposal_id: Empty where there is nothing to do or it was refused.
        state: None without a proposal.
        order_ids: Of what goes out at once under a standing approval, such as P12/1.
    """

    proposal_id: str
    state: ProposalState | None
    refusal: Refusal | None = None
    order_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledHedge:
    """A trade of a hedge that was filled, with what it promised.

    Attributes:
        size_base: Filled, > 0.
        price_usd: Average.
        fee_usd: > 0 paid.
        predicted_reduction: Share of the account's variance that the whole hedge was to remove; None where its proposal
            predicted none.
        hedge_ratio: USD of the hedge for each USD of what it hedges; None where it was not noted.
        oracle_usd: When it was quoted; None where it was not noted, and slippage is then not known.
        proposal_id: Trades of one proposal are one hedge.
    """

    market: str
    side: Side
    size_base: float
    price_usd: float
    fee_usd: float
    filled_at: datetime
    predicted_reduction: float | None = None
    hedge_ratio: float | None = None
    oracle_usd: float | None = None
    proposal_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeMonitoring:
    """How well the hedges of an account have worked since they were filled.

    Attributes:
        predicted_reduction, realized_reduction: Share of variance removed; None where too little was observed.
        tracking_error: Standard deviation of the hedged book's daily return that the hedge should have removed.
        cost_usd: Fees, slippage and funding so far, > 0 paid.
        r2: Of the hedge against what it hedges; None where too little was observed.
        n: Observed periods.
        assessed: One sentence.
    """

    hedges: int
    predicted_reduction: float | None
    realized_reduction: float | None
    tracking_error: float | None
    cost_usd: float
    r2: float | None
    n: int
    since: datetime | None
    assessed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyHedgeResult:
    """What the fastest way out of danger takes: at most so many trades, each reducing.

    Attributes:
        result: Of the proposal; nothing goes out without its confirmation.
        effect: None where nothing was proposed.
    """

    trades: tuple[HedgeTrade, ...]
    result: HedgeResult
    effect: Effect | None
    unhedged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalanceResult:
    """What brings an account to target shares of its gross exposure.

    Attributes:
        before, after, target: Shares by asset, of equity, signed; the quote asset is what is left.
        within_tolerance: Whether the trades as rounded bring every share into its tolerance.
    """

    trades: tuple[HedgeTrade, ...]
    before: Mapping[str, float]
    target: Mapping[str, float]
    after: Mapping[str, float]
    within_tolerance: bool
    tolerance_frac: float
    result: HedgeResult
    estimated_cost: float
    unhedged: tuple[str, ...] = field(default=())
