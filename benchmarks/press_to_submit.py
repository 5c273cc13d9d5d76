"""From a press of Confirm to the moment the venue has taken the order: the whole bot, a database on disk, real time.

The press goes in where a transport hands it to the dispatcher. Who it is, the vote, the second quote, the checks, the
simulation, the signature, and what is stored before the sending are all in it; on paper with the embedded exchange, on
Drift with a node that executes, as a process of its own behind sockets on loopback, at once and 20 ms late. The signer
is a process of its own that writes its journal to the disk before it answers.
"""

import asyncio
import contextlib
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from benchmarks.figures import Figure
from benchmarks.node import ROOT
from benchmarks.runner import Effort
from bot.app import App, Pace, assemble
from bot.clock import SystemClock
from bot.messages import Address, MessageRef, Person, Press
from bot.roster import Roster, Watched
from bot.signer.intent import Anchor, SigningVenue
from bot.trading.assembly import TradingSetup
from bot.trading.cards.card import PREFIX
from bot.trading.execution import Tempo
from bot.trading.rules import TradingRules
from bot.trading.signer_client import SignerClient
from risk.model.account import Side
from risk.model.proposal import PlannedTrade, Proposal, Purpose, TradePlan
from risk.model.trading import Signed
from risk.trade_ports import OrderGateway
from storage import CardAction, CardPlace, Handles, LinkClaim, LinkedPerson, ProposalCards, Role, Store
from tests.risk.builders import RATIO_ALONE
from tests.support.bot_world import GENEROUS
from tests.support.recording_transport import RecordingTransport
from tests.support.signer_process import AccountLines, signer_process
from tests.support.trade_world import still
from venues.paper.demo import START_USD
from venues.paper.past import market_past

_HOME, _OWNER = "home", "owner"
_MEDIAN_TARGET_S, _P99_TARGET_S = 0.150, 0.500
_PRESSES_PER_ROUND = 20
_WARM_UPS = 3
_RULES = TradingRules(enabled=True, reduce_only=False, max_order_usd=1e6, daily_usd=1e12, valid_s=600.0)
_PAUSE_S = 0.05


