"""A trade desk on paper: a venue that stands where a test puts it, real SQLite, a clock moved by hand, no chat."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.alerts.findings import Finding
from bot.messages import Address
from bot.trading.desk import Desk
from bot.trading.execution import Execution, Tempo
from bot.trading.halt import Halting
from bot.trading.making import Maker
from bot.trading.prospects import Prospects
from bot.trading.reconcile import Reconciliation
from bot.trading.rules import TradingRules
from bot.trading.signer_client import SignerClient
from bot.trading.signer_watch import SignerWatch
from bot.trading.traders import Traders
from risk.errors import NotEnoughData
from risk.model.account import Side
from risk.model.proposal import PlannedTrade, Proposal, Purpose, TradePlan
from risk.stats.fits import FitCache
from risk.trade_ports import OrderGateway
from storage import (
    EVERYTHING,
    Access,
    Accounts,
    Audit,
    CardAction,
    CardPlace,
    CardPress,
    Handles,
    People,
    Pressed,
    ProposalCards,
    Proposals,
    Resting,
    StandingApprovals,
    Store,
    TradeHistory,
    TradingStates,
)
from tests.support.bot_world import GENEROUS
from tests.support.clock import FakeClock
from venues.paper.demo import START_USD, demo_exchange
from venues.paper.gateway import PaperGateway
from venues.paper.prices import PricePath, ScriptedPrices
from venues.paper.venue import PaperVenue

ACCOUNT = "demo-0"
HOME = CardPlace(transport="console", chat="home")
ASKED_AT = Address(transport=HOME.transport, chat=HOME.chat)
RULES = TradingRules(enabled=True, reduce_only=False, max_order_usd=1e6, daily_usd=1e7, standing_cap_usd=1e6)


class NoHistory:
    """Histories of nobody."""

    async def book_of(self, view: object, *, also: Sequence[str] = ()) -> Any:
        raise NotEnoughData("daily bars of SOL", found=0, needed=2)


@dataclass(slots=True, kw_only=True)
class TradeWorld:
    """One desk, and what tests look at."""

    desk: Desk
    execution: Execution
    halting: Halting
    reconciliation: Reconciliation
    venue: PaperVenue
    gateway: OrderGateway
    clock: FakeClock
    store: Store
    handles: Handles
    rules: TradingRules
    findings: list[Finding] = field(default_factory=list)

    @property
    def proposals(self) -> Proposals:
        return Proposals(self.store)

    @property
    def audit(self) -> Audit:
        return Audit(self.store)

    async def position(self, market: str = "SOL-PERP") -> float:
        return await self.gateway.position_raw_1e9(ACCOUNT, market) / 1e9

    async def proposed(self, plan: TradePlan | None = None) -> Proposal:
        """A plan as a proposal; the test fails where it is refused."""
        found = await self.desk.propose(plan or sell(), place=ASKED_AT)
        assert found.proposal is not None, found.refusal
        return found.proposal

    async def press(
        self,
        proposal: Proposal,
        action: CardAction = CardAction.CONFIRM,
        *,
        by: str = "ann",
        access: Access = EVERYTHING,
    ) -> Pressed:
        """A button of a card, pressed, and everything that follows from it."""
        pressed = await self.desk.press(card_press(self.handles, proposal, action, by=by, access=access))
        await self.execution.idle()
        return pressed

    async def now(self, proposal: Proposal) -> Proposal:
        """As it stands now."""
        found = await self.proposals.get(proposal.proposal_id)
        assert found is not None
        return found


def card_press(
    handles: Handles, proposal: Proposal, action: CardAction = CardAction.CONFIRM, *, by: str = "ann",
    access: Access = EVERYTHING, place: CardPlace = HOME,
) -> CardPress:  # fmt: skip
    """A press on a card of a proposal."""
    return CardPress(
        handle=handles.of(proposal.proposal_id, proposal.revision, action, place), transport=place.transport,
        chat=place.chat, thread=place.thread, message_id="m1", person_id=by, display_name=by.title(), access=access,
    )  # fmt: skip


def trade(side: Side = Side.SELL, size_base: float = 50.0, market: str = "SOL-PERP", **more: Any) -> PlannedTrade:
    known: dict[str, Any] = {"reduce_only": side is Side.SELL}
    return PlannedTrade(market=market, side=side, size_base=size_base, **(known | more))


def sell(*trades: PlannedTrade, **more: Any) -> TradePlan:
    """A plan that reduces what the demo's account holds of SOL."""
    known: dict[str, Any] = {
        "account_id": ACCOUNT, "purpose": Purpose.CLOSE, "title": "Close part of main", "requested_by": "ann",
    }  # fmt: skip
    return TradePlan(trades=trades or (trade(),), **(known | more))


