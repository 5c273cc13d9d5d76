"""Each venue that takes orders, so that one suite can hold all of them to the contract.

Everywhere the account holds 10,000 USDC and 10 SOL-PERP, nothing rests, and SOL stands at 150 USD with a book that has
plenty within 2 USD of it.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest

from bot.clock import ScriptClock
from risk.model.account import Side
from risk.trade_ports import OrderGateway

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

    def __init__(self) -> None:
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
        self.gateway: OrderGateway = PaperGateway(self._venue, clock=self.clock)

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


@contextlib.asynccontextmanager
async def open_paper(folder: Path) -> AsyncIterator[GatewayWorld]:
    del folder
    yield PaperGatewayWorld()


@contextlib.asynccontextmanager
async def open_drift(folder: Path) -> AsyncIterator[GatewayWorld]:
    """Over JSON-RPC against a node on loopback that executes."""
    for extra in ("solders", "solana", "driftpy"):
        pytest.importorskip(extra, reason=f"orders on drift need {extra}; install keel[drift] from its lock")
    from tests.contracts.drift_gateway_world import opened

    async with opened(folder) as world:
        yield world


Open = Callable[[Path], AbstractAsyncContextManager[GatewayWorld]]
WORLDS: dict[str, Open] = {"paper": open_paper, "drift": open_drift}
