"""Names and decimals of markets, read once: neither changes over the life of a market."""

from collections.abc import Iterable

from venues.solana.addresses import perp_market_address, spot_market_address
from venues.solana.client import ClientManager
from venues.solana.market_names import MarketNames, TokenFacts
from venues.solana.market_records import find_perps, find_spots
from venues.solana.profiles import Profile


class MarketDirectory:
    """Looks markets up by number."""

    def __init__(self, profile: Profile, client: ClientManager) -> None:
        self._profile, self._client = profile, client
        self._perps: dict[int, str] = {}
        self._spots: dict[int, TokenFacts] = {}

    async def names(self, perps: Iterable[int], spots: Iterable[int]) -> MarketNames:
        """At least these markets, as far as they exist. Raises: VenueUnavailable, VenueRejected."""
        new_perps = sorted(set(perps) - self._perps.keys())
        new_spots = sorted(set(spots) - self._spots.keys())
        if new_perps or new_spots:
            await self._learn(new_perps, new_spots)
        return MarketNames(perps=self._perps, spots=self._spots)

    async def _learn(self, perps: list[int], spots: list[int]) -> None:
        keys = [perp_market_address(self._profile, index) for index in perps]
        keys += [spot_market_address(self._profile, index) for index in spots]
        fetched = await self._client.accounts(keys)
        found = find_perps(self._profile, fetched, perps)
        self._perps.update(zip(found.integers("market_index").tolist(), found.names, strict=True))
        tokens = find_spots(self._profile, fetched, spots)
        facts = zip(
            tokens.integers("market_index").tolist(), tokens.names, tokens.integers("decimals").tolist(), strict=True
        )
        self._spots.update({index: TokenFacts(name=name, decimals=decimals) for index, name, decimals in facts})
