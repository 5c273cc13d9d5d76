"""The successor of a venue is a new profile: the same book from bytes laid out, numbered and owned differently."""

from dataclasses import replace

import numpy as np
import pytest
from solders.pubkey import Pubkey

from tests.support import addresses
from tests.support.world import World
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.reading import DRIFT, NOON, fetched_of, markets_of, users_of
from tests.venues.solana.successor import LONGER, PROGRAM, STATUSES, SUCCESSOR, translated
from venues.errors import BadAccountData
from venues.solana import addresses as derived
from venues.solana.accounts import Fetched, RawAccount
from venues.solana.decode_book import build_book
from venues.solana.profiles import Layout, Profile

PERPS, SPOTS = ("SOL-PERP", "GONE-PERP"), ("USDC", "SOL", "wETH")


def _builder() -> tuple[WorldBuilder, list[str]]:
    builder = WorldBuilder()
    first = builder.add_user(
        "ann",
        spots=[builder.deposit("USDC", "1000"), builder.borrow("SOL", "2")],
        perps=[builder.position("SOL-PERP", "5", isolated_usdc="100"), builder.position("GONE-PERP", "-3")],
    )
    second = builder.add_user("ann", sub_account_id=1, spots=[builder.deposit("wETH", "0.5")])
    return builder, [first, second]


def _only(layout: Layout) -> np.dtype[np.void]:
    return next(iter(layout.revisions.values()))


def _successor_accounts(builder: WorldBuilder, world: World, users: list[str]) -> tuple[Fetched, list[str]]:
    """The same accounts as the successor stores them: the second user is of the longer revision."""
    old = fetched_of(world).accounts
    owner, out = bytes(Pubkey.from_string(PROGRAM)), {}
    for key, account in old.items():
        if account.owner == addresses.key_bytes(addresses.DRIFT_PROGRAM) and len(account.data) == 48:
            out[key] = replace(account, owner=owner)  # Lazer feeds belong to the venue itself
        else:
            out[key] = account
    short, long = SUCCESSOR.user.revisions.values()
    state = old[derived.state_address(DRIFT)]
    fields = _only(SUCCESSOR.state)
    out[derived.state_address(SUCCESSOR)] = RawAccount(owner, translated(state.data, _only(DRIFT.state), fields))
    for name in PERPS:
        spec = builder.catalogue.perp(name)
        raw = old[derived.perp_market_address(DRIFT, spec.index)].data
        key = derived.perp_market_address(SUCCESSOR, spec.index)
        status = STATUSES.index(DRIFT.market_statuses[int(spec.status)])
        new = translated(raw, _only(DRIFT.perp_market), _only(SUCCESSOR.perp_market), status=status)
        out[key] = RawAccount(owner, _named(new, SUCCESSOR.perp_market, key) + bytes(LONGER))
    for name in SPOTS:
        spot = builder.catalogue.spot(name)
        raw = old[derived.spot_market_address(DRIFT, spot.index)].data
        key = derived.spot_market_address(SUCCESSOR, spot.index)
        new = translated(raw, _only(DRIFT.spot_market), _only(SUCCESSOR.spot_market))
        out[key] = RawAccount(owner, _named(new, SUCCESSOR.spot_market, key))
    ids = []
    for number, (user, fields) in enumerate(zip(users, (short, long), strict=True)):
        raw = old[Pubkey.from_string(user)].data
        key = derived.user_address(SUCCESSOR, addresses.key_bytes(addresses.address("ann")), number)
        out[key] = RawAccount(owner, translated(raw, _only(DRIFT.user), fields))
        ids.append(str(key))
    return Fetched(asked=frozenset(out), accounts=out, slot=world.slot), ids


def _named(raw: bytes, layout: Layout, key: Pubkey) -> bytes:
    record = np.frombuffer(bytearray(raw), _only(layout), 1)
    record["pubkey"] = np.frombuffer(bytes(key), np.uint8)
    return raw[:8] + record.tobytes()[8:]


def test_a_successors_accounts_give_the_same_book() -> None:
    builder, users = _builder()
    world = builder.build()
    fetched, ids = _successor_accounts(builder, world, users)

    def book_of(profile: Profile, source: Fetched, account_ids: list[str]) -> tuple[object, ...]:
        found = users_of(source, account_ids, profile=profile)
        book = build_book(profile, found, markets_of(source, found, profile=profile), observed_at=NOON).checked()
        assert book.accounts.problems == {}
        return (
            book.perps.base_1e9.tolist(),
            book.perps.isolated_tokens_raw.tolist(),
            book.perps.funding_1e6.tolist(),
            book.perps.account.tolist(),
            book.spots.tokens_raw.tolist(),
            book.spots.account.tolist(),
            book.perp_markets.status.tolist(),
            book.perp_markets.initial_1e4.tolist(),
            book.perp_markets.names,
            book.oracles.price_1e6.tolist(),
            list(book.accounts.authorities),
            book.accounts.sub_account.tolist(),
            book.slot,
        )

    assert book_of(SUCCESSOR, fetched, ids) == book_of(DRIFT, fetched_of(world), users)


def test_what_the_successor_does_not_have_reads_as_none() -> None:
    builder, users = _builder()
    fetched, ids = _successor_accounts(builder, builder.build(), users)
    found = users_of(fetched, ids, profile=SUCCESSOR)
    markets = markets_of(fetched, found, profile=SUCCESSOR)
    assert markets.perps.high_leverage_initial_1e4.tolist() == [0, 0]
    book = build_book(SUCCESSOR, found, markets, observed_at=NOON)
    assert book.accounts.margin_mode.tolist() == [0, 0]


def test_one_venues_accounts_are_refused_under_the_others_profile() -> None:
    builder, users = _builder()
    world = builder.build()
    fetched, ids = _successor_accounts(builder, world, users)
    for refused in (
        users_of(fetched_of(world), users, profile=SUCCESSOR).refused,
        users_of(fetched, ids, profile=DRIFT).refused,
    ):
        assert {position: type(reason) for position, reason in refused.items()} == dict.fromkeys(
            range(2), BadAccountData
        )


def test_a_profile_without_one_length_asks_for_no_length() -> None:
    assert SUCCESSOR.user.size_filter is None
    assert SUCCESSOR.perp_market.size_filter is None
    assert DRIFT.user.size_filter == 4_376


@pytest.mark.parametrize("length", [0, 8, 1_231])
def test_an_account_shorter_than_any_revision_fits_none(length: int) -> None:
    assert SUCCESSOR.perp_market.for_length(length) is None
