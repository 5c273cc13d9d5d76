"""The life of the process as it remembers it, and telling people of the stretches in which it did not watch."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from bot.absences import Instant, Meanwhile, Passed, noticed, since_last_life, told
from bot.messages import DeliveryError, Message, RetryAfter, Transport, TryAgain
from bot.places import Place, plainly
from bot.text.reader import ReadingStyle, reading_as
from risk.decisions.tiers import Tier
from risk.ports import Clock
from storage import Absence, Absences, Lives, Outbox, Receiver, StorageError, TierStates, UntoldAbsence

log = structlog.get_logger()

TICK_S = 1.0
NOTE_EVERY_S = 10.0
_TELL_WITHIN = timedelta(hours=1)
_CHECK_PATIENCE = timedelta(seconds=30)
_READING_S = 4.0  # for the history of what happened meanwhile to be read
_AGAIN_S = 15.0

Events = Callable[[datetime, datetime], Awaitable[Mapping[str, Sequence[str]]]]


async def no_events(since: datetime, until: datetime) -> Mapping[str, Sequence[str]]:
    """Where nobody keeps what happened to accounts."""
    return {}


def uptime_s() -> float:
    """Seconds since the machine started, those in which it slept included."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class Lifetime:
    """Notes that the process lives, and notices when it did not get to.

    Args:
        catch_up: Called when time jumped: what was planned by the wall clock is due now.
        uptime: See bot.absences.Instant.
    """

    def __init__(
        self,
        *,
        lives: Lives,
        absences: Absences,
        states: TierStates,
        outbox: Outbox,
        clock: Clock,
        catch_up: Callable[[], None],
        ailing: Callable[[], str] = lambda: "",
        uptime: Callable[[], float] = uptime_s,
    ) -> None:
        self._lives, self._absences, self._states, self._outbox = lives, absences, states, outbox
        self._clock, self._catch_up, self._ailing, self._uptime = clock, catch_up, ailing, uptime
        self._tiers: Mapping[str, Tier] = {}
        self._last: Instant | None = None
        self._noted_s: float | None = None
        self.failing_since: datetime | None = None
        self.unwatched_s = 0.0

    async def begin(self) -> None:
        """The first thing a process does with its memory. Raises: StorageError."""
        now = self._clock.now()
        before = await self._lives.begin(now)
        self._tiers = await self._standing()
        counts = await self._outbox.counts()
        absence = since_last_life(before, now, tiers=self._tiers, waiting=counts.pending + counts.leased)
        if before is not None:
            self.unwatched_s += max(0.0, (now - before.last_at).total_seconds())
        if absence is not None:
            await self._remember(absence)
        self._last, self._noted_s = self._instant(), self._clock.monotonic_s()

    async def end(self) -> None:
        """The last thing: what ends now was meant to end."""
        try:
            await self._lives.end(self._clock.now())
        except StorageError as error:
            log.error("life.not_noted", error=str(error))

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await self._clock.sleep(TICK_S)
            await self.tick()

    async def tick(self) -> None:
        """One look at the clocks; now and then a note that the process lives."""
        now, before = self._instant(), self._last
        self._last = now
        if before is not None:
            await self._compare(before, now)
        if self._noted_s is None or not 0 <= now.monotonic_s - self._noted_s < NOTE_EVERY_S:
            self._noted_s = now.monotonic_s
            await self._note(now.wall)

    async def _compare(self, before: Instant, now: Instant) -> None:
        passed = Passed.between(before, now, due_s=TICK_S)
        absence = noticed(before, now, due_s=TICK_S, tiers=self._tiers)
        if absence is not None or passed.upset:
            log.warning(
                "life.time_jumped", asleep_s=round(passed.asleep_s, 1), late_s=round(passed.late_s, 1),
                stepped_s=round(passed.stepped_s, 1),
            )  # fmt: skip
            self._catch_up()
        if absence is not None:
            self.unwatched_s += passed.away_s
            try:
                await self._remember(absence)
            except StorageError as error:
                log.error("life.absence_not_noted", error=str(error))

    async def _note(self, now: datetime) -> None:
        try:
            await self._lives.seen(now, self._ailing())
            self._tiers = await self._standing()
        except StorageError as error:
            if self.failing_since is None:
                log.error("life.not_noted", error=str(error))
                self.failing_since = now
        else:
            self.failing_since = None

    async def _remember(self, absence: Absence) -> None:
        away_s = (absence.to_at - absence.from_at).total_seconds()
        log.warning("life.absent", kind=absence.kind.value, seconds=round(away_s, 1), waiting=absence.waiting)
        await self._absences.note(absence)

    async def _standing(self) -> Mapping[str, Tier]:
        return {account_id: state.tier for account_id, state in (await self._states.load()).items()}

    def _instant(self) -> Instant:
        return Instant(wall=self._clock.now(), monotonic_s=self._clock.monotonic_s(), uptime_s=self._uptime())


