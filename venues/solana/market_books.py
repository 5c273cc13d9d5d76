"""One account with markets in which it has nothing yet: what a trade in a new market is tried on."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from solders.pubkey import Pubkey

from risk.margin.book import FleetBook
from risk.ports import Clock
from venues.errors import VenueRejected
from venues.solana.accounts import Fetched
from venues.solana.addresses import parse_key, state_address
from venues.solana.client import ClientManager
from venues.solana.decode_book import build_book
from venues.solana.decode_markets import decode_state
from venues.solana.decode_users import Users, gather, read_users
from venues.solana.market_directory import MarketDirectory
from venues.solana.profiles import Profile
from venues.solana.reading import Reader


@dataclass(frozen=True, slots=True, eq=False)
class _Wider:
    """An account that is read as if it were in further perp markets."""

    users: Users
    more: frozenset[int]

    @property
    def perp_indexes(self) -> AbstractSet[int]:
        return self.users.perp_indexes | self.more

    @property
    def spot_indexes(self) -> AbstractSet[int]:
        return self.users.spot_indexes


class MarketBooks:
    """Implements risk.trade_ports.MarketBooks."""

    def __init__(self, profile: Profile, client: ClientManager, reader: Reader, *, clock: Clock) -> None:
        self._profile, self._client, self._reader, self._clock = profile, client, reader, clock
        self._directory = MarketDirectory(profile, client)
        self._indexes: dict[str, int] = {}
        self._extra: dict[str, frozenset[Pubkey]] = {}

    async def perp_markets(self) -> tuple[str, ...]:
        """By index; one that cannot be read has an empty name."""
        return tuple((await self._by_index()).values())

    async def indexes(self, markets: Sequence[str]) -> dict[str, int]:
        """Index of each market by name. Raises: VenueRejected for one the venue does not have."""
        # A market keeps its name and its index for life: asking again would cost a round trip at every press.
        if not set(markets) <= self._indexes.keys():
            self._indexes = {name: index for index, name in (await self._by_index()).items() if name}
        for market in markets:
            if market not in self._indexes:
                raise VenueRejected(f"there is no perp market {market} here; choose one of {', '.join(self._indexes)}")
        return {market: self._indexes[market] for market in markets}

    async def read_with(self, account_id: str, markets: Sequence[str]) -> FleetBook:
        more = frozenset((await self.indexes(markets)).values()) if markets else frozenset()
        key = parse_key(account_id)

        def decode(fetched: Fetched) -> _Wider:
            users = read_users(
                self._profile, gather(self._profile, [key], [fetched.accounts.get(key)]), with_orders=True
            )
            if users.refused:
                raise users.refused[0]
            return _Wider(users, more)

        # What it took last time is asked for at once; finding it out anew would take two answers more.
        reading = await self._reader.read([key], self._extra.get(account_id, ()), decode)
        self._extra[account_id] = reading.extra
        return build_book(self._profile, reading.users.users, reading.markets, observed_at=self._clock.now())

    async def _by_index(self) -> dict[int, str]:
        state = state_address(self._profile)
        fetched = await self._client.accounts([state])
        count = decode_state(self._profile, fetched.accounts.get(state)).perp_count
        names = await self._directory.names(range(count), ())
        return {index: names.perps.get(index, "") for index in range(count)}
