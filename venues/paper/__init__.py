"""The paper venue: an exchange in memory with simulated or scripted prices and the margin rules of the real one."""

from risk.ports import Clock
from venues.paper.demo import demo_venue
from venues.paper.diffusion import AssetDynamics, JumpDiffusion
from venues.paper.exchange import PaperExchange
from venues.paper.past import PaperPast
from venues.paper.prices import Interpolation, PricePath, ScriptedPrices
from venues.paper.settings import PaperSettings
from venues.paper.simulated import simulated_venue
from venues.paper.venue import PaperVenue, account_of

__all__ = [
    "AssetDynamics",
    "Interpolation",
    "JumpDiffusion",
    "PaperExchange",
    "PaperPast",
    "PaperSettings",
    "PaperVenue",
    "PricePath",
    "ScriptedPrices",
    "account_id",
    "connect",
    "demo_venue",
]


def connect(settings: PaperSettings, *, clock: Clock) -> PaperVenue:
    """A venue with one leveraged account in a simulated market that starts now."""
    return simulated_venue(clock, seed=settings.seed)


def account_id(reference: str, *, venue: str) -> str:
    """The id of an account by an id or ``AUTHORITY:SUB``. Raises: VenueRejected."""
    return account_of(reference)
