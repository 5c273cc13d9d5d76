"""One life of a bot that only trades: what it does, and how it is killed."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.alerts.findings import Finding
from bot.clock import SystemClock
from bot.messages import Address
from bot.signer.intent import Anchor, SigningVenue
from bot.trading.desk import Desk
from bot.trading.execution import Execution, Tempo
from bot.trading.making import Maker
from bot.trading.prospects import Prospects
from bot.trading.reconcile import Reconciliation
from bot.trading.rules import Quorum, TradingRules
from bot.trading.signer_client import SignerClient, SignerTempo
from bot.trading.traders import Traders
from risk.decisions.requote import RequoteBounds
from risk.errors import NotEnoughData
from risk.model.account import Side
from risk.model.limits import RiskLimits
from risk.model.proposal import PlannedTrade, Proposal, Purpose, TradePlan
from risk.model.trading import OrderStyle, TradingState
from risk.stats.fits import FitCache
from storage import (
    EVERYTHING,
    Accounts,
    Audit,
    CardAction,
    CardPlace,
    CardPress,
    Epochs,
    Handles,
    People,
    Pressed,
    PressKind,
    ProposalCards,
    Proposals,
    Resting,
    SignerMemory,
    StandingApprovals,
    Store,
    TradeHistory,
    TradingStates,
)
from tests.support.drift_trading import account_id
from tests.support.order_kills.moments import DATABASE, STATEMENT, Life, Scene, Want, crash_point
from venues.solana.adapter import DriftAdapter, connect
from venues.solana.gateway import DriftGateway, connect_orders
from venues.solana.settings import SolanaSettings

if TYPE_CHECKING:
    from sqlite_utils import Database

ACCOUNT = account_id()
HOME = CardPlace(transport="console", chat="home")
ASKED_AT = Address(transport=HOME.transport, chat=HOME.chat)
LIVES_S = 8.0
"""A life whose moment does not come ends by itself, and counts for nothing."""

_TEMPO = Tempo(ask_s=0.02, resend_s=0.1, retry_s=0.05)
_PATIENCE = SignerTempo(answer_s=30.0, patience_s=30.0, pause_s=0.01, twice_s=0.2)
_TWO_ABOVE_USD = 250.0
_RULES = TradingRules(
    enabled=True, reduce_only=False, max_order_usd=1e6, daily_usd=1e9, valid_s=60.0,
    quorums={"": Quorum(approvals=2, above_usd=_TWO_ABOVE_USD)},
)  # fmt: skip
_GENEROUS = RiskLimits(
    max_portfolio_leverage=1_000.0, max_position_size_usd=1e9, max_position_size_percent=1_000.0,
    max_correlation_exposure=1.0, max_var_1d_percent=1.0, min_health_ratio=100.0, max_drawdown_percent=1.0,
)  # fmt: skip
_MOST_RESTING = 4


class _NoHistory:
    """Histories of nobody."""

    async def book_of(self, view: object, *, also: Sequence[str] = ()) -> Any:
        raise NotEnoughData("daily bars of SOL", found=0, needed=2)


class _JumpingClock(SystemClock):
    """The system's clock, from some moment on an hour ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


class _Fate:
    """Kills at the moment."""

    def __init__(self, life: Life) -> None:
        self._point = crash_point(life.moment)

    def __call__(self, moment: str) -> None:
        if moment == self._point:
            die()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _Proposals(Proposals):
    """Storage that may be the last thing that happened."""

    def __init__(self, store: Store, fate: _Fate, clock: _JumpingClock, want: Want) -> None:
        super().__init__(store)
        self._fate, self._clock, self._want = fate, clock, want
        self._states = TradingStates(store)

    async def press(self, press: CardPress, now: datetime) -> Pressed:
        pressed = await super().press(press, now)
        if pressed.kind is PressKind.APPROVED:
            self._fate("pressed")
            # Right behind the press, before anything is done about it.
            if self._want is Want.HALT:
                await self._states.set(TradingState.HALTED, by="ann", reason="enough", now=now)
            elif self._want is Want.TOO_LATE:
                self._clock.ahead = timedelta(hours=1)
        elif pressed.kind is PressKind.VOTED:
            self._fate("voted")
        return pressed

    async def put(self, *given: Any, **more: Any) -> Proposal:
        proposal = await super().put(*given, **more)
        self._fate("proposed")
        return proposal

    async def revise(self, *given: Any, **more: Any) -> Proposal:
        proposal = await super().revise(*given, **more)
        self._fate("revised")
        return proposal


