"""What a venue that takes orders asks of whoever holds the key. The key itself is in another process."""

from dataclasses import dataclass
from typing import Protocol

from risk.model.trading import OrderBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRequest:
    """One message, as a venue has made it, and all that it takes to make it again from the orders.

    Attributes:
        message: None on paper, where the message is all that is stated here and whoever asks the signer writes it.
        height: Lowest block height that any endpoint shows now; on paper the slot.
        valid_until: Last block height, or slot, at which the message can take effect.
        authority: Owner of the account; empty on paper, as everything below.
        remaining: Accounts that follow a call's own, in their order.
    """

    batch: OrderBatch
    message: bytes | None
    height: int
    valid_until: int
    authority: str = ""
    sub_account: int = 0
    blockhash: str = ""
    unit_limit: int = 0
    unit_price_micro: int = 0
    remaining: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedMessage:
    """The very bytes that were signed, and the signature of them."""

    message: bytes
    signature: bytes


class OrderSigner(Protocol):
    """A way to the key. It signs what its own rules allow; a venue has checked what it asks for before it asks."""

    async def public_key(self) -> str:
        """In base58. Raises: VenueUnavailable where the signer does not answer."""
        ...

    async def sign(self, request: SigningRequest) -> SignedMessage:
        """The same request again, after an answer that got lost, gives the same signature.

        Raises: VenueRejected where the signer refuses for good; VenueUnavailable where it does not answer, or asks to
            be asked again later.
        """
        ...
