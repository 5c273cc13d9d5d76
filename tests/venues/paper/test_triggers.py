"""Orders that wait for a price: triggered by the oracle, executed by a keeper who comes later."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.events import diff
from risk.margin.snapshot import snapshot_of
from risk.model.account import OrderKind, Side
from risk.model.events import EventKind, OrderEvent
from risk.model.trading import OrderStyle
from tests.venues.paper.builders import account, make_exchange, margin_of, open_funded
from tests.venues.paper.order_builders import SOL, START, Desk, make_stop, make_terms
from venues.paper.ledger import Fill, FillReason
from venues.paper.markets import SOL_ORACLE

FALL = [(0.0, 100.0), (10.0, 100.0), (20.0, 80.0), (100.0, 80.0)]  # from second 10 to 20 by 2 USD a second


def falling(*, usdc: float = 10_000.0, long: float = 10.0, script: list[tuple[float, float]] | None = None) -> Desk:
    exchange = make_exchange({SOL_ORACLE: script or FALL})
    ann = open_funded(exchange, usdc=usdc)
    exchange.market_order(ann, SOL, Side.BUY if long > 0 else Side.SELL, abs(long))
    return Desk.at(exchange)


def last(desk: Desk) -> Fill:
    return desk.exchange.fills[-1]


async def test_a_stop_triggers_at_its_price_and_is_executed_by_a_keeper_two_seconds_later() -> None:
    desk = falling()
    placed = await desk.place_one(make_stop(trigger=95.0))
    desk.wait_until(12)
    (order,) = await desk.gateway.open_orders("ann-0")
    assert (order.triggered, order.trigger_price_usd, order.triggers_above) == (False, 95.0, False)
    desk.wait_until(13)  # 94 USD
    (order,) = await desk.gateway.open_orders("ann-0")
    assert order.triggered
    desk.wait_until(60)
    assert not await desk.gateway.open_orders("ann-0")
    fill = last(desk)
    assert (fill.at_s, fill.order_id, fill.base_1e9, fill.reason) == (
        15,
        placed.order_id,
        -10 * 10**9,
        FillReason.TAKER,
    )
    assert fill.price_1e6 == pytest.approx(90_000_000 * (1 - 1e-4), rel=1e-5)  # what it costs then, not at 95
    assert account(desk.exchange, "ann-0").base_1e9(0) == 0


async def test_a_keeper_without_delay_executes_within_the_second_of_the_crossing() -> None:
    desk = falling()
    desk.venue.faults.late_keepers(0)
    await desk.place_one(make_stop(trigger=95.0))
    desk.wait_until(40)
    assert (last(desk).at_s, last(desk).base_1e9) == (13, -10 * 10**9)


async def test_a_price_that_only_touches_the_trigger_does_not_trigger() -> None:
    desk = falling(script=[(0, 100.0), (10, 95.0), (20, 100.0)])
    await desk.place_one(make_stop(trigger=95.0))
    desk.wait_until(30)
    assert len(desk.exchange.fills) == 1


async def test_a_profit_is_taken_above_and_a_short_is_stopped_above() -> None:
    rise = [(0.0, 100.0), (10.0, 110.0)]
    desk = falling(script=rise)
    await desk.place_one(
        make_terms(size=4.0, side=Side.SELL, style=OrderStyle.TRIGGER_MARKET, trigger=105.0, above=True, lasts_s=0)
    )
    desk.wait_until(30)
    assert (last(desk).at_s, last(desk).base_1e9) == (8, -4 * 10**9)
    desk = falling(long=-10.0, script=rise)
    await desk.place_one(make_stop(side=Side.BUY, trigger=105.0))
    desk.wait_until(30)
    assert (last(desk).at_s, last(desk).base_1e9) == (8, 10 * 10**9)


async def test_a_triggered_limit_takes_down_to_its_limit_and_rests_there() -> None:
    desk = falling(script=[(0, 100.0), (10, 96.0), (20, 90.0), (40, 90.0), (50, 96.0)])
    await desk.place_one(make_stop(trigger=97.0, limit=94.0))
    await desk.place_one(make_stop(size=5.0, trigger=97.0, limit=98.0))
    desk.wait_until(30)
    assert (last(desk).base_1e9, last(desk).reason) == (-10 * 10**9, FillReason.TAKER)
    assert last(desk).price_1e6 >= 94_000_000
    # The other one may reduce nothing any more; its limit is never reached before that, so it still rests.
    (order,) = await desk.gateway.open_orders("ann-0")
    assert (order.kind, order.price_usd, order.triggered) == (OrderKind.TRIGGER_LIMIT, 98.0, True)


async def test_a_limit_the_price_has_run_away_from_fills_when_it_comes_back_at_the_limit() -> None:
    desk = falling(script=[(0, 100.0), (9, 100.0), (10, 96.0), (11, 90.0), (40, 90.0), (50, 96.0)])
    await desk.place_one(make_stop(trigger=97.0, limit=94.0))
    desk.wait_until(39)
    (order,) = await desk.gateway.open_orders("ann-0")
    assert order.size_base == 10.0
    desk.wait_until(60)
    assert (last(desk).price_1e6, last(desk).reason, last(desk).base_1e9) == (94_000_000, FillReason.MAKER, -(10**10))


async def test_a_large_stop_is_filled_second_by_second_and_pays_for_its_size() -> None:
    desk = falling(usdc=1_000_000.0, long=0.5)
    for second in range(1, 6):
        desk.wait_until(second)
        await desk.place_one(make_terms(size=900.0))
    await desk.place_one(make_stop(size=4_000.0))
    desk.wait_until(40)
    sold = [fill for fill in desk.exchange.fills if fill.base_1e9 < 0]
    assert [fill.at_s for fill in sold] == [15, 16, 17, 18]
    assert sum(fill.base_1e9 for fill in sold) == -4_000 * 10**9
    # A hundred thousand dollars cost the half spread and two basis points more.
    assert sold[0].price_1e6 == pytest.approx(90_000_000 * (1 - 3e-4), rel=1e-6)


async def test_without_a_limit_the_venues_own_bound_is_the_worst_price() -> None:
    desk = falling()
    await desk.place_one(make_stop())
    steep = desk.exchange.world.universe.perp(SOL)
    object.__setattr__(steep, "impact_bps_per_musd", 2e6)
    try:
        desk.wait_until(15)
        assert 0 < -last(desk).base_1e9 < 10 * 10**9
        assert last(desk).price_1e6 >= 90_000_000 * 0.99
        desk.wait_until(40)
        assert account(desk.exchange, "ann-0").base_1e9(0) >= 0
    finally:
        object.__setattr__(steep, "impact_bps_per_musd", 20.0)


async def test_a_stop_expires_unless_it_has_been_executed() -> None:
    desk = falling()
    await desk.place_one(make_stop(trigger=95.0, lasts_s=14))
    desk.wait_until(13)
    (order,) = await desk.gateway.open_orders("ann-0")
    assert order.expires_at == START + timedelta(seconds=14)
    desk.wait_until(40)
    assert len(desk.exchange.fills) == 1
    assert not await desk.gateway.open_orders("ann-0")


async def test_a_stop_larger_than_the_position_closes_it_and_no_more_and_one_without_a_position_ends() -> None:
    desk = falling()
    stop = await desk.place_one(make_stop(size=10.0))
    await desk.place_one(make_stop(size=10.0, trigger=94.0))
    await desk.place_one(make_terms(size=6.0, side=Side.SELL, reduce_only=True))
    desk.wait_until(40)
    assert (last(desk).base_1e9, last(desk).order_id) == (-4 * 10**9, stop.order_id)
    assert desk.exchange.world.post.endings[max(desk.exchange.world.post.endings)].startswith("no position was left")
    assert not await desk.gateway.open_orders("ann-0")


async def test_the_keeper_may_come_too_late_for_a_liquidation() -> None:
    """The price falls below the stop and below maintenance within the same second."""
    crash = [(0.0, 100.0), (10.0, 100.0), (11.0, 91.0)]
    saved, lost = falling(usdc=1_000.0, long=100.0), falling(usdc=1_000.0, long=100.0, script=crash)
    for desk in (saved, lost):
        await desk.place_one(make_stop(size=100.0, trigger=98.0))
        desk.wait_until(60)
    assert {fill.reason for fill in saved.exchange.fills} == {FillReason.TAKER}
    assert account(saved.exchange, "ann-0").base_1e9(0) == 0
    assert FillReason.LIQUIDATION in {fill.reason for fill in lost.exchange.fills}
    assert "a liquidation cancelled it" in lost.exchange.world.post.endings.values()


async def test_a_stop_that_is_executed_in_the_second_of_the_breach_comes_before_the_liquidation() -> None:
    crash = [(0.0, 100.0), (10.0, 100.0), (11.0, 97.0), (12.0, 97.0), (13.0, 91.5)]
    desk = falling(usdc=1_000.0, long=100.0, script=crash)
    await desk.place_one(make_stop(size=100.0, trigger=98.0))
    desk.wait_until(60)
    assert (last(desk).at_s, last(desk).reason) == (13, FillReason.TAKER)
    assert not account(desk.exchange, "ann-0").being_liquidated


async def test_a_waiting_order_reserves_a_cent_and_no_margin_and_is_no_open_bid_or_ask() -> None:
    desk = falling()
    before = margin_of(desk.exchange, "ann-0").full.initial.requirement_usd[0]
    await desk.place_one(make_stop(size=10.0, trigger=50.0))
    after = margin_of(desk.exchange, "ann-0").full.initial.requirement_usd[0]
    assert after - before == pytest.approx(0.01)
    (position,) = snapshot_of(await desk.venue.read(["ann-0"]), "ann-0").perp_positions
    assert (position.open_bids_base, position.open_asks_base, position.open_orders) == (0.0, 0.0, 1)


async def test_it_is_an_open_ask_once_it_has_triggered() -> None:
    desk = falling()
    await desk.place_one(make_stop(size=10.0, trigger=95.0))
    desk.wait_until(13)
    (position,) = snapshot_of(await desk.venue.read(["ann-0"]), "ann-0").perp_positions
    assert position.open_asks_base == -10.0


async def test_what_a_trigger_does_is_told_by_two_readings() -> None:
    desk = falling()
    seen = [snapshot_of(await desk.venue.read(["ann-0"]), "ann-0")]
    await desk.place_one(make_stop())
    for second in (1, 13, 20):
        desk.wait_until(second)
        seen.append(snapshot_of(await desk.venue.read(["ann-0"]), "ann-0"))
    told = [one.kind for before, after in pairwise(seen) for one in diff(before, after) if isinstance(one, OrderEvent)]
    assert told == [EventKind.ORDER_PLACED, EventKind.ORDER_TRIGGERED, EventKind.ORDER_FILLED]


async def test_nobody_triggers_while_keepers_are_away_and_late_ones_come_late() -> None:
    desk = falling()
    desk.venue.faults.no_keepers()
    await desk.place_one(make_stop())
    desk.wait_until(30)
    (order,) = await desk.gateway.open_orders("ann-0")
    assert not order.triggered
    desk.venue.faults.clear()
    desk.venue.faults.late_keepers(20)
    desk.wait_until(100)
    assert last(desk).at_s == 51


async def test_a_halted_oracle_triggers_nothing() -> None:
    desk = falling()
    await desk.place_one(make_stop())
    desk.wait_until(5)
    desk.venue.faults.stale_oracle(SOL)
    desk.wait_until(50)
    assert len(desk.exchange.fills) == 1


@given(
    prices=st.lists(st.floats(70.0, 130.0), min_size=3, max_size=12),
    size=st.floats(0.05, 30.0),
    trigger=st.floats(72.0, 128.0),
    limit=st.one_of(st.just(0.0), st.floats(72.0, 128.0)),
    above=st.booleans(),
    delay=st.integers(0, 5),
    long=st.booleans(),
)
async def test_a_trigger_never_enlarges_a_position_nor_turns_it_nor_pays_more_than_its_limit(
    prices: list[float], size: float, trigger: float, limit: float, above: bool, delay: int, long: bool
) -> None:
    script = [(0.0, 100.0), *((10.0 + 7 * at, price) for at, price in enumerate(prices))]
    desk = falling(script=script, long=20.0 if long else -20.0)
    desk.venue.faults.late_keepers(delay)
    side = Side.SELL if long else Side.BUY
    placed = await desk.place_one(
        make_terms(
            size=round(size, 2), side=side, limit=round(limit, 3), trigger=round(trigger, 3), above=above, lasts_s=0,
            style=OrderStyle.TRIGGER_LIMIT if limit else OrderStyle.TRIGGER_MARKET,
        )
    )  # fmt: skip
    desk.wait_until(200)
    held = 0
    for fill in desk.exchange.fills:
        before, held = held, held + fill.base_1e9
        if fill.order_id == placed.order_id:
            assert abs(held) < abs(before)
            assert held * before >= 0
            passed = [
                second
                for second in range(1, fill.at_s - delay + 1)
                if (desk.exchange.world.board.price_1e6(SOL_ORACLE, second) - round(trigger, 3) * 1e6)
                * (1 if above else -1)
                > 0
            ]
            assert passed
            if limit:
                assert (fill.price_1e6 - round(round(limit, 3) * 1e6)) * (1 if long else -1) >= 0
    sold = sum(abs(fill.base_1e9) for fill in desk.exchange.fills if fill.order_id == placed.order_id)
    assert sold <= round(round(size, 2) * 1e9)
