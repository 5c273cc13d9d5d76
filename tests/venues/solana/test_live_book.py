"""A book kept current says at every moment what reading and decoding everything would."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from risk.margin.plan import MarginPlan
from tests.support import addresses
from tests.support.drift_accounts import OrderSlot
from tests.support.random_users import UserGenerator
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.ledger import Ledger, assert_same
from tests.venues.solana.reading import DRIFT, NOON
from venues.errors import BadAccountData, VenueRejected
from venues.solana.accounts import RawAccount
from venues.solana.live_book import LiveBook

SIX = 6
LAYOUT = next(iter(DRIFT.user.revisions.values()))
SUB_ACCOUNT = dict(LAYOUT.fields or {})["sub_account_id"][1]


def as_if(data: bytes, of: bytes) -> bytes:
    """The positions of one user in the account of another."""
    changed = bytearray(data)
    changed[8:40] = of[8:40]
    changed[SUB_ACCOUNT : SUB_ACCOUNT + 2] = of[SUB_ACCOUNT : SUB_ACCOUNT + 2]
    return bytes(changed)


BUILDER = WorldBuilder()
USERS = UserGenerator(BUILDER, seed=7).add(SIX)
VARIANTS = UserGenerator(BUILDER, seed=8).add(24)
WORLD = BUILDER.build()
FEEDS = {name: BUILDER.oracle_address(name) for name in ("SOL", "BTC", "ETH", "USDC")}
PRICES = {"SOL": 150.0, "BTC": 98_765.0, "ETH": 3_210.0, "USDC": 0.9999}

Steps = st.lists(
    st.one_of(
        st.tuples(st.just("user"), st.integers(0, SIX - 1), st.integers(0, len(VARIANTS) - 1)),
        st.tuples(st.just("close"), st.integers(0, SIX - 1), st.just(0)),
        st.tuples(st.just("price"), st.integers(0, len(FEEDS) - 1), st.integers(50, 200)),
        st.tuples(st.just("market"), st.integers(0, 3), st.integers(0, 255)),
        st.tuples(st.just("slot"), st.integers(1, 300), st.just(0)),
    ),
    max_size=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(steps=Steps, together=st.booleans())
def test_whatever_changes_the_book_is_what_a_reading_would_give(
    steps: list[tuple[str, int, int]], together: bool
) -> None:
    ledger = Ledger(WORLD, USERS)
    live = ledger.live()
    for kind, one, other in steps:
        if kind == "user":
            key = ledger.users[one]
            ledger.put(key, as_if(WORLD.users[VARIANTS[other]], WORLD.users[USERS[one]]), owner=WORLD.program_id)
            ledger.tell(live, key)
        elif kind == "close":
            ledger.accounts.pop(ledger.users[one], None)
            ledger.tell(live, ledger.users[one])
        elif kind == "price":
            name = list(FEEDS)[one]
            ledger.tell(live, ledger.reprice(FEEDS[name], PRICES[name] * other / 100))
        elif kind == "market":
            key = Pubkey.from_string(addresses.perp_market_address(one))
            data = bytearray(ledger.accounts[key].data)
            data[200] = other  # somewhere in the statistics of its feed
            ledger.put(key, bytes(data))
            ledger.tell(live, key)
        else:
            ledger.slot += one
            live.saw_slot(ledger.slot)
        if not together:
            ledger.answer(live)
            _compare(live, ledger)
    ledger.answer(live)
    _compare(live, ledger)


def _compare(live: LiveBook, ledger: Ledger) -> None:
    if all(key not in ledger.accounts for key in ledger.users):
        with pytest.raises(VenueRejected):
            live.book(NOON)
        return
    assert_same(live.book(NOON), ledger.whole())


def test_no_account_goes_back_in_time_in_whatever_order_it_is_told() -> None:
    ledger = Ledger(WORLD, USERS)
    live, slot = ledger.live(), ledger.slot
    feed = Pubkey.from_string(FEEDS["SOL"])
    versions = []
    for step, factor in enumerate((1.1, 1.2, 1.3), start=1):
        ledger.slot = slot + step
        versions.append((ledger.slot, ledger.accounts[ledger.reprice(FEEDS["SOL"], 150 * factor)]))
    newest, older = versions[2], versions[:2]
    assert live.take(feed, newest[1], newest[0])
    for at, account in older:
        assert not live.take(feed, account, at)
        assert not live.take(feed, account, at, told=False)
    assert not live.digest()
    book = live.book(NOON)
    assert book.slot == slot + 3
    assert 195e6 in book.oracles.price_1e6.tolist()


def test_what_a_reading_says_of_the_same_slot_is_no_newer_than_what_was_told() -> None:
    ledger = Ledger(WORLD, USERS)
    live = ledger.live()
    key = ledger.reprice(FEEDS["SOL"], 99.0)
    before = ledger.read([key])
    told = ledger.accounts[key]
    ledger.tell(live, key)
    ledger.reprice(FEEDS["SOL"], 98.0)
    assert live.take_all(ledger.read([key])) == []
    assert live.take(key, ledger.accounts[key], ledger.slot), "told again in the same slot it has changed"
    assert live.take_all(before) == []
    ledger.slot += 1
    ledger.put(key, told.data)
    assert live.take_all(ledger.read([key])) == [key], "a later reading is the safety net"


def test_an_account_that_enters_a_market_waits_for_the_market_and_the_others_do_not() -> None:
    builder = WorldBuilder()
    cash = [builder.deposit("USDC", "1000")]
    ann = builder.add_user("ann", spots=cash, perps=[builder.position("SOL-PERP", "1")])
    bob = builder.add_user("bob", spots=cash, perps=[builder.position("SOL-PERP", "2")])
    ledger = Ledger(builder.build(), [ann, bob])
    live = ledger.live()
    later = WorldBuilder()
    later.add_user("ann", spots=cash, perps=[later.position("SOL-PERP", "1"), later.position("ETH-PERP", "-3")])
    later.add_user("bob", spots=cash, perps=[later.position("SOL-PERP", "5")])
    changed = later.build().users
    for key, name in zip(ledger.users, (ann, bob), strict=True):
        ledger.put(key, changed[name])
        ledger.tell(live, key)

    missing = live.digest()
    assert Pubkey.from_string(addresses.perp_market_address(2)) in missing
    book = live.book(NOON)
    assert book.perps.base_1e9.tolist() == [1e9, 5e9]
    assert not book.accounts.problems

    live.take_all(ledger.read(missing))
    feeds = live.digest()
    assert feeds == {Pubkey.from_string(later.oracle_address("ETH"))}
    live.take_all(ledger.read(feeds))
    assert live.digest() == frozenset()
    assert live.book(NOON).perps.base_1e9.tolist() == [1e9, -3e9, 5e9]
    assert_same(live.book(NOON), ledger.whole())


def test_an_order_in_a_new_market_needs_the_market_as_a_position_does() -> None:
    builder = WorldBuilder()
    ann = builder.add_user("ann", spots=[builder.deposit("USDC", "1000")])
    ledger = Ledger(builder.build(), [ann])
    live = ledger.live()
    later = WorldBuilder()
    bid = OrderSlot(order_id=3, market_index=1, is_buy=True, base_raw=10**9, price_1e6=90 * 10**6)
    later.add_user("ann", spots=[later.deposit("USDC", "1000")], orders=[bid])
    ledger.put(ledger.users[0], later.build().users[ann])
    ledger.tell(live, ledger.users[0])
    assert live.digest()
    ledger.answer(live)
    assert_same(live.book(NOON), ledger.whole())


def test_an_account_that_is_named_twice_changes_in_both_places() -> None:
    ledger = Ledger(WORLD, [USERS[0], USERS[1], USERS[0]])
    live = ledger.live()
    key = ledger.users[0]
    ledger.put(key, as_if(WORLD.users[VARIANTS[3]], WORLD.users[USERS[0]]))
    ledger.tell(live, key)
    ledger.answer(live)
    assert_same(live.book(NOON), ledger.whole())


def test_a_market_that_does_not_exist_is_a_problem_of_whoever_is_in_it() -> None:
    builder = WorldBuilder()
    ann = builder.add_user("ann", spots=[builder.deposit("USDC", "1000")], perps=[builder.position("SOL-PERP", "1")])
    bob = builder.add_user("bob", spots=[builder.deposit("USDC", "1")])
    ledger = Ledger(builder.build(), [ann, bob])
    live = ledger.live()
    gone = Pubkey.from_string(addresses.perp_market_address(0))
    del ledger.accounts[gone]
    ledger.tell(live, gone)
    ledger.answer(live)
    problems = live.book(NOON).accounts.problems
    assert set(problems) == {0}
    assert "does not exist" in problems[0][0]


def test_damage_told_by_the_stream_is_refused_as_a_reading_refuses_it() -> None:
    ledger = Ledger(WORLD, USERS)
    live, key = ledger.live(), ledger.users[2]
    ledger.put(key, WORLD.users[USERS[2]][:4_000])
    ledger.tell(live, key)
    ledger.answer(live)
    assert "4000 bytes" in live.book(NOON).accounts.problems[2][0]
    ledger.put(key, WORLD.users[USERS[3]], owner=WORLD.program_id)
    ledger.tell(live, key)
    ledger.answer(live)
    assert "does not say it is that account" in live.book(NOON).accounts.problems[2][0]
    assert_same(live.book(NOON), ledger.whole())


def test_when_not_one_account_can_be_read_there_is_no_book() -> None:
    builder = WorldBuilder()
    ann = builder.add_user("ann", spots=[builder.deposit("USDC", "1000")])
    ledger = Ledger(builder.build(), [ann])
    live = ledger.live()
    ledger.put(ledger.users[0], b"", owner=addresses.SYSTEM_PROGRAM)
    ledger.tell(live, ledger.users[0])
    live.digest()
    with pytest.raises(BadAccountData, match="is owned by"):
        live.book(NOON)


def test_a_state_that_is_none_is_refused() -> None:
    ledger = Ledger(WORLD, USERS)
    live, state = ledger.live(), Pubkey.from_string(addresses.state_address())
    ledger.accounts[state] = RawAccount(ledger.accounts[state].owner, b"\0" * 100)
    ledger.tell(live, state)
    with pytest.raises(BadAccountData, match="another type"):
        live.digest()


def test_a_book_before_everything_is_there_is_a_defect_and_not_a_guess() -> None:
    live = LiveBook(DRIFT, Ledger(WORLD, USERS).users)
    assert live.digest()
    with pytest.raises(RuntimeError, match="before everything it needs"):
        live.book(NOON)


def test_a_price_moves_prices_alone_and_the_plan_of_before_serves() -> None:
    ledger = Ledger(WORLD, USERS)
    live = ledger.live()
    before = live.book(NOON)
    plan = MarginPlan.of(before)
    ledger.tell(live, ledger.reprice(FEEDS["SOL"], 140.0))
    assert live.digest() == frozenset()
    after = live.book(NOON)
    assert after.perps is before.perps
    assert after.accounts is before.accounts
    again = MarginPlan.of(after, plan)
    assert again.perps is plan.perps
    assert again.book is after
    assert np.any(after.oracles.price_1e6 != before.oracles.price_1e6)


def test_a_feed_that_grows_old_says_so_with_the_slot_alone() -> None:
    builder = WorldBuilder()
    ann = builder.add_user("ann", spots=[builder.deposit("USDC", "1000")], perps=[builder.position("SOL-PERP", "1")])
    ledger = Ledger(builder.build(), [ann])
    live = ledger.live()
    valid = live.book(NOON).perp_markets.validity.tolist()
    live.saw_slot(ledger.slot + 5_000)
    ledger.slot += 5_000
    assert live.book(NOON).perp_markets.validity.tolist() != valid
    assert_same(live.book(NOON), ledger.whole())


def test_an_upgraded_layout_of_one_account_makes_the_fleet_decode_together() -> None:
    ledger = Ledger(WORLD, USERS)
    live, key = ledger.live(), ledger.users[1]
    ledger.put(key, WORLD.users[USERS[1]] + b"\0" * 64)
    ledger.tell(live, key)
    ledger.answer(live)
    assert_same(live.book(NOON), ledger.whole())
