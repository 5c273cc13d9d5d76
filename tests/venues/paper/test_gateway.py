"""Orders on paper, from the simulation to the landing."""

import dataclasses
from datetime import timedelta

import pytest

from risk.model.account import OrderKind, Side
from risk.model.trading import (
    ConsentKind,
    FateKind,
    OrderBatch,
    OrderStyle,
    OrderTerms,
    Signed,
)
from risk.trade_ports import OrderGateway
from tests.support.clock import FakeClock
from tests.venues.paper.builders import account, make_exchange, open_funded
from tests.venues.paper.order_builders import SOL, START, Desk, make_batch, make_stop, make_terms
from venues.errors import VenueRejected, VenueUnavailable
from venues.paper import PaperExchange, PaperSettings, connect, connect_orders
from venues.paper.ledger import Fill, PaperAccount
from venues.paper.markets import SOL_ORACLE
from venues.paper.orders import MOST_ORDERS

S = OrderStyle


@pytest.fixture
def desk() -> Desk:
    """Ann has 10,000 USDC and 10 SOL-PERP at 100 USD, which falls from second 10 on by 1 USD a second."""
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (10, 100.0), (50, 60.0)]})
    ann = open_funded(exchange)
    exchange.market_order(ann, SOL, Side.BUY, 10.0)
    return Desk.at(exchange)


def state(exchange: PaperExchange) -> tuple[list[PaperAccount], list[Fill], int]:
    return (
        [one.copy() for one in exchange.world.accounts.values()],
        list(exchange.fills),
        exchange.world.next_order_id,
    )


def held(desk: Desk) -> float:
    return account(desk.exchange, "ann-0").base_1e9(0) / 1e9


async def test_an_order_that_takes_is_filled_as_the_depth_said(desk: Desk) -> None:
    depth = (await desk.gateway.depth("ann-0", [SOL]))[SOL]
    placed = await desk.place_one(make_terms(size=5.0))
    assert (placed.filled_raw_1e9, placed.open, placed.reason) == (5_000_000_000, False, "")
    assert placed.average_usd == pytest.approx(depth.asks[0].price_usd, abs=1e-4)
    assert placed.fee_raw_1e6 == pytest.approx(5 * 100.01 * depth.taker_fee_frac * 1e6, rel=1e-4)
    assert await desk.gateway.position_raw_1e9("ann-0", SOL) == 15_000_000_000
    fill = (await desk.venue.fills_since("ann-0", START))[-1]
    assert (fill.size_base, fill.order_id) == (5.0, str(placed.order_id))


async def test_what_its_limit_does_not_reach_is_gone(desk: Desk) -> None:
    placed = await desk.place_one(make_terms(size=90.0, limit=100.012))
    assert 0 < placed.filled_raw_1e9 < 90_000_000_000
    assert placed.average_usd is not None
    assert placed.average_usd <= 100.012
    assert not placed.open
    assert "could be had within its limit" in placed.reason
    nothing = await desk.place_one(make_terms(size=1.0, limit=100.0))
    assert (nothing.filled_raw_1e9, nothing.average_usd) == (0, None)


async def test_preparing_changes_nothing_and_makes_each_batch_its_own(desk: Desk) -> None:
    before = state(desk.exchange)
    batch = make_batch(make_terms(), make_stop())
    first, second = await desk.gateway.prepare(batch), await desk.gateway.prepare(batch)
    assert first.signature != second.signature
    assert state(desk.exchange) == before
    assert (await desk.fate(first)).kind is FateKind.PENDING


async def test_the_same_bytes_have_one_effect(desk: Desk) -> None:
    signed = await desk.send(make_terms(size=5.0))
    for _ in range(3):
        await desk.gateway.send(signed)
        desk.clock.pass_s(1.0)
    assert held(desk) == 15.0
    assert len(desk.exchange.fills) == 2


async def test_bytes_that_never_came_are_gone_after_their_lifetime_and_are_not_taken_any_more(desk: Desk) -> None:
    signed = await desk.gateway.prepare(make_batch(make_terms()))
    desk.clock.pass_s(59.0)
    assert (await desk.fate(signed)).kind is FateKind.PENDING
    desk.clock.pass_s(3.0)
    assert (await desk.fate(signed)).kind is FateKind.GONE
    with pytest.raises(VenueRejected, match="too old"):
        await desk.gateway.send(signed)
    assert held(desk) == 10.0


async def test_changed_bytes_are_refused(desk: Desk) -> None:
    signed = await desk.gateway.prepare(make_batch(make_terms(size=1.0)))
    forged = dataclasses.replace(signed, raw=signed.raw.replace(b"1000000000", b"9000000000"))
    with pytest.raises(VenueRejected, match="not what was signed"):
        await desk.gateway.send(forged)
    assert held(desk) == 10.0


