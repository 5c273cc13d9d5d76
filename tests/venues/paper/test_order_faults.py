"""A bad day of a venue that takes orders: each fault on demand, and what the gateway says of it."""

import pytest

from risk.model.account import Side
from risk.model.trading import FateKind, OrderStyle
from tests.venues.paper.builders import account, make_exchange, open_funded
from tests.venues.paper.order_builders import SOL, Desk, make_batch, make_stop, make_terms
from venues.errors import OutcomeUnknown, VenueRejected, VenueUnavailable
from venues.paper.markets import SOL_ORACLE


@pytest.fixture
def desk() -> Desk:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (100, 110.0)]})
    open_funded(exchange)
    return Desk.at(exchange)


def held(desk: Desk) -> float:
    return account(desk.exchange, "ann-0").base_1e9(0) / 1e9


async def test_a_lost_answer_has_its_effect_once_however_often_it_is_sent_again(desk: Desk) -> None:
    desk.venue.faults.lose_answers(2)
    signed = await desk.gateway.prepare(make_batch(make_terms(size=5.0)))
    for _ in range(2):
        with pytest.raises(OutcomeUnknown, match="found out"):
            await desk.gateway.send(signed)
    await desk.gateway.send(signed)
    assert (await desk.fate(signed)).kind is FateKind.LANDED
    assert held(desk) == 5.0
    assert len(desk.exchange.fills) == 1


async def test_a_late_order_lands_later_at_the_price_of_then(desk: Desk) -> None:
    desk.venue.faults.late_orders(10)
    batch = make_batch(make_terms(size=5.0))
    signed = await desk.gateway.prepare(batch)
    await desk.gateway.send(signed)
    desk.clock.pass_s(4.0)
    await desk.gateway.send(signed)  # impatience changes nothing
    assert (await desk.fate(signed)).kind is FateKind.PENDING
    with pytest.raises(VenueUnavailable, match="not arrived"):
        await desk.gateway.placed(signed, batch)
    desk.clock.pass_s(16.0)
    fate = await desk.fate(signed)
    assert (fate.kind, fate.slot) == (FateKind.LANDED, desk.exchange.world.first_slot + 25)
    (fill,) = desk.exchange.fills
    assert (fill.at_s, fill.base_1e9) == (10, 5 * 10**9)
    assert fill.price_1e6 > 101_000_000


async def test_a_late_order_may_find_that_its_limit_is_gone(desk: Desk) -> None:
    desk.venue.faults.late_orders(10)
    batch = make_batch(make_terms(size=5.0, limit=100.5))
    signed = await desk.gateway.prepare(batch)
    await desk.gateway.send(signed)
    desk.wait_until(20)
    assert (await desk.fate(signed)).kind is FateKind.LANDED
    (placed,) = await desk.gateway.placed(signed, batch)
    assert (placed.filled_raw_1e9, placed.open) == (0, False)


async def test_one_that_is_too_late_to_land_is_gone_for_good(desk: Desk) -> None:
    desk.venue.faults.late_orders(90)
    signed = await desk.gateway.prepare(make_batch(make_terms(size=5.0)))
    await desk.gateway.send(signed)
    desk.clock.pass_s(61.0)
    assert (await desk.fate(signed)).kind is FateKind.GONE
    desk.clock.pass_s(60.0)
    assert (await desk.fate(signed)).kind is FateKind.GONE
    assert held(desk) == 0


async def test_a_dropped_order_is_pending_until_its_lifetime_is_over_then_gone(desk: Desk) -> None:
    desk.venue.faults.drop_orders()
    signed = await desk.send(make_terms())
    desk.clock.pass_s(59.0)
    assert (await desk.fate(signed)).kind is FateKind.PENDING
    desk.clock.pass_s(5.0)
    assert (await desk.fate(signed)).kind is FateKind.GONE
    assert held(desk) == 0


async def test_a_dropped_order_that_is_sent_again_lands_once(desk: Desk) -> None:
    desk.venue.faults.drop_orders()
    signed = await desk.send(make_terms(size=2.0))
    for _ in range(3):
        await desk.gateway.send(signed)
    assert (await desk.fate(signed)).kind is FateKind.LANDED
    assert held(desk) == 2.0