@dataclass(slots=True, kw_only=True)
class _Bot:
    desk: Desk
    execution: Execution
    reconciliation: Reconciliation
    proposals: Proposals
    resting: Resting
    states: TradingStates
    accounts: Accounts
    handles: Handles
    gateway: DriftGateway
    clock: _JumpingClock

    def press_of(self, proposal: Proposal, action: CardAction, by: str) -> CardPress:
        return CardPress(
            handle=self.handles.of(proposal.proposal_id, proposal.revision, action, HOME), transport=HOME.transport,
            chat=HOME.chat, thread=HOME.thread, message_id="1", person_id=by, display_name=by.title(),
            access=EVERYTHING,
        )  # fmt: skip


@contextlib.asynccontextmanager
async def _awake(folder: Path, url: str, socket: Path, life: Life) -> AsyncIterator[_Bot]:
    clock, fate = _JumpingClock(), _Fate(life)
    rules = _RULES
    if life.scene.want is Want.SHIFT:
        # Whatever is quoted at the press is too far away from what was shown.
        rules = replace(rules, bounds=RequoteBounds(price_frac=-1.0))
    settings = SolanaSettings(rpc_urls=(url,), attempts=1, slot_tolerance=10_000, resign_after_s=0.0)
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(await Store.open(folder / DATABASE))
        signer = await _signer(store, socket, clock)
        gateway, reader = connect_orders(settings, clock=clock, signer=signer), connect(settings, clock=clock)
        stack.push_async_callback(signer.close)
        stack.push_async_callback(gateway.close)
        stack.push_async_callback(reader.close)
        if life.moment == STATEMENT:
            await _die_before_statement(store, life.after)
        proposals = _Proposals(store, fate, clock, life.scene.want)
        bot = await _assembled(store, proposals, gateway, reader, rules, clock, fate)
        stack.push_async_callback(bot.execution.stop)
        yield bot


async def _signer(store: Store, socket: Path, clock: _JumpingClock) -> SignerClient:
    """Every life is another process to it."""

    async def anchor() -> Anchor | None:
        rows, head = await Audit(store).head()
        return Anchor(rows=rows, head=head)

    epoch = await Epochs(store).take(clock.now())
    return SignerClient(
        socket, venue=SigningVenue.DRIFT, epoch=epoch, anchor=anchor, memory=SignerMemory(store), tempo=_PATIENCE
    )


async def _assembled(
    store: Store, proposals: Proposals, gateway: DriftGateway, reader: DriftAdapter, rules: TradingRules,
    clock: _JumpingClock, fate: _Fate,
) -> _Bot:  # fmt: skip
    states, resting, history = TradingStates(store), Resting(store), TradeHistory(store)
    handles, accounts = await ProposalCards(store).handles(), Accounts(store)
    await accounts.save_limits(ACCOUNT, _GENEROUS)
    maker = Maker(
        depths=gateway, books=reader, limits=accounts, history=history, rules=rules, executor=None,
        prospects=Prospects(lambda account_id: _NoHistory(), FitCache()),
    )  # fmt: skip
    execution = Execution(
        gateway=gateway, maker=maker, proposals=proposals, resting=resting, handles=handles, states=states, rules=rules,
        clock=clock, tempo=_TEMPO, crash_point=fate,
    )  # fmt: skip
    desk = Desk(
        maker=maker, execution=execution, proposals=proposals, handles=handles, states=states,
        standing=StandingApprovals(store), traders=Traders(People(store)),
        doubts=lambda account_id: (), rules=rules, clock=clock,
    )  # fmt: skip

    async def settle(findings: Sequence[Finding]) -> None:
        """The audit says why trading was halted."""

    reconciliation = Reconciliation(
        desk=desk, execution=execution, gateway=gateway, proposals=proposals, history=history, resting=resting,
        states=states, settle=settle, clock=clock,
    )  # fmt: skip
    return _Bot(
        desk=desk, execution=execution, reconciliation=reconciliation, proposals=proposals, resting=resting,
        states=states, accounts=accounts, handles=handles, gateway=gateway, clock=clock,
    )  # fmt: skip


async def _die_before_statement(store: Store, number: int) -> None:
    left = number

    def count(_sql: str) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            die()

    def arm(db: "Database") -> None:
        db.conn.set_trace_callback(count)

    await store.run(arm)