def figures(effort: Effort) -> Iterator[Figure]:
    """Each sample is one press."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    count = effort.slow_rounds * _PRESSES_PER_ROUND
    for name, opened in (
        ("on paper", partial(_paper, False)), ("on paper through the signer", partial(_paper, True)),
        ("on Drift, a node on loopback", partial(_drift, 0.0)),
        ("on Drift, a node 20 ms away", partial(_drift, 0.02)),
    ):  # fmt: skip
        samples = asyncio.run(_samples(opened, count))
        for part, share, target_s in (("median", 0.5, _MEDIAN_TARGET_S), ("99 %", 0.99, _P99_TARGET_S)):
            yield Figure(
                job=f"Confirm pressed to the order taken, {name}, quoted again, {part}",
                value=float(np.quantile(samples, share)), best=min(samples), rounds=len(samples), target=target_s,
            )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Venue:
    """One venue with an account that can be traded."""

    gateway: Any
    reader: Any
    account: str
    before_each: Callable[[], None]


class _Watched:
    """A gateway that notes when an order was taken."""

    def __init__(self, gateway: OrderGateway) -> None:
        self._gateway = gateway
        self.taken = asyncio.Event()
        self.taken_s = math.nan

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    async def send(self, signed: Signed) -> None:
        await self._gateway.send(signed)
        self.taken_s = time.perf_counter()
        self.taken.set()


@contextlib.asynccontextmanager
async def _signer(folder: Path, venue: SigningVenue, account: AccountLines) -> AsyncIterator[SignerClient]:
    """A signer process with wide caps, and a way to it."""

    async def anchor() -> Anchor | None:
        return Anchor(rows=1, head="0" * 64)

    (folder / "signer").mkdir()
    running = signer_process(
        folder / "signer", venue=venue.value, accounts=[account], key="ann's bot", reduce_only=False,
        daily_usd=10**12, daily_signatures=10**6,
    )  # fmt: skip
    with running as process:
        client = SignerClient(process.socket, venue=venue, epoch=int(time.time()), anchor=anchor)
        try:
            yield client
        finally:
            await client.close()


@contextlib.asynccontextmanager
async def _paper(signed: bool, folder: Path) -> AsyncIterator[_Venue]:
    from tests.support.trade_world import ACCOUNT
    from venues.paper.demo import demo_exchange
    from venues.paper.gateway import PaperGateway
    from venues.paper.venue import PaperVenue

    clock = SystemClock()
    venue = PaperVenue(demo_exchange(still(), liquidates=False), clock=clock)
    async with contextlib.AsyncExitStack() as stack:
        signer = None
        if signed:
            signing = _signer(folder, SigningVenue.PAPER, AccountLines(address=ACCOUNT))
            signer = await stack.enter_async_context(signing)
        yield _Venue(
            gateway=PaperGateway(venue, clock=clock, signer=signer), reader=venue, account=ACCOUNT,
            before_each=lambda: None,
        )  # fmt: skip


@contextlib.asynccontextmanager
async def _drift(away_s: float, folder: Path) -> AsyncIterator[_Venue]:
    from tests.support.drift_trading import OWNER, account_id, trading_settings
    from venues.solana.adapter import connect
    from venues.solana.gateway import connect_orders

    command = [sys.executable, "-m", "tests.support.order_kills.node", "0"]
    # S603: this interpreter and a program of the repository.
    async with contextlib.AsyncExitStack() as stack:
        signer = await stack.enter_async_context(_signer(folder, SigningVenue.DRIFT, AccountLines.of(OWNER)))
        node = stack.enter_context(subprocess.Popen(  # noqa: S603, ASYNC220
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ))  # fmt: skip
        assert node.stdin is not None
        assert node.stdout is not None
        stdin, stdout = node.stdin, node.stdout
        settings = replace(trading_settings(stdout.readline().strip()), slot_tolerance=10_000)
        clock = SystemClock()
        gateway, reader = connect_orders(settings, clock=clock, signer=signer), connect(settings, clock=clock)

        def lands() -> None:
            stdin.write("next LAND\n")
            stdin.flush()
            stdout.readline()

        stdin.write(f"far {away_s}\n")
        stdin.flush()
        stdout.readline()
        try:
            await gateway.warm()
            yield _Venue(gateway=gateway, reader=reader, account=account_id(), before_each=lands)
        finally:
            await gateway.close()
            await reader.close()
            node.terminate()


async def _samples(opened: Callable[[Path], contextlib.AbstractAsyncContextManager[_Venue]], count: int) -> list[float]:
    """Seconds, a press each."""
    with tempfile.TemporaryDirectory() as name:
        async with opened(Path(name)) as venue, await Store.open(Path(name) / "keel.db") as store:
            watched, clock = _Watched(venue.gateway), SystemClock()
            transport = RecordingTransport(now=clock.now)
            handles = await ProposalCards(store).handles()
            with ThreadPoolExecutor(max_workers=1) as workers:
                app = assemble(
                    store=store, reader=venue.reader, transports=[transport], clock=clock, venue="paper",
                    roster=Roster([Watched(account_id=venue.account, nickname="main", thresholds=RATIO_ALONE)]),
                    executor=workers, pace=Pace(check_interval=timedelta(seconds=5)), patience_s=math.inf,
                    trading=TradingSetup(
                        gateway=watched, books=venue.reader, handles=handles, rules=_RULES,
                        tempo=Tempo(ask_s=0.02),
                    ),
                    candles=market_past(still(), START_USD, seed=1, clock=clock),
                )  # fmt: skip
                await _link(app)
                await app.services.accounts.save_limits(venue.account, GENEROUS)
                await app.prepare()
                await app.history.look()
                await app.watch.check()
                found = [
                    await _sample(app, transport, venue, watched, handles, number)
                    for number in range(_WARM_UPS + count)
                ]
                assert app.trading is not None
                await app.trading.execution.stop()
    return found[_WARM_UPS:]


async def _link(app: App) -> None:
    people, now = app.services.people, app.services.clock.now()
    code = await people.issue_link_code(now, Role.ADMIN, timedelta(hours=1), owner=True)
    claim = LinkClaim(
        person_id="person-owner", transport="chat", user_id=_OWNER, display_name="Owner", chat=_HOME, private=True
    )
    assert isinstance(await people.redeem_link_code(code, claim, now), LinkedPerson)


async def _sample(
    app: App, transport: RecordingTransport, venue: _Venue, watched: _Watched, handles: Handles, number: int
) -> float:
    assert app.trading is not None
    await app.services.fleet.refresh()
    proposal = await _proposed(app, venue.account, number)
    place = CardPlace(transport="chat", chat=_HOME)
    handle = handles.of(proposal.proposal_id, proposal.revision, CardAction.CONFIRM, place)
    address = Address(transport="chat", chat=_HOME)
    press = Press(
        sender=Person(transport="chat", user_id=_OWNER, display_name="Owner"),
        message=MessageRef(address=address, message_id="m1"), data=f"{PREFIX}:{handle}",
        pressed_at=app.services.clock.now(), press_id=f"{number}",
    )  # fmt: skip
    venue.before_each()
    await asyncio.sleep(_PAUSE_S)
    watched.taken.clear()
    began_s = time.perf_counter()
    await app.dispatcher.pressed(transport, press)
    await watched.taken.wait()
    took_s = watched.taken_s - began_s
    await app.trading.execution.idle()
    return took_s


async def _proposed(app: App, account: str, number: int) -> Proposal:
    """Something small, of a size nobody asked for before, bought and sold in turn."""
    assert app.trading is not None
    side = Side.BUY if number % 2 else Side.SELL
    size_base = 0.5 + 0.01 * (number // 2 % 50)
    plan = TradePlan(
        account_id=account, purpose=Purpose.HEDGE, title="Hedge main", requested_by="person-owner",
        trades=(PlannedTrade(market="SOL-PERP", side=side, size_base=size_base, reduce_only=side is Side.SELL),),
    )  # fmt: skip
    found = await app.trading.trading.desk.propose(plan, place=Address(transport="chat", chat=_HOME))
    assert found.proposal is not None, found.refusal
    return found.proposal
