"""A whole bot that trades on paper: the demo's account, a chat in memory, a clock moved by hand."""

import contextlib
import math
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from bot.app import Pace, assemble
from bot.door import BOUNDLESS
from bot.messages import Button, MessageRef
from bot.roster import Roster, Watched
from bot.trading.assembly import TradingParts, TradingSetup
from bot.trading.signer_client import SignerClient
from risk.model.limits import RiskLimits
from risk.model.proposal import Proposal
from storage import ProposalCards, Receiver, Role, Store
from tests.risk.builders import RATIO_ALONE
from tests.support.bot_world import GENEROUS, HOME, OWNER, BotWorld
from tests.support.clock import FakeClock
from tests.support.recording_transport import RecordingTransport, Sent
from tests.support.trade_world import ACCOUNT, RULES, still
from venues.paper.demo import START_USD, demo_exchange
from venues.paper.gateway import PaperGateway
from venues.paper.past import market_past
from venues.paper.prices import PricePath
from venues.paper.venue import PaperVenue


@dataclass(slots=True, kw_only=True)
class TradeBot(BotWorld):
    """A bot with a trade desk; ``reader`` is the paper venue."""

    venue: PaperVenue

    @property
    def parts(self) -> TradingParts:
        assert self.app.trading is not None
        return self.app.trading

    async def settle(self) -> None:
        """Everything under way comes to its end, and every card shows it."""
        await self.parts.execution.idle()
        await self.app.services.fleet.refresh()
        await self.parts.trading.keeper.settle()

    async def position(self, market: str = "SOL-PERP") -> float:
        gateway = PaperGateway(self.venue, clock=self.clock)
        return await gateway.position_raw_1e9(ACCOUNT, market) / 1e9

    async def click(self, card: Sent, label: str, *, user: str = OWNER) -> str:
        """Press the button of a card; the notice beside it, when everything it led to is done."""
        shown = self.transport.shown(card.ref)
        button = next(one for row in shown.buttons for one in row if one.label.startswith(label))
        press_id = f"{self.clock.now()}{button.data}{user}"
        notice = await self.press(button.data, user=user, ref=card.ref, press_id=press_id)
        await self.settle()
        return notice

    def buttons(self, ref: MessageRef) -> tuple[Button, ...]:
        """Of a card, as it is now."""
        return tuple(one for row in self.transport.shown(ref).buttons for one in row)

    async def latest(self) -> Proposal:
        """The newest proposal."""
        return (await self.parts.trading.proposals.recent([ACCOUNT], 1))[0]


@contextlib.asynccontextmanager
async def trade_bot(
    *,
    database: Path | str = ":memory:",
    clock: FakeClock | None = None,
    venue: PaperVenue | None = None,
    prices: PricePath | None = None,
    limits: RiskLimits | None = GENEROUS,
    console: Receiver | None = None,
    linked: bool = True,
    signer: SignerClient | None = None,
    **changes: object,
) -> AsyncIterator[TradeBot]:
    """A bot over the demo's account.

    Args:
        signer: Signs every order, where there is one.
        changes: Of the rules.
    """
    clock = clock or FakeClock()
    path = prices or still()
    venue = venue or PaperVenue(
        demo_exchange(path, liquidates=False), clock=clock, past=market_past(path, START_USD, seed=1, clock=clock)
    )
    transport = RecordingTransport(now=clock.now)
    roster = Roster([Watched(account_id=ACCOUNT, nickname="main", thresholds=RATIO_ALONE)])
    async with await Store.open(database) as store:
        with ThreadPoolExecutor(max_workers=1) as workers:
            setup = TradingSetup(
                gateway=PaperGateway(venue, clock=clock, signer=signer), books=venue,
                handles=await ProposalCards(store).handles(), signer=signer,
                rules=replace(RULES, **changes),  # type: ignore[arg-type]  # fields of the rules
            )  # fmt: skip
            app = assemble(
                store=store, reader=venue, roster=roster, transports=[transport], clock=clock, venue="paper",
                executor=workers, console=console, trading=setup,
                pace=Pace(check_interval=timedelta(seconds=5), requests=BOUNDLESS), candles=venue.past,
                patience_s=math.inf,
            )  # fmt: skip
            bot = TradeBot(app=app, clock=clock, reader=venue, transport=transport, store=store, venue=venue)  # type: ignore[arg-type]
            if linked:
                await bot.link(OWNER, Role.ADMIN, chat=HOME)
            if limits is not None:
                await app.services.accounts.save_limits(ACCOUNT, limits)
            await app.prepare()
            await app.history.look()
            await app.watch.check()
            yield bot
            await bot.parts.execution.stop()
