"""The contract's accounts as a Drift program stores them, on a fake node. Needs the extra ``solana``."""

from bot.clock import ScriptClock
from risk.ports import AccountReader
from tests.support import addresses
from tests.support.drift_accounts import OrderSlot
from tests.support.solana_rpc import HttpError, SolanaRpc
from tests.support.world import World as ChainWorld
from tests.support.world_builder import WorldBuilder
from venues.solana.settings import SolanaSettings

PACE = 2.5


class DriftWorld:
    """The drift venue over a node whose slots follow the clock."""

    owner = addresses.address("ann")
    accounts = (addresses.user_address(owner, 0), addresses.user_address(owner, 1))
    other = addresses.user_address(addresses.address("bob"), 0)
    stranger = addresses.address("nobody")
    nowhere = addresses.user_address(stranger, 0)

    def __init__(self, reader: AccountReader, rpc: SolanaRpc, clock: ScriptClock) -> None:
        self.reader, self._rpc, self.clock = reader, rpc, clock

    @staticmethod
    def chain() -> ChainWorld:
        """Everything on the ledger."""
        builder = WorldBuilder()
        bid = OrderSlot(order_id=7, market_index=0, is_buy=True, base_raw=5 * 10**9, price_1e6=90 * 10**6)
        builder.add_user(
            "ann",
            spots=[builder.deposit("USDC", "10000")],
            perps=[builder.position("SOL-PERP", "10", open_bids_1e9=5 * 10**9, open_orders=1)],
            orders=[bid],
        )
        builder.add_user("ann", sub_account_id=1, spots=[builder.deposit("USDC", "50")])
        builder.add_user("bob", spots=[builder.deposit("SOL", "3")])
        return builder.build()

    @staticmethod
    def settings(url: str) -> SolanaSettings:
        # The slots of this chain follow a clock that stands still between steps, and that is no silence.
        return SolanaSettings(rpc_urls=(url,), attempts=1, timeout_s=30.0, stream_silence_s=60.0, stream_pace_s=0.0)

    def go_down(self) -> None:
        self._rpc.inject(HttpError(status=503))
        self._rpc.drop_websockets()

    def recover(self) -> None:
        self._rpc.heal()
        self._rpc.set_tick(PACE)
        self._rpc.set_oracle(self._sol_oracle, "150")

    def freeze_slot(self) -> None:
        self._rpc.set_tick(0)

    def stop_sol_oracle(self) -> None:
        self._rpc.set_oracle(self._sol_oracle, "150", hold=True)

    def move_sol(self, price_usd: float) -> None:
        self._rpc.set_oracle(self._sol_oracle, f"{price_usd}")

    @property
    def _sol_oracle(self) -> str:
        return WorldBuilder().oracle_address("SOL")
