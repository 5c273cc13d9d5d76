"""What every venue owes its readers; see risk.ports.AccountReader."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest

from risk.margin.book import FleetBook
from risk.margin.evaluate import evaluate
from risk.margin.snapshot import snapshot_of
from risk.model.account import OrderKind, Side
from risk.model.market import OracleValidity
from tests.contracts.venue_worlds import SOL_USD, START, WORLDS, World
from venues.errors import VenueRejected, VenueUnavailable


@pytest.fixture(params=list(WORLDS))
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with WORLDS[request.param]() as opened:
        yield opened


async def swept(world: World, batch_accounts: int = 10_000) -> list[FleetBook]:
    return [book async for book in world.reader.sweep(batch_accounts=batch_accounts)]


def sol_validity(book: FleetBook) -> OracleValidity:
    return OracleValidity(int(book.perp_markets.validity[book.perp_markets.names.index("SOL-PERP")]))


async def test_accounts_come_in_the_order_asked_for_at_one_slot(world: World) -> None:
    first, second = world.accounts
    book, turned = await world.reader.read([first, world.other, second]), await world.reader.read([second, first])
    assert list(book.accounts.ids) == [first, world.other, second]
    assert list(turned.accounts.ids) == [second, first]
    assert book.slot > 0
    assert book.observed_at == START
    assert book.accounts.authorities[0] == world.owner
    assert book.accounts.sub_account.tolist() == [0, 0, 1]


async def test_figures_do_not_depend_on_the_company_an_account_is_read_in(world: World) -> None:
    first, second = world.accounts
    alone, together = await world.reader.read([first]), await world.reader.read([second, world.other, first])
    one, many = evaluate(alone), evaluate(together)
    assert one.maintenance.collateral_usd[0] == many.maintenance.collateral_usd[2]
    assert one.maintenance.requirement_usd[0] == many.maintenance.requirement_usd[2]
    assert one.full.initial.requirement_usd[0] == many.full.initial.requirement_usd[2]


async def test_a_book_fits_together_and_can_be_evaluated(world: World) -> None:
    book = (await world.reader.read([*world.accounts, world.other])).checked()
    evaluation = evaluate(book)
    assert np.isfinite(evaluation.maintenance.collateral_usd).all()
    # 10 held and a bid for 5 at 3 %, and a cent for the order.
    assert evaluation.maintenance.requirement_usd[0] == pytest.approx(15 * SOL_USD * 0.03 + 0.01, rel=1e-3)
    assert evaluation.maintenance.requirement_usd[1] == 0
    assert evaluation.full.equity_usd[:2] == pytest.approx([10_000, 50], rel=1e-3)
    assert sol_validity(book) is OracleValidity.VALID


async def test_a_person_sees_positions_balances_and_orders(world: World) -> None:
    account = snapshot_of(await world.reader.read([world.accounts[0]]), world.accounts[0])
    (position,) = account.perp_positions
    (order,) = account.open_orders
    (balance,) = account.spot_balances
    assert account.perp_markets[position.market_index].name == "SOL-PERP"
    assert (position.size_base, position.open_bids_base, position.open_orders) == (10.0, 5.0, 1)
    assert position.quote_entry_usd == pytest.approx(-10 * SOL_USD, rel=1e-3)
    assert (order.side, order.kind, order.size_base, order.price_usd) == (Side.BUY, OrderKind.LIMIT, 5.0, 90.0)
    assert balance.amount_tokens == pytest.approx(10_000.0, rel=1e-6)
    assert account.spot_markets[balance.market_index].name == "USDC"


async def test_orders_can_be_left_out_without_changing_margin(world: World) -> None:
    bare = await world.reader.read([world.accounts[0]], with_orders=False)
    full = await world.reader.read([world.accounts[0]])
    assert bare.orders is None
    assert full.orders is not None
    assert evaluate(bare).maintenance.requirement_usd[0] == evaluate(full).maintenance.requirement_usd[0]


async def test_slot_and_time_move_on_together(world: World) -> None:
    earlier = await world.reader.read([world.accounts[0]])
    await world.clock.sleep(40)
    later = await world.reader.read([world.accounts[0]])
    assert later.slot == earlier.slot + 100
    assert later.observed_at == world.clock.now()


async def test_an_account_that_is_not_there_is_a_problem_beside_others_and_a_refusal_alone(world: World) -> None:
    book = await world.reader.read([world.nowhere, world.accounts[0]])
    assert list(book.accounts.ids) == [world.nowhere, world.accounts[0]]
    assert book.accounts.problems.keys() == {0}
    evaluation = evaluate(book)
    assert np.isnan(evaluation.maintenance.collateral_usd).tolist() == [True, False]
    with pytest.raises(VenueRejected):
        await world.reader.read([world.nowhere])


async def test_a_sweep_has_every_account_once_as_a_reading_has_it(world: World) -> None:
    everyone = {*world.accounts, world.other}
    (whole,) = await swept(world)
    assert set(whole.accounts.ids) == everyone
    assert whole.orders is None
    alone = evaluate(await world.reader.read([world.accounts[0]])).maintenance
    at = whole.position_of(world.accounts[0])
    assert evaluate(whole).maintenance.requirement_usd[at] == alone.requirement_usd[0]
    parts = await swept(world, batch_accounts=2)
    assert [part.n_accounts for part in parts] == [2, 1]
    assert {account_id for part in parts for account_id in part.accounts.ids} == everyone


async def test_references_resolve_to_ids_that_can_be_read(world: World) -> None:
    assert await world.reader.resolve(f"{world.owner}:1") == world.accounts[1]
    assert await world.reader.resolve(world.accounts[1]) == world.accounts[1]


@pytest.mark.parametrize(
    "reference", ["", ":", ":0", "{owner}:", "{owner}:x", "{owner}:-1", "{owner}:1.5", "{owner}:7", "?"]
)
async def test_a_reference_to_nothing_is_refused_in_words(world: World, reference: str) -> None:
    with pytest.raises(VenueRejected, match=r"\w+ \w+"):
        await world.reader.resolve(reference.format(owner=world.owner))


async def test_an_owners_accounts_come_by_number_and_a_stranger_has_none(world: World) -> None:
    assert await world.reader.sub_accounts(world.owner) == list(world.accounts)
    assert await world.reader.sub_accounts(world.stranger) == []


async def test_down_is_unavailable_for_every_reading_and_over_when_it_is_over(world: World) -> None:
    world.go_down()
    requests: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: world.reader.read([world.accounts[0]]),
        lambda: world.reader.sub_accounts(world.owner),
        lambda: swept(world),
    )
    for request in requests:
        with pytest.raises(VenueUnavailable):
            await request()
    world.recover()
    assert (await world.reader.read([world.accounts[0]])).n_accounts == 1


async def test_while_it_is_down_a_reference_resolves_to_its_own_id_or_not_at_all(world: World) -> None:
    world.go_down()
    for reference, account_id in ((f"{world.owner}:1", world.accounts[1]), (world.accounts[0], world.accounts[0])):
        with contextlib.suppress(VenueUnavailable):
            assert await world.reader.resolve(reference) == account_id


async def test_a_venue_that_stands_still_shows_it_by_its_slot(world: World) -> None:
    world.freeze_slot()
    earlier = await world.reader.read([world.accounts[0]])
    await world.clock.sleep(40)
    later = await world.reader.read([world.accounts[0]])
    assert later.slot == earlier.slot
    assert later.observed_at > earlier.observed_at
    world.recover()
    await world.clock.sleep(4)
    assert (await world.reader.read([world.accounts[0]])).slot > later.slot


async def test_a_price_feed_that_stops_becomes_invalid_and_the_figures_stay(world: World) -> None:
    world.stop_sol_oracle()
    await world.clock.sleep(100)
    book = await world.reader.read([world.accounts[0]])
    assert sol_validity(book) is OracleValidity.STALE
    assert np.isfinite(evaluate(book).maintenance.collateral_usd[0])
    world.recover()
    await world.clock.sleep(4)
    assert sol_validity(await world.reader.read([world.accounts[0]])) is OracleValidity.VALID


async def test_closing_twice_is_fine(world: World) -> None:
    await world.reader.read([world.accounts[0]])
    await world.reader.close()
    await world.reader.close()
