"""A whole bot that may trade on paper: chats in memory, real SQLite, a clock moved by hand."""

import contextlib
import math
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from bot.app import Pace, assemble
from bot.door import BOUNDLESS
from bot.messages import Message, MessageRef, Transport, text_of
from bot.observing import Observer
from bot.roster import Roster, Watched
from bot.trading.assembly import TradingParts, TradingSetup
from bot.trading.parts import Trading
from risk.model.proposal import Proposal, ProposalState
from storage import Accounts, ProposalCards, Role, Store
from tests.risk.builders import RATIO_ALONE
from tests.support.bot_world import GENEROUS, HOME, OWNER, BotWorld
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport, Sent
from tests.support.trade_world import ACCOUNT, RULES, still
from tests.support.tuned_reader import TunedReader
from venues.paper.demo import demo_exchange
from venues.paper.gateway import PaperGateway
from venues.paper.venue import PaperVenue


@dataclass(slots=True, kw_only=True)
class ChatWorld:
    """A bot, and what people see of it."""

    bot: BotWorld
    parts: TradingParts
    gateway: PaperGateway
    venue: PaperVenue

    @property
    def trading(self) -> Trading:
        return self.parts.trading

    @property
    def clock(self) -> FakeClock:
        return self.bot.clock

    @property
    def transport(self) -> RecordingTransport:
        return self.bot.transport

    async def ask(self, text: str, **who: Any) -> Sent:
        """A command with one answer; nobody's cards are brought up to date by it."""
        (answer,) = await self.bot.say(text, **who)
        return answer

    async def card(self, text: str = "/close SOL half") -> Sent:
        """A command that is answered with a card."""
        sent = await self.ask(text)
        assert sent.message.card, sent.text
        return sent

    async def press(self, sent: Sent, label: str = "Confirm", *, user: str = OWNER) -> str:
        """A button as the message has it now; the notice beside it. What follows is worked off and shown."""
        notice = await self.bot.press(data(self.shown(sent.ref), label), user=user, ref=sent.ref)
        await self.idle()
        return notice

    async def idle(self) -> None:
        """Until everything that was to go out did, and every card shows it."""
        await self.parts.execution.idle()
        await self.trading.keeper.settle()

    async def pass_s(self, seconds: float) -> None:
        """Time passes, and what is due then is done."""
        self.clock.pass_s(seconds)
        await self.trading.desk.expire()
        await self.idle()

    def shown(self, ref: MessageRef) -> Message:
        """A message as it reads now."""
        edits = [message for edited, message in self.transport.edits if edited == ref]
        return edits[-1] if edits else next(one.message for one in self.transport.sent if one.ref == ref)

    def text(self, sent: Sent) -> str:
        return text_of(self.shown(sent.ref))

    def cards(self, chat: str = HOME) -> list[Sent]:
        """Everything a chat was sent that looked like a card, oldest first."""
        return [one for one in self.transport.sent if one.chat == chat and one.message.buttons]

    async def position(self, market: str = "SOL-PERP") -> float:
        return await self.gateway.position_raw_1e9(ACCOUNT, market) / 1e9

    async def latest(self) -> Proposal:
        (found,) = await self.trading.proposals.recent([ACCOUNT], 1)
        return found

    async def state(self) -> ProposalState:
        return (await self.latest()).state


def data(message: Message, label: str) -> str:
    """What a button of a message sends back."""
    return next(button.data for row in message.buttons for button in row if button.label == label)


def labels(message: Message) -> list[str]:
    return [button.label for row in message.buttons for button in row]


@contextlib.asynccontextmanager
async def chat_world(
    *, store: Store | None = None, clock: FakeClock | None = None, venue: PaperVenue | None = None,
    transport: RecordingTransport | None = None, others: Sequence[Transport] = (), observer: Observer | None = None,
    **rules: Any,
) -> AsyncIterator[ChatWorld]:  # fmt: skip
    """A bot with the demo's account as main, whose owner is linked in one chat.

    Args:
        store: Of an earlier life.
        rules: Changes of the trading rules.
    """
    clock = clock or FakeClock()
    venue = venue or PaperVenue(demo_exchange(still(), liquidates=False), clock=clock)
    gateway = PaperGateway(venue, clock=clock)
    transport = transport or RecordingTransport(now=clock.now)
    roster = Roster([Watched(account_id=ACCOUNT, nickname="main", thresholds=RATIO_ALONE)])
    async with contextlib.AsyncExitStack() as stack:
        first = store is None
        if store is None:
            store = await stack.enter_async_context(await Store.open(":memory:"))
        workers = stack.enter_context(ThreadPoolExecutor(max_workers=1))
        setup = TradingSetup(
            gateway=gateway, books=venue, handles=await ProposalCards(store).handles(), rules=replace(RULES, **rules)
        )
        app = assemble(
            store=store, reader=venue, roster=roster, transports=[transport, *others], clock=clock, venue="paper",
            executor=workers, pace=Pace(check_interval=timedelta(seconds=5), requests=BOUNDLESS), trading=setup,
            patience_s=math.inf, stream=False, observer=observer,
        )  # fmt: skip
        assert app.trading is not None
        bot = BotWorld(app=app, clock=clock, reader=cast(TunedReader, venue), transport=transport, store=store)
        if first:
            await bot.link(OWNER, Role.ADMIN, chat=HOME)
            await Accounts(store).save_limits(ACCOUNT, GENEROUS)
        await app.prepare()
        await app.watch.check()
        yield ChatWorld(bot=bot, parts=app.trading, gateway=gateway, venue=venue)
        await app.trading.execution.stop()