def still(**moves: tuple[float, float]) -> ScriptedPrices:
    """The demo's prices, standing; ``SOL=(60, 0.9)`` falls by a tenth within the minute."""
    points: dict[str, list[tuple[float, float]]] = {oracle: [(0.0, price)] for oracle, price in START_USD.items()}
    for asset, (second, factor) in moves.items():
        oracle = f"{asset}/USD"
        points[oracle].append((second, START_USD[oracle] * factor))
    return ScriptedPrices(points)


@contextlib.asynccontextmanager
async def trade_world(
    *,
    rules: TradingRules = RULES,
    store: Store | None = None,
    clock: FakeClock | None = None,
    venue: PaperVenue | None = None,
    prices: PricePath | None = None,
    through: Callable[[OrderGateway], OrderGateway] = lambda gateway: gateway,
    crash_point: Callable[[str], None] = lambda name: None,
    signer: SignerClient | None = None,
    **changes: Any,
) -> AsyncIterator[TradeWorld]:
    """A desk over the demo's account: long 250 SOL, long 11 ETH, short 0.15 BTC.

    Args:
        through: Stands between the desk and the venue.
        signer: Signs every order, where there is one.
        changes: Of the rules.
    """
    clock = clock or FakeClock()
    venue = venue or PaperVenue(demo_exchange(prices or still(), liquidates=False), clock=clock)
    gateway = through(PaperGateway(venue, clock=clock, signer=signer))
    rules, findings = replace(rules, **changes), list[Finding]()

    async def settle(found: Sequence[Finding]) -> None:
        findings.extend(found)

    async with contextlib.AsyncExitStack() as stack:
        if store is None:
            store = await stack.enter_async_context(await Store.open(":memory:"))
            await Accounts(store).save_limits(ACCOUNT, GENEROUS)
        handles, states = await ProposalCards(store).handles(), TradingStates(store)
        proposals, resting, history = Proposals(store), Resting(store), TradeHistory(store)
        maker = Maker(
            depths=gateway, books=venue, limits=Accounts(store), history=history,
            prospects=Prospects(lambda account_id: NoHistory(), FitCache()), rules=rules, executor=None,
        )  # fmt: skip
        execution = Execution(
            gateway=gateway, maker=maker, proposals=proposals, resting=resting, handles=handles, states=states,
            rules=rules, clock=clock, tempo=Tempo(), crash_point=crash_point,
        )  # fmt: skip
        desk = Desk(
            maker=maker, execution=execution, proposals=proposals, handles=handles, states=states,
            standing=StandingApprovals(store), traders=Traders(People(store)),
            doubts=lambda account_id: (), rules=rules, clock=clock,
            signer=None if signer is None else SignerWatch(signer, settle=settle),
        )  # fmt: skip
        halting = Halting(
            desk=desk, gateway=gateway, proposals=proposals, resting=resting, states=states, clock=clock
        )  # fmt: skip
        reconciliation = Reconciliation(
            desk=desk, execution=execution, gateway=gateway, proposals=proposals, history=history, resting=resting,
            states=states, settle=settle, clock=clock,
        )  # fmt: skip
        yield TradeWorld(
            desk=desk, execution=execution, halting=halting, reconciliation=reconciliation, venue=venue,
            gateway=gateway, clock=clock, store=store, handles=handles, rules=rules, findings=findings,
        )  # fmt: skip
        await execution.stop()
