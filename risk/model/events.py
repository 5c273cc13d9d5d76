"""What happened to an account between two readings: one frozen dataclass for each family of events."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from risk.model.account import MarketKind, OrderKind, Side
from risk.model.market import MarketStatus


class EventKind(StrEnum):
    """What happened. How much of it two readings can tell stands in ``risk.decisions.events``."""

    POSITION_OPENED = "position_opened"
    POSITION_CHANGED = "position_changed"
    POSITION_CLOSED = "position_closed"
    POSITION_FLIPPED = "position_flipped"
    ORDER_PLACED = "order_placed"
    ORDER_CHANGED = "order_changed"
    ORDER_TRIGGERED = "order_triggered"
    ORDER_PARTIALLY_FILLED = "order_partially_filled"
    ORDER_FILLED = "order_filled"
    ORDER_ENDED = "order_ended"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    BORROW_BEGUN = "borrow_begun"
    BORROW_REPAID = "borrow_repaid"
    FUNDING_FLIPPED = "funding_flipped"
    FUNDING_HEAVY = "funding_heavy"
    LIQUIDATION_BEGUN = "liquidation_begun"
    LIQUIDATION_TAKEN = "liquidation_taken"
    LIQUIDATION_ENDED = "liquidation_ended"
    BANKRUPT = "bankrupt"
    DELEGATE_CHANGED = "delegate_changed"
    SUB_ACCOUNT_CREATED = "sub_account_created"
    MARKET_PAUSED = "market_paused"
    MARKET_REDUCE_ONLY = "market_reduce_only"
    MARKET_SETTLING = "market_settling"
    MARKET_ACTIVE = "market_active"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent:
    """One event of one account; also the whole of those that have no figures: bankruptcy, a new sub-account.

    Attributes:
        slot: Slot of the reading that first shows it; it happened after the reading before.
        observed_at: When that reading arrived, UTC.
    """

    kind: EventKind
    account_id: str
    slot: int
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionEvent(AccountEvent):
    """A perp position that is not what it was. Sizes are signed, > 0 long.

    Attributes:
        by_orders_base: Signed part of the change that fills of orders resting before account for. The rest was traded
            without a resting order, with one that came and went between the readings, or taken by the venue.
    """

    market: str
    before_base: float
    after_base: float
    by_orders_base: float

    @property
    def change_base(self) -> float:
        """What was bought, > 0, or sold, < 0, in all."""
        return self.after_base - self.before_base


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(AccountEvent):
    """One resting order.

    Attributes:
        order_kind: As of the later reading that has the order.
        size_base: What this event is about, >= 0: the size placed, filled now, or ended unfilled; for a change or a
            trigger the unfilled rest. Tokens where ``market_kind`` is spot.
        rest_base: What rests after it, >= 0.
        price_usd: Limit price; None for orders without one. Fills may have been better.
    """

    market: str
    market_kind: MarketKind
    order_id: int
    side: Side
    order_kind: OrderKind
    size_base: float
    rest_base: float
    price_usd: float | None
    trigger_price_usd: float | None = None
    reduce_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEvent(AccountEvent):
    """Money that came in or went out: ``amount_usd`` > 0, valued by the venue when it moved."""

    amount_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BorrowEvent(AccountEvent):
    """A token balance that crossed zero. Signed, < 0 borrowed."""

    token: str
    before_tokens: float
    after_tokens: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingEvent(AccountEvent):
    """What holding a position costs has changed sides, or has become heavy.

    Attributes:
        before_hourly_frac: What the position paid an hour as a fraction of its notional, < 0 received; NaN where there
            was no position or no price.
        after_hourly_frac: What it pays now.
    """

    market: str
    size_base: float
    before_hourly_frac: float
    after_hourly_frac: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationEvent(AccountEvent):
    """A liquidation that began, ended, or took something.

    Attributes:
        market: The isolated position or the market something was taken from; empty for the cross account.
        taken_base: Size taken, >= 0; 0 where the event is no taking. Tokens where ``market_kind`` is spot.
        remaining_base: Signed size that is left of what was taken from.
    """

    market: str = ""
    market_kind: MarketKind = MarketKind.PERP
    taken_base: float = 0.0
    remaining_base: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegateEvent(AccountEvent):
    """Somebody else may trade for the owner, or nobody any more. Empty for nobody."""

    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketEvent(AccountEvent):
    """A market the account is in allows less, or everything again."""

    market: str
    market_kind: MarketKind
    before: MarketStatus
    after: MarketStatus
