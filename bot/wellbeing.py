"""Gathers the signs of life for bot.vitals: what the jobs, the stream, the deliveries and the memory did lately."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from bot.process import JobState, ProcessState
from bot.vitals import Ailment, ChecksSign, DeliverySign, Patience, Signs, StreamSign, ailments
from risk.ports import Clock
from storage import Progress, StorageError, Unheard

log = structlog.get_logger()

_ANSWER_S = 5.0  # for the memory; longer is as bad as never
_GOOD_FOR_S = 1.0


class Delivering(Protocol):
    """One way to people, as far as it is counted."""

    @property
    def delivered(self) -> int: ...


@dataclass(slots=True)
class _Counted:
    """How far a way had come when it was looked at."""

    delivered: int
    progressed_at: datetime | None = None


class Wellbeing:
    """Asked by the heartbeat, the service manager's watchdog, the pulse and /status; the answer is shared for a second.

    Args:
        deliveries: By transport.
        stream: The venue's stream; None where there is none.
    """

    def __init__(
        self,
        *,
        process: ProcessState,
        deliveries: Mapping[str, Delivering],
        progress: Progress,
        clock: Clock,
        stream: Callable[[], StreamSign | None] = lambda: None,
        patience: Patience | None = None,
        answer_s: float = _ANSWER_S,
    ) -> None:
        self._process, self._deliveries, self._progress, self._clock = process, deliveries, progress, clock
        self._stream, self._patience, self._answer_s = stream, patience or Patience(), answer_s
        self._counted = {name: _Counted(one.delivered) for name, one in deliveries.items()}
        self._failed_since: datetime | None = None
        self._turn = asyncio.Lock()
        self._looked_s: float | None = None
        self.latest: tuple[Ailment, ...] = ()

    async def look(self) -> tuple[Ailment, ...]:
        """Everything that makes no progress now."""
        async with self._turn:
            if self._looked_s is None or not 0 <= self._clock.monotonic_s() - self._looked_s < _GOOD_FOR_S:
                self.latest = ailments(await self.signs(), self._patience)
                self._looked_s = self._clock.monotonic_s()
            return self.latest

    async def signs(self) -> Signs:
        """What the rule is asked about."""
        unheard = {one.transport: one for one in await self._unheard()}
        now = self._clock.now()
        check = self._process.jobs.get("check", JobState(interval_s=0.0))
        return Signs(
            now=now,
            started_at=self._process.started_at,
            checks=ChecksSign(interval_s=check.interval_s, last_succeeded=check.last_succeeded),
            stream=self._stream(),
            deliveries=[self._delivery(name, now, unheard.get(name)) for name in self._deliveries],
            memory_failed_since=self._failed_since,
        )

    async def _unheard(self) -> tuple[Unheard, ...]:
        now = self._clock.now()
        try:
            async with asyncio.timeout(self._answer_s):
                found = await self._progress.unheard(now)
        except (StorageError, TimeoutError) as error:
            if self._failed_since is None:
                log.error("wellbeing.memory_failed", error=str(error) or "no answer in time")
                self._failed_since = now
            return ()
        self._failed_since = None
        return found

    def _delivery(self, name: str, now: datetime, unheard: Unheard | None) -> DeliverySign:
        counted, delivered = self._counted[name], self._deliveries[name].delivered
        if delivered != counted.delivered:
            counted.delivered, counted.progressed_at = delivered, now
        health = self._process.transports[name].health()
        return DeliverySign(
            transport=name,
            connected=health.connected,
            since=health.since,
            unheard_since=unheard.since if unheard else None,
            progressed_at=counted.progressed_at,
        )
