"""The paper venue: an exchange in memory with simulated or scripted prices and the margin rules of the real one."""

from risk.ports import AccountReader, Clock
from venues.errors import VenueRejected
from venues.paper.demo import demo_venue
from venues.paper.diffusion import AssetDynamics, JumpDiffusion
from venues.paper.exchange import PaperExchange
from venues.paper.gateway import PaperGateway
from venues.paper.past import PaperPast
from venues.paper.prices import Interpolation, PricePath, ScriptedPrices
from venues.paper.settings import PaperSettings
from venues.paper.simulated import simulated_venue
from venues.paper.venue import PaperVenue, account_of
from venues.signing import OrderSigner

__all__ = [
    "AssetDynamics",
    "Interpolation",
    "JumpDiffusion",
    "PaperExchange",
    "PaperGateway",
    "PaperPast",
    "PaperSettings",
    "PaperVenue",
    "PricePath",
    "ScriptedPrices",
    "account_id",
    "connect",
    "connect_orders",
    "demo_venue",
]


def connect(settings: PaperSettings, *, clock: Clock) -> PaperVenue:
    """A venue with one leveraged account in a simulated market that starts now."""
    return simulated_venue(clock, seed=settings.seed)


def connect_orders(
    settings: PaperSettings, *, reader: AccountReader, clock: Clock, signer: OrderSigner | None = None
) -> PaperGateway:
    """Orders for the exchange that a reader reads; with a signer, only what that one has signed.

    Raises: VenueRejected for the reader of another venue.
    """
    del settings
    if not isinstance(reader, PaperVenue):
        raise VenueRejected("orders on paper go to the exchange that is read; connect to the paper venue itself")
    return PaperGateway(reader, clock=clock, signer=signer)


def account_id(reference: str, *, venue: str) -> str:
    """The id of an account by an id or ``AUTHORITY:SUB``. Raises: VenueRejected."""
    return account_of(reference)
