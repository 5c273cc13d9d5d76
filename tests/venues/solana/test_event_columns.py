"""What events need of an account's and a market's bytes: ends and triggers of orders, shares, rates, pauses."""

import importlib.util
import math
import struct
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin.book import UNSTATED, Pause
from risk.margin.snapshot import snapshot_of
from tests.support import addresses
from tests.support.catalogue import STANDARD
from tests.support.drift_accounts import OrderSlot, PerpSlot, SpotSlot
from tests.support.drift_enums import OrderType, TriggerCondition
from tests.support.drift_layout import USER
from tests.support.drift_market_layout import PERP_MARKET, SPOT_MARKET
from tests.support.world import World
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.reading import book_of
from venues.solana.interest import Curve

SOL = STANDARD.perp("SOL-PERP")
USDC = addresses.spot_market_address(0)


def world_of(*orders: OrderSlot, perps: tuple[PerpSlot, ...] = (), spots: tuple[SpotSlot, ...] = ()) -> World:
    builder = WorldBuilder()
    builder.add_user("ann", orders=orders, perps=perps, spots=spots)
    return builder.build()


def patched(world: World, key: str, *changes: tuple[int, bytes]) -> World:
    account = world.accounts[key]
    data = account.data
    for offset, new in changes:
        data = data[:offset] + new + data[offset + len(new) :]
    return world.with_accounts({key: replace(account, data=data)})


def test_an_order_says_when_its_time_is_up() -> None:
    book = book_of(
        world_of(
            OrderSlot(market_index=SOL.index, order_id=1, base_raw=10**9, max_ts=1_800_000_000),
            OrderSlot(market_index=SOL.index, order_id=2, base_raw=10**9),
            OrderSlot(market_index=SOL.index, order_id=3, base_raw=10**9, max_ts=2**62),  # as good as never
        )
    )
    orders = snapshot_of(book, book.accounts.ids[0]).open_orders

    assert [order.expires_at is None for order in orders] == [False, True, True]
    assert orders[0].expires_at is not None
    assert orders[0].expires_at.timestamp() == 1_800_000_000


@pytest.mark.parametrize(
    ("condition", "above", "triggered"),
    [
        (TriggerCondition.ABOVE, True, False),
        (TriggerCondition.BELOW, False, False),
        (TriggerCondition.TRIGGERED_ABOVE, True, True),
        (TriggerCondition.TRIGGERED_BELOW, False, True),
    ],
)
def test_a_trigger_order_says_which_way_and_whether_it_has(
    condition: TriggerCondition, above: bool, triggered: bool
) -> None:
    slot = OrderSlot(
        market_index=SOL.index, order_id=1, base_raw=10**9, kind=OrderType.TRIGGER_MARKET, trigger_price_1e6=5,
        trigger=condition,
    )  # fmt: skip
    book = book_of(world_of(slot))
    (order,) = snapshot_of(book, book.accounts.ids[0]).open_orders

    assert (order.triggers_above, order.triggered) == (above, triggered)


def test_a_plain_order_has_nothing_to_trigger() -> None:
    book = book_of(world_of(OrderSlot(market_index=SOL.index, order_id=1, base_raw=10**9)))
    (order,) = snapshot_of(book, book.accounts.ids[0]).open_orders

    assert (order.triggers_above, order.triggered) == (None, None)


def test_shares_are_signed_and_stay_what_they_are_while_interest_accrues() -> None:
    world = world_of(
        spots=(SpotSlot(market_index=0, scaled_1e9=7 * 10**9), SpotSlot(market_index=1, scaled_1e9=3, is_borrow=True))
    )
    assert book_of(world).spots.shares_1e9.tolist() == [7e9, -3.0]
    later = patched(
        world, USDC, (SPOT_MARKET.fields["cumulative_deposit_interest"].offset, (2 * 10**10).to_bytes(16, "little"))
    )
    before, after = book_of(world).spots, book_of(later).spots
    assert before.shares_1e9.tolist() == after.shares_1e9.tolist()
    assert before.tokens_raw[0] < after.tokens_raw[0] == 14e6


def test_an_account_says_when_it_was_last_active() -> None:
    world = world_of()
    key = next(iter(world.users))
    active = patched(world, key, (USER.fields["last_active_slot"].offset, (123_456_789).to_bytes(8, "little")))

    book = book_of(active)

    assert book.accounts.last_active_slot.tolist() == [123_456_789]
    assert snapshot_of(book, key).last_active_slot == 123_456_789


def lending(world: World, *, optimal: int, optimal_rate: int, highest: int, lowest: int, insurance: int) -> World:
    fields = SPOT_MARKET.fields
    return patched(
        world, USDC,
        (fields["optimal_utilization"].offset, struct.pack("<I", optimal)),
        (fields["optimal_borrow_rate"].offset, struct.pack("<I", optimal_rate)),
        (fields["max_borrow_rate"].offset, struct.pack("<I", highest)),
        (fields["min_borrow_rate"].offset, struct.pack("<B", lowest)),
        (fields["insurance_fund.total_factor"].offset, struct.pack("<I", insurance)),
        (fields["cumulative_deposit_interest"].offset, (10**10).to_bytes(16, "little")),
        (fields["cumulative_borrow_interest"].offset, (10**10).to_bytes(16, "little")),
    )  # fmt: skip


