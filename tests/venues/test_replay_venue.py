"""A book in recorded history: what it is worth at every moment, and what somebody reads who watches it."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import venues
from bot.clock import ScriptClock
from risk.margin.book import FleetBook
from risk.margin.evaluate import evaluate
from risk.model.market import OracleValidity
from tests.venues.replaying import START_S, Bar, flat, long, make_bars, recorded, short, write_bars
from venues.errors import VenueRejected
from venues.replay import (
    ACCOUNT_ID,
    BadReplayBook,
    BookPosition,
    PositionSide,
    Recording,
    ReplayBook,
    ReplaySettings,
    ReplayVenue,
    record,
)

START = datetime.fromtimestamp(START_S, UTC)


def test_the_account_opens_at_the_first_open_and_pays_nothing_for_it() -> None:
    recording = recorded(flat(200, 200), long(leverage=5))
    assert (recording.sizes_base, recording.entry_prices_usd) == ((250.0,), (200.0,))
    assert recording.excess_usd[0] == 10_000 - 0.05 * 50_000
    assert recording.ratio_percent[0] == pytest.approx(400)


@given(st.floats(1e-6, 200_000), st.integers(1, 1_000))
def test_tenfold_leverage_at_five_percent_maintenance_is_not_below_a_ratio_of_200(price: float, thousands: int) -> None:
    """Where WARNING would begin: what is exactly there is still the better tier."""
    ratio = recorded(flat(price, price), long(leverage=10), collateral_usd=1_000.0 * thousands).ratio_percent[0]
    assert 200 <= ratio == pytest.approx(200, rel=1e-5)


def test_a_size_and_its_leverage_are_the_same_book() -> None:
    sized = BookPosition(market="SOL-PERP", side=PositionSide.LONG, size_base=250.0)
    bars: list[Bar] = [(200, 210, 150, 180), (180, 185, 160, 170)]
    assert recorded(bars, sized).ratio_percent.tolist() == recorded(bars, long(leverage=5)).ratio_percent.tolist()


@given(
    leverage=st.floats(1.1, 18),
    is_long=st.booleans(),
    moves=st.lists(st.floats(0.8, 1.25), min_size=2, max_size=12),
    maintenance=st.sampled_from((0.03, 0.05, 0.0625, 0.1)),
)
def test_liquidation_comes_with_the_first_price_beyond_the_closed_form(
    leverage: float, is_long: bool, moves: list[float], maintenance: float
) -> None:
    """entry (1 - 1/L) / (1 - m) for a long, entry (1 + 1/L) / (1 + m) for a short."""
    closes = np.cumprod([100.0, *moves])
    bars = [(a, max(a, b) * 1.02, min(a, b) * 0.98, b) for a, b in pairwise(closes)]
    position = replace(
        long(leverage=leverage),
        side=PositionSide.LONG if is_long else PositionSide.SHORT,
        maintenance_ratio=maintenance,
    )
    recording = recorded(bars, position)
    sign = 1 if is_long else -1
    limit = 100 * (1 - sign / leverage) / (1 - sign * maintenance)
    prices = recording.ticks.prices_usd[:, 0]
    if np.any(np.abs(prices / limit - 1) < 1e-6):
        return  # at the very price either answer is right to the cent
    beyond = np.flatnonzero(prices < limit if is_long else prices > limit)
    assert recording.liquidated == (int(beyond[0]) if beyond.size else None)


def test_a_net_short_book_meets_its_high_first() -> None:
    bars: list[Bar] = [(100, 110, 90, 100)] * 2
    for positions, first in (
        ((long(), short("BTC-PERP", 4)), 90),
        ((long(leverage=4), short("BTC-PERP", 5)), 110),
        ((long(), short("BTC-PERP", 5)), 90),  # as much of the one as of the other
    ):
        assert recorded(bars, *positions).ticks.prices_usd[1].tolist() == [first, first]


@pytest.mark.parametrize("leverage", [5.0, 3.0, 2.3])
def test_sides_that_are_equal_are_not_short_whatever_a_float_makes_of_them(leverage: float) -> None:
    every = [
        make_bars([(price, 1.1 * price, 0.9 * price, price)] * 2, asset=asset)
        for asset, price in (("SOL", 142.2), ("BTC", 44_165.4))
    ]
    for one, other in ((long, short), (short, long)):
        positions = (one(leverage=leverage), other("BTC-PERP", leverage))
        ticks = record(ReplayBook(collateral_usd=9_999.0, positions=positions), every).ticks
        assert (ticks.prices_usd[1] < ticks.prices_usd[0]).all(), "the low first"


def test_prices_of_small_coins_are_not_rounded_to_the_venues_units() -> None:
    recording = recorded(flat(1.234567e-7, 1.111111e-7), long("PEPE-PERP", 2))
    fallen = 1.111111 / 1.234567
    assert recording.excess_usd[4] == pytest.approx(10_000 + 20_000 * (fallen - 1) - 1_000 * fallen, abs=1e-4)
    assert evaluate(recording.opened).maintenance.requirement_usd[0] == pytest.approx(1_000)


def test_every_position_has_ratios_of_its_own() -> None:
    both = (long(leverage=2, maintenance_ratio=0.03), long("BTC-PERP", 3, maintenance_ratio=0.1, initial_ratio=0.2))
    recording = recorded(flat(100, 100), *both)
    assert recording.excess_usd[0] == pytest.approx(10_000 - 0.03 * 20_000 - 0.1 * 30_000)
    initial = evaluate(recording.reading(0, START)).full.initial
    assert initial.requirement_usd[0] == pytest.approx(0.1 * 20_000 + 0.2 * 30_000)


def test_a_size_no_venue_could_hold_is_refused() -> None:
    for size in (1e-10, 1e19):
        with pytest.raises(BadReplayBook, match="SOL-PERP: a size of"):
            recorded(flat(1, 1), BookPosition(market="SOL-PERP", side=PositionSide.LONG, size_base=size))


def test_while_a_bar_is_missing_nothing_is_known_and_nobody_is_liquidated() -> None:
    recording = recorded(flat(100, 100, 70), missing=[1])
    assert np.isnan(recording.ratio_percent[4:7]).all()
    assert recording.liquidated == 7
    book = recording.reading(4, START)
    assert OracleValidity(int(book.perp_markets.validity[0])) is OracleValidity.MISSING
    assert np.isnan(evaluate(book).maintenance.collateral_usd[0])


def test_a_reading_says_what_the_recording_says() -> None:
    recording = recorded([(100, 104, 92, 95), (95, 97, 90, 91)], long(leverage=6), short("BTC-PERP", 2))
    for number in range(len(recording)):
        totals = evaluate(recording.reading(number, START)).maintenance
        assert totals.collateral_usd[0] - totals.requirement_usd[0] == recording.excess_usd[number]


def test_from_its_liquidation_on_the_account_is_flagged() -> None:
    recording = recorded(flat(100, 80, 120))
    flags = [bool(recording.reading(n, START).accounts.being_liquidated[0]) for n in range(len(recording))]
    assert flags == [False] * 4 + [True] * 8


# Behind the port.


def opened(recording: Recording) -> tuple[ReplayVenue, ScriptClock]:
    clock = ScriptClock(START)
    return ReplayVenue(recording, clock=clock), clock


def sol_usd(book: FleetBook) -> float:
    return float(book.oracles.price_1e6[book.perp_markets.oracle[0]]) / 1e6


async def test_a_reading_shows_the_last_price_that_is_due() -> None:
    venue, clock = opened(recorded([(10, 12, 8, 11), (20, 22, 18, 21)]))
    seen = []
    for wait_s in (0, 60, 1_140, 60, 1_140, 1_199, 1):
        await clock.sleep(wait_s)
        book = await venue.read([ACCOUNT_ID])
        seen.append((book.slot, sol_usd(book)))
        assert book.observed_at == clock.now()
    assert seen == [(1, 10), (1, 10), (2, 8), (2, 8), (3, 12), (3, 12), (4, 11)]


async def test_two_prices_of_one_moment_are_read_one_after_the_other() -> None:
    venue, clock = opened(recorded([(10, 12, 8, 11), (20, 22, 18, 21)]))
    await clock.sleep(3_600)
    assert [sol_usd(await venue.read([ACCOUNT_ID])) for _ in range(3)] == [11, 20, 20]


async def test_what_was_slept_through_is_not_read() -> None:
    venue, clock = opened(recorded([(10, 12, 8, 11), (20, 22, 18, 21)]))
    await clock.sleep(5_000)
    assert sol_usd(await venue.read([ACCOUNT_ID])) == 18


async def test_after_the_end_the_slot_stands_still() -> None:
    venue, clock = opened(recorded([(10, 12, 8, 11), (20, 22, 18, 21)]))
    await clock.sleep(7_200)
    first = await venue.read([ACCOUNT_ID])
    await clock.sleep(7_200)
    later = await venue.read([ACCOUNT_ID])
    assert (first.slot, later.slot, sol_usd(later)) == (8, 8, 21)


async def test_a_recording_has_one_account_and_says_so() -> None:
    venue, _ = opened(recorded(flat(10, 10)))
    assert await venue.resolve(ACCOUNT_ID) == await venue.resolve("replay:0") == ACCOUNT_ID
    assert await venue.sub_accounts("replay") == [ACCOUNT_ID]
    assert await venue.sub_accounts("ann") == []
    for wrong in (["ann-0"], [], [ACCOUNT_ID, ACCOUNT_ID], [ACCOUNT_ID, "ann-0"]):
        with pytest.raises(VenueRejected, match=ACCOUNT_ID):
            await venue.read(wrong)
    with pytest.raises(VenueRejected, match="no account ann:0"):
        await venue.resolve("ann:0")
    (book,) = [book async for book in venue.sweep()]
    assert book.checked().orders is None
    assert (await venue.read([ACCOUNT_ID], with_orders=False)).orders is None
    await venue.close()


async def test_the_venue_is_found_by_name_and_wants_its_own_settings(tmp_path: Path) -> None:
    write_bars(tmp_path, flat(10, 10))
    (tmp_path / "book.json").write_text(
        '{"collateral_usd": 10, "positions": [{"market": "SOL-PERP", "size": 1, "side": "long"}]}'
    )
    settings = ReplaySettings(bars_folder=tmp_path, book_file=tmp_path / "book.json")
    reader = venues.connect("replay", settings, clock=ScriptClock(START))
    assert sol_usd(await reader.read([ACCOUNT_ID])) == 10
    with pytest.raises(VenueRejected, match="plays files"):
        venues.connect("replay", object(), clock=ScriptClock(START))


def test_a_book_is_played_over_the_bars_of_its_markets_in_its_order() -> None:
    book = ReplayBook(collateral_usd=1_000.0, positions=(short("BTC-PERP", 1), long("SOL-PERP", 2)))
    recording = record(book, [make_bars(flat(50, 55), asset="BTC"), make_bars(flat(10, 12), asset="SOL")])
    assert recording.sizes_base == (-20.0, 200.0)
    assert recording.excess_usd[-1] == pytest.approx(1_000 - 20 * 5 + 200 * 2 - 0.05 * (20 * 55 + 200 * 12))
