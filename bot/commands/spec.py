"""What a command is: its words, who may use it, and the functions that answer it and its buttons."""

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from bot.alerts.answers import Answers
from bot.alerts.health_watch import HealthWatch
from bot.messages import Address, Message, Person
from bot.process import ProcessState
from bot.roster import Roster
from risk.fleet import Fleet, FleetView
from risk.liquidation_monitor import DriftLiquidationMonitor
from risk.portfolio_manager import DriftPortfolioManager
from risk.ports import Clock
from storage import Accounts, EquityLog, Incidents, LinkedPerson, Outbox, People, Role, Settings, Snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a command may use. Made once, by the composition root."""

    clock: Clock
    fleet: Fleet
    roster: Roster
    watch: HealthWatch
    answers: Answers
    incidents: Incidents
    outbox: Outbox
    accounts: Accounts
    equity: EquityLog
    people: People
    settings: Settings
    snapshots: Snapshots
    process: ProcessState
    executor: Executor

    def monitor(self, account_id: str) -> DriftLiquidationMonitor:
        return DriftLiquidationMonitor(account_id, self.fleet, thresholds=self.roster.thresholds(account_id))

    def manager(self, account_id: str) -> DriftPortfolioManager:
        return DriftPortfolioManager(account_id, self.fleet, limits=self.accounts, equity=self.equity)

    async def view(self) -> FleetView:
        """The latest evaluation, the last good one when the venue is silent. Raises: ReadFailed before the first."""
        return await self.fleet.current()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A command as somebody typed it. ``person`` is None for strangers, who may use only what is open to them."""

    args: tuple[str, ...]
    sender: Person
    person: LinkedPerson | None
    address: Address
    private: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PressRequest:
    """A button as somebody pressed it. ``args`` are the parts of its data after the prefix."""

    args: tuple[str, ...]
    person: LinkedPerson
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class PressReply:
    """What a press leads to.

    Attributes:
        notice: Shown at once beside the button, at most 200 characters.
        replace: Takes the place of the message the button was on.
        message: Is said as a new message.
    """

    notice: str = ""
    replace: Message | None = None
    message: Message | None = None


class Usage(Exception):
    """The arguments do not fit. The text says what was wrong; the usage is added by the dispatcher."""


Run = Callable[[Services, Request], Awaitable[Message]]
OnPress = Callable[[Services, PressRequest], Awaitable[PressReply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command.

    Attributes:
        usage: As it is typed, arguments in brackets where they may be left out.
        summary: One line for /help and for the platform's menu.
        presses: Buttons it answers, by the prefix of their data.
        open_to_strangers: Whether somebody who is not linked may use it.
    """

    name: str
    usage: str
    summary: str
    run: Run
    role: Role = Role.VIEWER
    presses: Mapping[str, OnPress] = field(default_factory=dict)
    press_role: Role = Role.RESPONDER
    open_to_strangers: bool = False
