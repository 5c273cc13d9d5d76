"""Accounts to a book: which slots count, what their amounts are, and when an account cannot be assessed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin.evaluate import evaluate
from risk.model.account import MarginMode, OrderKind
from risk.model.market import OracleValidity
from tests.support import addresses
from tests.support.catalogue import STANDARD
from tests.support.drift_accounts import OrderSlot, PerpSlot, SpotSlot, make_user
from tests.support.drift_enums import MarginMode as StoredMode
from tests.support.drift_enums import OrderStatus, OrderType, PositionFlag
from tests.support.world import ChainAccount, World
from tests.support.world_builder import WorldBuilder, funding_rate_1e9
from tests.venues.solana.reading import DRIFT, book_of, fetched_of, markets_of, users_of

SOL, BTC, BONK = STANDARD.perp("SOL-PERP"), STANDARD.perp("BTC-PERP"), STANDARD.spot("BONK")
USDC = STANDARD.spots[0]
I63 = st.integers(-(2**62), 2**62)


def world_of(*perps: PerpSlot, spots: tuple[SpotSlot, ...] = (), orders: tuple[OrderSlot, ...] = ()) -> World:
    builder = WorldBuilder()
    builder.add_user("ann", spots=spots, perps=perps, orders=orders)
    return builder.build()


def changed(world: World, change: Callable[[bytes], bytes], key: str | None = None) -> World:
    """The world with the bytes of its first user, or of another account, changed."""
    key = key or next(iter(world.users))
    account = world.accounts[key]
    return world.with_accounts({key: replace(account, data=change(account.data))})


def patched(offset: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda raw: raw[:offset] + new + raw[offset + len(new) :]


def test_a_free_slot_is_skipped_however_stale_its_market_index() -> None:
    world = world_of(
        PerpSlot(market_index=999, last_funding_rate_1e9=5, quote_entry_1e6=7, settled_pnl_1e6=9, max_ratio_1e4=300),
        spots=(SpotSlot(market_index=888, is_borrow=True, cumulative_deposits_raw=77),),
    )
    book = book_of(world)
    assert (book.perps.account.size, book.spots.account.size, book.accounts.problems) == (0, 0, {})


@pytest.mark.parametrize(
    "slot",
    [
        PerpSlot(market_index=0, base_1e9=1),
        PerpSlot(market_index=0, quote_1e6=-1),
        PerpSlot(market_index=0, open_orders=1),
        PerpSlot(market_index=0, open_bids_1e9=1),
        PerpSlot(market_index=0, open_asks_1e9=-1),
        PerpSlot(market_index=0, isolated_scaled_1e9=1),
    ],
)
def test_a_perp_slot_with_anything_in_it_counts(slot: PerpSlot) -> None:
    assert book_of(world_of(slot)).perps.account.tolist() == [0]


def test_amounts_flags_and_orders_of_an_account_read_back() -> None:
    world = world_of(
        PerpSlot(
            market_index=BTC.index,
            base_1e9=-5 * 10**8,
            quote_1e6=60_000 * 10**6,
            quote_entry_1e6=61_000 * 10**6,
            last_funding_rate_1e9=funding_rate_1e9(BTC, is_long=False) - 3 * 10**9,
            open_bids_1e9=10**8,
            open_asks_1e9=-2 * 10**8,
            open_orders=2,
            settled_pnl_1e6=-123,
            isolated_scaled_1e9=10 * 10**9,
            max_ratio_1e4=2_500,
            flags=PositionFlag.ISOLATED | PositionFlag.BEING_LIQUIDATED,
        ),
        spots=(
            SpotSlot(market_index=0, scaled_1e9=10**9),
            SpotSlot(market_index=BONK.index, scaled_1e9=10**9 + 1, is_borrow=True, open_bids_raw=5, open_orders=1),
        ),
        orders=(
            OrderSlot(market_index=BTC.index, order_id=7, base_raw=3 * 10**8, filled_raw=10**8, price_1e6=10**11),
            OrderSlot(market_index=BONK.index, order_id=8, base_raw=10**5, is_perp=False, is_buy=False),
            OrderSlot(market_index=BTC.index, order_id=9, base_raw=1, status=OrderStatus.FILLED),
            OrderSlot(
                market_index=BTC.index,
                order_id=10,
                base_raw=10**9,
                is_buy=False,
                kind=OrderType.TRIGGER_MARKET,
                trigger_price_1e6=5,
                reduce_only=True,
            ),
        ),
    )
    book = book_of(world)
    perps, spots, orders = book.perps, book.spots, book.orders
    assert orders is not None
    assert book.perp_markets.names == ("BTC-PERP",)
    assert (perps.base_1e9[0], perps.quote_1e6[0], perps.quote_entry_1e6[0]) == (-5e8, 6e10, 6.1e10)
    # Shorts are paid while the rate rises: 3 USD a coin on half a coin.
    assert perps.funding_1e6[0] == 1_500_000
    assert (perps.open_bids_1e9[0], perps.open_asks_1e9[0], perps.open_orders[0]) == (1e8, -2e8, 2)
    assert (perps.isolated[0], perps.being_liquidated[0], perps.max_ratio_1e4[0]) == (True, True, 2_500)
    assert perps.settled_pnl_1e6[0] == -123
    assert perps.isolated_tokens_raw[0] == int(10 * 1.1583 * 10**6)
    assert book.spot_markets.names == ("USDC", "BONK")
    borrow_interest = round(float(BONK.borrow_interest) * 10**10)
    owed = -(-(10**9 + 1) * borrow_interest // 10**14)
    assert spots.tokens_raw.tolist() == [1_158_300.0, -float(owed)]
    assert (spots.open_bids_raw[1], spots.open_orders[1]) == (5, 1)
    assert orders.order_id.tolist() == [7, 8, 10]
    assert orders.is_perp.tolist() == [True, False, True]
    assert orders.is_buy.tolist() == [True, False, False]
    assert orders.size_base.tolist() == [0.2, 1.0, 1.0]
    assert orders.price_1e6.tolist() == [1e11, 0.0, 0.0]
    assert orders.trigger_price_1e6.tolist() == [0.0, 0.0, 5.0]
    assert orders.reduce_only.tolist() == [False, False, True]
    kinds = list(OrderKind)
    assert [kinds[code] for code in orders.kind] == [OrderKind.LIMIT, OrderKind.LIMIT, OrderKind.TRIGGER_MARKET]


def test_an_account_says_who_it_is() -> None:
    builder = WorldBuilder()
    key = builder.add_user(
        "ann", sub_account_id=3, name="\u00dcber 1", max_ratio_1e4=2_000, margin_mode=StoredMode.HIGH_LEVERAGE, status=3
    )
    accounts = book_of(builder.build()).accounts
    assert (accounts.ids[0], accounts.authorities[0]) == (key, addresses.address("ann"))
    assert (accounts.names[0], accounts.sub_account[0], accounts.max_ratio_1e4[0]) == ("\u00dcber 1", 3, 2_000)
    assert accounts.margin_mode[0] == MarginMode.HIGH_LEVERAGE.value
    assert (bool(accounts.being_liquidated[0]), bool(accounts.bankrupt[0])) == (True, True)


@given(base=I63, last=I63, data=st.data())
def test_funding_is_exact_to_the_unit_for_any_size_and_rate(base: int, last: int, data: st.DataObject) -> None:
    spot = data.draw(st.integers(0, 2**64 - 1))
    world = world_of(
        PerpSlot(market_index=0, base_1e9=base, quote_1e6=1, last_funding_rate_1e9=last),
        spots=(SpotSlot(market_index=0, scaled_1e9=spot, open_orders=1),),
    )
    book = book_of(world)
    moved = funding_rate_1e9(SOL, is_long=base > 0) - last
    amount = abs(moved) * abs(base) // 10**12
    sign = 0 if moved == 0 or base == 0 else -1 if (moved > 0) == (base > 0) else 1
    assert book.perps.funding_1e6[0] == float(sign * amount)
    assert book.spots.tokens_raw[0] == float(spot * 11_583_000_000 // 10**13)


PROBLEMS: list[tuple[str, World, str]] = [
    ("absent market", world_of(PerpSlot(market_index=40, base_1e9=1)), "beyond the 17 there are"),
    ("absent spot market", world_of(spots=(SpotSlot(market_index=99, scaled_1e9=1),)), "beyond the"),
    ("other perp pool", world_of(PerpSlot(market_index=16, base_1e9=1)), "another lending pool"),
    ("asks above zero", world_of(PerpSlot(market_index=0, open_asks_1e9=1)), "numbers that cannot be"),
    ("bids below zero", world_of(PerpSlot(market_index=0, open_bids_1e9=-1)), "numbers that cannot be"),
    (
        "spot asks above zero",
        world_of(spots=(SpotSlot(market_index=0, open_asks_raw=1, open_orders=1),)),
        "numbers that cannot be",
    ),
    (
        "funding rate no market has",
        world_of(PerpSlot(market_index=0, base_1e9=1, last_funding_rate_1e9=2**63 - 1)),
        "numbers that cannot be",
    ),
    ("unknown flag", world_of(PerpSlot(market_index=0, base_1e9=1, flags=PositionFlag(64))), "flags that are not"),
    (
        "unknown balance type",
        changed(world_of(spots=(SpotSlot(market_index=0, scaled_1e9=1),)), patched(104 + 34, b"\x02")),
        "cannot be",
    ),
    ("unknown margin mode", changed(world_of(), patched(4355, b"\x03")), "margin mode is not known"),
    ("unknown status", changed(world_of(), patched(4348, b"\x40")), "status is not known"),
    (
        "overfilled order",
        world_of(orders=(OrderSlot(market_index=0, order_id=1, base_raw=1, filled_raw=2),)),
        "an open order",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("world", "reason"), [case[1:] for case in PROBLEMS], ids=[case[0] for case in PROBLEMS])
def test_an_account_that_contradicts_itself_cannot_be_assessed_and_says_why(world: World, reason: str) -> None:
    book = book_of(world)
    assert any(reason in text for text in book.accounts.problems[0])
    assert np.isnan(evaluate(book).maintenance.collateral_usd[0])


def _without(world: World, key: str) -> World:
    return replace(world, accounts={name: account for name, account in world.accounts.items() if name != key})


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (addresses.perp_market_address(0), "perp market 0 .* does not exist"),
        (addresses.spot_market_address(0), "spot market"),
        (WorldBuilder().oracle_address("SOL"), "PythLazer oracle .* does not exist"),
        (WorldBuilder().oracle_address("USDC"), "PythLazerStableCoin oracle .* does not exist"),
    ],
    ids=["market", "quote market", "oracle", "oracle of the quote market"],
)
def test_a_missing_market_or_oracle_makes_only_its_accounts_unassessable(key: str, reason: str) -> None:
    builder = WorldBuilder()
    builder.add_user("ann", perps=[builder.position("SOL-PERP", "1")])
    builder.add_user("bob", spots=[builder.deposit("wETH", "1")])
    book = book_of(_without(builder.build(), key))
    assert list(book.accounts.problems) == [0]
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError("; ".join(book.accounts.problems[0]))
    collateral = evaluate(book).maintenance.collateral_usd
    assert np.isnan(collateral[0])
    assert not np.isnan(collateral[1])


def test_a_deposit_of_the_quote_market_is_allowed_in_the_second_pool_and_a_borrow_is_not() -> None:
    builder = WorldBuilder()
    builder.add_user("ann", spots=[builder.deposit("USDC", "5")], pool_id=1)
    builder.add_user("bob", spots=[builder.borrow("USDC", "5")], pool_id=1)
    assert list(book_of(builder.build()).accounts.problems) == [1]


def test_a_refused_account_stands_between_good_ones_without_moving_them() -> None:
    builder = WorldBuilder()
    keys = [builder.add_user(name, spots=[builder.deposit("USDC", str(10 + at))]) for at, name in enumerate("abc")]
    world = builder.build()
    world = world.with_accounts({keys[1]: ChainAccount(owner=addresses.SYSTEM_PROGRAM, data=world.users[keys[1]])})
    book = book_of(world, keys)
    assert list(book.accounts.ids) == keys
    assert list(book.accounts.problems) == [1]
    assert book.spots.account.tolist() == [0, 2]
    assert np.floor(book.spots.tokens_raw / 1e6).tolist() == [10, 12]
    assert book.accounts.authorities[2] == addresses.address("c")


def test_an_account_whose_bytes_belong_to_another_address_is_refused() -> None:
    builder = WorldBuilder()
    key = builder.add_user("ann")
    world = changed(builder.build(), lambda _: make_user(authority=addresses.address("bob")), key)
    assert "does not say it is that account" in str(users_of(fetched_of(world), [key]).refused[0])


def test_markets_that_share_a_feed_share_its_group_and_a_multiple_has_its_own_column() -> None:
    builder = WorldBuilder()
    builder.add_user("ann", perps=[builder.position(name, "1") for name in ("1KPEPE-PERP", "1MPEPE-PERP", "SOL-PERP")],
                     spots=[builder.deposit("SOL", "1")])  # fmt: skip
    book = book_of(builder.build())
    oracle = dict(zip(book.perp_markets.names, book.perp_markets.oracle.tolist(), strict=True))
    sol = book.spot_markets.oracle[book.spot_markets.names.index("SOL")]
    feeds, price = book.oracles.feeds, book.oracles.price_1e6
    assert oracle["SOL-PERP"] == sol
    assert oracle["1KPEPE-PERP"] != oracle["1MPEPE-PERP"]
    assert feeds[oracle["1KPEPE-PERP"]] == feeds[oracle["1MPEPE-PERP"]] != feeds[sol]
    assert book.oracles.ids[oracle["1KPEPE-PERP"]] == book.oracles.ids[oracle["1MPEPE-PERP"]]
    assert (price[oracle["1KPEPE-PERP"]], price[oracle["1MPEPE-PERP"]]) == (12_345.0, 12_345_600.0)


def test_an_old_price_is_there_but_invalid() -> None:
    builder = WorldBuilder(oracle_age_slots=121)
    builder.add_user("ann", perps=[builder.position("SOL-PERP", "1")])
    book = book_of(builder.build())
    assert book.accounts.problems == {}
    assert book.perp_markets.validity.tolist() == [OracleValidity.STALE.value]
    assert book.oracles.slots_behind.max() == 121
    assert not np.isnan(book.oracles.price_1e6).any()


def test_a_price_from_the_future_is_no_price() -> None:
    builder = WorldBuilder(oracle_age_slots=-1_000)
    builder.add_user("ann", perps=[builder.position("SOL-PERP", "1")])
    book = book_of(builder.build())
    assert book.perp_markets.validity.tolist() == [OracleValidity.MISSING.value]
    assert any("states slot" in text for text in book.accounts.problems[0])


def test_pauses_are_notices_and_only_of_markets_somebody_is_in() -> None:
    builder = WorldBuilder(exchange_status=2 | 8)
    builder.add_user("ann", perps=[builder.position("PAST-PERP", "1"), builder.position("GONE-PERP", "1")])
    assert book_of(builder.build()).notices == (
        "exchange paused: withdraw, fill",
        "GONE-PERP in settlement",
        "PAST-PERP delisted",
    )
    paused = changed(WorldBuilder(exchange_status=255).build(), lambda raw: raw, addresses.state_address())
    assert book_of(paused, []).notices == ("exchange paused: everything",)


def test_ten_thousand_accounts_are_decoded_as_one_is() -> None:
    builder = WorldBuilder()
    keys = [
        builder.add_user(name, spots=[builder.deposit("SOL", "2.5")], perps=[builder.position("BTC-PERP", "-0.1")])
        for name in "abcde"
    ]
    fetched = fetched_of(builder.build())
    many, one = users_of(fetched, keys * 40), users_of(fetched, keys[:1])
    for users, copies in ((many, 200), (one, 1)):
        assert users.perp_account.tolist() == list(range(copies))
        markets = markets_of(fetched, users)
        assert markets.perps.names == ("BTC-PERP",)
    assert many.perps[0] == one.perps[0]
    assert DRIFT.user.size_filter == 4_376
