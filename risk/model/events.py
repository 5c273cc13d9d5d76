"""What happened to an account: one frozen dataclass for each family of events.

Two readings show some of it, the venue's own program the rest; ``source`` says which of both an event comes from.
"""

from dataclasses import dataclass
from datetime import datetime

from risk.model.account import MarketKind, OrderKind, Side
from risk.model.event_kinds import EndReason, EventKind, GapReason, LiquidationForm
from risk.model.market import MarketStatus

__all__ = [
    "AccountEvent",
    "BankruptcyEvent",
    "BorrowEvent",
    "BorrowRateEvent",
    "DelegateEvent",
    "EndReason",
    "EventKind",
    "FlowEvent",
    "FundingEvent",
    "FundingPaidEvent",
    "GapEvent",
    "GapReason",
    "InterestEvent",
    "LiquidationEvent",
    "LiquidationForm",
    "LiquidityEvent",
    "MarketEvent",
    "OrderEvent",
    "PauseEvent",
    "PositionEvent",
    "SettlementEvent",
    "SubAccountEvent",
    "SwapEvent",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent:
    """One event of one account; also the whole of those that have no figures: bankruptcy, a new sub-account.

    Attributes:
        account_id: Empty for what a venue does to all of them.
        slot: Slot of the reading that first shows it, or of the transaction it happened in.
        observed_at: When that reading or the record of that transaction arrived, UTC.
        after_slot: Slot of the reading before, behind which it happened; None where ``slot`` is exact.
        happened_at: When it happened by the venue's clock, UTC; None where only readings show it.
        source: Transaction and place in it, unique; empty where only readings show it.
    """

    kind: EventKind
    account_id: str
    slot: int
    observed_at: datetime
    after_slot: int | None = None
    happened_at: datetime | None = None
    source: str = ""

    @property
    def recorded(self) -> bool:
        """Whether the venue's program says so itself."""
        return bool(self.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionEvent(AccountEvent):
    """A perp position that is not what it was. Sizes are signed, > 0 long.

    Attributes:
        by_orders_base: Signed part of the change that fills of orders resting before account for. The rest was traded
            without a resting order, with one that came and went between the readings, or taken by the venue.
        recorded_base: Signed part of the change that records of the venue's program account for.
        by_keel: Whether orders of Keel made all of the change; None where nobody can tell.
    """

    market: str
    before_base: float
    after_base: float
    by_orders_base: float
    recorded_base: float = 0.0
    by_keel: bool | None = None

    @property
    def change_base(self) -> float:
        """What was bought, > 0, or sold, < 0, in all."""
        return self.after_base - self.before_base


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(AccountEvent):
    """One resting order.

    Attributes:
        order_kind: As of the later reading that has the order; None where a record does not say.
        size_base: What this event is about, >= 0: the size placed, filled now, or ended unfilled; for a change or a
            trigger the unfilled rest. Tokens where ``market_kind`` is spot.
        rest_base: What rests after it, >= 0.
        price_usd: Limit price; None for orders without one, and where a record does not say. Fills may be better.
        fill_price_usd: What a fill was made at; None for what is no fill, and where only readings show it.
        fee_usd: What a fill cost, < 0 a rebate; None likewise.
        maker: Whether the order rested and somebody else came to it; None where nobody can tell.
        reason: Why it ended; UNKNOWN for what is no end.
        by_keel: Whether it is an order of Keel; None where nobody can tell.
    """

    market: str
    market_kind: MarketKind
    order_id: int
    side: Side
    order_kind: OrderKind | None
    size_base: float
    rest_base: float
    price_usd: float | None
    trigger_price_usd: float | None = None
    reduce_only: bool = False
    fill_price_usd: float | None = None
    fee_usd: float | None = None
    maker: bool | None = None
    reason: EndReason = EndReason.UNKNOWN
    by_keel: bool | None = None

    @property
    def is_fill(self) -> bool:
        return self.kind in (EventKind.ORDER_FILLED, EventKind.ORDER_PARTIALLY_FILLED)

    @property
    def signed_base(self) -> float:
        """``size_base``, > 0 for a buy and < 0 for a sale."""
        return self.size_base if self.side is Side.BUY else -self.size_base


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEvent(AccountEvent):
    """Money that came in or went out, or moved between accounts of one owner.

    Attributes:
        amount_usd: > 0, valued by the venue when it moved.
        token: Empty where only readings show it; then ``amount_tokens`` is 0.
        borrowed: Whether a withdrawal was borrowed, or a deposit repaid a borrow.
        announced: Whether somebody said before that it would come.
    """

    amount_usd: float
    token: str = ""
    amount_tokens: float = 0.0
    borrowed: bool = False
    announced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapEvent(AccountEvent):
    """Tokens given for other tokens, both > 0."""

    sold: str
    sold_tokens: float
    bought: str
    bought_tokens: float


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
class FundingPaidEvent(AccountEvent):
    """Funding that was booked: ``amount_usd`` > 0 received, < 0 paid, for a position of that signed size."""

    market: str
    size_base: float
    amount_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestEvent(AccountEvent):
    """What a token balance earned or cost between two readings.

    Attributes:
        amount_tokens: > 0 earned, < 0 paid.
        amount_usd: The same at the price of the later reading; None without one.
        balance_tokens: What bore it, signed.
        since: When the earlier reading arrived, UTC.
    """

    token: str
    amount_tokens: float
    amount_usd: float | None
    balance_tokens: float
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BorrowRateEvent(AccountEvent):
    """A borrow that has become dear. Rates are fractions a year.

    Attributes:
        borrowed_tokens: > 0.
        before_annual_frac: None where nothing was borrowed before.
    """

    token: str
    borrowed_tokens: float
    before_annual_frac: float | None
    after_annual_frac: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementEvent(AccountEvent):
    """PnL of a position that became tokens: ``amount_usd`` > 0 gained.

    Attributes:
        price_usd: What the position was valued at.
        expired: Whether the market has closed and the position with it.
    """

    market: str
    amount_usd: float
    price_usd: float
    expired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidityEvent(AccountEvent):
    """Shares of a market's own book that were added, given back or settled.

    Attributes:
        position_base: What the position grew by, signed.
    """

    market: str
    position_base: float
    pnl_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationEvent(AccountEvent):
    """A liquidation that began, ended, or took something.

    Attributes:
        market: The isolated position or the market something was taken from; empty for the cross account.
        taken_base: Size taken, >= 0; 0 where the event is no taking. Tokens where ``market_kind`` is spot, USD of PnL
            where ``form`` says so.
        remaining_base: Signed size that is left of what was taken from; None where nobody can tell.
        price_usd: What it was taken at; None where only readings show it.
        fee_usd: What liquidator and insurance fund kept of it; None likewise.
        repaid: Token whose borrow it repaid; empty where it was another thing.
        repaid_tokens: How much of that borrow, > 0.
        orders_cancelled: How many orders it cancelled on its way, as far as known.
        side: Which way a perp position was traded away; None where it is no such thing, or nobody can tell.
    """

    market: str = ""
    market_kind: MarketKind = MarketKind.PERP
    taken_base: float = 0.0
    remaining_base: float | None = 0.0
    price_usd: float | None = None
    fee_usd: float | None = None
    form: LiquidationForm = LiquidationForm.POSITION
    repaid: str = ""
    repaid_tokens: float = 0.0
    orders_cancelled: int = 0
    side: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BankruptcyEvent(AccountEvent):
    """A debt that nothing was left to pay: ``loss`` > 0, in USD for a perp market and in tokens for a spot market."""

    market: str
    market_kind: MarketKind
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegateEvent(AccountEvent):
    """Somebody else may trade for the owner, or nobody any more. Empty for nobody.

    Attributes:
        announced: Whether somebody said before that it would come.
    """

    before: str
    after: str
    announced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SubAccountEvent(AccountEvent):
    """The owner of an account has opened another one, ``created``."""

    created: str
    announced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketEvent(AccountEvent):
    """A market the account is in allows less, or everything again."""

    market: str
    market_kind: MarketKind
    before: MarketStatus
    after: MarketStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseEvent(AccountEvent):
    """What a venue has stopped, or lets happen again, in a market, or everywhere where that is empty.

    Attributes:
        what: Such as "withdraw", in words a trader knows.
    """

    market: str
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapEvent(AccountEvent):
    """A transaction, or a stretch of them, of which nobody can say what all happened in it.

    What it left behind, positions, balances and orders, stands in the readings and is told from there.
    """

    reason: GapReason