async def test_a_rejected_order_does_not_land_and_the_next_does(desk: Desk) -> None:
    desk.venue.faults.reject_orders(2, reason="no room left in the block; send it again")
    signed = await desk.gateway.prepare(make_batch(make_terms()))
    for _ in range(2):
        with pytest.raises(VenueRejected, match="no room left"):
            await desk.gateway.send(signed)
    assert (await desk.fate(signed)).kind is FateKind.PENDING
    await desk.gateway.send(signed)
    assert (await desk.fate(signed)).kind is FateKind.LANDED


async def test_an_order_may_land_and_fail_and_then_nothing_of_it_happened(desk: Desk) -> None:
    desk.venue.faults.fail_orders(reason="custom program error 6001")
    signed = await desk.send(make_terms(), make_terms(side=Side.SELL, style=OrderStyle.POST_ONLY, limit=120.0))
    fate = await desk.fate(signed)
    assert (fate.kind, fate.reason) == (FateKind.FAILED, "custom program error 6001")
    assert held(desk) == 0
    assert not await desk.gateway.open_orders("ann-0")
    await desk.gateway.send(signed)  # a failed one does not come back to life
    assert (await desk.fate(signed)).kind is FateKind.FAILED
    assert held(desk) == 0


async def test_a_thin_book_fills_a_part(desk: Desk) -> None:
    signed = await desk.gateway.prepare(make_batch(make_terms(size=400.0)))
    desk.venue.faults.thin_books(0.1)
    await desk.gateway.send(signed)
    (placed,) = await desk.gateway.placed(signed, make_batch(make_terms(size=400.0)))
    assert placed.filled_raw_1e9 == 100 * 10**9
    assert "only 100 of 400" in placed.reason
    desk.venue.faults.clear()


async def test_a_venue_that_is_down_has_surely_not_taken_anything(desk: Desk) -> None:
    signed = await desk.gateway.prepare(make_batch(make_terms()))
    desk.venue.faults.down()
    for request in (
        desk.gateway.send(signed),
        desk.gateway.fate(signed),
        desk.gateway.placed(signed, make_batch(make_terms())),
        desk.gateway.open_orders("ann-0"),
        desk.gateway.position_raw_1e9("ann-0", SOL),
        desk.gateway.prepare(make_batch(make_terms())),
        desk.gateway.depth("ann-0", [SOL]),
    ):
        with pytest.raises(VenueUnavailable):
            await request
    desk.venue.faults.clear()
    assert held(desk) == 0
    assert (await desk.fate(signed)).kind is FateKind.PENDING


async def test_a_venue_that_stands_still_is_not_asked_about_orders(desk: Desk) -> None:
    signed = await desk.send(make_terms(size=2.0))
    desk.venue.faults.frozen_slot()
    with pytest.raises(VenueUnavailable, match="stands still"):
        await desk.fate(signed)
    desk.venue.faults.clear()
    assert (await desk.fate(signed)).kind is FateKind.LANDED


async def test_a_slow_venue_trades_at_the_price_of_when_it_got_there(desk: Desk) -> None:
    signed = await desk.gateway.prepare(make_batch(make_terms(size=1.0)))
    desk.venue.faults.slow(20.0)
    await desk.gateway.send(signed)
    assert desk.exchange.fills[0].at_s == 20


async def test_everything_is_well_again_after_clear(desk: Desk) -> None:
    faults = desk.venue.faults
    faults.reject_orders(5)
    faults.fail_orders(5)
    faults.drop_orders(5)
    faults.lose_answers(5)
    faults.late_orders(30)
    faults.thin_books(0.0)
    faults.empty_book(SOL)
    faults.pause_exchange()
    faults.no_keepers()
    faults.late_keepers(9)
    faults.clear()
    await desk.place_one(make_terms(size=2.0))
    assert held(desk) == 2.0
    await desk.place_one(make_stop(size=2.0, trigger=100.5, side=Side.SELL))
    desk.wait_until(10)
    assert held(desk) == 0
    assert desk.exchange.fills[-1].at_s == 3
