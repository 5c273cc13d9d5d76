"""Streams listened to beside a test, over a node on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from risk.margin.book import FleetBook
from tests.support.solana_rpc import SolanaRpc
from tests.support.waiting import PATIENCE_S, until
from tests.venues.solana.conftest import StillClock
from venues.errors import VenueRejected, VenueUnavailable
from venues.solana.adapter import DriftAdapter, connect
from venues.solana.settings import SolanaSettings

SOON_S = PATIENCE_S
SECRET = "a-key-nobody-may-see"
SUBSCRIBE, READ = "accountSubscribe", "getMultipleAccounts"
QUICK = SolanaSettings(
    rpc_urls=("http://localhost",),
    timeout_s=PATIENCE_S,
    stream_silence_s=2 * PATIENCE_S,
    slot_pace_s=0.05,
    stream_pace_s=0.0,
)


class Heard:
    """A stream listened to beside the test.

    Attributes:
        books: All so far.
        error: What it ended with.
    """

    def __init__(self, adapter: DriftAdapter, *accounts: str) -> None:
        self.books: list[FleetBook] = []
        self.error: Exception | None = None
        self._adapter, self._accounts = adapter, accounts
        self._task = asyncio.create_task(self._listen())

    @property
    def last(self) -> FleetBook:
        return self.books[-1]

    def price(self, oracle: str) -> float:
        """In the last book; NaN before the first."""
        if not self.books or oracle not in self.last.oracles.ids:
            return float("nan")
        return float(self.last.oracles.price_1e6[self.last.oracles.ids.index(oracle)]) / 1e6

    async def begun(self) -> None:
        await until(lambda: self.books or self.error, within_s=SOON_S)
        if self.error is not None:
            raise self.error

    async def ended(self) -> Exception:
        await until(lambda: self.error, within_s=SOON_S)
        assert self.error is not None
        return self.error

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        stream = self._adapter.stream(self._accounts)
        try:
            async for book in stream:
                self.books.append(book)
        except (VenueUnavailable, VenueRejected) as exc:
            self.error = exc
        finally:
            await stream.aclose()


@asynccontextmanager
async def reader(*nodes: SolanaRpc, settings: SolanaSettings = QUICK) -> AsyncIterator[DriftAdapter]:
    urls = tuple(f"{node.url}/{SECRET}" for node in nodes)
    adapter = connect(replace(settings, rpc_urls=urls), clock=StillClock())
    try:
        yield adapter
    finally:
        await adapter.close()


@asynccontextmanager
async def listening(
    rpc: SolanaRpc, *accounts: str, settings: SolanaSettings = QUICK, tries: int = 1
) -> AsyncIterator[tuple[Heard, DriftAdapter]]:
    """Args: tries: More than one for settings so impatient that a stall of the machine can end the beginning."""
    async with reader(rpc, settings=settings) as adapter:
        heard = Heard(adapter, *accounts)
        for _ in range(tries - 1):
            with suppress(VenueUnavailable):
                await heard.begun()
                break
            heard = Heard(adapter, *accounts)
        try:
            await heard.begun()
            yield heard, adapter
        finally:
            await heard.stop()


async def gone_from(rpc: SolanaRpc) -> None:
    """Until nobody is subscribed to a node."""
    await until(lambda: not rpc.subscriptions.count, within_s=SOON_S)
