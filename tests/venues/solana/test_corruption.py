"""Damaged accounts by the thousand: refused, unassessable, or changed only in amounts, which no check can know."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from solders.pubkey import Pubkey

from risk.margin.evaluate import evaluate
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.random_users import UserGenerator
from tests.support.world import World
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.reading import DRIFT, NOON, fetched_of, markets_of, users_of
from venues.errors import VenueRejected
from venues.solana.accounts import Fetched, RawAccount
from venues.solana.decode_book import build_book
from venues.solana.decode_users import gather, read_users

MUTATIONS = 10_000
BIT_FLIPS = 800
# Type, authority and sub-account number: a change there contradicts the type or the address.
IDENTITY = [*range(40), 4_346, 4_347]


@pytest.fixture(scope="module")
def world() -> World:
    builder = WorldBuilder()
    UserGenerator(builder, seed=5).add(20)
    return builder.build()


def _mutated(random: Random, account: RawAccount) -> RawAccount:
    data = bytearray(account.data)
    match random.randrange(5):
        case 0:
            return replace(account, owner=random.randbytes(32))
        case 1:
            return replace(account, data=account.data[: random.randrange(len(data))])
        case 2:
            return replace(account, data=account.data + random.randbytes(random.randrange(1, 200)))
        case 3:
            data[random.choice(IDENTITY)] ^= 1 << random.randrange(8)
        case _:
            at = random.randrange(8)
            data = bytearray(account.data[:at] + random.randbytes(len(data) - at))
    return replace(account, data=bytes(data))


def test_no_account_with_a_foreign_owner_length_type_or_identity_is_accepted(world: World, figure: Gauge) -> None:
    random, fetched = Random(7), fetched_of(world)
    keys = [Pubkey.from_string(key) for key in world.users]
    tried, accepted = 0, []
    for number in range(MUTATIONS):
        key = keys[number % len(keys)]
        damaged = _mutated(random, fetched.accounts[key])
        if damaged != fetched.accounts[key]:
            users = read_users(DRIFT, gather(DRIFT, [key], [damaged]), with_orders=True)
            tried += 1
            accepted += [number] if not users.refused else []
    figure(Measure.TRIED, tried)
    figure(Measure.ACCEPTED, len(accepted))
    assert accepted == []


def test_a_flipped_bit_anywhere_is_refused_or_leaves_a_book_that_holds_together(world: World, figure: Gauge) -> None:
    random, fetched = Random(11), fetched_of(world)
    every = list(fetched.accounts)
    account_ids = list(world.users)
    outcomes = {"refused": 0, "unassessable": 0, "unnoticed": 0}
    for _ in range(BIT_FLIPS):
        key = random.choice(every)
        data = bytearray(fetched.accounts[key].data)
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        damaged = _with(fetched, key, replace(fetched.accounts[key], data=bytes(data)))
        try:
            users = users_of(damaged, account_ids)
            book = build_book(DRIFT, users, markets_of(damaged, users), observed_at=NOON).checked()
        except VenueRejected:
            outcomes["refused"] += 1
            continue
        outcomes["unassessable" if book.accounts.problems else "unnoticed"] += 1
        assessed = np.ones(book.n_accounts, np.bool_)
        assessed[list(book.accounts.problems)] = False
        margin = evaluate(book, maintenance_only=True).maintenance
        assert np.isfinite(margin.collateral_usd[assessed]).all()
        assert np.isfinite(margin.requirement_usd[assessed]).all()
        assert np.isnan(margin.collateral_usd[~assessed]).all()
    assert outcomes["unassessable"] > 20
    figure(Measure.TRIED, sum(outcomes.values()))
    figure(Measure.ACCEPTED, 0)  # outside the invariants, as asserted for each


def _with(fetched: Fetched, key: Pubkey, account: RawAccount) -> Fetched:
    return replace(fetched, accounts={**fetched.accounts, key: account})


def test_an_account_that_is_damaged_does_not_touch_the_others(world: World) -> None:
    fetched, account_ids = fetched_of(world), list(world.users)
    key = Pubkey.from_string(account_ids[3])
    damaged = _with(fetched, key, replace(fetched.accounts[key], data=fetched.accounts[key].data[:-1]))
    before, after = (
        evaluate(build_book(DRIFT, users, markets_of(source, users), observed_at=NOON)).maintenance
        for source, users in ((source, users_of(source, account_ids)) for source in (fetched, damaged))
    )
    assert np.isnan(after.collateral_usd[3])
    others = np.arange(len(account_ids)) != 3
    assert after.collateral_usd[others].tolist() == before.collateral_usd[others].tolist()
