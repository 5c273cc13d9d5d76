"""The one place where everything is wired. A process is one App: services, jobs, transports, one task group."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.alerts.answers import Answers
from bot.alerts.delivery import Delivery
from bot.alerts.desk import Finding, IncidentDesk
from bot.alerts.health_watch import HealthWatch
from bot.alerts.routing import receivers
from bot.commands.registry import hints
from bot.commands.spec import Services
from bot.dispatch import Dispatcher
from bot.jobs import EquityBook, Housekeeping, LimitsWatch, Watchdog
from bot.messages import Transport
from bot.process import ProcessState
from bot.roster import Roster
from bot.schedule import Schedule
from risk.decisions.drawdown import DrawdownThresholds
from risk.decisions.incidents import Cause, CauseKind
from risk.decisions.tiers import Tier
from risk.fleet import Fleet
from risk.ports import AccountReader, Clock
from storage import (
    Accounts,
    EquityLog,
    Incidents,
    LinkedPerson,
    Outbox,
    People,
    Receiver,
    Role,
    Seen,
    Settings,
    Snapshots,
    Store,
    TierStates,
)

log = structlog.get_logger()

EQUITY_EVERY_S = 60.0
HOUSEKEEPING_EVERY_S = 3_600.0
_LIMITS_AFTER_CHECKS = 4
TEST_ALARM = Cause(kind=CauseKind.SYSTEM, subject="test alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often the app looks, and how long data stays good."""

    check_interval: timedelta = timedelta(seconds=5)
    slot_stall: timedelta = timedelta(seconds=10)

    @property
    def silence(self) -> timedelta:
        """How long the venue may not answer: two checks that fail are enough to say so, one slow answer is not."""
        return min(self.slot_stall, max(1.5 * self.check_interval, timedelta(seconds=6)))


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A wired process that has not started yet."""

    services: Services
    dispatcher: Dispatcher
    deliveries: Mapping[str, Delivery]
    watch: HealthWatch
    limits: LimitsWatch
    equity: EquityBook
    housekeeping: Housekeeping
    desk: IncidentDesk
    pace: Pace
    started_at: datetime

    async def prepare(self) -> None:
        """Before anything is claimed or answered: leases of an earlier process are void, and so are incidents that
        nobody will look at again, or they would stand open for ever."""
        await self.services.outbox.abandon_leases(self.services.clock.now())
        await self.watch.load()
        watched = self.services.roster.account_ids
        left_over = [
            Finding(cause=incident.cause, tier=Tier.OK, fact="no longer watched")
            for incident in await self.services.incidents.open_incidents()
            if incident.cause == TEST_ALARM or (incident.cause.account_id and incident.cause.account_id not in watched)
        ]
        await self.desk.settle(left_over)

    async def serve(self, stop: asyncio.Event) -> None:
        """Watch, deliver and answer until told to stop."""
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
                log.info("app.started", accounts=len(self.services.roster), venue=self.services.process.venue)
                await stop.wait()
                for task in running:
                    task.cancel()
        log.info("app.stopped")

    def _schedule(self) -> Schedule:
        schedule, interval_s = Schedule(self.services.clock), self.pace.check_interval.total_seconds()
        schedule.every(interval_s, "check", self.watch.check)
        schedule.every(interval_s * _LIMITS_AFTER_CHECKS, "limits", self.limits.check)
        schedule.every(EQUITY_EVERY_S, "equity", self.equity.record)
        schedule.every(HOUSEKEEPING_EVERY_S, "housekeeping", self.housekeeping.tidy)
        watchdog = Watchdog(
            check=schedule.jobs["check"], desk=self.desk, clock=self.services.clock, started_at=self.started_at
        )
        schedule.every(max(interval_s, 5.0), "watchdog", watchdog.look)
        self.services.process.jobs = schedule.jobs
        return schedule

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
    executor: ThreadPoolExecutor,
    console: Receiver | None = None,
    pace: Pace | None = None,
    trading_enabled: bool = False,
    drawdowns: DrawdownThresholds | None = None,
) -> App:
    """Wire an app.

    Args:
        console: The terminal as a receiver of alerts, where somebody sits at one.
    """
    pace = pace or Pace()
    by_name = {transport.name: transport for transport in transports}
    incidents, outbox, people, accounts = Incidents(store), Outbox(store), People(store), Accounts(store)
    equity, snapshots, seen = EquityLog(store), Snapshots(store), Seen(store)
    fleet = Fleet(
        # A view serves until the next check is due, so people and alerts look at the same one.
        reader, roster.account_ids, clock, max_age=pace.check_interval + timedelta(seconds=2),
        stall=pace.slot_stall, silence=pace.silence,
    )  # fmt: skip
    deliveries = {
        name: Delivery(transport, outbox, clock, moved=people.move_chat) for name, transport in by_name.items()
    }

    async def who_hears() -> tuple[Receiver, ...]:
        known = receivers(await people.chats(), console=console)
        return tuple(receiver for receiver in known if receiver.transport in by_name)

    def wake() -> None:
        for delivery in deliveries.values():
            delivery.wake()

    desk = IncidentDesk(
        incidents=incidents, outbox=outbox, roster=roster, fleet=fleet, receivers=who_hears, clock=clock, wake=wake
    )
    watch = HealthWatch(fleet=fleet, roster=roster, desk=desk, states=TierStates(store), clock=clock)
    services = Services(
        clock=clock, fleet=fleet, roster=roster, watch=watch, incidents=incidents, outbox=outbox, accounts=accounts,
        answers=Answers(incidents=incidents, outbox=outbox, transports=by_name, clock=clock),
        equity=equity, people=people, settings=Settings(store), snapshots=snapshots, executor=executor,
        process=ProcessState(
            started_at=clock.now(), venue=venue, trading_enabled=trading_enabled, transports=by_name
        ),
    )  # fmt: skip
    limits = LimitsWatch(
        fleet=fleet, roster=roster, accounts=accounts, equity=equity, incidents=incidents, desk=desk, clock=clock
    )
    equity_book = EquityBook(
        fleet=fleet, roster=roster, equity=equity, snapshots=snapshots, incidents=incidents, desk=desk, clock=clock,
        thresholds=drawdowns,
    )  # fmt: skip
    return App(
        services=services,
        dispatcher=Dispatcher(services, seen, local_owner=local_owner(clock) if console else None),
        deliveries=deliveries,
        watch=watch,
        limits=limits,
        equity=equity_book,
        housekeeping=Housekeeping(equity=equity, seen=seen, clock=clock),
        desk=desk,
        pace=pace,
        started_at=clock.now(),
    )


def local_owner(clock: Clock) -> LinkedPerson:
    """Whoever sits at the terminal: they can read the process's files, so nothing is kept from them."""
    return LinkedPerson(
        person_id="console", transport="console", user_id="local", display_name="the console", role=Role.ADMIN,
        owner=True, linked_at=clock.now(),
    )  # fmt: skip
