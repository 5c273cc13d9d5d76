"""Looks after the process while it serves: its life, its heartbeat, its service manager, its pulse, its backups.

Nothing in here may disturb what it looks after. Whatever fails is logged and begun again.
"""

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import structlog

from bot import beats
from bot.alerts.findings import Finding
from bot.app import App
from bot.backup import Backups
from bot.backup_plan import BackupPlan
from bot.beats import Beat, BeatAccount, BeatChat
from bot.happened import Happened
from bot.heartbeat import BEAT_EVERY_S, Heartbeat
from bot.heartbeat_urls import HeartbeatUrl
from bot.lifetime import AbsenceTeller, Events, Lifetime
from bot.loop_watch import LoopWatch
from bot.memory_watch import MemoryWatch
from bot.metrics import Metrics, Reading, age_s
from bot.places import Places
from bot.protection import Protection
from bot.pulse import Pulse
from bot.pulse_view import PulseFacts
from bot.reading import Styles
from bot.schedule import Schedule
from bot.systemd import Notifier
from bot.trading.counted import trading_reading
from bot.unhurried import Unhurried
from bot.vitals import Ailment, Organ, Patience, StreamSign, said
from bot.wellbeing import Wellbeing
from risk.decisions.incidents import severity
from risk.decisions.tiers import Tier
from risk.ports import Clock
from storage import Absences, Lives, Progress, Receiver, Store, TierStates
from storage import Events as EventLog

log = structlog.get_logger()

_AGAIN_S = 2.0
_STATUS_EVERY_S = 5.0
_LOOKS_A_WATCHDOG = 4  # signs of life in the time after which there must have been one
_NO_TERMINAL = frozenset({"console"})

Companion = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """What is looked after, and how.

    Attributes:
        metrics_port: 0 for none.
        pulse: Whether chats get a status message.
        console: The terminal, where somebody sits at one.
    """

    heartbeats: tuple[HeartbeatUrl, ...] = ()
    secret: str = ""
    beat_every_s: float = BEAT_EVERY_S
    metrics_port: int = 0
    backups: BackupPlan | None = None
    pulse: bool = True
    console: Receiver | None = None
    patience: Patience | None = None


