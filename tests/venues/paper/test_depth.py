"""What a market shows is what an order gets: one curve, seen as levels and paid as a price."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.depth import walk
from risk.model.account import Side
from risk.model.market import MarketStatus
from tests.venues.paper.builders import account, make_exchange, open_funded
from tests.venues.paper.order_builders import SOL, Desk, make_terms
from venues.errors import VenueRejected, VenueUnavailable
from venues.paper import PaperExchange
from venues.paper.depth import levels, within_1e9
from venues.paper.markets import DEFAULT_UNIVERSE, SOL_ORACLE, PerpListing

ALL = ("SOL-PERP", "BTC-PERP", "ETH-PERP")


def rich(exchange: PaperExchange) -> str:
    return open_funded(exchange, usdc=10_000_000.0)


def levels_sum_1e9(exchange: PaperExchange, listing: PerpListing, side: Side) -> int:
    return sum(one.size_1e9 for one in levels(exchange.world, listing, side))


@given(
    market=st.sampled_from(ALL),
    side=st.sampled_from(Side),
    share=st.floats(0.0005, 1.2),
    taken=st.floats(0.0, 0.9),
    thin=st.sampled_from((1.0, 1.0, 0.3)),
)
async def test_walking_the_levels_gives_what_a_fill_costs(
    market: str, side: Side, share: float, taken: float, thin: float
) -> None:
    exchange = make_exchange()
    ann = rich(exchange)
    desk = Desk.at(exchange)
    desk.venue.faults.thin_books(thin)
    listing = DEFAULT_UNIVERSE.perp(market)
    oracle = exchange.world.price_1e6(listing.terms.oracle_id) / 1e6
    one_step = listing.step_1e9 / 1e9
    if taken * 100_000 * thin > oracle * one_step:
        exchange.market_order(ann, market, side, taken * 100_000 * thin / oracle)
    size = max(round(share * 100_000 * thin / oracle / one_step), 1) * one_step
    depth = (await desk.gateway.depth(ann, [market]))[market]
    seen = walk(depth, side, size)
    limit = oracle * (1.05 if side is Side.BUY else 0.95)
    placed = await desk.place_one(make_terms(market=market, side=side, size=size, limit=limit))
    assert placed.filled_raw_1e9 / 1e9 == pytest.approx(seen.filled_base, abs=one_step / 2)
    if placed.filled_raw_1e9:
        assert placed.average_usd == pytest.approx(seen.average_usd, abs=listing.tick_1e6 / 2e6 + 2e-6)
        assert placed.fee_raw_1e6 == pytest.approx(seen.fee_usd * 1e6, rel=1e-5, abs=2)


@given(side=st.sampled_from(Side), offset_bps=st.floats(-0.5, 6.0), size=st.floats(1.0, 1_500.0))
async def test_a_limit_gets_exactly_the_levels_that_are_no_worse(side: Side, offset_bps: float, size: float) -> None:
    exchange = make_exchange()
    desk, ann = Desk.at(exchange), rich(exchange)
    limit = round(100 * (1 + offset_bps / 1e4 * (1 if side is Side.BUY else -1)), 4)
    terms = make_terms(side=side, size=round(size, 2), limit=limit)
    depth = (await desk.gateway.depth(ann, [SOL]))[SOL]
    seen = walk(depth, side, terms.size_base, limit_usd=terms.limit_usd)
    placed = await desk.place_one(terms)
    assert placed.filled_raw_1e9 / 1e9 == pytest.approx(seen.filled_base)
    if placed.average_usd is not None:
        assert placed.average_usd <= limit + 1e-9 if side is Side.BUY else placed.average_usd >= limit - 1e-9


def test_levels_are_in_order_in_whole_steps_and_hold_all_there_is() -> None:
    exchange = make_exchange()
    for listing in DEFAULT_UNIVERSE.perps:
        for side, sign in ((Side.BUY, 1), (Side.SELL, -1)):
            found = levels(exchange.world, listing, side)
            assert all(one.size_1e9 > 0 and one.size_1e9 % listing.step_1e9 == 0 for one in found)
            prices = [one.price_1e6 * sign for one in found]
            assert prices == sorted(set(prices))
            assert sum(one.size_1e9 for one in found) == exchange.world.available_1e9(listing, side)
            assert len(found) < 200


def test_a_market_without_impact_has_one_level_and_without_a_price_none() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (1, 4e-7)]})
    flat = dataclasses.replace(DEFAULT_UNIVERSE.perp(SOL), impact_bps_per_musd=0.0)
    assert [one.size_1e9 for one in levels(exchange.world, flat, Side.BUY)] == [1_000 * 10**9]
    exchange.advance(1)
    assert levels(exchange.world, flat, Side.BUY) == ()
    assert exchange.world.available_1e9(flat, Side.BUY) == 0


async def test_a_price_of_zero_is_no_price() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (1, 4e-7)]})
    ann = rich(exchange)
    desk = Desk.at(exchange)
    desk.wait_until(1)
    depth = (await desk.gateway.depth(ann, [SOL]))[SOL]
    assert (depth.asks, depth.bids, depth.problem) == ((), (), "the price of SOL/USD is non positive")
    with pytest.raises(VenueRejected, match="no positive price"):
        await desk.place_one(make_terms())


async def test_what_was_taken_this_second_is_no_longer_offered() -> None:
    exchange = make_exchange()
    desk, ann = Desk.at(exchange), rich(exchange)
    listing = DEFAULT_UNIVERSE.perp(SOL)
    await desk.place_one(make_terms(size=700.0))
    assert levels_sum_1e9(exchange, listing, Side.BUY) == 300 * 10**9
    assert levels_sum_1e9(exchange, listing, Side.SELL) == 1_000 * 10**9
    assert (await desk.place_one(make_terms(size=500.0))).filled_raw_1e9 == 300 * 10**9
    assert (await desk.gateway.depth(ann, [SOL]))[SOL].asks == ()
    desk.wait_until(1)
    assert within_1e9(exchange.world, listing, Side.BUY, 10**12) == 1_000 * 10**9


async def test_a_stale_price_is_a_problem_of_the_depth_and_lets_only_reducing_orders_through() -> None:
    exchange = make_exchange()
    desk, ann = Desk.at(exchange), rich(exchange)
    await desk.place_one(make_terms(size=10.0))
    desk.venue.faults.stale_oracle(SOL)
    desk.wait_until(60)
    assert (await desk.gateway.depth(ann, [SOL]))[SOL].problem == "the price of SOL/USD is stale"
    with pytest.raises(VenueUnavailable, match="SOL/USD is stale"):
        await desk.place_one(make_terms(size=1.0))
    await desk.place_one(make_terms(size=1.0, side=Side.SELL, reduce_only=True))


async def test_a_market_says_what_it_allows_and_does_no_more() -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (10, 100.0), (11, 120.0)]})
    desk, ann = Desk.at(exchange), rich(exchange)
    await desk.place_one(make_terms(size=10.0))
    faults = desk.venue.faults

    async def status() -> MarketStatus:
        return (await desk.gateway.depth(ann, [SOL]))[SOL].status

    faults.restrict_to_reducing(SOL)
    assert await status() is MarketStatus.REDUCE_ONLY
    with pytest.raises(VenueRejected, match="only orders that reduce"):
        await desk.place_one(make_terms(size=1.0))
    with pytest.raises(VenueRejected, match="only orders that reduce"):
        exchange.market_order(ann, SOL, Side.BUY, 1.0)
    await desk.place_one(make_terms(size=1.0, side=Side.SELL, reduce_only=True))

    for switch, expected, why in (
        (faults.pause_market, MarketStatus.FILL_PAUSED, "is paused"),
        (faults.delist_market, MarketStatus.DELISTED, "is delisted"),
    ):
        faults.clear()
        resting = exchange.limit_order(ann, SOL, Side.SELL, 1.0, 110.0)
        switch(SOL)
        assert await status() is expected
        assert (await desk.venue.read([ann])).perp_markets.status.tolist() == [expected.value]
        with pytest.raises(VenueRejected, match=why):
            await desk.place_one(make_terms(size=1.0, side=Side.SELL, reduce_only=True))
        if switch == faults.delist_market:
            desk.wait_until(20)  # the price passes the order, and nothing happens
        assert resting in account(exchange, ann).orders
        await desk.send(cancels=(resting,))
        assert not account(exchange, ann).orders

    faults.clear()
    faults.pause_exchange()
    assert {one.status for one in (await desk.gateway.depth(ann, ALL)).values()} == {MarketStatus.FILL_PAUSED}
    faults.clear()
    assert await status() is MarketStatus.ACTIVE


async def test_without_a_book_nothing_can_be_taken_but_an_order_may_rest() -> None:
    exchange = make_exchange()
    desk, ann = Desk.at(exchange), rich(exchange)
    desk.venue.faults.empty_book(SOL)
    depth = (await desk.gateway.depth(ann, [SOL]))[SOL]
    assert (depth.bids, depth.asks, depth.status) == ((), (), MarketStatus.ACTIVE)
    with pytest.raises(VenueRejected, match="no book now"):
        await desk.place_one(make_terms())
    with pytest.raises(VenueUnavailable, match="try again later"):
        exchange.market_order(ann, SOL, Side.BUY, 1.0)


@given(
    legs=st.lists(
        st.tuples(st.sampled_from(ALL), st.sampled_from(Side), st.floats(0.01, 0.5), st.booleans()),
        min_size=1,
        max_size=8,
    )
)
async def test_cash_fees_and_what_was_bought_add_up_to_the_last_unit(
    legs: list[tuple[str, Side, float, bool]],
) -> None:
    """In whole numbers: what the account has is what it brought, and its fills; and orders tell of the same fills."""
    exchange = make_exchange()
    ann = open_funded(exchange)
    desk = Desk.at(exchange)
    told = {"quote": 0, "fee": 0}
    for second, (market, side, share, reduce_only) in enumerate(legs, start=1):
        listing = DEFAULT_UNIVERSE.perp(market)
        oracle = exchange.world.price_1e6(listing.terms.oracle_id) / 1e6
        step = listing.step_1e9 / 1e9
        size = max(1, round(share * 10_000 / oracle / step)) * step
        held = account(exchange, ann).base_1e9(listing.terms.market_index)
        limit = oracle * (1.01 if side is Side.BUY else 0.99)
        try:
            placed = await desk.place_one(
                make_terms(market=market, side=side, size=size, limit=limit, reduce_only=reduce_only)
            )
        except VenueRejected:
            continue
        after = account(exchange, ann).base_1e9(listing.terms.market_index)
        sign = 1 if side is Side.BUY else -1
        assert after - held == placed.filled_raw_1e9 * sign
        if reduce_only:
            assert abs(after) < abs(held)
            assert after * held >= 0
        told["quote"] -= sign * (placed.quote_raw_1e6 or 0)
        told["fee"] += placed.fee_raw_1e6 or 0
        desk.wait_until(second)
    mine = account(exchange, ann)
    inside = mine.tokens_raw.get(0, 0) + sum(slot.quote_1e6 for slot in mine.perps.values())
    assert inside == mine.net_deposits_1e6 + told["quote"] - told["fee"]
    assert mine.fees_1e6 == told["fee"]
