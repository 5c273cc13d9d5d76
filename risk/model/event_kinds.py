"""What can happen to an account, by name."""

from enum import StrEnum


class EventKind(StrEnum):
    """What happened. How much of it two readings can tell stands in ``risk.decisions.events``.

    ORDER_ENDED is the end of an order of which nobody can tell whether it was cancelled, expired or refused.
    """

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
    ORDER_CANCELLED = "order_cancelled"
    ORDER_EXPIRED = "order_expired"
    ORDER_REJECTED = "order_rejected"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OUT = "transfer_out"
    SWAP = "swap"
    BORROW_BEGUN = "borrow_begun"
    BORROW_REPAID = "borrow_repaid"
    FUNDING_FLIPPED = "funding_flipped"
    FUNDING_HEAVY = "funding_heavy"
    FUNDING_PAID = "funding_paid"
    INTEREST = "interest"
    BORROW_RATE_SPIKE = "borrow_rate_spike"
    PNL_SETTLED = "pnl_settled"
    LIQUIDITY_CHANGED = "liquidity_changed"
    LIQUIDATION_BEGUN = "liquidation_begun"
    LIQUIDATION_TAKEN = "liquidation_taken"
    LIQUIDATION_ENDED = "liquidation_ended"
    BANKRUPT = "bankrupt"
    BANKRUPTCY_RESOLVED = "bankruptcy_resolved"
    DELEGATE_CHANGED = "delegate_changed"
    SUB_ACCOUNT_CREATED = "sub_account_created"
    ACCOUNT_CLOSED = "account_closed"
    MARKET_PAUSED = "market_paused"
    MARKET_REDUCE_ONLY = "market_reduce_only"
    MARKET_SETTLING = "market_settling"
    MARKET_ACTIVE = "market_active"
    EXCHANGE_PAUSED = "exchange_paused"
    EXCHANGE_RESUMED = "exchange_resumed"
    HISTORY_GAP = "history_gap"


class EndReason(StrEnum):
    """Why an order ended without being filled, as far as the venue says."""

    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NO_COLLATERAL = "no_collateral"
    PRICE_BAND = "price_band"
    REDUCES_NOTHING = "reduces_nothing"
    ADDS_RISK = "adds_risk"
    MARKET_CLOSED = "market_closed"
    NOTHING_TO_BORROW = "nothing_to_borrow"
    LIQUIDATION = "liquidation"
    OTHER = "other"


class LiquidationForm(StrEnum):
    """What a liquidator takes over, and for what."""

    POSITION = "position"
    TOKENS_FOR_BORROW = "tokens_for_borrow"
    PNL_FOR_BORROW = "pnl_for_borrow"
    TOKENS_FOR_LOSS = "tokens_for_loss"


class GapReason(StrEnum):
    """Why nobody can say what all happened in a transaction, or before it."""

    LOG_TRUNCATED = "log_truncated"
    NO_LOG = "no_log"
    UNREADABLE = "unreadable"
    TRANSACTION_MISSING = "transaction_missing"
    TOO_FAR_BACK = "too_far_back"
