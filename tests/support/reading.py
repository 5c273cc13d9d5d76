"""A world through the product's own decode, without a node in between."""

from collections.abc import Sequence
from datetime import UTC, datetime

from solders.pubkey import Pubkey

from risk.margin.book import FleetBook
from tests.support.addresses import key_bytes
from tests.support.world import World
from venues.solana import profiles
from venues.solana.accounts import Fetched, RawAccount
from venues.solana.decode_book import build_book
from venues.solana.decode_markets import decode_markets
from venues.solana.decode_users import gather, read_users

OBSERVED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def book_of(world: World, users: Sequence[str], *, profile_name: str = "drift", with_orders: bool = False) -> FleetBook:
    """The book of the given users with every market they touch and the quote market."""
    profile = profiles.load(profile_name)
    accounts = {
        Pubkey.from_string(key): RawAccount(owner=key_bytes(account.owner), data=account.data)
        for key, account in world.accounts.items()
    }
    keys = [Pubkey.from_string(key) for key in users]
    read = read_users(profile, gather(profile, keys, [accounts.get(key) for key in keys]), with_orders=with_orders)
    fetched = Fetched(accounts=accounts, asked=frozenset(accounts), slot=world.slot)
    perps, spots = sorted(read.perp_indexes), read.spot_indexes | {0}
    settled_in = decode_markets(profile, fetched, perps, sorted(spots)).quote_indexes
    markets = decode_markets(profile, fetched, perps, sorted(spots | settled_in))
    return build_book(profile, read, markets, observed_at=OBSERVED_AT)
