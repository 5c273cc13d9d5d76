"""An account's slots in whole units, with the venue's accounting: what trades, fees, funding and settlement do to them.

``quote`` of a position is minus its cost plus what was realised since; fees and funding come out of it too. ``quote
entry`` is the signed cost of what is still open and gives the entry price. Source: program file controller/position.rs.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum

from risk.model.account import OrderKind, Side
from venues.paper.units import QUOTE_PER_BASE_PRICE, trunc_div


class FillReason(Enum):
    """Why a position changed."""

    TAKER = "taker"
    MAKER = "maker"
    LIQUIDATION = "liquidation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One change of a position, as the exchange booked it.

    Attributes:
        at_s: Second since the start of the exchange.
        base_1e9: Signed, > 0 bought.
        quote_1e6: Signed, < 0 paid; without the fee.
        fee_1e6: > 0 paid, < 0 a rebate.
        order_id: None for a liquidation.
    """

    at_s: int
    account_id: str
    market_index: int
    base_1e9: int
    quote_1e6: int
    price_1e6: int
    fee_1e6: int
    reason: FillReason
    order_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingOrder:
    """An order that waits for its price. ``remaining_1e9`` is its unfilled, unsigned rest.

    Attributes:
        price_1e6: Limit; 0 for none.
        taking: It came, or was triggered, at a price at which it can still trade: it takes what each second offers.
            False once it has been left in the book, where others come to it.
        trigger_1e6: 0 for an order without a trigger.
        keeper_due_s: Second from which a keeper executes it; None for one that has not triggered, or has no trigger.
        expires_unix_s: From then on it cannot be filled; 0 for never.
    """

    order_id: int
    market_index: int
    side: Side
    remaining_1e9: int
    price_1e6: int
    reduce_only: bool
    kind: OrderKind = OrderKind.LIMIT
    taking: bool = False
    trigger_1e6: int = 0
    triggers_above: bool | None = None
    keeper_due_s: int | None = None
    expires_unix_s: int = 0

    @property
    def signed_1e9(self) -> int:
        return self.remaining_1e9 if self.side is Side.BUY else -self.remaining_1e9

    @property
    def is_trigger(self) -> bool:
        return self.trigger_1e6 > 0

    @property
    def waits(self) -> bool:
        """For its trigger: nothing of it can be filled, and it reserves no margin."""
        return self.is_trigger and self.keeper_due_s is None

    @property
    def works_from_s(self) -> int | None:
        """Second from which it can be filled; None while it waits."""
        return None if self.waits else self.keeper_due_s or 0


@dataclass(slots=True, kw_only=True)
class PerpSlot:
    """One perp position.

    Attributes:
        funding_index_1e9: The market's cumulative funding per base unit up to which funding has been booked.
        settled_pnl_1e6: PnL moved from here into the quote token so far.
    """

    base_1e9: int = 0
    quote_1e6: int = 0
    quote_entry_1e6: int = 0
    funding_index_1e9: int = 0
    settled_pnl_1e6: int = 0

    def trade(self, base_1e9: int, quote_1e6: int) -> None:
        """Books a fill; ``quote_1e6`` has the opposite sign of ``base_1e9``."""
        held = self.base_1e9
        if held == 0 or (held > 0) == (base_1e9 > 0):
            self.quote_entry_1e6 += quote_1e6
        elif abs(base_1e9) <= abs(held):
            self.quote_entry_1e6 -= trunc_div(self.quote_entry_1e6 * abs(base_1e9), abs(held))
        else:
            opened_1e9 = abs(base_1e9) - abs(held)
            self.quote_entry_1e6 = trunc_div(quote_1e6 * opened_1e9, abs(base_1e9))
        self.base_1e9 += base_1e9
        self.quote_1e6 += quote_1e6

    def funding_due_1e6(self, index_1e9: int) -> int:
        """Funding owed to the position and not booked yet, when the market's index stands here."""
        moved = index_1e9 - self.funding_index_1e9
        size = abs(moved) * abs(self.base_1e9) // 10**6 // 10**3 // 10**3
        longs_pay = moved > 0
        return -size if longs_pay == (self.base_1e9 > 0) else size

    def book_funding(self, index_1e9: int) -> int:
        """Moves funding that is due into ``quote``; returns it."""
        due_1e6 = self.funding_due_1e6(index_1e9)
        self.quote_1e6 += due_1e6
        self.funding_index_1e9 = index_1e9
        return due_1e6

    def pnl_1e6(self, price_1e6: int) -> int:
        """Unsettled PnL at a price, booked funding and fees included."""
        return trunc_div(self.base_1e9 * price_1e6, QUOTE_PER_BASE_PRICE) + self.quote_1e6

    @property
    def is_empty(self) -> bool:
        return self.base_1e9 == 0 and self.quote_1e6 == 0


@dataclass(slots=True, kw_only=True)
class PaperAccount:
    """One account.

    Attributes:
        perps: Slots by market index.
        tokens_raw: By spot market index, in the token's own decimals; < 0 is a borrow.
        orders: Resting orders by id.
        net_deposits_1e6: Deposits minus withdrawals, valued when they were made.
        funding_1e6: Funding booked so far, > 0 received.
        fees_1e6: Fees of trades paid so far, rebates taken off.
    """

    account_id: str
    authority: str
    sub_account: int
    name: str
    perps: dict[int, PerpSlot] = field(default_factory=dict)
    tokens_raw: dict[int, int] = field(default_factory=dict)
    orders: dict[int, RestingOrder] = field(default_factory=dict)
    net_deposits_1e6: int = 0
    funding_1e6: int = 0
    fees_1e6: int = 0
    being_liquidated: bool = False
    bankrupt: bool = False

    def copy(self) -> "PaperAccount":
        """An independent account to try something on."""
        slots = {index: replace(slot) for index, slot in self.perps.items()}
        return replace(self, perps=slots, tokens_raw=dict(self.tokens_raw), orders=dict(self.orders))

    def base_1e9(self, market_index: int) -> int:
        slot = self.perps.get(market_index)
        return slot.base_1e9 if slot else 0

    def orders_in(self, market_index: int) -> list[RestingOrder]:
        return [order for order in self.orders.values() if order.market_index == market_index]

    def worst_1e9(self, market_index: int) -> int:
        """Largest absolute position that resting orders of one side can lead to."""
        base = self.base_1e9(market_index)
        bids, asks = open_sizes_1e9(self.orders_in(market_index))
        return max(abs(base + bids), abs(base + asks))

    def add_tokens(self, market_index: int, amount_raw: int) -> None:
        held = self.tokens_raw.get(market_index, 0) + amount_raw
        self.tokens_raw[market_index] = held
        if held == 0:
            del self.tokens_raw[market_index]


def open_sizes_1e9(orders: Iterable[RestingOrder]) -> tuple[int, int]:
    """(bids >= 0, asks <= 0) of resting orders, as at the venue: reduce-only ones count, those not triggered do not."""
    signed = [order.signed_1e9 for order in orders if not order.waits]
    return sum(size for size in signed if size > 0), sum(size for size in signed if size < 0)
