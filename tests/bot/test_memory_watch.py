"""A memory that takes nothing, or is damaged, is known within seconds: people are told, and nothing is traded."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from bot.memory_watch import MemoryWatch
from risk.model.trading import OrderBatch, Signed
from risk.trade_ports import OrderGateway
from storage import StorageError, Store
from storage.rescue import why_unusable
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.damage import spoil_pages
from tests.support.trade_bot import TradeBot, trade_bot
from tests.support.trade_world import sell, trade_world

LOOKS_EVERY_S = 3.0
TOOK_NOTHING = "CRITICAL Keel: its memory takes nothing, so nothing is traded"
HOLD_IT = """
import sqlite3, sys
raw = sqlite3.connect(sys.argv[1], isolation_level=None)
raw.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""


@dataclass(slots=True)
class Watched:
    """A bot that trades, and what watches its memory."""

    bot: TradeBot
    watch: MemoryWatch
    given_up: list[str]

    async def look(self) -> list[str]:
        """One look when it is due; what was said of it."""
        self.bot.clock.pass_s(LOOKS_EVERY_S)
        before = len(self.bot.transport.sent)
        await self.watch.look()
        if not self.bot.parts.trading.desk.forgetful:
            await self.bot.deliver()
        return [sent.first for sent in self.bot.transport.sent[before:]]

    async def refuses(self) -> bool:
        """Whether a trade is refused because of the memory."""
        refusal = (await self.bot.parts.trading.desk.propose(sell())).refusal
        return refusal is not None and "memory" in refusal.reason


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Watched]:
    given_up: list[str] = []
    async with trade_bot(database=tmp_path / "keel.db") as bot:
        watch = MemoryWatch(
            store=bot.store, clock=bot.clock, tell=bot.app.desk.tell_unremembered, settle=bot.app.desk.settle,
            hold=bot.parts.hold, damaged=lambda: given_up.append(watch.damage),
        )  # fmt: skip
        yield Watched(bot, watch, given_up)


async def fill_disk(store: Store) -> None:
    """No page more than there are; free ones are used up."""
    await store.run(lambda db: db.execute("VACUUM"))
    await store.run(lambda db: db.execute("PRAGMA max_page_count = 1"))


async def make_room(store: Store) -> None:
    await store.run(lambda db: db.execute("PRAGMA max_page_count = 1000000"))


async def patience_ms(store: Store) -> int:
    """How long a statement waits for another program."""
    return int(await store.run(lambda db: db.execute("PRAGMA busy_timeout").fetchone()[0]))


@contextmanager
def held_by_another_process(database: Path) -> Iterator[None]:
    command = [sys.executable, "-c", HOLD_IT, str(database)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        try:
            yield
        finally:
            other.communicate("\n")


async def test_a_memory_that_works_is_not_spoken_of(world: Watched) -> None:
    assert await world.look() == []
    await world.watch.look_through()
    assert world.given_up == []
    assert not await world.refuses()


async def test_a_full_disk_is_told_from_memory_and_nothing_is_traded_until_there_is_room(
    world: Watched, figure: Gauge
) -> None:
    await fill_disk(world.bot.store)
    before_s = world.bot.clock.monotonic_s()
    assert await world.look() == [TOOK_NOTHING]
    figure(Measure.TOLD_AFTER, world.bot.clock.monotonic_s() - before_s)
    assert "no room left" in world.bot.transport.sent[-1].text
    figure(Measure.UNAPPROVED, not await world.refuses())
    assert await world.look() == [], "it is said once"
    assert await world.bot.position() == 250.0

    await make_room(world.bot.store)

    (after,) = await world.look()
    figure(Measure.LOST, "its memory took nothing for 6 s and works again" not in after)
    assert not await world.refuses()


async def test_what_goes_on_is_said_again_after_five_minutes(world: Watched) -> None:
    await fill_disk(world.bot.store)
    await world.look()
    world.bot.clock.pass_s(300)
    assert await world.look() == [TOOK_NOTHING]


@dataclass(slots=True)
class FullAsItSigns:
    """A gateway under which the disk takes nothing from the moment there is something to store."""

    inner: OrderGateway
    store: Store
    sent: list[Signed] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    async def prepare(self, batch: OrderBatch) -> Signed:
        signed = await self.inner.prepare(batch)
        # Not a full disk: what is to be stored may fit into a page that is there.
        await self.store.run(lambda db: db.execute("PRAGMA query_only = 1"))
        return signed

    async def send(self, signed: Signed) -> None:
        self.sent.append(signed)
        await self.inner.send(signed)


async def test_an_order_whose_bytes_cannot_be_stored_is_never_sent(tmp_path: Path, figure: Gauge) -> None:
    gateways: list[FullAsItSigns] = []
    async with await Store.open(tmp_path / "keel.db") as store:

        def through(inner: OrderGateway) -> OrderGateway:
            gateways.append(FullAsItSigns(inner, store))
            return gateways[0]  # type: ignore[return-value]  # the rest is passed on

        async with trade_world(store=store, through=through) as world:
            await world.press(await world.proposed())
            figure(Measure.UNAPPROVED, len(gateways[0].sent))
            assert await world.position() == 250.0


async def test_a_file_that_another_process_holds_keeps_nobody_from_hearing_of_a_fall(
    world: Watched, figure: Gauge
) -> None:
    await world.bot.app.watch.check()
    with held_by_another_process(Path(world.bot.store.where)):
        began_s = time.monotonic()
        looking = asyncio.create_task(world.look())
        await asyncio.wait({looking})
        figure.took(Measure.TOLD_AFTER, LOOKS_EVERY_S + time.monotonic() - began_s)
        assert looking.result() == [TOOK_NOTHING]
        figure(Measure.UNAPPROVED, not await world.refuses())
        with pytest.raises(StorageError, match="held by another program"):
            await world.bot.store.atomic(lambda db: None)
        assert await patience_ms(world.bot.store) == 200, "who has waited once does not wait as long again"
    assert await world.look() != [TOOK_NOTHING]
    assert await patience_ms(world.bot.store) == 2_000


async def test_a_damaged_file_is_given_up_and_never_used_again(world: Watched) -> None:
    store, database = world.bot.store, Path(world.bot.store.where)
    spoil_pages(database)
    before = len(world.bot.transport.sent)

    await world.watch.look_through()

    (told,) = world.bot.transport.sent[before:]
    assert told.first.startswith("CRITICAL Keel: its memory is damaged")
    assert len(world.given_up) == 1
    assert "is damaged" in why_unusable(database)
    with pytest.raises(StorageError, match="damaged"):
        await store.run(lambda db: db.execute("SELECT 1").fetchone())
    await world.watch.look()
    await world.watch.look_through()
    assert len(world.given_up) == 1
