"""Faults by chance: what breaks, when, and for how long. The seed says all of it."""

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from benchmarks.soak.bot import MortalStore
from benchmarks.soak.ledger import Ledger
from benchmarks.soak.platforms import ANN, BOB, Platforms
from benchmarks.soak.reference import Reference
from benchmarks.soak.time import Pace, SoakClock
from benchmarks.soak.venue import SoakVenue
from storage import StorageError
from tests.support import discord, telegram

_PAGES_OF_A_FREE_DISK = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A fault by its name.

    Attributes:
        group: What it is about; two of one group never happen at once.
        lasts_s: From the shortest to the longest.
        weight: How often, beside the others.
    """

    name: str
    group: str
    lasts_s: tuple[float, float]
    weight: float = 1.0


KINDS = (
    Kind(name="venue-down", group="venue", lasts_s=(10, 180), weight=2),
    Kind(name="venue-slow", group="venue", lasts_s=(20, 120)),
    Kind(name="venue-frozen", group="venue", lasts_s=(10, 120)),
    Kind(name="oracle-stale", group="venue", lasts_s=(20, 240), weight=2),
    Kind(name="books-thin", group="venue", lasts_s=(60, 240), weight=2),
    Kind(name="orders-late", group="venue", lasts_s=(30, 120)),
    Kind(name="order-answers-lost", group="venue", lasts_s=(60, 180), weight=2),
    Kind(name="orders-dropped", group="venue", lasts_s=(60, 180)),
    Kind(name="orders-rejected", group="venue", lasts_s=(30, 90)),
    Kind(name="orders-failed", group="venue", lasts_s=(30, 90)),
    Kind(name="telegram-429", group="telegram", lasts_s=(10, 60)),
    Kind(name="telegram-502", group="telegram", lasts_s=(5, 60)),
    Kind(name="telegram-reset", group="telegram", lasts_s=(5, 60)),
    Kind(name="telegram-accept-then-drop", group="telegram", lasts_s=(10, 60)),
    Kind(name="telegram-slow", group="telegram", lasts_s=(10, 60)),
    Kind(name="telegram-down", group="telegram", lasts_s=(10, 150)),
    Kind(name="telegram-poison", group="telegram", lasts_s=(60, 120), weight=0.5),
    Kind(name="discord-429", group="discord", lasts_s=(10, 60)),
    Kind(name="discord-502", group="discord", lasts_s=(5, 60)),
    Kind(name="discord-reset", group="discord", lasts_s=(5, 60)),
    Kind(name="discord-accept-then-drop", group="discord", lasts_s=(10, 60)),
    Kind(name="discord-down", group="discord", lasts_s=(10, 150)),
    Kind(name="discord-op-7", group="discord", lasts_s=(5, 10)),
    Kind(name="discord-op-9", group="discord", lasts_s=(5, 10)),
    Kind(name="discord-cut", group="discord", lasts_s=(5, 10)),
    Kind(name="database-locked", group="memory", lasts_s=(2, 40), weight=2),
    Kind(name="disk-full", group="memory", lasts_s=(5, 90), weight=2),
    Kind(name="killed", group="process", lasts_s=(1, 60), weight=4),
    Kind(name="loop-stalled", group="process", lasts_s=(2, 60), weight=2),
    Kind(name="clock-ahead", group="process", lasts_s=(60, 400)),
    Kind(name="clock-back", group="process", lasts_s=(60, 400)),
)


@dataclass(slots=True, kw_only=True)
class Faults:
    """Injects them one after another, several at once.

    Args:
        every_s: Mean time between two.
        shorter: By this factor none lasts as long as it might.
        killed: Kills the bot and starts it again after so many seconds.
        store: Of the present life.
    """

    seed: int
    every_s: float
    pace: Pace
    clock: SoakClock
    ledger: Ledger
    reference: Reference
    venue: SoakVenue
    platforms: Platforms
    database: str
    killed: Callable[[float], Awaitable[None]]
    store: Callable[[], MortalStore | None]
    shorter: float = 1.0

    async def run(self, until_s: float) -> None:
        """Returns when the last one is over."""
        dice = random.Random(f"{self.seed} faults")  # noqa: S311  # the same in every run
        weights = [kind.weight for kind in KINDS]
        async with asyncio.TaskGroup() as striking:
            at_s = self.pace.now_s
            while (at_s := at_s + dice.expovariate(1 / self.every_s)) < until_s:
                (kind,) = dice.choices(KINDS, weights)
                lasts_s = dice.uniform(*kind.lasts_s) * self.shorter
                own = random.Random(dice.random())  # noqa: S311  # likewise
                await asyncio.sleep(max(0.0, at_s - self.pace.now_s))
                if not self.ledger.on(kind.group):
                    striking.create_task(self.strike(kind, lasts_s, own), name=f"fault.{kind.name}")

    async def strike(self, kind: Kind, lasts_s: float, dice: random.Random) -> None:
        """One fault, from its beginning to its end."""
        self.ledger.begin(kind.name, kind.group)
        try:
            async with self._hands[kind.group](kind.name, dice, lasts_s):
                await asyncio.sleep(lasts_s)
        finally:
            self.ledger.end(kind.group)

    @property
    def _hands(self) -> Mapping[str, Callable[[str, random.Random, float], AbstractAsyncContextManager[None]]]:
        return {
            "venue": self._venue, "telegram": self._telegram, "discord": self._discord, "memory": self._memory,
            "process": self._process,
        }  # fmt: skip

    @asynccontextmanager
    async def _venue(self, name: str, dice: random.Random, lasts_s: float) -> AsyncIterator[None]:
        faults = self.venue.faults
        match name:
            case "venue-down":
                faults.down()
            case "venue-slow":
                faults.slow(dice.uniform(2.0, 12.0))
            case "venue-frozen":
                faults.frozen_slot()
            case "oracle-stale":
                faults.stale_oracle(dice.choice(["SOL-PERP", "ETH-PERP", "BTC-PERP"]))
            case "books-thin":
                faults.thin_books(dice.uniform(0.0, 0.05))
            case "orders-late":
                faults.late_orders(dice.randint(2, 40))
            case "order-answers-lost":
                faults.lose_answers(dice.randint(1, 3))
            case "orders-dropped":
                faults.drop_orders(dice.randint(1, 3))
            case "orders-rejected":
                faults.reject_orders(dice.randint(1, 2))
            case "orders-failed":
                faults.fail_orders(dice.randint(1, 2))
        try:
            yield
        finally:
            faults.clear()

    @asynccontextmanager
    async def _telegram(self, name: str, dice: random.Random, lasts_s: float) -> AsyncIterator[None]:
        server, times = self.platforms.telegram, dice.randint(1, 12)
        match name:
            case "telegram-429":
                server.inject(telegram.Fault(method="send", status=429, retry_after=dice.randint(1, 20), times=times))
            case "telegram-502":
                server.inject(telegram.Fault(status=502, page=dice.random() < 0.5, times=times))
            case "telegram-reset":
                server.inject(telegram.Fault(drop=telegram.Drop.BEFORE, times=times))
            case "telegram-accept-then-drop":
                server.inject(telegram.Fault(method="send", drop=telegram.Drop.AFTER, times=min(times, 3)))
            case "telegram-slow":
                server.inject(telegram.Fault(delay_s=dice.uniform(2.0, 20.0), times=times))
            case "telegram-down":
                await self.platforms.stop("telegram")
            case "telegram-poison":
                chat = dice.choice([ANN, BOB])
                words = "Bad Request: can't parse entities: unsupported start tag"
                server.inject(telegram.Fault(method="send", chat=chat, status=400, description=words, times=5))
                self.reference.excuse(f"telegram/{chat}", lasts_s + 300.0)
        try:
            yield
        finally:
            server.heal()
            await self.platforms.start("telegram")

    @asynccontextmanager
    async def _discord(self, name: str, dice: random.Random, lasts_s: float) -> AsyncIterator[None]:
        server, times = self.platforms.discord, dice.randint(1, 12)
        match name:
            case "discord-429":
                wait_s = dice.uniform(0.5, 15.0)
                server.inject(discord.Fault(path="/messages", status=429, retry_after=wait_s, times=times))
            case "discord-502":
                server.inject(discord.Fault(status=502, page=dice.random() < 0.5, times=times))
            case "discord-reset":
                server.inject(discord.Fault(drop=discord.Drop.BEFORE, times=times))
            case "discord-accept-then-drop":
                server.inject(discord.Fault(path="/messages", drop=discord.Drop.AFTER, times=min(times, 3)))
            case "discord-down":
                await self.platforms.stop("discord")
            case "discord-op-7":
                await server.gateway.ask_to_reconnect()
            case "discord-op-9":
                await server.gateway.invalidate(resumable=dice.random() < 0.5)
            case "discord-cut":
                server.gateway.cut()
        try:
            yield
        finally:
            server.heal()
            await self.platforms.start("discord")

    @asynccontextmanager
    async def _memory(self, name: str, dice: random.Random, lasts_s: float) -> AsyncIterator[None]:
        async with self._locked() if name == "database-locked" else self._full():
            yield

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """Another program writes for a while."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=0.2, isolation_level=None)) as other:
            with contextlib.suppress(sqlite3.OperationalError):  # the bot was quicker
                other.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                if other.in_transaction:
                    other.rollback()

    @asynccontextmanager
    async def _full(self) -> AsyncIterator[None]:
        store = self.store()
        await self._leave_pages(store, 0)
        try:
            yield
        finally:
            await self._leave_pages(store, _PAGES_OF_A_FREE_DISK)

    async def _leave_pages(self, store: MortalStore | None, count: int) -> None:
        if store is None:
            return
        store.full = not count
        with contextlib.suppress(StorageError):  # that life is over, and its successor has room
            await store.run(
                lambda db: db.execute(f"PRAGMA max_page_count={db.execute('PRAGMA page_count').fetchone()[0] + count}")
            )

    @asynccontextmanager
    async def _process(self, name: str, dice: random.Random, lasts_s: float) -> AsyncIterator[None]:
        match name:
            case "killed":
                await self.killed(lasts_s)
            case "loop-stalled":
                self.pace.stall(lasts_s)
            case "clock-ahead":
                self.clock.step += timedelta(seconds=dice.uniform(5.0, 3_000.0))
            case "clock-back":
                self.clock.step -= timedelta(seconds=dice.uniform(5.0, 3_000.0))
        try:
            yield
        finally:
            if name.startswith("clock"):
                self.clock.step = timedelta(0)
