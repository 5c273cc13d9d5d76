"""Made-up accounts to measure with, the same in every run, as bytes and as the product decodes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from solders.pubkey import Pubkey

from risk.margin.book import FleetBook
from tests.support.addresses import key_bytes
from tests.support.random_users import UserGenerator
from tests.support.world import World
from tests.support.world_builder import WorldBuilder
from venues.solana import profiles
from venues.solana.accounts import Fetched, RawAccount
from venues.solana.decode_book import build_book
from venues.solana.decode_markets import Markets, decode_markets
from venues.solana.decode_users import gather, read_users
from venues.solana.profiles import Profile

_OBSERVED_AT = datetime(2026, 1, 1, tzinfo=UTC)
_SEED = 1
CROWD = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Some users of a world. Everything here is ready before anything is timed."""

    world: World
    users: tuple[str, ...]
    profile: Profile
    keys: Sequence[Pubkey]
    raw: Sequence[RawAccount]
    markets: Markets
    book: FleetBook

    def decoded(self, *, address_checks: int | None = None) -> FleetBook:
        """The accounts from their bytes, as the product reads them; markets and prices are known already."""
        raw = gather(self.profile, self.keys, self.raw)
        users = read_users(self.profile, raw, with_orders=False, address_checks=address_checks)
        return build_book(self.profile, users, self.markets, observed_at=_OBSERVED_AT)


def trader() -> Sample:
    """Three perps, one with a resting order, three balances, one of them a borrow: no rule that driftpy leaves out."""
    builder = WorldBuilder()
    return _sample(builder, [_add_trader(builder, "trader", Decimal(1))])


def one_market() -> Sample:
    """One perp on quote collateral: the case that has a closed form."""
    builder = WorldBuilder()
    spots, perps = [builder.deposit("USDC", "2000")], [builder.position("SOL-PERP", "40", entry_usd="140")]
    return _sample(builder, [builder.add_user("one market", spots=spots, perps=perps)])


def hundred() -> Sample:
    """A hundred traders of different size."""
    builder = WorldBuilder()
    return _sample(builder, [_add_trader(builder, f"trader {n}", 1 + Decimal(n) / 50) for n in range(100)])


@cache
def thousand() -> Sample:
    """1,000 seeded random users, as crowd(): as many as one bot watches."""
    builder = WorldBuilder()
    return _sample(builder, UserGenerator(builder, seed=_SEED).add(1_000))


@cache
def crowd() -> Sample:
    """10,000 seeded random users, from dust to millions, in every corner the margin rules have."""
    builder = WorldBuilder()
    return _sample(builder, UserGenerator(builder, seed=_SEED).add(CROWD))


def _add_trader(builder: WorldBuilder, owner: str, size: Decimal) -> str:
    return builder.add_user(
        owner,
        spots=[
            builder.deposit("USDC", 2000 * size),
            builder.deposit("SOL", 20 * size),
            builder.borrow("wETH", Decimal("0.2") * size),
        ],
        perps=[
            builder.position("SOL-PERP", 40 * size, entry_usd="140"),
            builder.position("BTC-PERP", Decimal("-0.05") * size, entry_usd="101000"),
            builder.position("ETH-PERP", size, entry_usd="3300", open_bids_1e9=10**9, open_orders=1),
        ],
    )


def _sample(builder: WorldBuilder, users: Sequence[str]) -> Sample:
    world, profile = builder.build(), profiles.load("drift")
    accounts = {
        Pubkey.from_string(key): RawAccount(owner=key_bytes(account.owner), data=account.data)
        for key, account in world.accounts.items()
    }
    keys = [Pubkey.from_string(user) for user in users]
    raw = [accounts[key] for key in keys]
    fetched = Fetched(accounts=accounts, asked=frozenset(accounts), slot=world.slot)
    decoded = read_users(profile, gather(profile, keys, raw), with_orders=False)
    # The markets these accounts touch, and those in which they settle, as a reading asks for them.
    spots = decoded.spot_indexes | {0}
    settled_in = decode_markets(profile, fetched, decoded.perp_indexes, spots).quote_indexes
    markets = decode_markets(profile, fetched, decoded.perp_indexes, spots | settled_in)
    book = build_book(profile, decoded, markets, observed_at=_OBSERVED_AT)
    return Sample(
        world=world, users=tuple(users), profile=profile, keys=keys, raw=raw, markets=markets, book=book
    )  # fmt: skip
