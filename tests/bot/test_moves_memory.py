"""What was seen of the prices is known again after a restart."""

import json
from pathlib import Path

import numpy as np
import pytest

from bot.moves_memory import MOVES, MovesMemory
from risk.decisions.volatility import DailyMoves
from risk.fleet import Fleet
from storage import BadRow, Settings, Store
from tests.risk.builders import make_account, make_position
from tests.risk.fake_reader import FakeReader
from tests.support.bot_world import bot_world
from tests.support.clock import FakeClock

CRASH = (
    DailyMoves()
    .after(("sol", "btc"), np.array([100.0, np.nan]), 0.0)
    .after(("sol", "btc"), np.array([70.0, np.nan]), 5.0)
)


async def test_a_restart_in_a_crash_begins_where_the_process_ended(tmp_path: Path) -> None:
    clock = FakeClock()
    async with bot_world(database=tmp_path / "keel.db", clock=clock) as world:
        world.app.services.fleet.moves = CRASH
        await world.app.moves.save()
    async with bot_world(database=tmp_path / "keel.db", clock=clock) as world:
        known = world.app.services.fleet.moves
        assert known.ids == ("sol", "btc")
        assert known.daily_frac().tolist() == CRASH.daily_frac().tolist()
        later = np.array([69.0, 50_000.0])
        expected = CRASH.after(CRASH.ids, later, 10.0).daily_frac().tolist()
        assert known.after(CRASH.ids, later, 10.0).daily_frac().tolist() == expected


async def test_nothing_is_written_while_nothing_was_seen() -> None:
    async with bot_world() as world:
        await world.check()
        await world.app.moves.save()
        written = await world.writes()
        await world.app.moves.save()
        assert await world.writes() == written


@pytest.mark.parametrize(
    "text",
    [
        "nonsense", "[]", "{}", json.dumps({"half_lives_s": [1.0, 2.0]}), MOVES.encode(CRASH).replace("null", "[]", 1),
        MOVES.encode(CRASH).replace('"btc"', '"btc", "eth"'),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_begun_anew(text: str) -> None:
    async with await Store.open(":memory:") as store:
        settings, clock = Settings(store), FakeClock()
        await settings.put(MOVES, CRASH, clock.now())
        await store.atomic(lambda db: db.execute("UPDATE settings SET value = ?", [text]))
        with pytest.raises(BadRow):
            await settings.get(MOVES)
        fleet = fleet_of(clock)
        before = fleet.moves
        await MovesMemory(fleet=fleet, settings=settings, clock=clock).load()
        assert fleet.moves is before


def fleet_of(clock: FakeClock) -> Fleet:
    return Fleet(FakeReader(clock, make_account(make_position(1.0), usdc=100.0)), ["main"], clock)
