"""Each venue with a small market behind it, so that one suite can hold all of them to the contract.

Everywhere an owner has two accounts: sub-account 0 holds 10,000 USDC, 10 SOL-PERP and a bid for 5 more at 90 USD, and
sub-account 1 holds 50 USDC. Somebody else has a third account. SOL stands near 150 USD.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
import pytest

from bot.clock import ScriptClock
from risk.margin.book import FloatArray
from risk.model.account import Side
from risk.ports import AccountReader
from venues import connect
from venues.paper import PaperExchange, PaperVenue
from venues.paper.markets import BTC_ORACLE, ETH_ORACLE, SOL_ORACLE, USDC_ORACLE

START = datetime(2026, 1, 1, tzinfo=UTC)
SOL_USD = 150.0


class World(Protocol):
    """A venue, its accounts, and what can happen to it."""

    reader: AccountReader
    clock: ScriptClock
    owner: str
    accounts: tuple[str, str]
    other: str
    stranger: str  # an authority without accounts
    nowhere: str  # an account id that could be, of an account that is not

    def go_down(self) -> None: ...

    def recover(self) -> None:
        """From everything below and above."""
        ...

    def freeze_slot(self) -> None: ...

    def stop_sol_oracle(self) -> None: ...

    def move_sol(self, price_usd: float) -> None:
        """From now on."""
        ...


class MovedPrices:
    """Prices that stand wherever they were put last; a venues.paper.PricePath."""

    def __init__(self, prices_usd: Mapping[str, float]) -> None:
        self.prices = dict(prices_usd)

    @property
    def oracle_ids(self) -> tuple[str, ...]:
        return tuple(self.prices)

    def prices_usd(self, first_s: int, count: int) -> FloatArray:
        del first_s
        return np.tile(np.array(list(self.prices.values())), (count, 1))


class PaperWorld:
    """The embedded exchange."""

    owner, stranger, nowhere = "ann", "nobody", "nobody-0"

    def __init__(self) -> None:
        self.clock = ScriptClock(START)
        still = {USDC_ORACLE: 1.0, SOL_ORACLE: SOL_USD, BTC_ORACLE: 100_000.0, ETH_ORACLE: 4_000.0}
        self._prices = MovedPrices(still)
        exchange = PaperExchange(self._prices)
        first, second = (exchange.open_account(self.owner, number) for number in (0, 1))
        self.accounts, self.other = (first, second), exchange.open_account("bob")
        exchange.deposit(first, "USDC", 10_000.0)
        exchange.deposit(second, "USDC", 50.0)
        exchange.market_order(first, "SOL-PERP", Side.BUY, 10.0)
        exchange.limit_order(first, "SOL-PERP", Side.BUY, 5.0, 90.0)
        exchange.deposit(self.other, "SOL", 3.0)
        self._venue = PaperVenue(exchange, clock=self.clock)
        self.reader: AccountReader = self._venue

    def go_down(self) -> None:
        self._venue.faults.down()

    def recover(self) -> None:
        self._venue.faults.clear()

    def freeze_slot(self) -> None:
        self._venue.faults.frozen_slot()

    def stop_sol_oracle(self) -> None:
        self._venue.faults.stale_oracle("SOL-PERP")

    def move_sol(self, price_usd: float) -> None:
        self._prices.prices[SOL_ORACLE] = price_usd


@contextlib.asynccontextmanager
async def open_paper() -> AsyncIterator[World]:
    yield PaperWorld()


@contextlib.asynccontextmanager
async def open_drift() -> AsyncIterator[World]:
    """Over JSON-RPC against a node on loopback."""
    for extra in ("solders", "solana"):
        pytest.importorskip(extra, reason=f"the drift venue needs {extra}; install keel[solana]")
    from tests.contracts.drift_world import DriftWorld
    from tests.support.solana_rpc import SolanaRpc

    clock = ScriptClock(START)
    async with SolanaRpc(DriftWorld.chain(), slots_per_s=2.5, clock=clock) as rpc:
        reader = connect("drift", DriftWorld.settings(rpc.url), clock=clock)
        try:
            yield DriftWorld(reader, rpc, clock)
        finally:
            await reader.close()


Open = Callable[[], AbstractAsyncContextManager[World]]
WORLDS: dict[str, Open] = {"paper": open_paper, "drift": open_drift}
