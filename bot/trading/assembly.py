"""Trading, wired: from a gateway, rules and the parts of the bot it needs to what commands and jobs use."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from bot.alerts.desk import IncidentDesk
from bot.alerts.sender import Sender
from bot.desks import Desks
from bot.roster import Roster
from bot.schedule import Job
from bot.text.reader import ReadingStyle
from bot.trading.aftermath import aftermath
from bot.trading.cards.card import ChatCards
from bot.trading.cards.keeper import CardKeeper
from bot.trading.desk import Desk
from bot.trading.execution import Execution, Tempo
from bot.trading.guardian import Guardian
from bot.trading.halt import Halting
from bot.trading.hedge_log import ProposalHedges
from bot.trading.making import Maker
from bot.trading.parts import Trading
from bot.trading.prospects import Prospects
from bot.trading.reconcile import Reconciliation
from bot.trading.rules import TradingRules
from bot.trading.signer_client import SignerClient
from bot.trading.signer_watch import SIGNER_EVERY_S, SignerWatch
from bot.trading.stops.watch import STOPS_EVERY_S, StopWatch
from bot.trading.traders import Traders
from risk.fleet import Fleet
from risk.model.trading import TradingState
from risk.ports import Clock
from risk.trade_ports import MarketBooks, OrderGateway
from storage import (
    Accounts,
    Audit,
    Events,
    Handles,
    Incidents,
    People,
    Pins,
    ProposalCards,
    Proposals,
    Receiver,
    Resting,
    StandingApprovals,
    Store,
    TradeHistory,
    TradingStates,
)

EXPIRY_EVERY_S = 1.0
RECONCILE_EVERY_S = 5.0
GUARD_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingSetup:
    """What a process brings to trade with.

    Attributes:
        books: Reads accounts together with markets they may enter; the same venue as the gateway.
        handles: Of the database, which keeps their key.
        signer: Whom the gateway asks for signatures; None where nothing needs one, or nobody gives any.
    """

    gateway: OrderGateway
    books: MarketBooks
    handles: Handles
    rules: TradingRules
    tempo: Tempo = field(default_factory=Tempo)
    signer: SignerClient | None = None

    async def close(self) -> None:
        """The ways out of the process."""
        await self.gateway.close()
        if self.signer is not None:
            await self.signer.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What trading needs of the rest of the bot.

    Attributes:
        desk: Of incidents.
        names_in: What a private chat calls accounts, by id.
        always: Receivers beside the linked chats: the terminal.
        submitted: See bot.observing.Observer.order_submitted.
    """

    store: Store
    fleet: Fleet
    desks: Desks
    clock: Clock
    executor: Executor
    senders: Mapping[str, Sender]
    roster: Roster
    desk: IncidentDesk
    names_in: Callable[[Receiver], Awaitable[Mapping[str, str]]]
    style_of: Callable[[Receiver], Awaitable[ReadingStyle]]
    always: tuple[Receiver, ...] = ()
    submitted: Callable[[float], None] = lambda latency_s: None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingParts:
    """Trading as the process runs it. Iterates over its jobs: seconds, name, job.

    Attributes:
        trading: What commands see of it.
        desks: The desks of risk, with a way to the trade desk.
    """

    trading: Trading
    desks: Desks
    execution: Execution
    reconciliation: Reconciliation
    guardian: Guardian
    stops: StopWatch
    signer: SignerWatch | None = None

    def hold(self, why: str) -> None:
        """Begin nothing while the memory fails; an empty reason lets go."""
        self.trading.desk.forgetful = why
        self.execution.hold(held=bool(why), by="memory")

    def __iter__(self) -> Iterator[tuple[float, str, Job]]:
        yield EXPIRY_EVERY_S, "proposals", self.trading.desk.expire
        yield RECONCILE_EVERY_S, "reconcile", self.reconciliation.again
        yield RECONCILE_EVERY_S, "orders", self.execution.resume
        yield GUARD_EVERY_S, "guardian", self.guardian.look
        yield STOPS_EVERY_S, "stops", self.stops.look
        yield STOPS_EVERY_S, "halt", self.trading.halting.look
        if self.signer is not None:
            yield SIGNER_EVERY_S, "signer", self.signer.look

    async def run(self) -> None:
        """Keep cards up to date until cancelled; what is under way then stays where it is, for the next life."""
        try:
            await self.trading.keeper.run()
        finally:
            await self.execution.stop()


