"""What is asked of the signer and what it answers, as values. Shared with the process that asks; standard library only.

Whole numbers throughout: sizes count 1e-9 of the base asset, prices and dollars 1e-6 USD. Keys and hashes are base58.
"""

from dataclasses import dataclass
from enum import StrEnum


class SigningVenue(StrEnum):
    """What the message is for: a transaction of the venue's program, or paper, which can never be a transaction."""

    DRIFT = "drift"
    PAPER = "paper"


class IntentSide(StrEnum):
    BUY = "buy"
    SELL = "sell"


class IntentStyle(StrEnum):
    """How an order is worked; as risk.model.trading.OrderStyle, which this package does not import."""

    IOC = "ioc"
    LIMIT = "limit"
    POST_ONLY = "post_only"
    TRIGGER_MARKET = "trigger_market"
    TRIGGER_LIMIT = "trigger_limit"

    @property
    def is_trigger(self) -> bool:
        return self in (IntentStyle.TRIGGER_MARKET, IntentStyle.TRIGGER_LIMIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """One order.

    Attributes:
        limit_raw_1e6: Worst price; 0 for TRIGGER_MARKET alone.
        expires_at_s: Unix second from which it can no longer be filled; 0 for none, which only triggers may have.
        trigger_raw_1e6: 0 for an order without a trigger.
        triggers_above: None without a trigger.
    """

    market_index: int
    side: IntentSide
    style: IntentStyle
    size_raw_1e9: int
    limit_raw_1e6: int
    reduce_only: bool
    expires_at_s: int
    trigger_raw_1e6: int = 0
    triggers_above: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyIntent:
    """A resting order that becomes this one. Everything of it is stated; nothing of the old one stays unsaid."""

    order_id: int
    order: OrderIntent


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What a transaction needs besides its orders.

    Attributes:
        blockhash: Recent. It cannot be told from a durable nonce by itself, so the grammar knows no nonce calls.
        unit_price_micro: Micro-lamports for a compute unit.
        remaining: Read-only accounts that follow a call's own, in order. The taken market's account among them is
            writable in the call that takes from it.
    """

    blockhash: str
    unit_limit: int
    unit_price_micro: int
    remaining: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where the asker's audit stood: the signer writes it down, so that a cut end of the audit shows."""

    rows: int
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One transaction, as it is wanted: what was agreed on, and the bytes that are to be it.

    Attributes:
        account: The venue's address of the account; on paper its name.
        authority: Owner of the account; empty on paper.
        epoch: Of the process that asks; higher than that of every process before.
        proposal: Id of what was agreed on; a leg of it is signed once.
        cancels: Ids of resting orders; cancelled before anything is placed.
        chain: None on paper alone.
        height: The chain's when the blockhash was read, as the node said; on paper the slot.
        valid_until: Last height at which the message can take effect: the chain's, or the paper venue's slot.
        message: Compared byte for byte with what the signer makes of all the rest.
    """

    venue: SigningVenue
    account: str
    authority: str
    sub_account: int
    epoch: int
    proposal: str
    revision: int
    leg: int
    orders: tuple[OrderIntent, ...]
    cancels: tuple[int, ...]
    modifies: tuple[ModifyIntent, ...]
    chain: Chain | None
    height: int
    valid_until: int
    anchor: Anchor | None
    message: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AskIdentity:
    """Who are you, what may you sign?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enter:
    """From now on this process asks; lower epochs are refused for ever."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Sign this."""

    intent: Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketCap:
    """Caps of one market; ``used_raw_1e9`` counts since midnight UTC."""

    index: int
    name: str
    max_order_raw_1e9: int
    daily_raw_1e9: int
    used_raw_1e9: int
    price_from_raw_1e6: int
    price_to_raw_1e6: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who signs, and within what. No part of it is secret.

    Attributes:
        accounts: Addresses it signs for; on paper their names.
        stops_without_limit: Whether orders that sell or buy at whatever price, once triggered, are signed.
        order_lasts_at_most_s: From now to the last second of an order without a trigger.
        cancels_left: Of today; orders that are changed count too.
        signatures_left: Of today.
        locked: Why nothing is signed until an operator unlocks it; empty for not locked.
        journal_id: Drawn when its journal was begun: another one is another journal.
        journal_rows: Of its own journal, whose last line's seal is ``journal_head``.
    """

    public_key: str
    venue: SigningVenue
    accounts: tuple[str, ...]
    markets: tuple[MarketCap, ...]
    reduce_only: bool
    stops_without_limit: bool
    max_order_raw_1e6: int
    daily_raw_1e6: int
    used_raw_1e6: int
    order_lasts_at_most_s: int
    cancels_left: int
    signatures_left: int
    epoch: int
    locked: str
    journal_id: str
    journal_rows: int
    journal_head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A signature of the message that was asked for. ``again`` where it had been given before."""

    signature: bytes
    again: bool


class RefusalCode(StrEnum):
    """Why not; the sentence beside it says it for people.

    MALFORMED and everything to GRAMMAR are of the ask; CAP is within the operator's file; FENCED is a lower epoch;
    TWICE a leg that may still land; LOCKED until somebody unlocks; BROKEN that the signer cannot keep its journal.
    """

    MALFORMED = "malformed"
    STRANGER = "stranger"
    GRAMMAR = "grammar"
    CAP = "cap"
    FENCED = "fenced"
    TWICE = "twice"
    LOCKED = "locked"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    code: RefusalCode
    why: str


Ask = AskIdentity | Enter | Sign
Answer = Identity | Given | Refusal
