"""The soak itself: the world, one life of the bot after another, faults, people, and everybody who looks."""

import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.soak.bot import Life, MortalStore, Surroundings
from benchmarks.soak.faults import Faults
from benchmarks.soak.ledger import Ledger, Violation, clock_of
from benchmarks.soak.orders import Orders
from benchmarks.soak.people import People
from benchmarks.soak.platforms import Platforms
from benchmarks.soak.reference import Reference
from benchmarks.soak.time import Pace, SoakClock
from benchmarks.soak.venue import ACCOUNTS, Cut, falls, owners_trade, venue_of
from benchmarks.soak.vitals import Log, Sample, Vitals
from bot.logs import setup_logging
from storage import Proposals, StorageError, Store

_TICK_S = 1.0
_LOOK_EVERY_S = 60.0
_OWNERS_EVERY_S = 120.0
_COUNT_EVERY_S = 600.0
_AGAIN_S = 5.0  # as a service manager starts it again
_ALIVE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, how fast, how bad.

    Attributes:
        fault_every_s: Mean time between two faults; likewise between two things that people do.
        fault_shorter: By this factor none lasts as long as it might.
        past_days: How far back the venue has prices. 550 are enough for back-tests, much arithmetic at every start.
        goes_on: Beyond the first violation.
        calm_s: At the end, without faults: everything comes to its end in it.
        most_wall_s: The run ends by itself, with a violation, where it takes longer.
    """

    seed: int = 1
    lasts_s: float = 86_400.0
    speed: float = 100.0
    fault_every_s: float = 60.0
    fault_shorter: float = 1.0
    people_every_s: float = 20.0
    calm_between_falls_s: tuple[float, float] = (400.0, 1_500.0)
    calm_s: float = 420.0
    most_wall_s: float = 7_200.0
    past_days: int = 580
    goes_on: bool = False
    gateway: type[Cut] = Cut
    log: Path | None = None


SLICE = Plan(
    seed=8,
    lasts_s=600.0,
    fault_every_s=6.0,
    fault_shorter=0.3,
    people_every_s=6.0,
    calm_between_falls_s=(20.0, 60.0),
    calm_s=200.0,
    most_wall_s=240.0,
    past_days=110,
)
"""Ten minutes with as much in them as many hours have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to."""

    plan: Plan
    simulated_s: float
    wall_s: float
    lives: int
    looks: int
    breaches: int
    delays_s: tuple[float, ...]
    forgiven: int
    claims: int
    arrived: int
    maybe_repeats: int
    proposed: int
    approved: int
    executed: int
    audit_rows: int
    faults: Counter[str]
    done: Counter[str]
    errors: Counter[str]
    most: dict[str, float]
    samples: tuple[Sample, ...]
    slope_mib: float
    violations: tuple[Violation, ...]


@dataclass(slots=True, kw_only=True)
class Soak:
    """Used as ``await Soak.of(plan, pace, clock).run()``."""

    plan: Plan
    pace: Pace
    clock: SoakClock
    ledger: Ledger
    reference: Reference
    orders: Orders
    vitals: Vitals
    platforms: Platforms
    arrived: int = 0
    maybe_repeats: int = 0
    lives: int = 0
    _life: Life | None = None
    _down: bool = False
    _since_s: float = 0.0
    _began_wall_s: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, plan: Plan, pace: Pace, clock: SoakClock) -> "Soak":
        ledger = Ledger(now_s=clock.monotonic_s)
        soak: Soak

        def heard(chat: str, text: str) -> None:
            soak.arrived += 1
            soak.maybe_repeats += "may be a repeat" in text
            soak.reference.heard(chat, text)

        platforms = Platforms(heard)
        soak = cls(
            plan=plan, pace=pace, clock=clock, ledger=ledger, orders=Orders(ledger=ledger),
            reference=Reference(ledger=ledger, chats=platforms.chats), vitals=Vitals(ledger=ledger),
            platforms=platforms,
        )  # fmt: skip
        return soak

    async def run(self) -> Outcome:
        """Until the time is over, or a violation; what was found either way."""
        asyncio.get_running_loop().set_exception_handler(self.vitals.unhandled)
        setup_logging("INFO", stream=Log(self.vitals, self.plan.log))
        async with contextlib.AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            executor = stack.enter_context(ThreadPoolExecutor(max_workers=2, thread_name_prefix="work"))
            path = falls(self.plan.seed, self.plan.lasts_s, calm_s=self.plan.calm_between_falls_s)
            venue = venue_of(
                path, seed=self.plan.seed, clock=self.clock, seen=self.reference.saw, past_days=self.plan.past_days
            )
            around = Surroundings(
                pace=self.pace, clock=self.clock, venue=venue, platforms=self.platforms, folder=folder, sent={},
                composed=self.reference.composed, executor=executor, gateway=self.plan.gateway,
            )  # fmt: skip
            await self.platforms.start()
            stack.push_async_callback(self.platforms.stop)
            faults = Faults(
                seed=self.plan.seed, every_s=self.plan.fault_every_s, shorter=self.plan.fault_shorter, pace=self.pace,
                clock=self.clock, ledger=self.ledger, reference=self.reference, venue=venue, platforms=self.platforms,
                database=str(around.database), killed=lambda down_s: self._kill(around, down_s), store=self._store,
            )  # fmt: skip
            people = People(
                seed=self.plan.seed, every_s=self.plan.people_every_s, pace=self.pace, platforms=self.platforms
            )
            await self._begin(around)
            async with self._beside(self._watch(around)):
                await self._under_fire(faults, people)
                await self._calm(around)
            await self._leave(around)
            return self._outcome(people)

    async def _under_fire(self, faults: Faults, people: People) -> None:
        until_s = self.plan.lasts_s - self.plan.calm_s
        async with self._beside(people.run(until_s)):
            injecting = asyncio.create_task(faults.run(until_s), name="faults")
            try:
                while not injecting.done() and not self._over:
                    await asyncio.wait((injecting,), timeout=_TICK_S)
                if injecting.done():
                    await injecting
                await self._until(until_s)
            finally:
                injecting.cancel()
                await asyncio.gather(injecting, return_exceptions=True)

    async def _until(self, until_s: float) -> None:
        while self.pace.now_s < until_s and not self._over:  # noqa: ASYNC110  # a violation ends it at any time
            await asyncio.sleep(_TICK_S)

    @property
    def _over(self) -> bool:
        if time.monotonic() - self._began_wall_s > self.plan.most_wall_s:
            self.ledger.wrong(f"the run took longer than {self.plan.most_wall_s:.0f} s and was ended")
            return True
        return bool(self.ledger.violations) and not self.plan.goes_on

    @contextlib.asynccontextmanager
    async def _beside(self, work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        task = asyncio.ensure_future(work)
        try:
            yield
            if task.done():
                await task  # what it failed with
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _store(self) -> MortalStore | None:
        return self._life.store if self._life is not None else None

    async def _begin(self, around: Surroundings) -> None:
        """A life, begun again until the memory can be opened."""
        while True:
            self._life = Life(around, streams=self.lives % 2 == 0)
            self.lives += 1
            await self._life.begin()
            error = self._life.failed
            if error is None:
                return
            if not isinstance(error, StorageError) or self.ledger.quiet("memory", 60.0):
                self.ledger.wrong(f"the bot did not start: {error!r}")
                return
            await asyncio.sleep(_AGAIN_S)

    async def _kill(self, around: Surroundings, down_s: float) -> None:
        if self._life is None or self._down:
            return
        self._down = True
        try:
            await self.platforms.stop()
            await self._life.kill()
            self._no_tasks_left("killed")
            self.reference.died()
            self.platforms.discord.gateway.forget()
            await asyncio.sleep(down_s)
            await self.platforms.start()
            await self._begin(around)
        finally:
            self._down = False

    def _no_tasks_left(self, how: str) -> None:
        assert self._life is not None
        left = sorted(str(one.get_coro()) for one in self._life.tasks())
        if left:
            self.ledger.wrong(f"{len(left)} tasks outlive a bot that was {how}: {', '.join(left[:5])}")

    async def _watch(self, around: Surroundings) -> None:
        """Everything that is looked at all the while."""
        dice = random.Random(f"{self.plan.seed} owners")  # noqa: S311  # the same in every run
        next_look_s = next_owners_s = next_count_s = 0.0
        last_s = self.pace.now_s
        while True:
            await asyncio.sleep(_TICK_S)
            now_s, passed_s, last_s = self.pace.now_s, self.pace.now_s - last_s, self.pace.now_s
            self.reference.tick(min(passed_s, 2 * _TICK_S), self._clear())
            if self._life is not None and not self._down and (error := self._life.failed) is not None:
                self.ledger.wrong(f"the bot ended by itself: {error!r}")
                return
            if now_s >= next_owners_s:
                next_owners_s = now_s + _OWNERS_EVERY_S * dice.uniform(0.5, 1.5)
                owners_trade(around.venue, self.reference.ratios_percent)
            if now_s >= next_look_s and self._life is not None and not self._down:
                next_look_s = now_s + _LOOK_EVERY_S
                self.vitals.tasks(len(self._life.tasks()))
                self.platforms.forget()
                counting = now_s >= next_count_s
                next_count_s = now_s + _COUNT_EVERY_S if counting else next_count_s
                await self._look(around, thoroughly=counting)

    def _clear(self) -> list[str]:
        """Platforms on which nothing is in the way of an alert."""
        life, ledger = self._life, self.ledger
        if life is None or self._down or self.pace.now_s - life.began_s < _ALIVE_S:
            return []
        if not (ledger.quiet("venue", 15.0) and ledger.quiet("memory", 15.0) and ledger.quiet("process", 15.0)):
            return []
        return [name for name in ("telegram", "discord") if ledger.quiet(name, 30.0)]

    async def _look(self, around: Surroundings, *, thoroughly: bool) -> None:
        landings = dict(around.venue.exchange.world.post.landings)
        sent = dict(around.sent)
        async with Store.looking(around.database) as store:
            await self.orders.read(store)
            self.orders.look(landings, sent)
            await self.vitals.queues(store, around.database)
            if thoroughly:
                await self.orders.verify(store)
                await self.vitals.tables(store)
        if thoroughly:
            self.vitals.memory(self.reference.looks)
            if sys.stderr.isatty() or self.plan.log is not None:
                print(f"{clock_of(self.pace.now_s)}  {self._progress()}", file=sys.stderr, flush=True)

    def _progress(self) -> str:
        return (
            f"{self.ledger.faults.total()} faults, {self.lives} lives, {self.reference.breaches} breaches,"
            f" {self.orders.executed} orders, {self.vitals.samples[-1].resident_mib:.0f} MiB,"
            f" {self.pace.now_s / (time.monotonic() - self._began_wall_s):.0f}x,"
            f" {len(self.ledger.violations)} violations"
        )

    async def _calm(self, around: Surroundings) -> None:
        """Nothing breaks any more: everything comes to its end, and is known."""
        until_s = max(self.plan.lasts_s, self.pace.now_s + self.plan.calm_s)
        await self._until(until_s)
        if self._over:
            return
        await self._look(around, thoroughly=True)
        for chat, account in self.reference.owed:
            self.ledger.wrong(f"{chat} was never told that {account} was in danger (lost alert)")
        async with Store.looking(around.database) as store:
            self.orders.final(await Proposals(store).recent(ACCOUNTS, 1_000_000), self.clock.now())
            left = await store.run(
                lambda db: db.execute("SELECT count(*) FROM outbox WHERE state IN ('pending', 'leased')").fetchone()[0]
            )
        if left > len(self.platforms.chats):
            self.ledger.wrong(f"{left} alerts wait although nothing is in their way")

    async def _leave(self, around: Surroundings) -> None:
        assert self._life is not None
        if self._life.failed is not None:
            return
        try:
            await self._life.end()
        except Exception as error:  # noqa: BLE001  # the top of a run: whatever it was belongs into the report
            self.ledger.wrong(f"the bot did not end as asked: {error!r}")
            return
        self._no_tasks_left("stopped")

    def _outcome(self, people: People) -> Outcome:
        reference, orders, vitals = self.reference, self.orders, self.vitals
        return Outcome(
            plan=self.plan, simulated_s=self.pace.now_s, wall_s=time.monotonic() - self._began_wall_s,
            lives=self.lives, looks=reference.looks, breaches=reference.breaches, delays_s=tuple(reference.delays_s),
            forgiven=reference.forgiven, claims=reference.claims, arrived=self.arrived,
            maybe_repeats=self.maybe_repeats, proposed=orders.proposed, approved=orders.approved,
            executed=orders.executed, audit_rows=orders.rows, faults=self.ledger.faults, done=people.done,
            errors=vitals.errors, most=vitals.most, samples=tuple(vitals.samples), slope_mib=vitals.slope_mib,
            violations=tuple(self.ledger.violations),
        )  # fmt: skip
