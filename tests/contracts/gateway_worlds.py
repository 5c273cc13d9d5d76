"""Each venue that takes orders, so that one suite can hold all of them to the contract.

Everywhere the account holds 10,000 USDC and 10 SOL-PERP, nothing rests, and SOL stands at 150 USD with a book that has
plenty within 2 USD of it.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from bot.clock import ScriptClock
from bot.signer.intent import Anchor, SigningVenue
from bot.trading.signer_client import SignerClient
from risk.model.account import Side
from risk.trade_ports import OrderGateway
from venues.signing import OrderSigner

if TYPE_CHECKING:
    from tests.support.signer_process import SignerProcess

START = datetime(2026, 1, 1, tzinfo=UTC)
MARKET, MARKET_INDEX = "SOL-PERP", 0


class GatewayWorld(Protocol):
    """A venue that takes orders, and what can happen to it."""

    gateway: OrderGateway
    clock: ScriptClock
    account: str
    answer_wait_s: float  # how long a lost answer keeps the sender waiting, in real time

    def lose_next_answer(self) -> None:
        """The next batch is taken and lands, and nobody says so."""
        ...

    def drop_next(self) -> None:
        """The next batch is taken and never lands by that sending."""
        ...

    def refuse_next(self) -> None:
        """The venue refuses the next batch when it is handed over."""
        ...

    def fail_next(self) -> None:
        """The next batch lands without effect."""
        ...

    def recover(self) -> None:
        """Everything above is over."""
        ...

    async def let_lapse(self) -> None:
        """Until nothing prepared by now can land any more."""
        ...

    async def pass_s(self, seconds: float) -> None: ...

    def go_down(self) -> None: ...


class PaperGatewayWorld:
    """The embedded exchange."""

    answer_wait_s = 0.0

    def __init__(self, signer: OrderSigner | None = None) -> None:
        from tests.contracts.venue_worlds import MovedPrices
        from venues.paper import PaperExchange, PaperGateway, PaperVenue
        from venues.paper.markets import BTC_ORACLE, ETH_ORACLE, SOL_ORACLE, USDC_ORACLE

        self.clock = ScriptClock(START)
        prices = MovedPrices({USDC_ORACLE: 1.0, SOL_ORACLE: 150.0, BTC_ORACLE: 100_000.0, ETH_ORACLE: 4_000.0})
        exchange = PaperExchange(prices)
        self.account = exchange.open_account("ann", 0)
        exchange.deposit(self.account, "USDC", 10_000.0)
        exchange.market_order(self.account, MARKET, Side.BUY, 10.0)
        self._venue = PaperVenue(exchange, clock=self.clock)
        self.gateway: OrderGateway = PaperGateway(self._venue, clock=self.clock, signer=signer)

    def lose_next_answer(self) -> None:
        self._venue.faults.lose_answers()

    def drop_next(self) -> None:
        self._venue.faults.drop_orders()

    def refuse_next(self) -> None:
        self._venue.faults.reject_orders()

    def fail_next(self) -> None:
        self._venue.faults.fail_orders()

    def recover(self) -> None:
        self._venue.faults.clear()

    async def let_lapse(self) -> None:
        await self.clock.sleep(300)

    async def pass_s(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    def go_down(self) -> None:
        self._venue.faults.down()


class Signers:
    """Signers as they are run, one process for each venue, begun when it is first needed."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._running: dict[str, SignerProcess] = {}

    def client(self, venue: SigningVenue) -> SignerClient:
        """A new way to the signer of a venue."""
        pytest.importorskip("solders", reason="the signer needs solders; install keel[drift] from its lock")
        from tests.support.signer_process import AccountLines, signer_process

        if venue.value not in self._running:
            folder = self._folder / venue.value
            folder.mkdir(mode=0o700)
            given = {
                SigningVenue.PAPER: {"accounts": ["ann-0"]},
                SigningVenue.DRIFT: {"accounts": [AccountLines.of("ann")], "key": "ann's bot"},
            }[venue]
            process = signer_process(folder, venue=venue.value, **given)  # type: ignore[arg-type]  # by their names
            self._running[venue.value] = self._stack.enter_context(process)
        path = self._running[venue.value].socket
        return SignerClient(path, venue=venue, epoch=_EPOCH, anchor=_nowhere)


_EPOCH = 1_700_000_000


async def _nowhere() -> Anchor | None:
    return None


@contextlib.asynccontextmanager
async def open_paper(signers: Signers) -> AsyncIterator[GatewayWorld]:
    del signers
    yield PaperGatewayWorld()


@contextlib.asynccontextmanager
async def open_signed_paper(signers: Signers) -> AsyncIterator[GatewayWorld]:
    """Every order is signed by a signer, and the venue looks at its signature."""
    client = signers.client(SigningVenue.PAPER)
    try:
        yield PaperGatewayWorld(client)
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def open_drift(signers: Signers) -> AsyncIterator[GatewayWorld]:
    """Over JSON-RPC against a node on loopback that executes."""
    for extra in ("solders", "solana", "driftpy"):
        pytest.importorskip(extra, reason=f"orders on drift need {extra}; install keel[drift] from its lock")
    from tests.contracts.drift_gateway_world import opened

    client = signers.client(SigningVenue.DRIFT)
    try:
        async with opened(client) as world:
            yield world
    finally:
        await client.close()


Open = Callable[[Signers], AbstractAsyncContextManager[GatewayWorld]]
WORLDS: dict[str, Open] = {"paper": open_paper, "paper-signed": open_signed_paper, "drift": open_drift}
