"""Batches of orders on their way to the exchange, and what it says about those that came."""

from dataclasses import dataclass, field

from risk.model.trading import OrderTerms

LIFETIME_SLOTS = 150  # a minute, as long as a transaction of the real venue may land


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A batch as its bytes have it.

    Attributes:
        signature: Names the bytes.
        last_valid_slot: It cannot land later.
    """

    signature: str
    account_id: str
    cancels: tuple[int, ...]
    terms: tuple[OrderTerms, ...]
    last_valid_slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A batch that reaches the exchange at a second. ``failure`` is why it will land without effect; empty for none."""

    at_s: int
    delivery: Delivery
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A batch that was executed, or failed as a whole: then ``failure`` says why.

    Attributes:
        order_ids: One for each of its orders.
    """

    slot: int
    order_ids: tuple[int, ...] = ()
    failure: str = ""


@dataclass(slots=True, kw_only=True)
class Post:
    """What was handed over to the exchange.

    Attributes:
        prepared: How many batches were ever prepared; makes the bytes of each its own.
        landings: By signature.
        endings: By order id, why nothing more of an order will be filled.
    """

    prepared: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    landings: dict[str, Landing] = field(default_factory=dict)
    endings: dict[int, str] = field(default_factory=dict)