def assembled(setup: TradingSetup, around: Surroundings) -> TradingParts:
    """Wire it."""
    store, clock, rules = around.store, around.clock, setup.rules
    proposals, copies, states = Proposals(store), ProposalCards(store), TradingStates(store)
    resting, standing, history = Resting(store), StandingApprovals(store), TradeHistory(store)

    def changed() -> None:
        keeper.wake()

    async def halted(why: str) -> None:
        await states.set(TradingState.HALTED, by="keel", reason=why, now=clock.now())

    signer = None
    if setup.signer is not None:
        signer = SignerWatch(
            setup.signer, settle=around.desk.settle, changed=changed, halt=halted,
            accounts=lambda: {one.account_id: one.nickname for one in around.roster.all},
        )  # fmt: skip

    def trouble() -> str:
        return "" if signer is None else signer.trouble

    maker = Maker(
        depths=setup.gateway, books=setup.books, limits=Accounts(store), history=history,
        prospects=Prospects(around.desks.risk, around.desks.cache), rules=rules, executor=around.executor,
    )  # fmt: skip
    execution = Execution(
        gateway=setup.gateway, maker=maker, proposals=proposals, resting=resting, handles=setup.handles,
        states=states, rules=rules, clock=clock, changed=changed, tempo=setup.tempo, submitted=around.submitted,
    )  # fmt: skip
    cards = ChatCards(
        copies=copies, handles=setup.handles, clock=clock, names_in=around.names_in, label=around.roster.label,
        style_of=around.style_of, gateway=setup.gateway.name, aftermath=aftermath(lambda: around.fleet.latest),
        resting=resting.of, trouble=trouble, waits=execution.waiting,
    )  # fmt: skip
    keeper = CardKeeper(proposals=proposals, copies=copies, cards=cards, senders=around.senders, clock=clock)
    cards.when_sent(changed)
    desk = Desk(
        maker=maker, execution=execution, proposals=proposals, handles=setup.handles, states=states,
        standing=standing, traders=Traders(People(store), around.always),
        doubts=around.fleet.problems, rules=rules, clock=clock, changed=changed, signer=signer,
    )  # fmt: skip
    halting = Halting(
        desk=desk, gateway=setup.gateway, proposals=proposals, resting=resting, states=states, clock=clock,
        changed=changed, resumed=None if signer is None else signer.resumed, trouble=trouble,
    )  # fmt: skip
    reconciliation = Reconciliation(
        desk=desk, execution=execution, gateway=setup.gateway, proposals=proposals, history=history, resting=resting,
        states=states, settle=around.desk.settle, clock=clock,
    )  # fmt: skip
    trading = Trading(
        desk=desk, halting=halting, proposals=proposals, cards=cards, keeper=keeper, standing=standing, states=states,
        pins=Pins(store), audit=Audit(store), resting=resting, history=history, rules=rules,
        gateway_name=setup.gateway.name, signer=signer,
    )  # fmt: skip
    desks = replace(
        around.desks, trade_desk=desk, depth=setup.gateway, hedges=ProposalHedges(proposals), books=setup.books
    )  # fmt: skip
    guardian = Guardian(
        fleet=around.fleet, standing=standing, proposals=proposals, thresholds=around.roster.thresholds, clock=clock,
        monitor=lambda account_id: desks.monitor(account_id, around.roster.thresholds(account_id)),
    )  # fmt: skip
    stops = StopWatch(
        fleet=around.fleet, roster=around.roster, resting=resting, events=Events(store), incidents=Incidents(store),
        desk=around.desk, clock=clock, changed=changed,
    )  # fmt: skip
    return TradingParts(
        trading=trading, desks=desks, execution=execution, reconciliation=reconciliation, guardian=guardian,
        stops=stops, signer=signer,
    )  # fmt: skip
