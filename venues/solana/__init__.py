"""Venues on Solana: accounts read over JSON-RPC, decoded by the layouts of a profile, checked before anything is said.

Needs the extra ``solana``, but only to connect: settings and this module import without it. A venue of this family is
one file in ``profiles/``.
"""

from risk.ports import AccountReader, Clock
from risk.trade_ports import OrderGateway
from venues.signing import OrderSigner
from venues.solana.settings import SolanaSettings

__all__ = ["SolanaSettings", "account_id", "connect", "connect_orders"]


def connect(settings: SolanaSettings, *, clock: Clock) -> AccountReader:
    """A reader for the profile the settings name. Nothing is asked before the first read.

    Raises: VenueRejected for a profile there is none of, ModuleNotFoundError without the extra.
    """
    from venues.solana import adapter  # the extra may be missing, and its import takes a while

    return adapter.connect(settings, clock=clock)


def connect_orders(
    settings: SolanaSettings, *, reader: AccountReader, clock: Clock, signer: OrderSigner | None = None
) -> OrderGateway:
    """Orders for the profile the settings name; it reads by connections of its own.

    Raises: VenueRejected, saying what is in the way; ModuleNotFoundError without the extra.
    """
    from venues.solana import gateway  # as above

    del reader
    return gateway.connect_orders(settings, clock=clock, signer=signer)


def account_id(reference: str, *, venue: str) -> str:
    """The address of an account by ``PUBKEY`` or ``AUTHORITY:SUB``. Raises: VenueRejected, ModuleNotFoundError."""
    from venues.solana import addresses, profiles  # likewise

    return str(addresses.address_of(profiles.load(venue), reference))
