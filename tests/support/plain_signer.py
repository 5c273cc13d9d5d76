"""A signer without rules, in this very process: the key of a test wallet, and a record of what it was asked."""

from dataclasses import dataclass, field

from bot.signer.intent import SigningVenue
from bot.trading.signer_intents import intent_of
from tests.support import addresses
from venues.errors import VenueError
from venues.signing import SignedMessage, SigningRequest


@dataclass(slots=True)
class PlainSigner:
    """Implements venues.signing.OrderSigner.

    Attributes:
        name: Of the wallet.
        refusal: Raised at the next request, once.
    """

    name: str = "ann's bot"
    asked: list[SigningRequest] = field(default_factory=list)
    refusal: VenueError | None = None

    async def public_key(self) -> str:
        return addresses.address(self.name)

    async def sign(self, request: SigningRequest) -> SignedMessage:
        self.asked.append(request)
        if (refusal := self.refusal) is not None:
            self.refusal = None
            raise refusal
        message = request.message
        if message is None:
            message = intent_of(request, venue=SigningVenue.PAPER, epoch=1, anchor=None).message
        return SignedMessage(message=message, signature=bytes(addresses.keypair(self.name).sign_message(message)))
