"""The fake node on a loopback port, HTTP and websocket together, and everything tests do to it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.support import addresses
from tests.support.solana_rpc.chain import Chain
from tests.support.solana_rpc.clock import Timepiece, WallClock
from tests.support.solana_rpc.faults import Fault, FaultPlan, Injection
from tests.support.solana_rpc.front import Front, RecordedCall
from tests.support.solana_rpc.ledger import Landing, Ledger, Sent
from tests.support.solana_rpc.protocol import Json
from tests.support.solana_rpc.reads import Reads
from tests.support.solana_rpc.sends import Sends
from tests.support.solana_rpc.subscriptions import Subscriptions
from tests.support.world import ChainAccount, World

_ANNOUNCE_AT_MOST_EVERY_S = 0.1
_LARGEST_REQUEST = 16 * 2**20


class SolanaRpc:
    """A Solana node that serves a world. Use it as ``async with SolanaRpc(world) as rpc`` and read ``rpc.url``.

    Everything here may be called from any thread. It executes no transaction: they are checked, remembered and landed
    as ``set_landing`` says. Commitment levels are accepted and all mean the newest slot.
    """

    def __init__(
        self, world: World, *, slots_per_s: float = 0.0, clock: Timepiece | None = None, port: int = 0
    ) -> None:
        self._clock = clock or WallClock()
        self._start_rate, self._port = slots_per_s, port
        self.chain = Chain(world, clock=self._clock, slots_per_s=slots_per_s)
        self.ledger = Ledger(self.chain)
        self.faults = FaultPlan()
        reads = Reads(self.chain, self.faults)
        self.subscriptions = Subscriptions(self.chain, self.ledger, reads, self.faults)
        self.chain.listener = self.subscriptions
        self.ledger.on_landed = self.subscriptions.landed
        handlers = {**reads.handlers(), **Sends(self.chain, self.ledger, reads).handlers()}
        self._front = Front(self.chain, self.faults, handlers, self.subscriptions)
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def ws_url(self) -> str:
        return self.url.replace("http://", "ws://")

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        app.router.add_route("*", "/{anywhere:.*}", self._front.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._ticker = asyncio.create_task(self._announce_slots())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        await self._go_down()

    async def _go_down(self) -> None:
        self.subscriptions.drop_all()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @property
    def slot(self) -> int:
        return self.chain.slot

    def set_slot(self, slot: int) -> None:
        self.chain.set_slot(slot)

    def advance(self, slots: int) -> None:
        self.chain.advance(slots)

    def set_tick(self, slots_per_s: float) -> None:
        """0 freezes the chain, 2.5 is mainnet's pace."""
        self.chain.set_tick(slots_per_s)

    def set_oracle(
        self,
        key: str,
        price: Decimal | str,
        *,
        confidence: Decimal | str | None = None,
        slot: int | None = None,
        hold: bool = False,
    ) -> None:
        """Another price, in the feed's own unit; with ``hold`` it is never posted again. See Chain.set_oracle."""
        self.chain.set_oracle(key, price, confidence=confidence, slot=slot, hold=hold)

    def put_account(
        self, key: str, *, data: bytes | None = None, owner: str | None = None, lamports: int | None = None
    ) -> None:
        self.chain.put_account(key, data=data, owner=owner, lamports=lamports)

    def remove_account(self, key: str) -> None:
        self.chain.remove_account(key)

    def inject(
        self, fault: Fault, *, methods: Iterable[str] = (), pubkeys: Iterable[str] = (), count: int | None = None
    ) -> Injection:
        """Let a fault strike matching calls, ``count`` times or until cancelled."""
        return self.faults.inject(fault, methods=methods, pubkeys=pubkeys, count=count)

    def heal(self) -> None:
        """No fault any more, and websockets speak again."""
        self.faults.clear()
        self.subscriptions.silence(None)

    def drop_websockets(self) -> None:
        self.subscriptions.drop_all()

    def refuse_connections(self) -> None:
        """As a machine without a node: what is connected is cut, and nobody listens any more."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._go_down(), self._loop)

    def close_websockets(self, code: int = 1001) -> None:
        """Say goodbye first, as a node does that is restarted."""
        self.subscriptions.close_all(code)

    def say_over_websockets(self, text: str) -> None:
        self.subscriptions.say(text)

    def silence_websockets(self, seconds: float) -> None:
        self.subscriptions.silence(seconds)

    def announce_slot(self) -> None:
        """Tell subscribers the slot now, for tests whose clock stands still between steps."""
        with self.chain.lock:
            self.subscriptions.slot_changed()

    def set_landing(self, landing: Landing, *, count: int | None = None) -> None:
        self.ledger.set_landing(landing, count=count)

    def post(
        self,
        *,
        accounts: Sequence[str],
        logs: Sequence[str] | None,
        program: str = addresses.DRIFT_PROGRAM,
        effects: Mapping[str, ChainAccount] | None = None,
        error: Json = None,
        listed: bool = True,
    ) -> Sent:
        """A transaction of somebody else lands now: it mentions these accounts, has this log and replaces ``effects``.

        Args:
            logs: None for a node that kept none.
            error: What it failed with; its effects do not happen then.
            listed: False for a node that lists it later: set ``listed`` of what is returned.
        """
        with self.chain.lock:
            return self.ledger.post(
                accounts=accounts, logs=logs, program=program, effects=effects or {}, error=error, listed=listed
            )

    @property
    def sent(self) -> dict[str, Sent]:
        """Transactions by signature."""
        return self.ledger.sent

    @property
    def calls(self) -> list[RecordedCall]:
        """Every call that arrived, oldest first; may be cleared."""
        return self._front.calls

    def count(self, method: str | None = None) -> int:
        """Calls that arrived, of one method or all."""
        return sum(call.method == method or method is None for call in self.calls)

    def counts(self) -> Counter[str]:
        return Counter(call.method for call in self.calls)

    async def _announce_slots(self) -> None:
        while True:
            rate = self.chain.slots_per_s
            await asyncio.sleep(max(_ANNOUNCE_AT_MOST_EVERY_S, min(1.0, 1 / rate)) if rate else 0.1)
            if self.chain.slots_per_s:
                self.announce_slot()
