"""The venue's stream, followed: every book it sends is assessed as it comes; the checks are the net beneath it."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import timedelta

import structlog

from bot.alerts.desk import Finding, IncidentDesk
from bot.alerts.health_watch import HealthWatch
from bot.process import StreamState
from bot.text.ages import age
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.errors import ReadFailed
from risk.fleet import Fleet
from risk.margin.book import FleetBook
from risk.ports import AccountStream, Clock
from storage import StorageError
from venues.errors import VenueRejected

log = structlog.get_logger()

LOOK_EVERY_S = 5.0
BRIDGE_EVERY_S = 5.0
_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.5, 4.0
_REJECTED_RETRY_S = 60.0  # where nothing will change by asking again soon
_STEADY_S = 30.0  # a connection that held so long was a good one
_SILENT_AFTER = timedelta(seconds=15)
_TOLD_AFTER = timedelta(seconds=60)
_CAUSE = Cause(kind=CauseKind.SYSTEM, subject="stream")


class Silence(ReadFailed):
    """A stream that is up and says nothing."""


class LiveWatch:
    """Follows the stream for ever: begins again after a loss, and when other accounts are watched.

    While it is down and the checks are further apart than ``BRIDGE_EVERY_S``, it looks itself.

    Args:
        check_every: How far apart the checks are.
        jitter: Factor on every pause, so that many bots do not come back at once.
    """

    def __init__(
        self,
        *,
        stream: AccountStream,
        fleet: Fleet,
        watch: HealthWatch,
        desk: IncidentDesk,
        clock: Clock,
        check_every: timedelta,
        jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),  # noqa: S311  # spreads load, guards nothing
    ) -> None:
        self._stream, self._fleet, self._watch, self._desk, self._clock = stream, fleet, watch, desk, clock
        self._jitter, self._check_every = jitter, check_every
        self._bridges = check_every.total_seconds() > BRIDGE_EVERY_S
        self._others = asyncio.Event()  # other accounts are watched now
        self._silent = asyncio.Event()
        self._back = asyncio.Event()
        self._bridge: asyncio.Task[None] | None = None
        self.state = StreamState(since=clock.now())
        fleet.when_watched(self._others.set)

    async def run(self) -> None:
        """Follow until cancelled."""
        attempt = 0
        try:
            while True:
                error = await self._until_lost()
                if error is None:
                    continue
                steady = self.state.connected and self._clock.now() - self.state.since >= timedelta(seconds=_STEADY_S)
                attempt = 0 if steady else attempt + 1
                pause_s = self._pause_s(error, attempt)
                self._went_down(error, pause_s)
                await self._clock.sleep(pause_s)
        finally:
            if self._bridge is not None:
                self._bridge.cancel()
                await asyncio.gather(self._bridge, return_exceptions=True)

    async def look(self) -> None:
        """From beside it: end a stream that is up and silent, and say so where there has been none for long."""
        now, state = self._clock.now(), self.state
        if state.connected and now - (state.last_update or state.since) > _SILENT_AFTER:
            self._silent.set()
        down = timedelta() if state.connected else now - state.since
        if down <= _TOLD_AFTER:
            await self._desk.settle([Finding(cause=_CAUSE, tier=Tier.OK, fact="the venue's stream is back")])
            return
        every = age(min(self._check_every.total_seconds(), BRIDGE_EVERY_S))
        fact = f"no stream of the venue for {age(down.total_seconds())}; it is asked every {every} instead"
        await self._desk.settle([Finding(cause=_CAUSE, tier=Tier.WATCH, fact=fact)])

    async def _until_lost(self) -> Exception | None:
        """What ended the stream; None where it is to begin again with other accounts."""
        self._others.clear()
        self._silent.clear()
        account_ids = self._fleet.account_ids
        if not account_ids:
            await self._others.wait()
            return None
        try:
            async with aclosing(self._stream.stream(account_ids)) as books:
                while (book := await self._next(books)) is not None:
                    await self._take(book)
            return None
        except ReadFailed as exc:
            return exc
        except Exception as exc:
            # The top of a task: whatever it was, the stream is tried again and the checks go on.
            log.exception("stream.failed")
            return exc

    async def _next(self, books: AsyncGenerator[FleetBook, None]) -> FleetBook | None:
        """The next book, unless other accounts are watched before it comes."""
        coming = asyncio.ensure_future(anext(books))
        events = [asyncio.ensure_future(event.wait()) for event in (self._others, self._silent)]
        try:
            await asyncio.wait((coming, *events), return_when=asyncio.FIRST_COMPLETED)
            if self._others.is_set():
                return None
            if not coming.done():
                raise Silence(f"the stream of the venue has sent nothing for {_SILENT_AFTER.total_seconds():.0f} s")
            return await coming
        except StopAsyncIteration:
            raise Silence("the stream of the venue has ended") from None
        finally:
            for task in (coming, *events):
                task.cancel()
            await asyncio.gather(coming, *events, return_exceptions=True)

    async def _take(self, book: FleetBook) -> None:
        self._came_up()
        self._fleet.accept(book)
        self._silent.clear()
        self.state.updates += 1
        self.state.last_update = self._clock.now()
        try:
            await self._watch.assess()
        except StorageError as exc:
            # The store says what is wrong. Nothing was remembered, so the next book is told the same.
            log.error("stream.assessment_not_stored", error=str(exc))

    def _came_up(self) -> None:
        if self.state.connected:
            return
        self.state.connected, self.state.since, self.state.last_error = True, self._clock.now(), ""
        self.state.rejected = False
        self._back.set()
        log.info("stream.up", accounts=len(self._fleet.account_ids), reconnects=self.state.reconnects)

    def _went_down(self, error: Exception, pause_s: float) -> None:
        # Only errors of ours have texts made for people; others may quote a URL and its key.
        text = str(error) if isinstance(error, ReadFailed) else f"{type(error).__name__}, see the log"
        if self.state.connected or not self.state.last_error:
            self.state.since = self._clock.now()
        self.state.connected, self.state.last_error = False, text
        self.state.rejected = isinstance(error, VenueRejected)
        self.state.reconnects += 1
        log.warning("stream.down", error=text, retry_in_s=round(pause_s, 2))
        self._back.clear()
        if self._bridges and (self._bridge is None or self._bridge.done()):
            self._bridge = asyncio.create_task(self._bridge_gap(), name="stream.bridge")

    def _pause_s(self, error: Exception, attempt: int) -> float:
        if isinstance(error, VenueRejected):
            return _REJECTED_RETRY_S * self._jitter()
        return min(_FIRST_RETRY_S * 2.0 ** min(attempt, 10), _LONGEST_RETRY_S) * self._jitter()

    async def _bridge_gap(self) -> None:
        """Look every few seconds until the stream is back."""
        while not self._back.is_set():
            try:
                await self._watch.check()
            except Exception:
                # The top of a task: as in a scheduled check.
                log.exception("stream.bridge_failed")
            pause = asyncio.ensure_future(self._clock.sleep(BRIDGE_EVERY_S))
            back = asyncio.ensure_future(self._back.wait())
            await asyncio.wait((pause, back), return_when=asyncio.FIRST_COMPLETED)
            for task in (pause, back):
                task.cancel()
            await asyncio.gather(pause, back, return_exceptions=True)
