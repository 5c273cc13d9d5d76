"""What trading needs from the world. A gateway is a venue that takes orders; the trade desk is the one way to it."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from risk.margin.book import FleetBook
from risk.model.account import OpenOrder
from risk.model.hedge import FilledHedge
from risk.model.proposal import Proposal, Proposed, TradePlan
from risk.model.trading import Fate, MarketDepth, OrderBatch, PlacedOrder, Signed


class DepthSource(Protocol):
    """Who knows what markets offer now."""

    async def depth(self, account_id: str, markets: Sequence[str]) -> Mapping[str, MarketDepth]:
        """Of each market, in the account's own fees. One that has no book has no levels, and is there all the same.

        Raises: venues.errors.VenueUnavailable; VenueRejected for a market the venue does not have.
        """
        ...


@runtime_checkable
class MarketBooks(Protocol):
    """A reader that can bring along markets in which an account has nothing yet."""

    async def read_with(self, account_id: str, markets: Sequence[str]) -> FleetBook:
        """One account at one slot, its orders included, with these perp markets beside those it is in.

        Raises: venues.errors.VenueUnavailable; VenueRejected for a market the venue does not have, naming those it has.
        """
        ...

    async def perp_markets(self) -> tuple[str, ...]:
        """Names of all perp markets, by index. Raises: VenueUnavailable."""
        ...


class OrderGateway(DepthSource, Protocol):
    """A venue that takes orders. Only bot.trading holds one."""

    @property
    def name(self) -> str:
        """As it is shown to people: "paper", "Drift on loopback"."""
        ...

    async def prepare(self, batch: OrderBatch) -> Signed:
        """Build a batch, have the venue simulate it, and sign it. Nothing is sent.

        Raises: VenueRejected where the venue or the signer would refuse it, VenueUnavailable where nobody can say.
        """
        ...

    async def send(self, signed: Signed) -> None:
        """Hand the bytes over, to several endpoints where there are. The same bytes may be sent again at any time.

        Raises: VenueRejected where nobody took them and they will not land by this sending; OutcomeUnknown where they
            may have been taken; VenueUnavailable where they surely were not.
        """
        ...

    async def fate(self, signed: Signed) -> Fate:
        """What became of them. Raises: VenueUnavailable where nobody can say now."""
        ...

    async def placed(self, signed: Signed, batch: OrderBatch) -> tuple[PlacedOrder, ...]:
        """How the orders of a landed batch stand now, one for each of its terms, read from the venue.

        Raises: VenueUnavailable.
        """
        ...

    async def open_orders(self, account_id: str) -> tuple[OpenOrder, ...]:
        """Everything that rests for an account, whoever placed it. Raises: VenueUnavailable."""
        ...

    async def position_raw_1e9(self, account_id: str, market: str) -> int:
        """Signed size held now, as the venue keeps it. Raises: VenueUnavailable, VenueRejected."""
        ...

    async def close(self) -> None:
        """End its connections; a second time is fine."""
        ...


class TradeDesk(Protocol):
    """Where plans become proposals. Nothing leaves it that nobody agreed to."""

    async def propose(self, plan: TradePlan) -> Proposed:
        """Quote, check and store a plan, and ask people for it. Returns at once; fills arrive as events.

        Raises: CannotAssess where the account's data allows no statement, ReadFailed.
        """
        ...

    async def proposal(self, proposal_id: str) -> Proposal | None:
        """As it stands now."""
        ...


class HedgeLog(Protocol):
    """Who remembers what was hedged."""

    async def hedges(self, account_id: str) -> Sequence[FilledHedge]:
        """Trades of hedges that were filled, oldest first."""
        ...
