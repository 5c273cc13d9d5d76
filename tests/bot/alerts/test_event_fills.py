"""What an account's venue records as filled is part of its performance: once, through restarts and silences."""

from dataclasses import replace
from pathlib import Path

import pytest

from risk.model.account import MarketKind, Side
from risk.model.events import EventKind
from risk.model.performance import Period
from storage import FillLog, StorageError
from tests.bot.alerts.event_world import MAIN, EventWorld, event_world, standing
from tests.bot.alerts.happenings import filled, flow, taken
from tests.support.clock import FakeClock


async def closes(world: EventWorld) -> None:
    world.venue.record(filled(10.0))
    world.bot.clock.pass_s(1)
    world.put(standing(0.0))


async def test_a_recorded_fill_is_kept_with_price_and_fee_and_counts_in_round_trips() -> None:
    async with event_world(accounts=[standing(0.0)]) as world:
        world.venue.record(filled(10.0, Side.BUY, order_id=6, fill_price_usd=100.0))
        world.put(standing(10.0))
        await world.look()
        await closes(world)
        await world.look()
        fills = await FillLog(world.bot.store).fills(MAIN)
        assert [(one.side, one.price_usd, one.fee_usd, one.order_id) for one in fills] == [
            (Side.BUY, 100.0, 1.2, "6"), (Side.SELL, 151.2, 1.2, "7"),
        ]  # fmt: skip
        (trip,) = await world.bot.app.services.desks.performance(MAIN).round_trips(Period.ALL)
        assert trip.pnl_usd == pytest.approx(512.0 - 2.4)


async def test_a_process_that_is_killed_keeps_it_all_the_same_and_once(tmp_path: Path) -> None:
    clock, database = FakeClock(), tmp_path / "keel.sqlite3"
    async with event_world(database=database, clock=clock) as world:
        venue = world.venue
        await closes(world)
        clock.pass_s(1)
        await world.bot.app.watch.check()

        async def settle(*_: object) -> None:
            raise StorageError("the process is killed here")

        with pytest.MonkeyPatch.context() as dies:
            dies.setattr(world.bot.app.desk, "settle", settle)
            with pytest.raises(StorageError):
                await world.bot.app.events.watch.look()
    clock.pass_s(3_600)
    for _ in range(2):
        async with event_world(database=database, clock=clock, venue=venue, linked=False) as world:
            for _ in range(5):
                await world.look()
            assert len(await FillLog(world.bot.store).fills(MAIN)) == 1


async def test_a_fill_that_readings_have_told_before_its_record_came_is_kept_too() -> None:
    async with event_world() as world:
        world.venue.silent = True
        await closes(world)
        for _ in range(10):
            await world.look(2.0)
        assert await FillLog(world.bot.store).fills(MAIN) == ()
        world.venue.silent = False
        for _ in range(10):
            await world.look(10.0)
        assert len(await FillLog(world.bot.store).fills(MAIN)) == 1


async def test_what_came_and_went_while_the_bot_was_down_is_kept(tmp_path: Path) -> None:
    clock, database = FakeClock(), tmp_path / "keel.sqlite3"
    async with event_world(database=database, clock=clock) as world:
        venue = world.venue
    venue.record(filled(4.0, Side.BUY, order_id=1))
    venue.record(filled(4.0, Side.SELL, order_id=2))
    clock.pass_s(600)
    venue.accounts[MAIN] = replace(venue.accounts[MAIN], last_active_slot=venue.slot - 100)
    async with event_world(database=database, clock=clock, venue=venue, linked=False) as world:
        for _ in range(3):
            await world.look()
        assert [one.order_id for one in await FillLog(world.bot.store).fills(MAIN)] == ["1", "2"]


async def test_what_a_liquidator_took_closes_the_trade_it_took() -> None:
    async with event_world(accounts=[standing(0.0)]) as world:
        world.venue.record(filled(10.0, Side.BUY, order_id=6, fill_price_usd=100.0))
        world.put(standing(10.0))
        await world.look()
        world.venue.record(taken(10.0, side=Side.SELL))
        world.bot.clock.pass_s(1)
        world.put(standing(0.0))
        await world.look()
        fills = await FillLog(world.bot.store).fills(MAIN)
        assert [(one.side, one.size_base, one.price_usd, one.fee_usd) for one in fills][1:] == [
            (Side.SELL, 10.0, 92.1, 4.6)
        ]
        (trip,) = await world.bot.app.services.desks.performance(MAIN).round_trips(Period.ALL)
        assert trip.pnl_usd == pytest.approx(10 * (92.1 - 100.0) - 1.2 - 4.6)


async def test_money_tokens_and_what_has_no_price_are_no_fills() -> None:
    async with event_world() as world:
        world.venue.record(flow(EventKind.DEPOSIT, 500.0))
        world.venue.record(filled(1.0, market="SOL", market_kind=MarketKind.SPOT))
        world.venue.record(filled(1.0, fill_price_usd=None))
        world.venue.record(taken(1.0))  # nobody says which way
        world.put(standing(9.0, net_deposits_usd=500.0))
        for _ in range(4):
            await world.look()
        assert len(await world.log()) >= 2
        assert await FillLog(world.bot.store).fills(MAIN) == ()