async def live(folder: Path, url: str, socket: Path, life: Life) -> None:
    """Propose, press and execute until killed, or until LIVES_S have passed."""
    dice = random.Random(life.seed)  # the same in every run
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LIVES_S), _awake(folder, url, socket, life) as bot:
            await bot.reconciliation.run()
            if (await bot.states.get()).by == "ann":
                await bot.states.set(TradingState.ACTIVE, by="ann", reason="", now=bot.clock.now())
            for proposal in await bot.proposals.open():
                await _press(bot, proposal, life.scene.want)
            await bot.execution.idle()
            while True:
                # Side by side as well: what one of them brings about must not be taken for the other's.
                for _ in range(dice.choice([1, 1, 2]) if life.scene == Scene() else 1):
                    await _trade(bot, dice, life.scene.want)
                await bot.execution.idle()


async def drain(folder: Path, url: str, socket: Path) -> None:
    """Bring everything to its end."""
    async with _awake(folder, url, socket, Life(seed=0)) as bot:
        found = await bot.reconciliation.run()
        assert not found.unknown, found.unknown
        await bot.execution.idle()
        for proposal in await bot.proposals.open():
            await bot.desk.cancel(proposal.proposal_id, by="keel", reason="the last life is over")


async def _trade(bot: _Bot, dice: random.Random, want: Want) -> None:
    found = await bot.desk.propose(await _plan(bot, dice, want), place=ASKED_AT)
    if found.proposal is None:
        return
    whim = dice.random() if want is Want.ANYTHING else 1.0
    if whim < 0.05:
        await bot.desk.press(bot.press_of(found.proposal, CardAction.CANCEL, "ann"))
        return
    if whim < 0.12:
        halved = await bot.desk.press(bot.press_of(found.proposal, CardAction.HALF, "ann"))
        await _press(bot, halved.proposal or found.proposal, want)
    else:
        await _press(bot, found.proposal, want)
    if want is not Want.SHIFT:
        return
    await bot.execution.idle()
    if (again := await bot.proposals.get(found.proposal.proposal_id)) is not None:
        await bot.desk.press(bot.press_of(again, CardAction.CANCEL, "ann"))


async def _press(bot: _Bot, proposal: Proposal, want: Want) -> None:
    """Everybody who is needed confirms."""
    if want is Want.TIGHTEN:
        await bot.accounts.save_limits(ACCOUNT, replace(_GENEROUS, max_position_size_usd=1.0))
    for person in ("ann", "bob")[: proposal.approvals_needed]:
        await bot.desk.press(bot.press_of(proposal, CardAction.CONFIRM, person))


async def _plan(bot: _Bot, dice: random.Random, want: Want) -> TradePlan:
    """Something that keeps the account within a few positions."""
    held = await bot.gateway.position_raw_1e9(ACCOUNT, "SOL-PERP") / 1e9
    standing = [one.order_id for one in await bot.resting.standing() if one.order_id is not None]
    there = {one.order_id for one in await bot.gateway.open_orders(ACCOUNT)}
    own = [order_id for order_id in standing if order_id in there]
    if len(own) >= _MOST_RESTING:
        return _planned(Purpose.CANCEL, (), cancels=tuple(own[:2]))
    size = dice.randrange(30, 300) / 100 if want is not Want.QUORUM else 3.0
    if want in (Want.REST, Want.ANYTHING) and (want is Want.REST or dice.random() < 0.15):
        stop = PlannedTrade(
            market="SOL-PERP", side=Side.SELL, size_base=min(size, held), reduce_only=True,
            style=OrderStyle.TRIGGER_MARKET, trigger_usd=float(dice.randrange(100, 140)), triggers_above=False,
        )  # fmt: skip
        return _planned(Purpose.STOP, (stop,), cancels=tuple(own[:1]) if dice.random() < 0.3 else ())
    adds = want in (Want.ADD_TWICE, Want.TIGHTEN) or held < 5.0 or (held < 15.0 and dice.random() < 0.5)
    first = PlannedTrade(market="SOL-PERP", side=Side.BUY if adds else Side.SELL, size_base=size, reduce_only=not adds)
    if want is Want.ADD_TWICE or (want is Want.ANYTHING and dice.random() < 0.3):
        hedge = PlannedTrade(
            market="BTC-PERP", side=dice.choice([Side.BUY, Side.SELL]), size_base=dice.randrange(5, 30) / 10_000,
            reduce_only=False, priority=2,
        )  # fmt: skip
        return _planned(Purpose.HEDGE, (first, hedge))
    return _planned(Purpose.HEDGE if adds else Purpose.CLOSE, (first,))


def _planned(purpose: Purpose, trades: tuple[PlannedTrade, ...], *, cancels: tuple[int, ...] = ()) -> TradePlan:
    return TradePlan(
        account_id=ACCOUNT, purpose=purpose, trades=trades, title=purpose.value, cancels=cancels, requested_by="ann"
    )
