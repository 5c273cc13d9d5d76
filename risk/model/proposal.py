"""A trade that waits for a yes: what is proposed, what it costs, what it does, and how far it has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from math import ceil, isfinite

from risk.model.account import Side
from risk.model.limits import RiskViolation
from risk.model.trading import BASE_UNITS, PRICE_UNITS, OrderStyle, OrderTerms, Signed


class Purpose(StrEnum):
    """What a plan is for."""

    HEDGE = "hedge"
    REBALANCE = "rebalance"
    CLOSE = "close"
    FLATTEN = "flatten"
    PROTECT = "protect"
    EMERGENCY = "emergency"
    STOP = "stop"
    TAKE_PROFIT = "take_profit"
    BRACKET = "bracket"
    SLEEP = "sleep"
    CANCEL = "cancel"
    ARM = "arm"
    """A standing approval: nothing goes out for it by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrade:
    """A trade somebody wants, before it is made exact.

    Attributes:
        size_base: Unsigned. Rounded down to the market's step when it is made exact.
        limit_usd: Worst price; None for what the quote and the slippage bound make of it.
        trigger_usd: For triggers alone.
        priority: 1 goes first.
        reasoning: One sentence.
        cancels: Orders this one takes the place of: cancelled in the same transaction, or not at all.
    """

    market: str
    side: Side
    size_base: float
    reduce_only: bool
    priority: int = 1
    style: OrderStyle = OrderStyle.IOC
    limit_usd: float | None = None
    trigger_usd: float | None = None
    triggers_above: bool | None = None
    reasoning: str = ""
    cancels: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingTerms:
    """What somebody allows beforehand. Always reduce-only.

    Attributes:
        markets: Perp markets by name.
        cap_usd: Notional in all, over its life.
    """

    account_id: str
    markets: frozenset[str]
    cap_usd: float
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePlan:
    """What is to be proposed.

    Attributes:
        cancels: Orders of the account to cancel before the first trade.
        title: What it is, in a few words: "Hedge main to delta 0".
        notes: Sentences: what stays unhedged, what was left out and why.
        deposit_usd: A deposit that is advised beside the trades; 0 for none.
        requested_by: Person id; empty for the bot itself.
        standing: For Purpose.ARM alone.
    """

    account_id: str
    purpose: Purpose
    trades: tuple[PlannedTrade, ...]
    title: str
    cancels: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    deposit_usd: float = 0.0
    requested_by: str = ""
    standing: StandingTerms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a plan is expected to do, at the quoted average prices, fees paid.

    Attributes:
        health_percent_before: The venue's 0 to 100, of the worst scope; likewise after.
        health_ratio_before: Percent, 100 is liquidation.
        probability_before: Of liquidation within 24 hours; None where history allows no statement: see
            ``probability_unknown``.
        fee_usd: Of all trades.
        slippage_usd: Against the oracle price, > 0 a cost.
        violations: Limits that do not hold after the plan and are not worse kept already before it.
        free_collateral_after_usd: Initial collateral less requirement after the last step.
        least_free_usd: The least of that after any step that opens or adds; as after the last where none does.
        held_raw_1e9: Positions it was computed on, signed, by market.
    """

    health_percent_before: float
    health_percent_after: float
    health_ratio_before: float
    health_ratio_after: float
    probability_before: float | None
    probability_after: float | None
    leverage_before: float
    leverage_after: float
    fee_usd: float
    slippage_usd: float
    free_collateral_after_usd: float
    least_free_usd: float
    violations: tuple[RiskViolation, ...] = ()
    probability_unknown: str = ""
    held_raw_1e9: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegQuote:
    """What a trade would get now.

    Attributes:
        average_usd: Over its size.
        impact_frac: Average against the best price, > 0 worse.
        source: Of the depth: "order book", "venue curve".
    """

    oracle_usd: float
    average_usd: float
    fee_usd: float
    impact_frac: float
    source: str
    slot: int
    observed_at: datetime


class LegState(StrEnum):
    """How far one order has come; see risk.decisions.proposals."""

    PLANNED = "planned"
    SIGNED = "signed"
    SENT = "sent"
    LANDED = "landed"
    RESTING = "resting"
    FILLED = "filled"
    PARTIAL = "partial"
    UNFILLED = "unfilled"
    FAILED = "failed"
    EXPIRED = "expired"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One transaction of a proposal: usually one order; the cancellations that go before the first; or those alone.

    Attributes:
        number: From 1, in the order in which they go out.
        terms: None for a leg that only cancels.
        cancels: Orders cancelled in the same transaction.
        quote: None for a leg that only cancels, or whose order waits for a trigger.
        attempt: How often it was signed.
        signed: Of the latest attempt; None before the first.
        order_id, filled_raw_1e9, quote_raw_1e6, fee_raw_1e6: As of PlacedOrder.
        reason: Why it ended as it did, or has not gone on.
    """

    number: int
    terms: OrderTerms | None
    cancels: tuple[int, ...] = ()
    quote: LegQuote | None = None
    reasoning: str = ""
    state: LegState = LegState.PLANNED
    attempt: int = 0
    signed: Signed | None = None
    order_id: int | None = None
    filled_raw_1e9: int = 0
    quote_raw_1e6: int | None = None
    fee_raw_1e6: int | None = None
    reason: str = ""

    @property
    def notional_raw_1e6(self) -> int:
        """At the highest price known of it: the worst price of a sell is its lowest. Rounded up; 0 without an order."""
        if self.terms is None:
            return 0
        prices = [Fraction(self.terms.limit_raw_1e6), Fraction(self.terms.trigger_raw_1e6)]
        if self.quote is not None:
            quoted = (self.quote.oracle_usd, self.quote.average_usd)
            prices += [Fraction(str(one)) * PRICE_UNITS for one in quoted if isfinite(one)]
        return ceil(self.terms.size_raw_1e9 * max(prices) / BASE_UNITS)

    @property
    def notional_usd(self) -> float:
        """What counts against caps; see notional_raw_1e6."""
        return self.notional_raw_1e6 / PRICE_UNITS