class AbsenceTeller:
    """Tells every chat of every absence, once each, however often it is tried.

    Args:
        places: Who hears of it, and of which accounts.
        checked_at: When a health check last succeeded: before one has, nobody knows how accounts stand now.
        tier: Where an account stands now.
        events: What happened to accounts between two moments, by account id, each a sentence.
        style_of: How a chat reads.
    """

    def __init__(
        self,
        *,
        absences: Absences,
        transports: Mapping[str, Transport],
        clock: Clock,
        places: Callable[[], Awaitable[Sequence[Place]]],
        checked_at: Callable[[], datetime | None],
        tier: Callable[[str], Tier],
        events: Events = no_events,
        style_of: Callable[[Receiver], Awaitable[ReadingStyle]] = plainly,
    ) -> None:
        self._style_of = style_of
        self._absences, self._transports, self._clock = absences, transports, clock
        self._places, self._checked_at, self._tier, self._events = places, checked_at, tier, events
        self._not_before_s: dict[Receiver, float] = {}
        self._waits: dict[int, float] = {}

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(TICK_S)

    async def look(self) -> None:
        """One round: whoever can be told now is."""
        for untold in await self._absences.untold():
            if self._ready(untold):
                await self._tell(untold)

    def _ready(self, untold: UntoldAbsence) -> bool:
        """Once a check has looked at how things stand and what happened could be read; soon, where no check can."""
        now_s = self._clock.monotonic_s()
        waited_s = now_s - self._waits.setdefault(untold.absence_id, now_s)
        checked_at = self._checked_at()
        if checked_at is not None and checked_at >= untold.absence.to_at:
            return waited_s >= _READING_S
        return waited_s > _CHECK_PATIENCE.total_seconds()

    async def _tell(self, untold: UntoldAbsence) -> None:
        left = [place for place in await self._places() if place.receiver not in untold.told]
        late = self._clock.now() - untold.absence.to_at > _TELL_WITHIN
        for place in left:
            if late or await self._told(place, untold):
                await self._absences.told(untold.absence_id, place.receiver)
        remaining = {one.absence_id: one.told for one in await self._absences.untold()}
        if all(place.receiver in remaining.get(untold.absence_id, ()) for place in left):
            await self._absences.over(untold.absence_id)
            self._waits.pop(untold.absence_id, None)

    async def _told(self, place: Place, untold: UntoldAbsence) -> bool:
        """Whether this chat is done with: told, or beyond telling."""
        if self._clock.monotonic_s() < self._not_before_s.get(place.receiver, 0.0):
            return False
        message = await self._message(place, untold.absence)
        try:
            await self._transports[place.receiver.transport].send(place.address, message)
        except (RetryAfter, TryAgain) as error:
            wait_s = error.seconds if isinstance(error, RetryAfter) else _AGAIN_S
            self._not_before_s[place.receiver] = self._clock.monotonic_s() + wait_s
            return False
        except DeliveryError as error:
            log.warning("absence.not_told", transport=place.receiver.transport, error=str(error))
        return True

    async def _message(self, place: Place, absence: Absence) -> Message:
        labels = place.labels()
        now = {account_id: self._tier(account_id) for account_id in labels}
        with reading_as(await self._style_of(place.receiver)):
            found = await self._events(absence.from_at, absence.to_at)
            events = [f"{who}: {event}" for account_id, who in labels.items() for event in found.get(account_id, ())]
            return told(absence, Meanwhile(now=now, labels=labels, events=events))
