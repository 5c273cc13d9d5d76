"""keel demo: the bot on the embedded paper venue, with a fall through every tier and back."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from bot.answering import PATIENCE_S
from bot.app import App, Pace, assemble
from bot.clock import ScriptClock, SystemClock
from bot.messages import Address, Message, Press, lines
from bot.roster import Roster, Watched
from bot.trading.assembly import TradingSetup
from bot.trading.rules import TradingRules
from bot.transports.console import CONSOLE_CHAT, ConsoleTransport
from risk.decisions.drawdown import DrawdownThresholds
from risk.decisions.tiers import TierThresholds
from risk.model.limits import RiskLimits
from risk.ports import Clock
from storage import ProposalCards, Receiver, Store
from venues.paper.demo import DEMO_ACCOUNT, DEMO_LASTS_S, DEMO_NAME, demo_venue
from venues.paper.gateway import PaperGateway
from venues.paper.venue import PaperVenue

CHECK_EVERY_S = 5
_START = datetime(2026, 1, 5, 14, 0, tzinfo=UTC)
_CONSOLE = Address(transport="console", chat=CONSOLE_CHAT)
_EQUITY_EVERY_S = 10  # a minute would leave the demo's chart with three points

# What somebody types during the script, by second. Estimates come with a picture of their own.
ESTIMATES = {16: "/var", 20: "/liqprob"}
SCRIPT = ESTIMATES | {
    1: "/portfolio",
    12: "/health",
    33: "/liq",
    44: "/ack 1",
    52: "/stress",
    66: "/status",
    125: "/alerts",
    129: "/hedge",
    134: "/audit 5",
    137: "/flatten",
}

# Buttons somebody presses, by second.
PRESSES = {131: "Confirm", 140: "Confirm"}
SCRIPT_LASTS_S = 146


# With pictures: charts as well, at moments when they show something.
PICTURES = {32: "/chart distance light", 60: "/chart equity 1h light", 128: "/chart health 1h dark"}


async def script(out: TextIO, pictures_dir: Path | None = None) -> None:
    """The demo without a terminal: same bot, same venue, a clock that runs ahead. The same text at every run.

    Args:
        pictures_dir: Where charts go; None asks for none.
    """
    clock = ScriptClock(_START)
    typed = SCRIPT if pictures_dir is None else SCRIPT | PICTURES
    transport = ConsoleTransport(now=clock.now, stdout=out, lines=_nothing(), pictures_dir=pictures_dir)
    # Every second is looked at by hand, so nobody follows the stream, and /status is not to say that it is down.
    # However long something is calculated: what is said meanwhile would make two runs differ.
    async with _app(clock, transport, patience_s=math.inf, stream=False) as app:
        console = app.services.process.transports["console"]
        await app.prepare()
        for second in range(SCRIPT_LASTS_S + 1):
            await _look(app, second)
            if second in typed:
                await _type(app, transport, typed[second], out)
            if second in PRESSES:
                await _type(app, transport, transport.number_of(PRESSES[second]), out)
            await clock.sleep(1)
        await console.send(_CONSOLE, _ending())


async def _look(app: App, second: int) -> None:
    """What the clockwork does in a second."""
    if second % CHECK_EVERY_S == 0:
        await app.watch.check()
        await app.events.watch.look()
        await app.history.look()
    if second % (CHECK_EVERY_S * 4) == 0:
        await app.limits.check()
    if second % _EQUITY_EVERY_S == 0:
        await app.equity.record()
    await app.deliveries["console"].drain()
    await _trade(app)


async def _trade(app: App) -> None:
    if app.trading is not None:
        await app.trading.execution.idle()
        await app.trading.trading.keeper.settle()


async def _type(app: App, transport: ConsoleTransport, line: str, out: TextIO) -> None:
    """Somebody types a line."""
    print(f"\n> {line}", file=out)
    console = app.services.process.transports["console"]
    heard = transport.heard(line)
    if isinstance(heard, Press):
        await app.dispatcher.pressed(console, heard)
    else:
        await app.dispatcher.obey(console, heard)
    await _trade(app)


async def interactive(out: TextIO) -> None:
    """The demo at a terminal: the very app that keel run starts, in real time, until the account has recovered."""
    clock, stop = SystemClock(), asyncio.Event()
    transport = ConsoleTransport(now=clock.now, stdout=out)
    async with _app(clock, transport) as app:
        await _until_over(app, transport, stop, lambda: asyncio.create_task(app.serve(stop)))


async def _until_over(
    app: App, transport: ConsoleTransport, stop: asyncio.Event, start: Callable[[], Awaitable[None]]
) -> None:
    serving = asyncio.ensure_future(start())
    watching = asyncio.create_task(_wait_for_end(app, transport))
    try:
        await asyncio.wait((serving, watching), return_when=asyncio.FIRST_COMPLETED)
    finally:
        watching.cancel()
        stop.set()
        await serving


async def _wait_for_end(app: App, transport: ConsoleTransport) -> None:
    clock = app.services.clock
    await clock.sleep(DEMO_LASTS_S)
    while await app.services.incidents.open_incidents():
        await clock.sleep(1)
    await clock.sleep(1)  # for the last alert to be shown first
    await transport.send(_CONSOLE, _ending())


def _ending() -> Message:
    return Message(
        blocks=lines(
            "The demo is over: every tier was announced, and every alert resolved.",
            "To watch a real account: keel setup WALLET --rpc URL. No key is needed.",
        )
    )


@contextlib.asynccontextmanager
async def _app(
    clock: Clock, transport: ConsoleTransport, *, patience_s: float = PATIENCE_S, stream: bool = True
) -> AsyncIterator[App]:
    venue = demo_venue(clock)
    roster = Roster([Watched(account_id=DEMO_ACCOUNT, nickname=DEMO_NAME, thresholds=_TIERS)])
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="work") as executor:
        async with await Store.open(":memory:") as store:
            app = assemble(
                store=store, reader=venue, roster=roster, transports=[transport], clock=clock, venue="paper",
                executor=executor, candles=venue.past, trading=await _trading(venue, store, clock),
                console=Receiver(transport="console", chat=CONSOLE_CHAT, route="terminal"),
                pace=Pace(check_interval=timedelta(seconds=CHECK_EVERY_S)), drawdowns=DrawdownThresholds(by_tier={}),
                patience_s=patience_s, stream=stream,
            )  # fmt: skip
            # The demo's account lives dangerously; limits it breaks from the start would drown the story.
            await app.services.accounts.save_limits(DEMO_ACCOUNT, _LIMITS)
            yield app


# A fall of eleven percent in a minute is beyond any daily move from its first second on; to show every tier in turn the
# demo goes by the health ratio alone.
async def _trading(venue: PaperVenue, store: Store, clock: Clock) -> TradingSetup:
    return TradingSetup(
        gateway=PaperGateway(venue, clock=clock), books=venue, handles=await ProposalCards(store).handles(),
        rules=_RULES,
    )  # fmt: skip


# It is play money: a hedge may open a position, and everything that is held may go in one order.
_RULES = TradingRules(enabled=True, reduce_only=False, max_order_usd=1e6, daily_usd=1e7)
_TIERS = TierThresholds(distance_sigmas={})
_LIMITS = RiskLimits(
    max_portfolio_leverage=15.0, max_position_size_usd=60_000.0, max_position_size_percent=50.0, min_health_ratio=110.0,
    max_drawdown_percent=1.0, max_correlation_exposure=0.9, max_var_1d_percent=0.5,
)  # fmt: skip


async def _nothing() -> AsyncIterator[str]:
    no_lines: tuple[str, ...] = ()
    for line in no_lines:
        yield line
