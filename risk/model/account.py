"""One account at one slot, as a person looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum

from risk.model.market import OracleReading, PerpMarket, SpotMarket


class MarginMode(Enum):
    """High-leverage mode of an account: for nothing, for everything, or for maintenance only."""

    DEFAULT = 0
    HIGH_LEVERAGE = 1
    HIGH_LEVERAGE_MAINTENANCE = 2


class Side(StrEnum):
    """Direction of an order."""

    BUY = "buy"
    SELL = "sell"


class OrderKind(StrEnum):
    """How an order executes."""

    MARKET = "market"
    LIMIT = "limit"
    TRIGGER_MARKET = "trigger_market"
    TRIGGER_LIMIT = "trigger_limit"
    ORACLE = "oracle"


class MarketKind(StrEnum):
    """Which family of markets an index belongs to."""

    PERP = "perp"
    SPOT = "spot"


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpPosition:
    """One perp slot.

    Attributes:
        size_base: Signed, > 0 long.
        quote_usd: The venue's running quote amount: minus the cost of the position, plus what was realised since.
        quote_entry_usd: Signed entry cost: < 0 for a long, > 0 for a short; gives the entry price.
        funding_usd: Unsettled funding, > 0 when it is owed to the account.
        open_bids_base: Size of resting buys, >= 0.
        open_asks_base: Size of resting sells, <= 0.
        isolated_collateral_tokens: Quote tokens that belong to this position alone, when ``isolated``.
        max_margin_ratio: Custom initial ratio of this position as a fraction, 0 for none.
        settled_pnl_usd: PnL realised and settled in this slot so far.
    """

    market_index: int
    size_base: float
    quote_usd: float = 0.0
    quote_entry_usd: float = 0.0
    funding_usd: float = 0.0
    open_bids_base: float = 0.0
    open_asks_base: float = 0.0
    open_orders: int = 0
    isolated: bool = False
    isolated_collateral_tokens: float = 0.0
    max_margin_ratio: float = 0.0
    settled_pnl_usd: float = 0.0
    being_liquidated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotBalance:
    """One token balance: > 0 a deposit, < 0 a borrow. Open bids >= 0 and open asks <= 0, in tokens.

    Attributes:
        shares: The balance as the venue keeps it, which interest does not change; signed like the tokens. None where
            the venue has no such count.
    """

    market_index: int
    amount_tokens: float
    open_bids_tokens: float = 0.0
    open_asks_tokens: float = 0.0
    open_orders: int = 0
    shares: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """A resting order. ``price_usd`` is None for orders without a limit; ``size_base`` is what remains unfilled.

    Attributes:
        expires_at: From then on it cannot be filled any more, UTC; None where it lasts, or the venue does not say.
        triggers_above: Whether a trigger order waits for a price above its trigger; None where that is not known.
        triggered: Whether a trigger order has been triggered; None where that is not known.
    """

    order_id: int
    market_kind: MarketKind
    market_index: int
    side: Side
    kind: OrderKind
    size_base: float
    price_usd: float | None
    reduce_only: bool
    trigger_price_usd: float | None = None
    expires_at: datetime | None = None
    triggers_above: bool | None = None
    triggered: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot:
    """Everything a margin statement about one account depends on, read at one slot.

    Attributes:
        account_id: The venue's address of the account.
        authority: Address of the owner; empty where the venue has none.
        delegate: Address that may trade for the owner; empty where there is none.
        max_margin_ratio: Custom initial ratio of the whole account as a fraction, 0 for none.
        net_deposits_usd: Deposits minus withdrawals so far, valued when they were made.
        settled_pnl_usd: Perp PnL realised and settled over the account's life.
        funding_booked_usd: Funding booked over the account's life, > 0 received; what a position is still due is not in
            it. None where the venue does not state it.
        last_active_slot: When the account last took part in anything, as the venue notes it; 0 where it does not.
        slot: Ledger slot all parts were read at.
        observed_at: When the reading arrived, UTC.
    """

    account_id: str
    authority: str = ""
    delegate: str = ""
    sub_account: int = 0
    name: str = ""
    perp_positions: tuple[PerpPosition, ...] = ()
    spot_balances: tuple[SpotBalance, ...] = ()
    open_orders: tuple[OpenOrder, ...] = ()
    perp_markets: Mapping[int, PerpMarket] = field(default_factory=dict)
    spot_markets: Mapping[int, SpotMarket] = field(default_factory=dict)
    oracles: Mapping[str, OracleReading] = field(default_factory=dict)
    margin_mode: MarginMode = MarginMode.DEFAULT
    max_margin_ratio: float = 0.0
    net_deposits_usd: float = 0.0
    settled_pnl_usd: float = 0.0
    being_liquidated: bool = False
    bankrupt: bool = False
    pool_id: int = 0
    last_active_slot: int = 0
    funding_booked_usd: float | None = None
    slot: int
    observed_at: datetime
