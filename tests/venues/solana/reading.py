"""Worlds of the tests as the decoder sees them, without a network."""

from collections.abc import Sequence
from datetime import UTC, datetime

from solders.pubkey import Pubkey

from risk.margin.book import FleetBook
from tests.support.world import World
from venues.solana import profiles
from venues.solana.accounts import Fetched, RawAccount
from venues.solana.decode_book import build_book
from venues.solana.decode_markets import Markets, decode_markets
from venues.solana.decode_users import Users, gather, read_users
from venues.solana.profiles import Profile

DRIFT = profiles.load("drift")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def fetched_of(world: World) -> Fetched:
    """Every account of a world, as if read at once."""
    accounts = {
        Pubkey.from_string(key): RawAccount(bytes(Pubkey.from_string(account.owner)), account.data)
        for key, account in world.accounts.items()
    }
    return Fetched(asked=frozenset(accounts), accounts=accounts, slot=world.slot)


def users_of(
    fetched: Fetched, account_ids: Sequence[str], *, profile: Profile = DRIFT, with_orders: bool = True
) -> Users:
    keys = [Pubkey.from_string(account_id) for account_id in account_ids]
    raw = gather(profile, keys, [fetched.accounts.get(key) for key in keys])
    return read_users(profile, raw, with_orders=with_orders)


def markets_of(fetched: Fetched, users: Users, *, profile: Profile = DRIFT) -> Markets:
    """The markets the users touch, and those these settle in."""
    spots = users.spot_indexes | {0}
    markets = decode_markets(profile, fetched, users.perp_indexes, spots)
    return decode_markets(profile, fetched, users.perp_indexes, spots | markets.quote_indexes)


def book_of(world: World, account_ids: Sequence[str] | None = None, *, profile: Profile = DRIFT) -> FleetBook:
    """The book of some users of a world, or of all."""
    fetched = fetched_of(world)
    users = users_of(fetched, list(world.users) if account_ids is None else account_ids, profile=profile)
    return build_book(profile, users, markets_of(fetched, users, profile=profile), observed_at=NOON).checked()
