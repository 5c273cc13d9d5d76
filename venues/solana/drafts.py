"""A transaction before it is signed: all of it but the compute units, which a simulation counts. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from risk.model.trading import OrderBatch
from venues.errors import VenueRejected
from venues.solana.budget import budget

_MOST_BYTES = 1_232  # of a transaction, as the network carries it
_KEY_BYTES = 32
_ACCOUNTS_OF_A_MARKET = 2  # its own and its oracle's


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is the same however many units it takes."""

    instructions: Sequence[Instruction]
    payer: Pubkey
    blockhash: Hash
    price_micro: int

    def message(self, units: int) -> Message:
        return Message.new_with_blockhash(
            [*budget(units, self.price_micro), *self.instructions], self.payer, self.blockhash
        )


def unsigned(message: Message) -> VersionedTransaction:
    """What a simulation takes."""
    return VersionedTransaction.populate(message, [Signature.default()])


def check_fits(message: Message, batch: OrderBatch) -> None:
    """Raises: VenueRejected for what is too long for one transaction, saying what would fit."""
    excess = len(bytes(unsigned(message))) - _MOST_BYTES
    if excess > 0:
        raise VenueRejected(_too_long(message, batch, excess))


def _too_long(message: Message, batch: OrderBatch, excess: int) -> str:
    if len(batch.terms) + len(batch.cancels) > 1:
        return "these orders do not fit into one transaction together; send fewer at once"
    calls = sum(bool(part.accounts) for part in message.instructions)
    named = len(message.account_keys)
    over = -(-excess // (_KEY_BYTES + calls))  # each is named once by its key, and by its number in every call
    return (
        f"the account is in too many markets for one transaction, which has to name all of them: that takes {named} "
        f"accounts, and {max(0, named - over)} fit; close what it has in {-(-over // _ACCOUNTS_OF_A_MARKET)} or more "
        "of its markets at the venue's own site, and ask again"
    )
