"""One reading: accounts, the markets they are in and the feeds of those, all asked for at once.

Which keys that takes is only known from an earlier answer: accounts name markets, markets name feeds. So the first
reading takes a few rounds, every later one asks for all keys at once, and a new position adds a round.
"""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from solders.pubkey import Pubkey

from venues.errors import VenueUnavailable
from venues.solana.accounts import Fetched, RawAccount
from venues.solana.addresses import perp_market_address, spot_market_address, state_address
from venues.solana.client import ClientManager
from venues.solana.decode_markets import Markets, decode_markets
from venues.solana.profiles import Profile

_ROUNDS = 6
_QUOTE_MARKET = frozenset({0})


class Touching(Protocol):
    """What has positions in markets."""

    @property
    def perp_indexes(self) -> AbstractSet[int]: ...

    @property
    def spot_indexes(self) -> AbstractSet[int]: ...


T = TypeVar("T", bound=Touching)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Markets that are known to be touched."""

    perp_indexes: frozenset[int]
    spot_indexes: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False)
class Reading(Generic[T]):
    """A complete one. ``extra`` are the keys beside the accounts' own that it took; hand them to the next."""

    fetched: Fetched
    users: T
    markets: Markets
    extra: frozenset[Pubkey]


@dataclass(frozen=True, slots=True, eq=False)
class _Decoded:
    """Markets, with all they were decoded from."""

    slot: int
    perps: frozenset[int]
    spots: frozenset[int]
    accounts: dict[Pubkey, RawAccount | None]
    markets: Markets


class Reader:
    """Completes readings."""

    def __init__(self, profile: Profile, client: ClientManager) -> None:
        self._profile, self._client = profile, client
        self._decoded: _Decoded | None = None

    async def read(self, keys: Sequence[Pubkey], extra: Iterable[Pubkey], decode: Callable[[Fetched], T]) -> Reading[T]:
        """Ask until nothing is missing.

        Args:
            keys: The accounts themselves.
            extra: What they were known to need before.
            decode: Reads the accounts; called again for every round.

        Raises: VenueUnavailable, VenueRejected, and whatever ``decode`` raises.
        """
        asked = self._market_keys(frozenset(), _QUOTE_MARKET) | frozenset(extra)
        for _ in range(_ROUNDS):
            # A dict keeps the order and drops what would be asked for twice.
            request = dict.fromkeys([state_address(self._profile), *keys, *sorted(asked, key=bytes)])
            fetched = await self._client.accounts(list(request))
            users = decode(fetched)
            perps, spots = frozenset(users.perp_indexes), frozenset(users.spot_indexes) | _QUOTE_MARKET
            needed = self._market_keys(perps, spots)
            if needed <= asked:
                markets = self._markets(fetched, perps, spots)
                needed |= self._market_keys(frozenset(), markets.quote_indexes) | markets.feed_keys
                if needed <= asked:
                    return Reading(fetched, users, markets, needed)
            asked |= needed
        raise VenueUnavailable("the accounts enter new markets faster than these can be read; ask again")

    def _market_keys(self, perps: Iterable[int], spots: Iterable[int]) -> frozenset[Pubkey]:
        perp_keys = (perp_market_address(self._profile, index) for index in perps)
        return frozenset([*perp_keys, *(spot_market_address(self._profile, index) for index in spots)])

    def _markets(self, fetched: Fetched, perps: frozenset[int], spots: frozenset[int]) -> Markets:
        """Decoded markets; the same ones while slot and bytes are the same."""
        last = self._decoded
        if (
            last is not None
            and (last.slot, last.perps, last.spots) == (fetched.slot, perps, spots)
            and all(fetched.accounts.get(key) == account for key, account in last.accounts.items())
        ):
            return last.markets
        markets = decode_markets(self._profile, fetched, perps, spots)
        # Markets that settle in a market no account touches need that one too.
        if not markets.quote_indexes <= spots and self._market_keys((), markets.quote_indexes) <= fetched.asked:
            markets = decode_markets(self._profile, fetched, perps, spots | markets.quote_indexes)
        used = {state_address(self._profile)} | self._market_keys(perps, spots | markets.quote_indexes)
        accounts = {key: fetched.accounts.get(key) for key in used | markets.feed_keys}
        self._decoded = _Decoded(fetched.slot, perps, spots, accounts, markets)
        return markets
