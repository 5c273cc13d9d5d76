"""An account on the fake node that can be traded with by its delegate's key, and a program that executes."""

from dataclasses import dataclass

from tests.support import addresses
from tests.support.drift_accounts import OrderSlot, PerpSlot
from tests.support.drift_program import Book, FakeDriftProgram
from tests.support.solana_rpc import Landing, SolanaRpc
from tests.support.world import World
from tests.support.world_builder import WorldBuilder
from venues.solana.settings import SolanaSettings

OWNER, DELEGATE = "ann", "ann's bot"
SOL, BTC = 0, 1
SOL_BOOK = Book(bid_1e6=149_900_000, ask_1e6=150_100_000)
BTC_BOOK = Book(bid_1e6=99_950_000_000, ask_1e6=100_050_000_000)


def trading_world(*, perps: list[PerpSlot] | None = None, orders: list[OrderSlot] | None = None) -> World:
    """Ann holds 10,000 USDC and 10 SOL-PERP, and lets her bot trade."""
    builder = WorldBuilder()
    builder.add_user(
        OWNER,
        spots=[builder.deposit("USDC", "10000")],
        perps=[builder.position("SOL-PERP", "10")] if perps is None else perps,
        orders=orders or (),
        delegate=addresses.address(DELEGATE),
    )
    return builder.build()


def account_id() -> str:
    return addresses.user_address(addresses.address(OWNER))


@dataclass(slots=True, kw_only=True)
class TradingNode:
    """A node whose next transactions are executed."""

    rpc: SolanaRpc
    program: FakeDriftProgram

    @classmethod
    def of(cls, rpc: SolanaRpc, *, keeps_logs: bool = True) -> "TradingNode":
        program = FakeDriftProgram(
            account=rpc.chain.account,
            now_s=lambda: rpc.chain.now_s,
            books={
                SOL: Book(bid_1e6=SOL_BOOK.bid_1e6, ask_1e6=SOL_BOOK.ask_1e6),
                BTC: Book(bid_1e6=BTC_BOOK.bid_1e6, ask_1e6=BTC_BOOK.ask_1e6),
            },
            keeps_logs=keeps_logs,
        )
        rpc.set_landing(Landing(program=program.execute))
        return cls(rpc=rpc, program=program)

    def next_landing(self, landing: Landing) -> None:
        """For the next sending alone."""
        self.rpc.set_landing(landing, count=1)


def trading_settings(*urls: str) -> SolanaSettings:
    return SolanaSettings(rpc_urls=urls, attempts=1, timeout_s=30.0, stream_silence_s=60.0, resign_after_s=0.0)
