"""Whether the memory works: tried every few seconds, looked through as often as it costs little.

While it takes nothing, nothing is signed and people are told from what is known without it. A damaged file is never
used again: trading stops, people are told, and the process begins anew, with a backup; see bot.rescue.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from bot.alerts.findings import Finding
from bot.text.ages import age
from bot.text.clean import sentence
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.ports import Clock
from storage import DatabaseCorrupt, StorageError, Store
from storage.probe import Probe
from storage.rescue import look_through, mark_damaged

log = structlog.get_logger()

CAUSE = Cause(kind=CauseKind.SYSTEM, subject="memory")
DAMAGE = Cause(kind=CauseKind.SYSTEM, subject="damaged memory")
_EVERY_S = 3.0
_WAITS, _WAIT_S = 4, 1.0  # with the time between two looks: told in ten seconds. A machine that stalls costs one wait
_AGAIN_S = 300.0
_LOOK_SHARE = 50.0  # a look through every page takes this part of the time, and no more
_LOOK_EVERY_S = 5.0  # at most
_MEMORY = ":memory:"

Tell = Callable[[Sequence[Finding], Exception], Awaitable[None]]


class MemoryWatch:
    """Of one store.

    Args:
        tell: Says findings without the memory.
        settle: Takes findings, as the incident desk does.
        hold: Takes why nothing may be signed now; empty where it may.
        damaged: Called once, when everybody was told that the file is damaged: this process has to end.
        first: What is settled before anything else.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        tell: Tell,
        settle: Callable[[Sequence[Finding]], Awaitable[None]],
        hold: Callable[[str], None],
        damaged: Callable[[], None],
        first: Sequence[Finding] = (),
    ) -> None:
        self._store, self._probe, self._clock = store, Probe(store), clock
        self._tell, self._settle, self._hold, self._damaged = tell, settle, hold, damaged
        self._failing_since_s: float | None = None
        self._first, self._told_at_s = list(first), 0.0
        self._trying: asyncio.Task[None] | None = None
        self.damage = ""
        """Why the file must not be used any more; empty while it is sound."""

    async def run(self) -> None:
        """Look until cancelled."""
        if self._first:
            await self._settle(self._first)
            self._first.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._try())
            tasks.create_task(self._read())

    async def _try(self) -> None:
        while True:
            await self.look()
            await self._clock.sleep(_EVERY_S)

    async def _read(self) -> None:
        while True:
            began_s = self._clock.monotonic_s()
            await self.look_through()
            took_s = self._clock.monotonic_s() - began_s
            await self._clock.sleep(max(_LOOK_EVERY_S, _LOOK_SHARE * took_s))

    async def look(self) -> None:
        """Try it once. Never raises for a memory that fails."""
        if self._trying is None:
            self._trying = asyncio.create_task(self._probe.write(self._clock.now()))
        for _ in range(_WAITS):
            if not self._trying.done():
                await asyncio.wait({self._trying}, timeout=_WAIT_S)
        tried = self._trying
        if not tried.done():
            await self._failed(StorageError(f"it has not answered for {_WAITS * _WAIT_S:.0f} s"))
            return
        self._trying, problem = None, tried.exception()
        if self._store.damage:
            await self._give_up(self._store.damage)
        elif isinstance(problem, StorageError):
            await self._failed(problem)
        elif problem is not None:
            raise problem
        else:
            await self._works()

    async def look_through(self) -> None:
        """Every page of the file, once."""
        if self._store.where == _MEMORY or self.damage:
            return
        try:
            await asyncio.to_thread(look_through, Path(self._store.where))
        except DatabaseCorrupt as error:
            self._store.damage = self._store.damage or str(error)
            await self._give_up(self._store.damage)
        except StorageError as error:
            log.warning("memory.not_looked_through", error=str(error))

    async def _failed(self, error: StorageError) -> None:
        now_s = self._clock.monotonic_s()
        self._hold(f"Keel's memory does not work: {sentence(str(error))}")
        if self._failing_since_s is None:
            self._failing_since_s = now_s
            log.error("memory.failed", error=str(error))
        elif now_s - self._told_at_s < _AGAIN_S:
            return
        self._told_at_s = now_s
        fact = "its memory takes nothing, so nothing is traded"
        await self._tell([Finding(cause=CAUSE, tier=Tier.CRITICAL, fact=fact)], error)

    async def _works(self) -> None:
        since_s, self._failing_since_s = self._failing_since_s, None
        self._hold("")
        if since_s is None:
            return
        away = age(self._clock.monotonic_s() - since_s)
        log.info("memory.works_again", failed_for=away)
        fact = f"its memory took nothing for {away} and works again"
        await self._settle([Finding(cause=CAUSE, tier=Tier.WARNING, fact=fact, passing=True)])

    async def _give_up(self, why: str) -> None:
        if self.damage:
            return
        self.damage = why
        self._hold("Keel's memory is damaged, and it begins anew with a backup")
        mark_damaged(Path(self._store.where), why)
        log.critical("memory.damaged", error=why)
        fact = "its memory is damaged: it is set aside, and Keel begins anew with the last backup, trading halted"
        try:
            await self._tell([Finding(cause=DAMAGE, tier=Tier.CRITICAL, fact=fact)], DatabaseCorrupt(why))
        finally:
            self._damaged()