class ProposalState(StrEnum):
    """How far a proposal has come; see risk.decisions.proposals."""

    OPEN = "open"
    APPROVED = "approved"
    EXECUTING = "executing"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """Somebody's yes to one revision."""

    person_id: str
    display_name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A row of the database, which is the authority; cards only show it.

    Attributes:
        proposal_id: Short, shown to people: "P12".
        revision: Counts from 1; a card of another revision is worth nothing.
        state: See ProposalState.
        expires_at: No press counts from then on.
        approvals_needed: Distinct traders.
        pin_needed: Whether each of them must give their PIN.
        votes: Of this revision.
        standing_id: Of the standing approval it went out on; empty where it was pressed for.
        changed: Sentences that say how this revision differs from the one before; empty for the first.
        reason: Why it ended, or what is wrong, in a sentence; empty while all is well.
        finished_at: When it ended; None before.
    """

    proposal_id: str
    revision: int
    account_id: str
    purpose: Purpose
    title: str
    state: ProposalState
    legs: tuple[Leg, ...]
    effect: Effect | None
    notes: tuple[str, ...]
    deposit_usd: float
    requested_by: str
    created_at: datetime
    expires_at: datetime
    approvals_needed: int = 1
    pin_needed: bool = False
    votes: tuple[Vote, ...] = ()
    standing: StandingTerms | None = None
    standing_id: str = ""
    changed: tuple[str, ...] = ()
    reason: str = ""
    finished_at: datetime | None = None

    @property
    def notional_usd(self) -> float:
        """Of all orders, each at the highest price that is known of it."""
        return sum(leg.notional_raw_1e6 for leg in self.legs) / PRICE_UNITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a plan is not even proposed.

    Attributes:
        reason: One sentence.
        nearest: What would work, in one sentence; empty where nothing would.
    """

    reason: str
    nearest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What came of proposing: a proposal, or why there is none.

    Attributes:
        order_ids: Of what goes out at once under a standing approval, such as P12/1: the first order of P12.
    """

    proposal: Proposal | None
    refusal: Refusal | None = None
    order_ids: tuple[str, ...] = field(default=())
