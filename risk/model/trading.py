"""Orders as they are agreed on and as they are sent: exact, in the venue's own whole numbers, and what becomes of them.

Sizes count 1e-9 of the base asset and prices 1e-6 USD. A ledger could contradict them, so they are never floats.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from risk.model.account import Side
from risk.model.market import MarketStatus

BASE_UNITS = 1_000_000_000
PRICE_UNITS = 1_000_000


class OrderStyle(StrEnum):
    """How an order is worked. None of them is a naked market order: all but TRIGGER_MARKET have a limit.

    IOC takes what its limit allows at once, and the rest is gone. LIMIT may rest and may take, POST_ONLY only rests.
    """

    IOC = "ioc"
    LIMIT = "limit"
    POST_ONLY = "post_only"
    TRIGGER_MARKET = "trigger_market"
    TRIGGER_LIMIT = "trigger_limit"

    @property
    def is_trigger(self) -> bool:
        return self in (OrderStyle.TRIGGER_MARKET, OrderStyle.TRIGGER_LIMIT)

    @property
    def rests(self) -> bool:
        """Whether being in the book is what is wanted of it."""
        return self is not OrderStyle.IOC


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """One order, exactly as it is approved and exactly as it must arrive.

    Attributes:
        size_raw_1e9: > 0, a multiple of the market's step.
        limit_raw_1e6: Worst price; 0 for TRIGGER_MARKET alone, whose worst price is the venue's own bound.
        expires_at_s: Unix second from which it can no longer be filled; 0 for none, which only triggers may have.
        trigger_raw_1e6: 0 for an order without a trigger.
        triggers_above: Whether it waits for a price above its trigger; None without one.
    """

    account_id: str
    market: str
    market_index: int
    side: Side
    style: OrderStyle
    size_raw_1e9: int
    limit_raw_1e6: int
    reduce_only: bool
    expires_at_s: int
    trigger_raw_1e6: int = 0
    triggers_above: bool | None = None

    @property
    def size_base(self) -> float:
        return self.size_raw_1e9 / BASE_UNITS

    @property
    def signed_base(self) -> float:
        return self.size_base if self.side is Side.BUY else -self.size_base

    @property
    def limit_usd(self) -> float:
        return self.limit_raw_1e6 / PRICE_UNITS

    @property
    def trigger_usd(self) -> float:
        return self.trigger_raw_1e6 / PRICE_UNITS

    @property
    def notional_usd(self) -> float:
        """At the worst price it may pay, or at its trigger where it has no limit."""
        return self.size_base * (self.limit_usd or self.trigger_usd)


def digest_of(terms: Sequence[OrderTerms], cancels: Sequence[int] = ()) -> str:
    """Names exactly these orders in exactly this order, and the orders to be cancelled before."""
    text = "\n".join(repr(one) for one in terms) + f"\ncancels {sorted(cancels)}"
    return hashlib.sha256(text.encode()).hexdigest()


class ConsentKind(StrEnum):
    """What an order goes out on: a press for it, a press for orders of its kind, or a halt, which only cancels."""

    CONFIRMED = "confirmed"
    STANDING = "standing"
    HALT = "halt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Somebody's recorded yes to exactly these orders. Made by storage from the row of an approval, by nobody else.

    Attributes:
        reference: Id of the proposal, or of the halt.
        given_by: Ids of the persons; of whoever gave the standing approval.
        digests: Of the batches it covers.
        holds_until: No batch is signed later.
    """

    kind: ConsentKind
    reference: str
    revision: int
    given_by: tuple[str, ...]
    digests: frozenset[str]
    holds_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBatch:
    """What goes out together: cancellations first, then orders. One transaction.

    Attributes:
        cancels: Ids of resting orders of the account.
        leg: Which part of what was agreed to; with the consent's reference it names what may be signed once.
    """

    account_id: str
    consent: Consent
    terms: tuple[OrderTerms, ...] = ()
    cancels: tuple[int, ...] = ()
    leg: int = 0

    def __post_init__(self) -> None:
        """Raises: NotConsented for anything but what somebody agreed to."""
        if not self.terms and not self.cancels:
            raise NotConsented("an empty batch cannot be sent; name an order or a cancellation")
        if any(one.account_id != self.account_id for one in self.terms):
            raise NotConsented("an order of another account is in the batch; send one batch for each account")
        if self.consent.kind is ConsentKind.HALT:
            if self.terms:
                raise NotConsented("a halt only cancels; an order needs a confirmation of its own")
            return
        if self.digest not in self.consent.digests:
            raise NotConsented("nobody agreed to exactly these orders; propose them and have them confirmed")

    @property
    def digest(self) -> str:
        return digest_of(self.terms, self.cancels)


