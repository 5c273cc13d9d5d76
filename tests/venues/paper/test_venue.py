"""The paper venue behind its port: time, slots, what a reading shows, and faults on demand."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from bot.clock import ScriptClock
from risk.margin.book import FleetBook
from risk.margin.evaluate import evaluate
from risk.margin.snapshot import snapshot_of
from risk.model.account import OrderKind, Side
from risk.model.market import OracleValidity
from risk.ports import FeeStatements
from tests.venues.paper.builders import make_exchange, open_funded
from venues.errors import VenueRejected, VenueUnavailable
from venues.paper import PaperSettings, PaperVenue, connect
from venues.paper.exchange import FIRST_SLOT
from venues.paper.markets import SOL_ORACLE

START = datetime(2026, 1, 1, tzinfo=UTC)
SOL = "SOL-PERP"
RISE = {SOL_ORACLE: [(0.0, 100.0), (1_000.0, 200.0)]}


@pytest.fixture
def clock() -> ScriptClock:
    return ScriptClock(START)


@pytest.fixture
def venue(clock: ScriptClock) -> PaperVenue:
    """Ann has 10,000 USDC, 10 SOL-PERP and a bid; bob has 10,000 USDC. SOL rises by 0.10 USD a second."""
    exchange = make_exchange(RISE)
    ann = open_funded(exchange)
    open_funded(exchange, authority="bob")
    exchange.market_order(ann, SOL, Side.BUY, 10.0)
    exchange.limit_order(ann, SOL, Side.BUY, 5.0, 90.0)
    return PaperVenue(exchange, clock=clock)


def sol_usd(book: FleetBook) -> float:
    return float(book.oracles.price_1e6[book.oracles.ids.index(SOL_ORACLE)]) / 1e6


def sol_validity(book: FleetBook) -> OracleValidity:
    return OracleValidity(int(book.perp_markets.validity[book.perp_markets.names.index(SOL)]))


async def test_reading_advances_the_world_to_the_clock(venue: PaperVenue, clock: ScriptClock) -> None:
    await clock.sleep(60.5)
    book = await venue.read(["ann-0"])
    assert sol_usd(book) == pytest.approx(106.0)
    assert book.slot == FIRST_SLOT + 151
    assert book.observed_at == START + timedelta(seconds=60.5)
    assert evaluate(book).full.perp_pnl_usd[0] == pytest.approx(60.0 - 10 * 0.01 - 0.35, abs=0.01)


async def test_time_before_the_venue_was_made_is_not_its_time(clock: ScriptClock) -> None:
    await clock.sleep(10_000)
    exchange = make_exchange(RISE)
    ann = open_funded(exchange)
    exchange.market_order(ann, SOL, Side.BUY, 1.0)
    exchange.advance(5)
    venue = PaperVenue(exchange, clock=clock)
    await clock.sleep(5)
    assert sol_usd(await venue.read([ann])) == pytest.approx(101.0)


async def test_a_person_sees_positions_orders_funding_and_deposits(venue: PaperVenue) -> None:
    ann = snapshot_of(await venue.read(["ann-0"]), "ann-0")
    (position,) = ann.perp_positions
    (order,) = ann.open_orders
    assert (position.size_base, position.open_bids_base, position.open_orders) == (10.0, 5.0, 1)
    assert position.quote_entry_usd == pytest.approx(-1_000.1, abs=0.01)
    assert (order.side, order.kind, order.size_base, order.price_usd) == (Side.BUY, OrderKind.LIMIT, 5.0, 90.0)
    assert (ann.authority, ann.name, ann.net_deposits_usd) == ("ann", "ann", 10_000.0)
    assert ann.spot_balances[0].amount_tokens == 10_000.0


async def test_trading_through_the_venue_happens_now(venue: PaperVenue, clock: ScriptClock) -> None:
    await clock.sleep(100)
    report = (await venue.reach()).market_order("bob-0", SOL, Side.SELL, 1.0)
    assert report.price_usd == pytest.approx(109.989, abs=0.001)


async def test_down_refuses_every_request_and_the_market_goes_on(venue: PaperVenue, clock: ScriptClock) -> None:
    venue.faults.down()
    for request in (venue.read(["ann-0"]), venue.resolve("ann:0"), venue.sub_accounts("ann"), venue.reach()):
        with pytest.raises(VenueUnavailable, match="try again later"):
            await request
    with pytest.raises(VenueUnavailable):
        _ = [book async for book in venue.sweep()]
    await clock.sleep(50)
    venue.faults.clear()
    assert sol_usd(await venue.read(["ann-0"])) == pytest.approx(105.0)


async def test_slow_takes_its_time_on_the_clock_and_answers_with_the_later_price(
    venue: PaperVenue, clock: ScriptClock
) -> None:
    venue.faults.slow(12)
    book = await venue.read(["ann-0"])
    assert clock.monotonic_s() == 12
    assert sol_usd(book) == pytest.approx(101.2)
    assert book.observed_at == START + timedelta(seconds=12)


async def test_a_stale_oracle_stops_ages_and_in_the_end_is_invalid(venue: PaperVenue, clock: ScriptClock) -> None:
    await clock.sleep(20)
    venue.faults.stale_oracle(SOL)
    await clock.sleep(40)
    book = await venue.read(["ann-0"])
    assert sol_usd(book) == pytest.approx(102.0)
    assert book.oracles.slots_behind.max() == 100
    assert sol_validity(book) is OracleValidity.VALID
    await clock.sleep(10)
    book = await venue.read(["ann-0"])
    assert sol_validity(book) is OracleValidity.STALE
    assert book.slot == FIRST_SLOT + 175
    venue.faults.clear()
    book = await venue.read(["ann-0"])
    assert sol_usd(book) == pytest.approx(107.0)
    assert sol_validity(book) is OracleValidity.VALID


async def test_a_stale_oracle_reaches_everything_it_prices_and_nothing_else(
    venue: PaperVenue, clock: ScriptClock
) -> None:
    (await venue.reach()).deposit("ann-0", "SOL", 1.0)
    venue.faults.stale_oracle("SOL")
    await clock.sleep(60)
    book = await venue.read(["ann-0"])
    assert sol_validity(book) is OracleValidity.STALE
    spot = dict(zip(book.spot_markets.names, book.spot_markets.validity.tolist(), strict=True))
    assert spot == {"USDC": OracleValidity.VALID.value, "SOL": OracleValidity.STALE.value}
    with pytest.raises(VenueRejected, match="no market DOGE"):
        venue.faults.stale_oracle("DOGE")


async def test_no_resting_order_fills_in_a_market_whose_oracle_stopped(clock: ScriptClock) -> None:
    exchange = make_exchange({SOL_ORACLE: [(0, 100.0), (10, 80.0)]})
    ann = open_funded(exchange)
    exchange.limit_order(ann, SOL, Side.BUY, 1.0, 99.0)
    venue = PaperVenue(exchange, clock=clock)
    venue.faults.stale_oracle(SOL)
    await clock.sleep(20)
    assert not (await venue.reach()).fills
    venue.faults.clear()
    await clock.sleep(1)
    assert len((await venue.reach()).fills) == 1


async def test_a_frozen_slot_shows_one_moment_for_ever_while_the_market_goes_on(
    venue: PaperVenue, clock: ScriptClock
) -> None:
    await clock.sleep(20)
    venue.faults.frozen_slot()
    await clock.sleep(30)
    exchange = await venue.reach()
    exchange.deposit("bob-0", "USDC", 5.0)
    cid = exchange.open_account("cid")
    venue.faults.stale_oracle(SOL)
    book = await venue.read(["ann-0", "bob-0"])
    assert book.slot == FIRST_SLOT + 50
    assert sol_usd(book) == pytest.approx(102.0)
    assert book.accounts.net_deposits_1e6[1] == 10_000e6
    assert book.observed_at == START + timedelta(seconds=50)
    assert [book.slot async for book in venue.sweep()] == [FIRST_SLOT + 50]
    with pytest.raises(VenueRejected, match="no account cid-0"):
        await venue.read([cid])
    assert await venue.sub_accounts("cid") == []
    venue.faults.clear()
    book = await venue.read(["bob-0", cid])
    assert book.slot == FIRST_SLOT + 125
    assert book.accounts.net_deposits_1e6[0] == 10_005e6


async def test_a_closed_venue_says_so(venue: PaperVenue) -> None:
    await venue.close()
    await venue.close()
    with pytest.raises(VenueRejected, match="connect again"):
        await venue.read(["ann-0"])


async def test_connecting_gives_a_leveraged_account_in_a_market_of_its_own_seed(clock: ScriptClock) -> None:
    same, again, other = (connect(PaperSettings(seed=seed), clock=clock) for seed in (1, 1, 2))
    await clock.sleep(600)
    prices = [(await reader.read(["demo-0"])).oracles.price_1e6.tolist() for reader in (same, again, other)]
    assert prices[0] == prices[1] != prices[2]


async def test_a_stream_tells_of_every_second_and_of_what_it_brings(venue: PaperVenue) -> None:
    books = venue.stream(["ann-0", "bob-0"])
    told = [await anext(books) for _ in range(4)]
    assert [round(sol_usd(book), 1) for book in told] == [100.0, 100.1, 100.2, 100.3]
    assert all(later.slot > earlier.slot for earlier, later in pairwise(told))
    await books.aclose()


async def test_a_stream_of_a_venue_that_stands_still_ends(venue: PaperVenue) -> None:
    books = venue.stream(["ann-0"])
    await anext(books)
    venue.faults.frozen_slot()
    with pytest.raises(VenueUnavailable, match="no new slot for 5 s"):
        await anext(books)


async def test_it_states_what_trading_has_cost_each_account() -> None:
    exchange = make_exchange()
    ann, bob = open_funded(exchange), open_funded(exchange, authority="bob")
    report = exchange.market_order(ann, "SOL-PERP", Side.BUY, 10)
    venue = PaperVenue(exchange, clock=ScriptClock(START))
    paid = await venue.fees_paid_usd(await venue.read([ann, bob, "nobody-0"]))

    assert isinstance(venue, FeeStatements)
    assert paid[0] == pytest.approx(report.fee_usd)
    assert paid[0] > 0
    assert paid[1] == 0
    assert np.isnan(paid[2])


def test_only_accounts_and_their_owners_are_somebody_here(venue: PaperVenue) -> None:
    for known in ("ann-0", "bob"):
        venue.require_address(known)
    with pytest.raises(VenueRejected, match="'foo' is nobody's address here"):
        venue.require_address("foo")