def test_a_market_states_what_lending_pays_and_borrowing_costs() -> None:
    """Half of all deposits are borrowed, the optimum is 80 % at 8 %, a tenth goes to the insurance fund."""
    world = lending(
        world_of(spots=(SpotSlot(market_index=0, scaled_1e9=10**9),)), optimal=800_000, optimal_rate=80_000,
        highest=2_000_000, lowest=0, insurance=100_000,
    )  # fmt: skip
    book = book_of(world)
    market = snapshot_of(book, book.accounts.ids[0]).spot_markets[0]

    assert market.borrow_rate_annual_frac == pytest.approx(0.05, abs=2e-6)
    assert market.deposit_rate_annual_frac == pytest.approx(0.05 * 0.5 * 0.9, abs=2e-6)


def test_a_curve_that_makes_no_sense_states_nothing() -> None:
    world = lending(
        world_of(spots=(SpotSlot(market_index=0, scaled_1e9=10**9),)), optimal=0, optimal_rate=80_000, highest=1,
        lowest=0, insurance=0,
    )  # fmt: skip
    book = book_of(world)
    market = snapshot_of(book, book.accounts.ids[0]).spot_markets[0]

    assert book.spot_markets.borrow_rate_1e6[0] == UNSTATED
    assert (market.borrow_rate_annual_frac, market.deposit_rate_annual_frac) == (None, None)


CURVES = st.builds(
    Curve, optimal_utilization=st.integers(1, 1_000_000), optimal_rate=st.integers(0, 500_000),
    max_rate=st.integers(500_000, 5_000_000), min_rate=st.integers(0, 255).map(lambda units: units * 5_000),
    insurance_factor=st.integers(0, 1_000_000),
)  # fmt: skip


@given(CURVES, st.integers(0, 10**6), st.integers(0, 10**6))
def test_borrowing_never_gets_cheaper_as_more_is_borrowed(curve: Curve, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert curve.min_rate <= curve.borrow_1e6(low) <= max(curve.borrow_1e6(high), curve.min_rate)


@given(CURVES, st.integers(0, 10**15), st.integers(0, 10**15))
def test_lenders_never_get_more_than_borrowers_pay(curve: Curve, deposits: int, borrows: int) -> None:
    rates = curve.rates(deposits, borrows)
    assert not math.isnan(rates.borrow_1e6)
    if deposits:
        assert rates.deposit_1e6 * deposits <= rates.borrow_1e6 * borrows + deposits
    else:
        assert rates.borrow_1e6 == curve.borrow_1e6(10**6 if borrows else 0)


@pytest.mark.skipif(importlib.util.find_spec("driftpy") is None, reason="the publisher's package is not installed")
def test_the_publishers_own_curve_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from driftpy.math import spot_balance

    utilizations = (0, 1, 400_000, 799_999, 800_000, 800_001, 849_999, 850_000, 870_000, 900_001, 949_999, 951_000,
                    989_999, 990_000, 994_000, 995_001, 999_999, 1_000_000)  # fmt: skip
    for optimal, lowest in ((800_000, 0), (700_000, 3), (600_001, 20)):
        market: Any = SimpleNamespace(
            optimal_utilization=optimal, optimal_borrow_rate=80_000, max_borrow_rate=2_000_000, min_borrow_rate=lowest
        )
        curve = Curve(
            optimal_utilization=optimal, optimal_rate=80_000, max_rate=2_000_000, min_rate=lowest * 5_000,
            insurance_factor=0,
        )  # fmt: skip
        for utilization in utilizations:
            monkeypatch.setattr(spot_balance, "calculate_utilization", lambda *_, at=utilization: at)
            assert curve.borrow_1e6(utilization) == spot_balance.calculate_interest_rate(market, 0), utilization


def test_pauses_are_named_one_by_one() -> None:
    builder = WorldBuilder(exchange_status=2 | 8)
    builder.add_user("ann", perps=[builder.position("SOL-PERP", "1")], spots=[builder.deposit("USDC", "5")])
    world = builder.build()
    perp = addresses.perp_market_address(SOL.index)
    world = patched(world, perp, (PERP_MARKET.fields["paused_operations"].offset, bytes([4])))
    world = patched(world, USDC, (SPOT_MARKET.fields["paused_operations"].offset, bytes([8 | 128])))

    assert set(book_of(world).pauses) == {
        Pause(market="", what="withdraw"),
        Pause(market="", what="fill"),
        Pause(market="SOL-PERP", what="fill"),
        Pause(market="USDC", what="withdraw"),
        Pause(market="USDC", what="something unknown"),
    }
