"""What a venue that streams owes its readers; see risk.ports.AccountStream."""

import asyncio
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from risk.margin.book import FleetBook
from risk.margin.evaluate import evaluate
from risk.ports import AccountStream
from tests.contracts.venue_worlds import SOL_USD, START, WORLDS, World
from venues.errors import VenueRejected, VenueUnavailable

SOON_S = 30.0


@pytest.fixture(params=list(WORLDS))
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with WORLDS[request.param]() as opened:
        if not isinstance(opened.reader, AccountStream):
            pytest.skip("polling is all this venue has")
        yield opened


def stream_of(world: World) -> AccountStream:
    assert isinstance(world.reader, AccountStream)
    return world.reader


def sol_usd(book: FleetBook) -> float:
    column = book.perp_markets.oracle[book.perp_markets.names.index("SOL-PERP")]
    return float(book.oracles.price_1e6[column]) / 1e6


async def heard(books: AsyncIterator[FleetBook], holds: Callable[[FleetBook], bool]) -> list[FleetBook]:
    """Books up to the first for which something holds."""
    found: list[FleetBook] = []
    async with asyncio.timeout(SOON_S):
        async for book in books:
            found.append(book)
            if holds(book):
                return found
    raise AssertionError("the stream has ended")


async def test_the_first_book_comes_at_once_and_is_what_a_reading_shows(world: World) -> None:
    asked = [*world.accounts, world.other]
    books = stream_of(world).stream(asked)
    (first,) = await heard(books, lambda _: True)
    read = await world.reader.read(asked)
    assert list(first.accounts.ids) == asked
    assert (first.slot, first.observed_at) == (read.slot, START)
    assert first.orders is not None
    for name in ("collateral_usd", "requirement_usd"):
        here, there = evaluate(first).maintenance, evaluate(read).maintenance
        np.testing.assert_array_equal(getattr(here, name), getattr(there, name))
    await books.aclose()


async def test_a_price_that_moves_is_told(world: World) -> None:
    books = stream_of(world).stream([world.accounts[0]])
    await anext(books)
    for price in (140.0, 155.0):
        world.move_sol(price)
        told = await heard(books, lambda book, price=price: sol_usd(book) == pytest.approx(price))  # type: ignore[misc]
        slots = [book.slot for book in told]
        assert slots == sorted(slots)
        assert evaluate(told[-1]).maintenance.requirement_usd[0] == pytest.approx(15 * price * 0.03 + 0.01, rel=1e-3)
    await books.aclose()


async def test_a_venue_that_moves_on_is_told_even_where_nothing_else_happens(world: World) -> None:
    books = stream_of(world).stream([world.accounts[0]])
    first = await anext(books)
    await world.clock.sleep(20)
    told = await heard(books, lambda book: book.slot >= first.slot + 50)
    assert told[-1].observed_at >= world.clock.now()
    assert sol_usd(told[-1]) == pytest.approx(SOL_USD)
    await books.aclose()


async def test_an_account_that_is_not_there_is_a_problem_beside_others_and_a_refusal_alone(world: World) -> None:
    books = stream_of(world).stream([world.nowhere, world.accounts[0]])
    book = await anext(books)
    assert list(book.accounts.ids) == [world.nowhere, world.accounts[0]]
    assert book.accounts.problems.keys() == {0}
    await books.aclose()
    with pytest.raises(VenueRejected):
        await anext(stream_of(world).stream([world.nowhere]))


async def test_a_venue_that_goes_down_ends_its_streams_and_another_begins_when_it_is_back(world: World) -> None:
    books = stream_of(world).stream([world.accounts[0]])
    await anext(books)
    world.go_down()
    with pytest.raises(VenueUnavailable):
        await heard(books, lambda _: False)
    with pytest.raises(VenueUnavailable):
        await anext(stream_of(world).stream([world.accounts[0]]))
    world.recover()
    again = stream_of(world).stream([world.accounts[0]])
    assert (await anext(again)).n_accounts == 1
    await again.aclose()


async def test_readings_go_on_beside_a_stream_and_both_say_the_same(world: World) -> None:
    books = stream_of(world).stream([world.accounts[0]])
    await anext(books)
    world.move_sol(120.0)
    await world.clock.sleep(1)
    read = await world.reader.read([world.accounts[0]])
    told = await heard(books, lambda book: sol_usd(book) == pytest.approx(120.0))
    assert sol_usd(read) == pytest.approx(sol_usd(told[-1]))
    await books.aclose()
    await books.aclose()
