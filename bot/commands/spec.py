"""What a command is: its words, who may use it, and the functions that answer it and its buttons."""

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from enum import Enum, auto

from bot.alerts.answers import Answers
from bot.alerts.expectations import Expectations
from bot.alerts.health_watch import HealthWatch
from bot.alerts.router import RouteBook
from bot.desks import Desks
from bot.messages import Address, Message, Person
from bot.process import ProcessState
from bot.replaying.asking import Replays
from bot.roster import Roster
from bot.trading.parts import Trading
from bot.watching import WatchList
from risk.fleet import Fleet, FleetView
from risk.liquidation_monitor import DriftLiquidationMonitor
from risk.model.limits import LimitFigures
from risk.portfolio_manager import DriftPortfolioManager
from risk.ports import Clock
from storage import (
    Accounts,
    Cards,
    Digests,
    EquityLog,
    Events,
    Groups,
    Incidents,
    LinkedPerson,
    Outbox,
    People,
    Personal,
    Preferences,
    Pulses,
    Role,
    Settings,
    Snapshots,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a command may use. Made once, by the composition root.

    What a command is handed is cut to whoever asks, and to where they do: ``roster`` has the accounts they may see,
    under the names they gave them; ``incidents`` and ``answers`` know of no others.

    Attributes:
        trading: None where the venue takes no orders, or trading was never set up.
    """

    clock: Clock
    fleet: Fleet
    desks: Desks
    roster: Roster
    watch: HealthWatch
    answers: Answers
    incidents: Incidents
    outbox: Outbox
    accounts: Accounts
    equity: EquityLog
    people: People
    personal: Personal
    groups: Groups
    digests: Digests
    cards: Cards
    events: Events
    watching: WatchList
    settings: Settings
    snapshots: Snapshots
    book: RouteBook
    preferences: Preferences
    expectations: Expectations
    wake: Callable[[], None]
    pulses: Pulses
    process: ProcessState
    executor: Executor
    replays: Replays
    trading: Trading | None = None

    def monitor(self, account_id: str) -> DriftLiquidationMonitor:
        return self.desks.monitor(account_id, self.roster.thresholds(account_id))

    def manager(self, account_id: str) -> DriftPortfolioManager:
        async def figures() -> LimitFigures:
            return self.desks.board.limit_figures(account_id)  # what is made already: an answer waits for no fit

        return DriftPortfolioManager(account_id, self.fleet, limits=self.accounts, equity=self.equity, figures=figures)

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
    """A button as somebody pressed it. ``args`` are the parts of its data after the prefix, ``message_id`` names the
    message it is on."""

    args: tuple[str, ...]
    person: LinkedPerson
    address: Address
    private: bool = True
    message_id: str = ""


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


class Denied(Exception):
    """Somebody asks for what they may not do, or not here. The text is the whole answer."""

    @classmethod
    def role(cls, needed: Role, held: Role | None, where: str = "") -> "Denied":
        """A role is missing: for an account, or for all of them, as ``where`` says."""
        what = f"the role {needed.value} {where}".rstrip()
        return cls(f"This needs {what}; yours is {held.value if held else 'none'}.")


class Where(Enum):
    """Where a command is answered.

    PRIVATE only where nobody else reads; LINKED also in groups that an admin linked; ANYWHERE in all others too.
    """

    PRIVATE = auto()
    LINKED = auto()
    ANYWHERE = auto()


Run = Callable[[Services, Request], Awaitable[Message]]
OnPress = Callable[[Services, PressRequest], Awaitable[PressReply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command.

    Attributes:
        usage: As it is typed, arguments in brackets where they may be left out.
        summary: One line for /help and for the platform's menu.
        role: Who may use it: whoever holds this role for all accounts.
        presses: Buttons it answers, by the prefix of their data.
        press_role: The same for its buttons.
        per_account: It looks itself whether the roles are held for the account concerned; without that, holding them
            for some accounts is not enough.
        where: See Where; also for its buttons.
        open_to_strangers: Whether somebody who is not linked may use it.
        typed_aloud: What is said first to whoever typed a secret behind it where others read; empty where none is.
        meanwhile: What is said where the answer takes longer than a moment; None for one that never does.
    """

    name: str
    usage: str
    summary: str
    run: Run
    role: Role = Role.VIEWER
    presses: Mapping[str, OnPress] = field(default_factory=dict)
    press_role: Role = Role.RESPONDER
    per_account: bool = False
    where: Where = Where.LINKED
    open_to_strangers: bool = False
    meanwhile: Run | None = None
    typed_aloud: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressable:
    """A button of a command; see Command."""

    on_press: OnPress
    role: Role
    per_account: bool = False
    where: Where = Where.LINKED