class Operations:
    """Used as ``async with Operations(...) as operations`` around ``app.serve(stop, beside=operations.run)``.

    Args:
        metrics: Counts from the start of the app on; served where a port is set.
        events: What happened to accounts; see bot.lifetime. None for what the event log says.
        give_up: Ends the process, when its memory turned out to be damaged.
        first: What is to be said of the memory once somebody can be told.
    """

    def __init__(
        self,
        app: App,
        *,
        store: Store,
        care: Care,
        metrics: Metrics,
        notifier: Notifier | None = None,
        events: Events | None = None,
        give_up: Callable[[], None] = lambda: None,
        first: Sequence[Finding] = (),
    ) -> None:
        services = app.services
        self._app, self._store, self._care, self._metrics = app, store, care, metrics
        self._clock: Clock = services.clock
        self._notifier = notifier or Notifier()
        self._companions: list[tuple[str, Companion]] = []
        self._catch_up: Callable[[], None] = lambda: None
        self._counter = beats.Counter()
        process, styles = services.process, Styles(services.personal, services.people)
        self.wellbeing = Wellbeing(
            process=process, deliveries=app.deliveries, progress=Progress(store), clock=self._clock,
            stream=self._stream, patience=care.patience,
        )  # fmt: skip
        self.lifetime = Lifetime(
            lives=Lives(store), absences=Absences(store), states=TierStates(store), outbox=services.outbox,
            clock=self._clock, catch_up=self.catch_up, ailing=lambda: said(self.wellbeing.latest),
        )  # fmt: skip
        self._places = Places(
            people=services.people, own_names=services.personal, roster=services.roster,
            transports=process.transports.keys(), console=care.console,
        )  # fmt: skip
        self.teller = AbsenceTeller(
            absences=Absences(store), transports=process.transports, clock=self._clock, places=self._places.all,
            checked_at=self._checked_at, tier=self._tier, style_of=styles.of,
            events=events or Happened(EventLog(store), self._clock),
        )  # fmt: skip
        self.heartbeat = Heartbeat(
            care.heartbeats, clock=self._clock, ailing=self.wellbeing.look, beat=self._beat, secret=care.secret,
            every_s=care.beat_every_s,
        )  # fmt: skip
        self.loop = LoopWatch(sleep=asyncio.sleep, observe=metrics.loop_lag)
        self.protection = Protection(clock=self._clock)
        self.pulse = Pulse(
            pulses=services.pulses,
            ways={name: Unhurried(one) for name, one in app.senders.items() if name not in _NO_TERMINAL},
            places=self._places.all, facts=self._pulse_facts, clock=self._clock, style_of=styles.of,
        )  # fmt: skip
        self.memory = MemoryWatch(
            store=store, clock=self._clock, tell=app.desk.tell_unremembered, settle=app.desk.settle,
            hold=app.trading.hold if app.trading is not None else lambda why: None, damaged=give_up,
            first=first,
        )  # fmt: skip
        self.backups = None
        if care.backups is not None:
            self.backups = Backups(
                database=Path(store.where), plan=care.backups, clock=self._clock, settle=app.desk.settle
            )
        metrics.reads(self._reading)
        process.about.append(self.lines)

    def catch_up(self) -> None:
        """Every job that is overdue by any clock runs now."""
        self._catch_up()

    def beside(self, name: str, companion: Companion) -> None:
        """Something else that is to run as long as this does; begun again when it fails."""
        self._companions.append((name, companion))

    async def __aenter__(self) -> Self:
        """Raises: StorageError."""
        await self.lifetime.begin()
        self.protection.start(unwatched_s=self.lifetime.unwatched_s, accounts=len(self._app.services.roster))
        return self

    async def __aexit__(self, *exc: object) -> None:
        # What ends by an error is told as what it is: a life that was cut short.
        if exc[0] is None:
            await self.lifetime.end()
        self._notifier.close()

    async def run(self, schedule: Schedule) -> None:
        """Look after the process until cancelled."""
        self._catch_up = schedule.catch_up
        async with contextlib.AsyncExitStack() as resources, asyncio.TaskGroup() as tasks:
            await resources.enter_async_context(self.heartbeat)
            for name, companion in (*self._own(), *self._companions):
                tasks.create_task(_again_and_again(name, companion), name=f"beside.{name}")
            self._notifier.ready(self._status())
            try:
                await asyncio.Event().wait()
            finally:
                self._notifier.stopping()

    def lines(self) -> list[str]:
        """For /status."""
        lines = self.heartbeat.lines()
        if self.backups is not None and self.backups.last_at is None:
            lines.append("Backups: none was made yet.")
        if self.loop.worst_s >= 1.0:
            lines.append(f"Keel itself was stalled for {self.loop.worst_s:.1f} s within the last minute.")
        return lines

    def _own(self) -> list[tuple[str, Companion]]:
        own: list[tuple[str, Companion]] = [
            ("life", self.lifetime.run),
            ("teller", self.teller.run),
            ("loop", self.loop.run),
            ("memory", self.memory.run),
            ("supervision", self._supervise),
            ("protection", self._protect),
        ]
        if self._care.heartbeats:
            own.append(("heartbeat", self.heartbeat.run))
        if self._care.pulse:
            own.append(("pulse", self.pulse.run))
        if self.backups is not None:
            own.append(("backups", self.backups.run))
        if self._care.metrics_port:
            own.append(("metrics", self._serve_metrics))
        return own

    async def _supervise(self) -> None:
        """A sign of life to the service manager while a restart would help nothing; on this very loop, so that one that
        is kept busy gives none."""
        watchdog_s = self._notifier.watchdog_s
        every_s = min(watchdog_s / _LOOKS_A_WATCHDOG, _STATUS_EVERY_S) if watchdog_s else _STATUS_EVERY_S
        while True:
            found = await self.wellbeing.look()
            if any(ailment.restart_helps for ailment in found):
                self._notifier.status(self._status())
            else:
                self._notifier.alive(self._status())
            await self._clock.sleep(every_s)

    async def _protect(self) -> None:
        while True:
            await self._clock.sleep(1.0)
            self.protection.tick(self._unassessed(), len(self._app.services.roster))

    async def _serve_metrics(self) -> None:
        async with self._metrics.server(self._care.metrics_port):
            log.info("metrics.served", port=self._care.metrics_port)
            await asyncio.Event().wait()

    def _stream(self) -> StreamSign | None:
        """The venue's stream; None where there is none to follow."""
        state = self._app.services.process.stream
        return None if state is None or state.rejected else StreamSign(connected=state.connected, since=state.since)

    def _checked_at(self) -> datetime | None:
        check = self._app.services.process.jobs.get("check")
        return check.last_succeeded if check is not None else None

    def _tier(self, account_id: str) -> Tier:
        state = self._app.watch.settled().get(account_id)
        return Tier.UNKNOWN if state is None or self._app.services.fleet.why_stale() else state.tier

    def _tiers(self) -> dict[str, Tier]:
        settled = self._app.watch.settled()
        stale = bool(self._app.services.fleet.why_stale())
        return {
            account_id: Tier.UNKNOWN if stale or account_id not in settled else settled[account_id].tier
            for account_id in self._app.services.roster.account_ids
        }

    def _unassessed(self) -> int:
        """Accounts of which nobody knows how they stand: because of their data, or because nobody looks."""
        signs = self.wellbeing.latest
        if any(ailment.organ is Organ.CHECKS for ailment in signs) or self._checked_at() is None:
            return len(self._app.services.roster)
        return sum(tier is Tier.UNKNOWN for tier in self._tiers().values())

    def _status(self) -> str:
        """One line for the service manager."""
        tiers = self._tiers()
        worst = max(tiers.values(), key=severity, default=Tier.OK)
        text = f"watching {len(tiers)} account{'s' if len(tiers) != 1 else ''}, worst {worst.name}"
        observed_s = self._app.services.fleet.age_s()
        if observed_s is not None:
            text += f", data {observed_s:.0f} s old"
        ailing = said(self.wellbeing.latest)
        return f"{text}; {ailing}" if ailing else text

    async def _beat(self) -> Beat:
        services, now = self._app.services, self._clock.now()
        chats = [
            BeatChat(transport=one.transport, chat=one.chat, thread=one.thread, accounts=accounts)
            for one, accounts in await self._places.heard()
        ]
        return beats.fitting(
            Beat(
                counter=self._counter.next(now),
                sent_at=now,
                venue=services.process.venue,
                accounts=tuple(
                    BeatAccount(account_id=one.account_id, nickname=one.nickname, tiers=beats.tiers_of(one.thresholds))
                    for one in services.roster.all
                ),
                chats=tuple(chats),
            )
        )

    async def _pulse_facts(self) -> PulseFacts:
        services, now = self._app.services, self._clock.now()
        counts = await services.outbox.counts()
        stream = self._stream()
        await self.wellbeing.look()
        return PulseFacts(
            as_of=now,
            tiers=self._tiers(),
            ailing=said(self.wellbeing.latest),
            stale=services.fleet.why_stale(),
            checked_at=self._checked_at(),
            observed_at=services.fleet.observed_at(),
            streaming=stream.connected if stream is not None else None,
            waiting=counts.pending + counts.leased,
            waiting_since=counts.waiting_since,
            beaten_at=self.heartbeat.last_taken_at(),
            beats=bool(self._care.heartbeats),
        )

    async def _reading(self) -> Reading:
        services, now = self._app.services, self._clock.now()
        counts, stream = await services.outbox.counts(), self._stream()
        found: Sequence[Ailment] = await self.wellbeing.look()
        view, standings = services.fleet.latest, self.heartbeat.standings.values()
        return Reading(
            venue=services.process.venue,
            accounts=Counter(self._tiers().values()),
            data_age_s=services.fleet.age_s(),
            check_age_s=age_s(self._checked_at(), now),
            uptime_s=(now - services.process.started_at).total_seconds(),
            slot=view.book.slot if view is not None else None,
            streaming=stream.connected if stream is not None else None,
            stream_updates=services.process.stream.updates if services.process.stream is not None else 0,
            outbox=_by_state(counts.pending, counts.leased, counts.sent, counts.dead, counts.superseded),
            oldest_waiting_s=age_s(counts.waiting_since, now) or 0.0,
            connected={name: one.health().connected for name, one in services.process.transports.items()},
            incidents=Counter(incident.tier for incident in await services.incidents.open_incidents()),
            beats_taken=sum(one.taken for one in standings),
            beats_failed=sum(one.failed for one in standings),
            beat_age_s=_age_or_never(self.heartbeat.last_taken_at(), now) if self._care.heartbeats else None,
            ailing=tuple(dict.fromkeys(ailment.organ.value for ailment in found)),
            unprotected_s=self.protection.unprotected_s,
            unprotected_account_s=self.protection.unprotected_account_s,
            loop_stalls=self.loop.stalls,
            storage_failures=dict(self._store.failures),
            backup_age_s=_age_or_never(self.backups.last_at, now) if self.backups is not None else None,
            trading=await trading_reading(services.trading, now) if services.trading is not None else None,
        )


async def _again_and_again(name: str, companion: Companion) -> None:
    """Run until cancelled, whatever it does."""
    while True:
        try:
            await companion()
            log.warning("beside.ended", name=name)
        except Exception:
            # The top of a companion: it must neither end nor take the process with it.
            log.exception("beside.failed", name=name)
        await asyncio.sleep(_AGAIN_S)


def _age_or_never(at: datetime | None, now: datetime) -> float:
    """An age that is beyond any threshold where what is wanted has never been: an alarm on it rings then too."""
    return math.inf if at is None else (now - at).total_seconds()


def _by_state(pending: int, leased: int, sent: int, dead: int, superseded: int) -> Mapping[str, int]:
    return {"pending": pending, "leased": leased, "sent": sent, "dead": dead, "superseded": superseded}
