"""What holds at the exchange besides prices: which markets trade, how much they offer, and whether keepers work."""

from dataclasses import dataclass, field

from risk.model.market import MarketStatus
from venues.errors import VenueRejected
from venues.paper.markets import PerpListing

KEEPER_DELAY_S = 2
CLOSED = {
    MarketStatus.INITIALIZED: "is not open yet",
    MarketStatus.FILL_PAUSED: "is paused",
    MarketStatus.SETTLEMENT: "is being settled",
    MarketStatus.DELISTED: "is delisted",
}


@dataclass(slots=True, kw_only=True)
class Conditions:
    """Changed on demand, by faults alone.

    Attributes:
        keeper_delay_s: From the second a trigger's price is crossed to the second a keeper executes the order.
        keepers_work: False while nobody triggers or executes anything.
        statuses: Of markets whose status is not the listed one, by market index.
        bookless: Markets, by index, that offer nothing at all.
        offered_frac: Of what the markets usually offer.
    """

    keeper_delay_s: int = KEEPER_DELAY_S
    keepers_work: bool = True
    statuses: dict[int, MarketStatus] = field(default_factory=dict)
    bookless: set[int] = field(default_factory=set)
    offered_frac: float = 1.0
    usual_keeper_delay_s: int = field(init=False)

    def __post_init__(self) -> None:
        self.usual_keeper_delay_s = self.keeper_delay_s

    def clear(self) -> None:
        """As it was made."""
        self.keeper_delay_s, self.keepers_work, self.offered_frac = self.usual_keeper_delay_s, True, 1.0
        self.statuses.clear()
        self.bookless.clear()

    def status(self, listing: PerpListing) -> MarketStatus:
        return self.statuses.get(listing.terms.market_index, listing.terms.status)

    def fills(self, listing: PerpListing) -> bool:
        """Whether orders in a market are filled at all."""
        return self.status(listing) not in CLOSED and listing.terms.market_index not in self.bookless

    def is_reduce_only(self, listing: PerpListing) -> bool:
        return self.status(listing) is MarketStatus.REDUCE_ONLY

    def require_open(self, listing: PerpListing, *, reduce_only: bool) -> None:
        """Raises: VenueRejected for an order that the status of its market does not allow."""
        name, status = listing.terms.name, self.status(listing)
        if status in CLOSED:
            raise VenueRejected(f"{name} {CLOSED[status]} and takes no orders; cancel there, and trade another market")
        if status is MarketStatus.REDUCE_ONLY and not reduce_only:
            raise VenueRejected(f"{name} takes only orders that reduce a position; mark the order reduce-only")