async def test_bytes_for_an_exchange_that_is_gone_do_not_land_on_the_next(desk: Desk) -> None:
    batch = make_batch(make_terms(size=1.0))
    signed = await desk.gateway.prepare(batch)
    await desk.gateway.send(signed)
    later = FakeClock(START + timedelta(seconds=1))
    another = connect(PaperSettings(seed=1), clock=later)
    gateway = connect_orders(PaperSettings(), reader=another, clock=later)
    with pytest.raises(VenueRejected, match="another paper exchange"):
        await gateway.send(signed)
    assert (await gateway.fate(signed)).kind is FateKind.GONE
    (placed,) = await gateway.placed(signed, batch)
    assert (placed.filled_raw_1e9, placed.open) == (0, False)


async def test_nothing_is_signed_after_the_consent_has_run_out(desk: Desk) -> None:
    batch = make_batch(make_terms())
    desk.clock.pass_s(86_401.0)
    with pytest.raises(VenueRejected, match="held until"):
        await desk.gateway.prepare(batch)


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        (make_terms(size=0.001), "the least is 0.01"),
        (make_terms(size=1.005), r"no multiple of its step; use 1$"),
        (make_terms(limit=100.00005), "multiple of"),
        (dataclasses.replace(make_terms(), limit_raw_1e6=0), "no price"),
        (dataclasses.replace(make_terms(), market_index=1), "market 0, not 1"),
        (make_terms(market="BTC-PERP", size=10.0, limit=120_000.0), "initial margin"),
        (make_terms(reduce_only=True), "no SOL-PERP position to reduce"),
        (make_terms(style=S.POST_ONLY, limit=101.0), r"must be below \$100\.01"),
        (make_terms(style=S.POST_ONLY, side=Side.SELL, limit=99.0), r"must be above \$99\.99"),
        (make_terms(lasts_s=0), "must say when it expires"),
        (make_terms(lasts_s=-5), "has expired"),
        (dataclasses.replace(make_stop(), reduce_only=False), "must be reduce-only"),
        (dataclasses.replace(make_stop(), triggers_above=None), "what side"),
        (make_stop(trigger=95.00005), "no price"),
        (make_stop(side=Side.BUY), "no SOL-PERP position to reduce"),
        (dataclasses.replace(make_terms(), trigger_raw_1e6=1_000_000), "has no trigger"),
    ],
)
async def test_what_the_venue_would_refuse_is_refused_before_it_is_signed(
    desk: Desk, terms: OrderTerms, why: str
) -> None:
    before = state(desk.exchange)
    with pytest.raises(VenueRejected, match=why):
        await desk.gateway.prepare(make_batch(terms))
    assert state(desk.exchange) == before


async def test_a_batch_happens_whole_or_not_at_all(desk: Desk) -> None:
    good, bad = make_terms(size=1.0), make_terms(size=1.0, style=S.POST_ONLY, limit=96.0)
    signed = await desk.gateway.prepare(make_batch(good, bad))
    desk.wait_until(15)  # by now the second one would cross
    before = state(desk.exchange)
    await desk.gateway.send(signed)
    fate = await desk.fate(signed)
    assert fate.kind is FateKind.FAILED
    assert "must be below $95.009500" in fate.reason
    assert state(desk.exchange) == before
    (first, second) = await desk.gateway.placed(signed, make_batch(good, bad))
    assert (first.filled_raw_1e9, second.filled_raw_1e9) == (0, 0)


async def test_a_limit_order_takes_what_it_can_and_rests_with_the_remainder(desk: Desk) -> None:
    placed = await desk.place_one(make_terms(size=60.0, style=S.LIMIT, limit=100.011, lasts_s=600))
    assert 0 < placed.filled_raw_1e9 < 60_000_000_000
    assert placed.open
    assert placed.order_id is not None
    (order,) = await desk.gateway.open_orders("ann-0")
    assert (order.kind, order.price_usd, order.expires_at) == (OrderKind.LIMIT, 100.011, START + timedelta(seconds=600))
    assert order.size_base == pytest.approx(60 - placed.filled_raw_1e9 / 1e9)
    desk.wait_until(20)
    assert not await desk.gateway.open_orders("ann-0")
    assert held(desk) == 70.0


