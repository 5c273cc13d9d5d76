"""What every venue that takes orders owes the trade desk; see risk.trade_ports.OrderGateway."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from risk.model.account import MarketKind, OrderKind, Side
from risk.model.market import MarketStatus
from risk.model.trading import FateKind, NotConsented, OrderStyle, OrderTerms, PlacedOrder, Signed
from tests.contracts.gateway_worlds import MARKET, MARKET_INDEX, START, WORLDS, GatewayWorld, Signers
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.order_terms import agreed, halting, in_seconds, make_terms
from venues.errors import OutcomeUnknown, VenueRejected, VenueUnavailable

HELD = 10 * 10**9


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signers]:
    with contextlib.ExitStack() as stack:
        yield Signers(tmp_path_factory.mktemp("signers"), stack)


@pytest.fixture(params=list(WORLDS))
async def world(request: pytest.FixtureRequest, signers: Signers) -> AsyncIterator[GatewayWorld]:
    async with WORLDS[request.param](signers) as opened:
        yield opened


def order(world: GatewayWorld, **changes: object) -> OrderTerms:
    terms = make_terms(world.account, expires_at_s=in_seconds(world.clock.now(), 60))
    return replace(terms, **changes)  # type: ignore[arg-type]  # fields of OrderTerms by name


def stop(world: GatewayWorld) -> OrderTerms:
    return order(
        world,
        style=OrderStyle.TRIGGER_MARKET,
        limit_raw_1e6=0,
        trigger_raw_1e6=120_000_000,
        triggers_above=False,
        expires_at_s=0,
    )


async def executed(world: GatewayWorld, *terms: OrderTerms) -> tuple[Signed, tuple[PlacedOrder, ...]]:
    batch = agreed(world.account, *terms)
    signed = await world.gateway.prepare(batch)
    await world.gateway.send(signed)
    assert (await world.gateway.fate(signed)).kind is FateKind.LANDED
    return signed, await world.gateway.placed(signed, batch)


async def held(world: GatewayWorld) -> int:
    return await world.gateway.position_raw_1e9(world.account, MARKET)


async def test_a_market_says_what_it_offers_and_what_it_asks(world: GatewayWorld) -> None:
    depth = (await world.gateway.depth(world.account, [MARKET]))[MARKET]
    assert (depth.market, depth.market_index, depth.status) == (MARKET, MARKET_INDEX, MarketStatus.ACTIVE)
    assert depth.oracle_usd == pytest.approx(150)
    assert depth.problem == ""
    assert depth.bids
    assert depth.asks
    bids, asks = [one.price_usd for one in depth.bids], [one.price_usd for one in depth.asks]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert 148 < bids[0] < 150 < asks[0] < 152
    assert min(one.size_base for one in (*depth.bids, *depth.asks)) > 0
    assert 0 < depth.taker_fee_frac < 0.01
    assert min(depth.step_raw_1e9, depth.tick_raw_1e6, depth.minimum_raw_1e9) > 0


async def test_a_market_there_is_not_is_refused(world: GatewayWorld) -> None:
    with pytest.raises(VenueRejected):
        await world.gateway.depth(world.account, ["NOSUCH-PERP"])
    with pytest.raises(VenueRejected):
        await world.gateway.position_raw_1e9(world.account, "NOSUCH-PERP")


async def test_preparing_has_no_effect(world: GatewayWorld) -> None:
    signed = await world.gateway.prepare(agreed(world.account, order(world)))
    assert signed.raw
    assert signed.signature
    assert signed.last_valid_height > 0
    assert await held(world) == HELD
    assert await world.gateway.open_orders(world.account) == ()
    assert (await world.gateway.fate(signed)).kind is FateKind.PENDING


async def test_a_fill_is_what_the_position_says(world: GatewayWorld) -> None:
    _, (placed,) = await executed(world, order(world))
    assert placed.filled_raw_1e9 == 2 * 10**9
    assert not placed.open
    assert await held(world) == HELD - placed.filled_raw_1e9
    average = placed.average_usd
    assert average is None or 140 <= average <= 150
    assert placed.fee_raw_1e6 is None or placed.fee_raw_1e6 > 0


async def test_an_order_beyond_its_limit_fills_nothing_and_says_so(world: GatewayWorld) -> None:
    _, (placed,) = await executed(world, order(world, limit_raw_1e6=170_000_000))
    assert placed.filled_raw_1e9 == 0
    assert not placed.open
    assert placed.reason
    assert await held(world) == HELD


async def test_the_same_bytes_sent_twice_have_one_effect(world: GatewayWorld) -> None:
    batch = agreed(world.account, order(world))
    signed = await world.gateway.prepare(batch)
    for _ in range(3):
        await world.gateway.send(signed)
    assert await held(world) == HELD - 2 * 10**9
    (placed,) = await world.gateway.placed(signed, batch)
    assert placed.filled_raw_1e9 == 2 * 10**9


async def test_two_batches_of_the_same_orders_are_two(world: GatewayWorld) -> None:
    terms = order(world)
    first = await world.gateway.prepare(agreed(world.account, terms))
    await world.pass_s(2)
    second = await world.gateway.prepare(agreed(world.account, terms))
    assert first.signature != second.signature


async def test_a_lost_answer_is_an_unknown_outcome_that_fate_resolves(world: GatewayWorld, figure: Gauge) -> None:
    batch = agreed(world.account, order(world))
    signed = await world.gateway.prepare(batch)
    world.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        await world.gateway.send(signed)
    world.recover()
    fate = await world.gateway.fate(signed)
    assert fate.kind is FateKind.LANDED
    assert fate.slot > 0
    figure(Measure.LOST, fate.kind is not FateKind.LANDED)
    await world.gateway.send(signed)
    (placed,) = await world.gateway.placed(signed, batch)
    assert placed.filled_raw_1e9 == 2 * 10**9
    assert await held(world) == HELD - 2 * 10**9
    figure(Measure.DUPLICATES, (HELD - await held(world)) / placed.filled_raw_1e9 - 1)


async def test_what_never_arrived_is_pending_until_it_cannot_land_any_more(world: GatewayWorld) -> None:
    signed = await world.gateway.prepare(agreed(world.account, order(world)))
    world.drop_next()
    await world.gateway.send(signed)
    assert (await world.gateway.fate(signed)).kind is FateKind.PENDING
    await world.let_lapse()
    assert (await world.gateway.fate(signed)).kind is FateKind.GONE
    with pytest.raises(VenueRejected):
        await world.gateway.send(signed)
    assert await held(world) == HELD


async def test_what_was_dropped_may_be_sent_again(world: GatewayWorld) -> None:
    signed = await world.gateway.prepare(agreed(world.account, order(world)))
    world.drop_next()
    await world.gateway.send(signed)
    await world.gateway.send(signed)
    assert (await world.gateway.fate(signed)).kind is FateKind.LANDED
    assert await held(world) == HELD - 2 * 10**9


async def test_a_refusal_comes_with_words_and_without_effect(world: GatewayWorld) -> None:
    signed = await world.gateway.prepare(agreed(world.account, order(world)))
    world.refuse_next()
    with pytest.raises(VenueRejected, match=r"\w+ \w+"):
        await world.gateway.send(signed)
    assert await held(world) == HELD


async def test_a_batch_that_lands_and_fails_says_why(world: GatewayWorld) -> None:
    signed = await world.gateway.prepare(agreed(world.account, order(world)))
    world.fail_next()
    await world.gateway.send(signed)
    fate = await world.gateway.fate(signed)
    assert fate.kind is FateKind.FAILED
    assert fate.reason
    assert await held(world) == HELD


async def test_an_order_past_its_last_second_cannot_be_prepared(world: GatewayWorld) -> None:
    late = order(world, expires_at_s=in_seconds(world.clock.now(), -5))
    with pytest.raises(VenueRejected):
        await world.gateway.prepare(agreed(world.account, late))


async def test_an_order_that_arrives_past_its_last_second_fills_nothing(world: GatewayWorld) -> None:
    signed = await world.gateway.prepare(
        agreed(world.account, order(world, expires_at_s=in_seconds(world.clock.now(), 5)))
    )
    await world.pass_s(10)
    try:
        await world.gateway.send(signed)
    except VenueRejected:
        pass
    else:
        assert (await world.gateway.fate(signed)).kind is FateKind.FAILED
    assert await held(world) == HELD


async def test_nothing_is_prepared_once_the_approval_is_over(world: GatewayWorld) -> None:
    batch = agreed(world.account, order(world), holds_until=START)
    await world.pass_s(1)
    with pytest.raises(VenueRejected):
        await world.gateway.prepare(batch)


async def test_reduce_only_never_turns_a_position_round(world: GatewayWorld) -> None:
    _, (placed,) = await executed(world, order(world, size_raw_1e9=25 * 10**9))
    assert placed.filled_raw_1e9 == HELD
    assert placed.reason
    assert await held(world) == 0


@pytest.mark.parametrize("style", [OrderStyle.LIMIT, OrderStyle.POST_ONLY])
async def test_a_resting_order_is_there_as_it_was_agreed_on(world: GatewayWorld, style: OrderStyle) -> None:
    terms = order(world, style=style, limit_raw_1e6=180_000_000)
    signed, (placed,) = await executed(world, terms)
    assert placed.open
    assert (placed.filled_raw_1e9, placed.reason) == (0, "")
    (resting,) = await world.gateway.open_orders(world.account)
    assert resting.order_id == placed.order_id
    assert (resting.market_kind, resting.market_index) == (MarketKind.PERP, MARKET_INDEX)
    assert (resting.side, resting.kind, resting.reduce_only) == (Side.SELL, OrderKind.LIMIT, True)
    assert (resting.size_base, resting.price_usd) == (2.0, 180.0)
    assert resting.expires_at is not None
    assert int(resting.expires_at.timestamp()) == terms.expires_at_s
    assert await held(world) == HELD
    assert await world.gateway.placed(signed, agreed(world.account, terms)) == (placed,)


async def test_a_stop_rests_with_its_trigger(world: GatewayWorld) -> None:
    _, (placed,) = await executed(world, stop(world))
    assert placed.open
    (resting,) = await world.gateway.open_orders(world.account)
    assert resting.order_id == placed.order_id
    assert (resting.kind, resting.trigger_price_usd) == (OrderKind.TRIGGER_MARKET, 120.0)
    assert (resting.triggers_above, resting.triggered, resting.reduce_only) == (False, False, True)


async def test_cancelling_takes_an_order_out_and_nothing_else(world: GatewayWorld) -> None:
    terms = order(world, style=OrderStyle.LIMIT, limit_raw_1e6=180_000_000)
    signed, (first,) = await executed(world, terms)
    _, (second,) = await executed(world, stop(world))
    assert first.order_id is not None
    gone = await world.gateway.prepare(agreed(world.account, cancels=[first.order_id]))
    await world.gateway.send(gone)
    assert [one.order_id for one in await world.gateway.open_orders(world.account)] == [second.order_id]
    (ended,) = await world.gateway.placed(signed, agreed(world.account, terms))
    assert not ended.open
    assert ended.filled_raw_1e9 == 0
    assert ended.reason


async def test_a_halt_cancels_without_a_confirmation_of_its_own(world: GatewayWorld) -> None:
    _, (placed,) = await executed(world, stop(world))
    assert placed.order_id is not None
    await world.gateway.send(await world.gateway.prepare(halting(world.account, placed.order_id)))
    assert await world.gateway.open_orders(world.account) == ()


async def test_cancel_and_place_are_one_step(world: GatewayWorld) -> None:
    _, (old,) = await executed(world, stop(world))
    assert old.order_id is not None
    batch = agreed(world.account, replace(stop(world), trigger_raw_1e6=125_000_000), cancels=[old.order_id])
    signed = await world.gateway.prepare(batch)
    await world.gateway.send(signed)
    (new,) = await world.gateway.placed(signed, batch)
    (resting,) = await world.gateway.open_orders(world.account)
    assert resting.order_id == new.order_id != old.order_id
    assert resting.trigger_price_usd == 125.0


async def test_several_orders_of_one_batch_are_told_one_by_one(world: GatewayWorld) -> None:
    _, placed = await executed(
        world, order(world, size_raw_1e9=10**9), stop(world), order(world, limit_raw_1e6=170_000_000)
    )
    assert [one.filled_raw_1e9 for one in placed] == [10**9, 0, 0]
    assert [one.open for one in placed] == [False, True, False]
    assert await held(world) == HELD - 10**9


def test_a_batch_nobody_agreed_to_cannot_be_made() -> None:
    terms = make_terms("ann-0")
    consent = agreed("ann-0", terms).consent
    batch = agreed("ann-0", terms)
    with pytest.raises(NotConsented):
        replace(batch, terms=(replace(terms, size_raw_1e9=terms.size_raw_1e9 + 1),))
    with pytest.raises(NotConsented):
        replace(batch, cancels=(1,))
    with pytest.raises(NotConsented):
        replace(batch, terms=(), cancels=(), consent=consent)
    with pytest.raises(NotConsented):
        replace(halting("ann-0", 1), terms=(terms,))


async def test_a_venue_that_does_not_answer_is_unavailable_and_nothing_is_assumed(world: GatewayWorld) -> None:
    batch = agreed(world.account, order(world))
    signed = await world.gateway.prepare(batch)
    world.go_down()
    with pytest.raises(VenueUnavailable):
        await world.gateway.prepare(batch)
    with pytest.raises(VenueUnavailable):
        await world.gateway.fate(signed)
    with pytest.raises(VenueUnavailable):
        await world.gateway.placed(signed, batch)
    with pytest.raises((VenueUnavailable, OutcomeUnknown)):
        await world.gateway.send(signed)
    with pytest.raises(VenueUnavailable):
        await world.gateway.open_orders(world.account)
    world.recover()
    assert await held(world) == HELD
    assert (await world.gateway.fate(signed)).kind is FateKind.PENDING
