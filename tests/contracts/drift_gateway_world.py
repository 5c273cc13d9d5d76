"""The contract's account on a fake node that executes orders. Needs the extra ``drift``."""

import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

from bot.clock import ScriptClock
from risk.trade_ports import OrderGateway
from tests.contracts.gateway_worlds import START
from tests.support.drift_trading import TradingNode, account_id, trading_settings, trading_world
from tests.support.solana_rpc import HttpError, Landing, LandingMode, SolanaRpc
from venues.signing import OrderSigner
from venues.solana.gateway import DriftGateway, connect_orders

_CHAINS = itertools.count()
_PACE = 2.5


class DriftGatewayWorld:
    """The drift venue over a node whose slots follow the clock."""

    answer_wait_s = 0.2
    account = account_id()

    def __init__(self, gateway: DriftGateway, node: TradingNode, clock: ScriptClock) -> None:
        self.gateway: OrderGateway = gateway
        self._node, self.clock = node, clock

    def lose_next_answer(self) -> None:
        self._next(LandingMode.LAND_TIMEOUT)

    def drop_next(self) -> None:
        self._next(LandingMode.DROP)

    def refuse_next(self) -> None:
        self._next(LandingMode.REJECT)

    def fail_next(self) -> None:
        self._next(LandingMode.LAND_FAILED)

    def _next(self, mode: LandingMode) -> None:
        program = self._node.program.execute if mode is LandingMode.LAND_TIMEOUT else None
        self._node.next_landing(Landing(mode=mode, program=program, answer_after_s=self.answer_wait_s))

    def recover(self) -> None:
        self._node.rpc.heal()

    async def let_lapse(self) -> None:
        await self.clock.sleep(300)

    async def pass_s(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    def go_down(self) -> None:
        self._node.rpc.inject(HttpError(status=503))


@contextlib.asynccontextmanager
async def opened(signer: OrderSigner) -> AsyncIterator[DriftGatewayWorld]:
    clock = ScriptClock(START)
    async with SolanaRpc(trading_world(), slots_per_s=_PACE, clock=clock) as rpc:
        # All worlds ask one signer, which refuses to sign the very same bytes for two proposals.
        rpc.ledger.chain_name = f"chain {next(_CHAINS)}"
        node = TradingNode.of(rpc)
        settings = replace(trading_settings(rpc.url), slot_tolerance=10_000)
        gateway = connect_orders(settings, clock=clock, signer=signer)
        try:
            await gateway.warm()
            yield DriftGatewayWorld(gateway, node, clock)
        finally:
            await gateway.close()
