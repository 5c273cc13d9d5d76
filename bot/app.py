"""The one place where everything is wired. A process is one App: services, jobs, transports, one task group."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from bot.alerts.answers import Answers
from bot.alerts.chat_names import ChatNames
from bot.alerts.delivery import Delivery
from bot.alerts.desk import Finding, IncidentDesk
from bot.alerts.emergency import Emergency
from bot.alerts.escalation import ROUTES, routes_finding
from bot.alerts.event_names import event_of
from bot.alerts.event_parts import EventParts
from bot.alerts.expectations import Expectations
from bot.alerts.figures import Figures
from bot.alerts.health_watch import HealthWatch
from bot.alerts.live import LOOK_EVERY_S, LiveWatch
from bot.alerts.router import RouteBook, platforms, rings_there
from bot.alerts.routes import NO_ROUTES, Routes
from bot.alerts.routing import Router
from bot.alerts.routing_jobs import RoutingJobs
from bot.alerts.sender import Sender
from bot.alerts.showing import Showing
from bot.alerts.wording import Wording
from bot.answering import PATIENCE_S
from bot.commands.registry import hints
from bot.commands.spec import Services
from bot.desks import Desks
from bot.digests.teller import DigestTeller
from bot.dispatch import Dispatcher
from bot.door import USUAL, Allowance
from bot.history.watch import LOOK_EVERY_S as HISTORY_EVERY_S
from bot.history.watch import HistoryWatch
from bot.jobs import EquityBook, Housekeeping, LimitsWatch
from bot.market_data import MarketDataManager
from bot.messages import Transport
from bot.moves_memory import SAVED_EVERY_S, MovesMemory
from bot.observing import Nobody, Observer
from bot.platform_roles import PlatformRoles
from bot.process import ProcessState
from bot.reading import Styles
from bot.replaying.asking import Replays
from bot.risk_board import RiskBoard
from bot.risk_watch import RISK_EVERY_S, RiskWatch
from bot.roster import Roster
from bot.schedule import Job, Schedule, once
from bot.trading.assembly import Surroundings, TradingParts, TradingSetup, assembled
from bot.trading.sleep_report import NIGHTS_EVERY_S, NightReports
from bot.watchdog import Watchdog
from bot.watching import WatchList
from risk.decisions.drawdown import DrawdownThresholds
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier, TierThresholds
from risk.fleet import Fleet
from risk.ports import AccountReader, AccountStream, CandleSource, Clock, FeeStatements, FillRecords, FundingSource
from storage import (
    EVERYTHING,
    Accounts,
    CandleLog,
    Cards,
    Copies,
    Digests,
    EquityLog,
    Events,
    Fallbacks,
    FillLog,
    FundingLog,
    Groups,
    Incidents,
    LinkedPerson,
    Outbox,
    People,
    Personal,
    Preferences,
    ProposalCards,
    Pulses,
    Receiver,
    RiskSnapshotLog,
    Seen,
    Settings,
    Sleeps,
    Snapshots,
    Store,
    TierStates,
)
from venues.cache import CacheManager

log = structlog.get_logger()

EQUITY_EVERY_S = 60.0
HOUSEKEEPING_EVERY_S = 3_600.0
DIGESTS_EVERY_S = 30.0
GROUPS_EVERY_S = 60.0
_LIMITS_AFTER_CHECKS = 4
_RISK_AFTER_CHECK_S = 5.0
Beside = Callable[[Schedule], Coroutine[Any, Any, None]]

TEST_ALARM = Cause(kind=CauseKind.SYSTEM, subject="test alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often the app looks, how long data stays good, and how often people may ask."""

    check_interval: timedelta = timedelta(seconds=5)
    slot_stall: timedelta = timedelta(seconds=10)
    requests: Allowance = USUAL

    @property
    def silence(self) -> timedelta:
        """How long the venue may not answer: two checks that fail are enough to say so, one slow answer is not."""
        return min(self.slot_stall, max(1.5 * self.check_interval, timedelta(seconds=6)))


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A wired process that has not started yet."""

    services: Services
    dispatcher: Dispatcher
    senders: Mapping[str, Sender]
    deliveries: Mapping[str, Delivery]
    watch: HealthWatch
    limits: LimitsWatch
    risk: RiskWatch
    equity: EquityBook
    housekeeping: Housekeeping
    moves: MovesMemory
    history: HistoryWatch
    digests: DigestTeller
    desk: IncidentDesk
    routing: RoutingJobs
    events: EventParts
    pace: Pace
    started_at: datetime
    quiet: Callable[[], bool]
    live: LiveWatch | None
    trading: TradingParts | None
    nights: NightReports | None

    async def prepare(self) -> None:
        """Before anything is claimed or answered: leases of an earlier process are void, and so are incidents that
        nobody will look at again, or they would stand open for ever."""
        await self.services.outbox.abandon_leases(self.services.clock.now())
        await self.watch.load()
        await self.moves.load()
        watched = self.services.roster.account_ids
        left_over = [
            Finding(cause=incident.cause, tier=Tier.OK, fact="no longer watched")
            for incident in await self.services.incidents.open_incidents()
            if incident.cause == TEST_ALARM or (incident.cause.account_id and incident.cause.account_id not in watched)
        ]
        await self.desk.settle(left_over)
        if self.trading is not None:
            # Before anybody can ask for an order: what an earlier process sent is looked for.
            await self.trading.reconciliation.run()

    async def serve(self, stop: asyncio.Event, *, beside: Beside | None = None) -> None:
        """Watch, deliver and answer until told to stop.

        Args:
            beside: Runs as long, beside the work: what looks after the process.
        """
        await self.prepare()
        schedule = self._schedule()
        async with contextlib.AsyncExitStack() as open_transports:
            for transport in self.services.process.transports.values():
                await open_transports.enter_async_context(_entered(transport))
            async with schedule, asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._restarting(transport), name=f"{name}.serve")
                    for name, transport in self.services.process.transports.items()
                ]
                running += [
                    tasks.create_task(delivery.run(), name=f"{name}.deliver")
                    for name, delivery in self.deliveries.items()
                ]
                running += [
                    tasks.create_task(transport.announce(hints(self.dispatcher.commands)))
                    for transport in self.services.process.transports.values()
                ]
                running.append(tasks.create_task(self.events.watch.run(), name="events"))
                if self.live is not None:
                    running.append(tasks.create_task(self.live.run(), name="stream"))
                if self.trading is not None:
                    running.append(tasks.create_task(self.trading.run(), name="cards"))
                if beside is not None:
                    running.append(tasks.create_task(beside(schedule), name="beside"))
                log.info("app.started", accounts=len(self.services.roster), venue=self.services.process.venue)
                await stop.wait()
                for task in running:
                    task.cancel()
        log.info("app.stopped")

    def _schedule(self) -> Schedule:
        schedule = Schedule(self.services.clock, observer=self.services.process.observer)
        interval_s = self.pace.check_interval.total_seconds()
        # At a start nobody waits a minute for figures: they are made as soon as there is something to make them of.
        check = once(self.watch.check, self._has_read, partial(schedule.soon, "risk", after_s=_RISK_AFTER_CHECK_S))
        look = once(self.history.look, self._has_read, partial(schedule.soon, "risk"))
        schedule.every(interval_s, "check", check)
        schedule.every(interval_s * _LIMITS_AFTER_CHECKS, "limits", self.limits.check)
        schedule.every(RISK_EVERY_S, "risk", once(self.risk.look, self._has_figures, partial(schedule.soon, "limits")))
        schedule.every(EQUITY_EVERY_S, "equity", self.equity.record)
        schedule.every(HOUSEKEEPING_EVERY_S, "housekeeping", self.housekeeping.tidy)
        schedule.every(SAVED_EVERY_S, "moves", self.moves.save)
        schedule.every(HISTORY_EVERY_S, "history", look)
        schedule.every(DIGESTS_EVERY_S, "digests", self._unless_quiet(self.digests.tell_due))
        schedule.every(GROUPS_EVERY_S, "groups", self.dispatcher.guests.leave_overdue)
        for seconds, name, job in self.routing:
            schedule.every(seconds, name, self._unless_quiet(job))
        for seconds, name, job in self.events:
            schedule.every(seconds, name, job)
        if self.live is not None:
            schedule.every(LOOK_EVERY_S, "stream", self.live.look)
        for seconds, name, job in self.trading or ():
            schedule.every(seconds, name, self._unless_quiet(job))
        if self.nights is not None:
            schedule.every(NIGHTS_EVERY_S, "nights", self._unless_quiet(self.nights.look))
        watching_s = max(interval_s, 5.0)
        watchdog = Watchdog(
            check=schedule.jobs["check"], desk=self.desk, clock=self.services.clock, started_at=self.started_at,
            jobs=schedule.jobs, every_s=watching_s,
        )  # fmt: skip
        schedule.every(watching_s, "watchdog", watchdog.look)
        self.services.process.jobs = schedule.jobs
        return schedule

    def _has_read(self) -> bool:
        return self.services.fleet.latest is not None

    def _has_figures(self) -> bool:
        """Whether every limit of some account can be judged."""
        known = map(self.services.desks.board.of, self.services.roster.account_ids)
        return any(figures is not None and not figures.limits.unknown for figures in known)

    def _unless_quiet(self, job: Job) -> Job:
        async def run() -> None:
            if not self.quiet():
                await job()

        return run

    async def _restarting(self, transport: Transport) -> None:
        """Serve a transport until it ends by itself: the terminal at the end of its input."""
        await self.dispatcher.serve(transport)
        log.info("transport.ended", transport=transport.name)


@contextlib.asynccontextmanager
async def _entered(transport: Transport) -> AsyncIterator[Transport]:
    async with transport:
        yield transport


def assemble(
    *,
    store: Store,
    reader: AccountReader,
    roster: Roster,
    transports: Sequence[Transport],
    clock: Clock,
    venue: str,
    executor: Executor,
    console: Receiver | None = None,
    pace: Pace | None = None,
    trading: TradingSetup | None = None,
    drawdowns: DrawdownThresholds | None = None,
    thresholds: TierThresholds | None = None,
    platform_roles: PlatformRoles | None = None,
    routes: Routes = NO_ROUTES,
    observer: Observer | None = None,
    through: Callable[[Router], Router] = lambda router: router,
    quiet: Callable[[], bool] = lambda: False,
    stream: bool = True,
    candles: CandleSource | None = None,
    history_dir: Path | None = None,
    patience_s: float = PATIENCE_S,
) -> App:
    """Wire an app.

    Args:
        routes: Who hears of what; everybody of everything where it says nothing.
        platform_roles: What the roles of a chat platform add to people's rights, and take.
        thresholds: Tiers of accounts that are added while it runs, unless somebody set their own.
        console: The terminal as a receiver of alerts, where somebody sits at one.
        observer: Counts runs and deliveries.
        through: Has a say in who hears of what, after the routes.
        trading: Where orders go, and under which rules; None where none can.
        quiet: Whether the process is to say nothing of its own accord now but what its routing lets through.
        stream: Whether to follow the venue's stream, where it has one.
        candles: Where price history comes from; None for what was imported alone.
        history_dir: Bars for /replay as files; None for those of the price history.
        patience_s: How long an answer may be calculated before something is said; infinite for transcripts.
    """
    pace, observer = pace or Pace(), observer or Nobody()
    by_name = {transport.name: Sender(transport, clock) for transport in transports}
    incidents, outbox, people, accounts = Incidents(store), Outbox(store), People(store), Accounts(store)
    equity, snapshots, seen, preferences = EquityLog(store), Snapshots(store), Seen(store), Preferences(store)
    book = RouteBook(
        routes, people=people, preferences=preferences, roster=roster, senders=platforms(by_name, routes),
        console=console, event_of=event_of,
    )  # fmt: skip
    fleet = Fleet(
        # A view serves until the next check is due, so people and alerts look at the same one.
        reader, roster.account_ids, clock, max_age=pace.check_interval + timedelta(seconds=2),
        stall=pace.slot_stall, silence=pace.silence,
    )  # fmt: skip
    personal = Personal(store)
    names, figures = ChatNames(people, personal), Figures(fleet, roster)
    wording = Wording(
        incidents=incidents, figures=figures, clock=clock, label=roster.label, name_of=names.of_person,
        style_of=Styles(personal, people).of, called_there=names.accounts,
        rings=partial(rings_there, preferences, clock), trades=trading is not None and trading.rules.enabled,
    )  # fmt: skip

    async def report(findings: Sequence[Finding]) -> None:
        await desk.settle(findings)

    async def moved(old: Receiver, new: Receiver) -> None:
        await people.move_chat(old, new)
        await preferences.move_chat(old, new)

    def nearness(account_id: str) -> float:
        return watch.nearness(account_id)

    def awaited() -> bool:
        return watch.awaited()

    def assessed() -> None:
        events.watch.wake()

    async def companions(account_ids: Sequence[str]) -> Sequence[Finding]:
        return [*await limits.broken(account_ids), *await equity_book.fallen(account_ids)]

    deliveries = {
        name: Delivery(
            sender, outbox, clock, wording=wording, moved=moved, report=report, name_of=names.of, observer=observer,
            showing=Showing(copies=Copies(store), wording=wording, clock=clock),
        )
        for name, sender in by_name.items()
    }  # fmt: skip

    def wake() -> None:
        for delivery in deliveries.values():
            delivery.wake()

    desk = IncidentDesk(
        incidents=incidents, outbox=outbox, roster=roster, fleet=fleet, router=through(book), clock=clock, wake=wake,
        figures=figures, nearness=nearness, companions=companions,
        emergency=Emergency(transports=by_name, figures=figures, clock=clock, label=roster.label),
        again={ROUTES: partial(routes_finding, book)}, awaited=awaited,
    )  # fmt: skip
    watch = HealthWatch(fleet=fleet, roster=roster, desk=desk, states=TierStates(store), clock=clock, then=assessed)
    events = EventParts.of(
        store=store, reader=reader, fleet=fleet, roster=roster, desk=desk, health=watch, preferences=preferences,
        clock=clock, venue=venue, quiet=quiet,
    )  # fmt: skip
    live = None
    if stream and isinstance(reader, AccountStream):
        live = LiveWatch(
            stream=reader, fleet=fleet, watch=watch, desk=desk, clock=clock, check_every=pace.check_interval
        )
    history = MarketDataManager(
        CandleLog(store), clock, source=candles, funding=FundingLog(store),
        rates=candles if isinstance(candles, FundingSource) else None,
    )  # fmt: skip
    desks = Desks(
        fleet=fleet, history=history, clock=clock, equity=equity,
        fills=FillLog(store), accounts=accounts, snapshots=RiskSnapshotLog(store), executor=executor,
        board=RiskBoard(clock),
    )  # fmt: skip
    parts = None
    if trading is not None:
        parts = assembled(trading, Surroundings(
            store=store, fleet=fleet, desks=desks, clock=clock, executor=executor, senders=by_name, roster=roster,
            desk=desk, names_in=names.accounts, style_of=Styles(personal, people).of,
            always=() if console is None else (console,), submitted=observer.order_submitted,
        ))  # fmt: skip
        desks = parts.desks
    services = Services(
        desks=desks, trading=None if parts is None else parts.trading,
        clock=clock, fleet=fleet, roster=roster, watch=watch, incidents=incidents, outbox=outbox, accounts=accounts,
        answers=Answers(incidents=incidents, clock=clock, wake=wake),
        equity=equity, people=people, personal=personal, groups=Groups(store), digests=Digests(store),
        cards=Cards(store), events=Events(store), settings=Settings(store), snapshots=snapshots, executor=executor,
        book=book, preferences=preferences, wake=wake,
        expectations=Expectations(announcements=events.announcements, settle=desk.settle, clock=clock),
        watching=WatchList(
            # Whoever asks over and over for an account that nobody watches costs the venue one reading a second.
            reader=CacheManager(clock, reader=reader), fleet=fleet, roster=roster, accounts=accounts,
            incidents=incidents, settle=desk.settle, clock=clock, venue=venue, thresholds=thresholds,
        ),
        process=ProcessState(
            started_at=clock.now(), venue=venue, transports=by_name,
            trading_enabled=trading is not None and trading.rules.enabled,
            observer=observer, stream=live.state if live is not None else None,
        ),
        pulses=Pulses(store),
        replays=Replays(history_dir),
    )  # fmt: skip
    limits = LimitsWatch(
        fleet=fleet, roster=roster, accounts=accounts, equity=equity, incidents=incidents, desk=desk, clock=clock,
        figures=desks.board.limit_figures,
    )  # fmt: skip
    equity_book = EquityBook(
        fleet=fleet, roster=roster, equity=equity, snapshots=snapshots, incidents=incidents, desk=desk, clock=clock,
        thresholds=drawdowns, fees=reader if isinstance(reader, FeeStatements) else None,
    )  # fmt: skip
    routing = RoutingJobs.of(
        book=book, fallbacks=Fallbacks(store), incidents=incidents, outbox=outbox, desk=desk, transports=by_name,
        clock=clock, wake=wake,
    )  # fmt: skip
    return App(
        services=services,
        dispatcher=Dispatcher(
            services,
            seen,
            local_owner=local_owner(clock) if console else None,
            platform_roles=platform_roles,
            patience_s=patience_s,
            allowance=pace.requests,
        ),
        senders=by_name,
        deliveries=deliveries,
        watch=watch,
        limits=limits,
        risk=RiskWatch(
            fleet=fleet, roster=roster, desks=desks, board=desks.board, incidents=incidents, desk=desk, clock=clock
        ),
        equity=equity_book,
        housekeeping=Housekeeping(equity=equity, seen=seen, clock=clock),
        moves=MovesMemory(fleet=fleet, settings=services.settings, clock=clock),
        history=HistoryWatch(
            fleet=fleet,
            history=history,
            fills=desks.fills,
            clock=clock,
            records=[one for one in tuple[object, ...]((reader, candles)) if isinstance(one, FillRecords)],
        ),
        digests=DigestTeller(services),
        desk=desk,
        routing=routing,
        events=events,
        pace=pace,
        started_at=clock.now(),
        quiet=quiet,
        live=live,
        trading=parts,
        nights=None if parts is None else NightReports(
            services, parts.trading, sleeps=Sleeps(store), copies=ProposalCards(store)
        ),
    )  # fmt: skip


def local_owner(clock: Clock) -> LinkedPerson:
    """Whoever sits at the terminal: they can read the process's files, so nothing is kept from them."""
    return LinkedPerson(
        person_id="console", transport="console", user_id="local", display_name="the console", owner=True,
        linked_at=clock.now(), access=EVERYTHING,
    )  # fmt: skip