class NotConsented(Exception):
    """An order that nobody agreed to was about to be made. A defect of whoever made it; nothing goes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Bytes that may be sent, any number of times, with one effect. Stored before they are.

    Attributes:
        signature: Names them at the venue.
        last_valid_height: Block height after which they can no longer land.
        mark: How the account stood before, in the gateway's own words; it reads them again to tell what was filled.
    """

    signature: str
    raw: bytes
    last_valid_height: int
    mark: str = ""


class FateKind(StrEnum):
    """What became of bytes that were sent. GONE: the last valid height has passed and nobody knows the signature; with
    a reason they may have landed all the same, and nothing is signed in their place."""

    PENDING = "pending"
    LANDED = "landed"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """See FateKind. ``reason`` is a sentence for FAILED, and for GONE in doubt; ``slot`` is where it landed."""

    kind: FateKind
    reason: str = ""
    slot: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedOrder:
    """How one order of a landed batch stands, re-read at the venue.

    Attributes:
        order_id: The venue's; None where it never rested and the venue does not say.
        filled_raw_1e9: So far, unsigned.
        quote_raw_1e6: Paid or received for it, unsigned, without fees; None where the venue does not say.
        fee_raw_1e6: > 0 paid; None where the venue does not say.
        open: Whether the rest can still be filled.
        reason: Why nothing more will be filled, where something is left; also what is to be known of a fill that was
            told from the position alone.
    """

    order_id: int | None
    filled_raw_1e9: int
    open: bool
    quote_raw_1e6: int | None = None
    fee_raw_1e6: int | None = None
    reason: str = ""

    @property
    def average_usd(self) -> float | None:
        if not self.filled_raw_1e9 or self.quote_raw_1e6 is None:
            return None
        return self.quote_raw_1e6 / PRICE_UNITS / (self.filled_raw_1e9 / BASE_UNITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthLevel:
    """So much can be traded at a price."""

    price_usd: float
    size_base: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDepth:
    """What a market offers now, and what it asks of an order.

    Attributes:
        bids: Best first: what can be sold into. Empty where the market has no book and no curve.
        asks: Best first: what can be bought from.
        taker_fee_frac: Of the notional; the account's own where the venue says it.
        funding_hourly_frac: Of the notional, > 0 when longs pay.
        step_raw_1e9: Sizes are multiples of it.
        tick_raw_1e6: Prices are multiples of it.
        minimum_raw_1e9: Smallest size that is taken.
        status: What the market allows; the exchange's own pause is MarketStatus.FILL_PAUSED here.
        source: What the levels are: "order book", "venue curve".
        problem: Why no price here may be traded on, such as a stale oracle; empty for none.
    """

    market: str
    market_index: int
    oracle_usd: float
    bids: tuple[DepthLevel, ...]
    asks: tuple[DepthLevel, ...]
    taker_fee_frac: float
    maker_fee_frac: float
    funding_hourly_frac: float
    step_raw_1e9: int
    tick_raw_1e6: int
    minimum_raw_1e9: int
    status: MarketStatus
    source: str
    slot: int
    observed_at: datetime
    problem: str = ""

    def side(self, side: Side) -> tuple[DepthLevel, ...]:
        """What an order of a side takes from."""
        return self.asks if side is Side.BUY else self.bids


class TradingState(StrEnum):
    """What may go out: everything approved, only what reduces, or nothing at all."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"

    @classmethod
    def of(cls, text: str) -> Self:
        return cls(text)