async def test_what_a_limit_order_takes_beyond_one_second_costs_what_the_market_asks_not_its_limit() -> None:
    exchange = make_exchange()
    ann = open_funded(exchange, usdc=1_000_000.0)
    desk = Desk.at(exchange)
    await desk.place_one(make_terms(size=2_500.0, style=S.LIMIT, limit=109.0))
    desk.wait_until(5)
    assert [fill.base_1e9 // 10**9 for fill in exchange.fills] == [1_000, 1_000, 500]
    assert max(fill.price_1e6 for fill in exchange.fills) < 100_500_000
    assert not account(exchange, ann).orders


async def test_an_order_that_rests_ends_when_its_time_is_up(desk: Desk) -> None:
    batch = make_batch(make_terms(style=S.POST_ONLY, limit=50.0, lasts_s=30))
    signed = await desk.gateway.prepare(batch)
    await desk.gateway.send(signed)
    desk.wait_until(29)
    (placed,) = await desk.gateway.placed(signed, batch)
    assert placed.open
    desk.wait_until(30)
    (placed,) = await desk.gateway.placed(signed, batch)
    assert (placed.open, placed.reason) == (False, "its time was up")


async def test_cancel_and_place_is_one_act_and_a_gone_order_needs_no_cancelling(desk: Desk) -> None:
    old = await desk.place_one(make_stop(trigger=90.0))
    assert old.order_id is not None
    (new,) = await desk.place(make_stop(trigger=92.0), cancels=(old.order_id,))
    assert [order.order_id for order in await desk.gateway.open_orders("ann-0")] == [new.order_id]
    await desk.send(cancels=(old.order_id,))
    with pytest.raises(VenueRejected, match="never was an order 99"):
        await desk.send(cancels=(99,))


async def test_a_halt_may_cancel(desk: Desk) -> None:
    old = await desk.place_one(make_stop())
    assert old.order_id is not None
    consent = dataclasses.replace(make_batch(make_stop()).consent, kind=ConsentKind.HALT, digests=frozenset())
    signed = await desk.gateway.prepare(OrderBatch(account_id="ann-0", consent=consent, cancels=(old.order_id,)))
    await desk.gateway.send(signed)
    assert (await desk.fate(signed)).kind is FateKind.LANDED
    assert not await desk.gateway.open_orders("ann-0")


async def test_reduce_only_stops_at_the_position(desk: Desk) -> None:
    placed = await desk.place_one(make_terms(size=25.0, side=Side.SELL, reduce_only=True))
    assert placed.filled_raw_1e9 == 10_000_000_000
    assert placed.reason == "the position was smaller than the order"
    assert held(desk) == 0


async def test_an_account_holds_no_more_orders_than_the_venue_allows(desk: Desk) -> None:
    for _ in range(MOST_ORDERS):
        await desk.place_one(make_stop(size=0.1, trigger=50.0))
    with pytest.raises(VenueRejected, match="cancel one first"):
        await desk.place_one(make_stop(size=0.1, trigger=50.0))


async def test_orders_of_one_market_are_stated_with_what_it_asks_of_them(desk: Desk) -> None:
    depth = (await desk.gateway.depth("ann-0", [SOL, "BTC-PERP"]))["BTC-PERP"]
    assert (depth.market, depth.market_index, depth.oracle_usd) == ("BTC-PERP", 1, 100_000.0)
    assert (depth.step_raw_1e9, depth.tick_raw_1e6, depth.minimum_raw_1e9) == (100_000, 100_000, 100_000)
    assert (depth.taker_fee_frac, depth.maker_fee_frac, depth.problem) == (0.00035, -0.000025, "")
    assert depth.observed_at == desk.clock.now()
    with pytest.raises(VenueRejected, match="choose one of"):
        await desk.gateway.depth("ann-0", ["DOGE-PERP"])
    with pytest.raises(VenueRejected, match="no account"):
        await desk.gateway.depth("nobody-0", [SOL])


async def test_funding_is_a_fraction_of_the_price_an_hour() -> None:
    exchange = make_exchange()
    open_funded(exchange)
    exchange.set_funding(SOL, 0.0002)
    exchange.advance(3_600)
    depth = (await Desk.at(exchange).gateway.depth("ann-0", [SOL]))[SOL]
    assert depth.funding_hourly_frac == pytest.approx(0.0002)


async def test_orders_go_only_to_the_exchange_that_is_read(desk: Desk) -> None:
    gateway: OrderGateway = connect_orders(PaperSettings(), reader=desk.venue, clock=desk.clock)
    assert gateway.name == "paper"

    class Other:
        """Some reader."""

    with pytest.raises(VenueRejected, match="that is read"):
        connect_orders(PaperSettings(), reader=Other(), clock=desk.clock)  # type: ignore[arg-type]  # a wrong one


async def test_a_batch_that_has_not_come_cannot_be_read_back(desk: Desk) -> None:
    batch = make_batch(make_terms())
    signed: Signed = await desk.gateway.prepare(batch)
    with pytest.raises(VenueUnavailable, match="not arrived"):
        await desk.gateway.placed(signed, batch)
