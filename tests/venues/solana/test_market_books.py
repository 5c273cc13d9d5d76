"""An account with markets it is not in yet: what it costs to ask again, as every press does."""

from dataclasses import replace

import pytest

from bot.clock import SystemClock
from tests.support.drift_trading import account_id, trading_world
from tests.support.solana_rpc import SolanaRpc
from venues.errors import VenueRejected
from venues.solana.adapter import connect
from venues.solana.settings import SolanaSettings


def settings(rpc: SolanaRpc) -> SolanaSettings:
    return replace(SolanaSettings(rpc_urls=(rpc.url,), attempts=1, timeout_s=30.0), slot_tolerance=10_000)


async def test_what_was_read_once_takes_one_answer_from_then_on() -> None:
    async with SolanaRpc(trading_world(), slots_per_s=2.5) as rpc:
        adapter = connect(settings(rpc), clock=SystemClock())
        first = await adapter.read_with(account_id(), ["BTC-PERP"])
        rpc.calls.clear()
        again = await adapter.read_with(account_id(), ["BTC-PERP"])
        assert rpc.counts() == {"getMultipleAccounts": 1}
        assert again.perp_markets.names == first.perp_markets.names
        await adapter.close()


async def test_another_market_is_found_all_the_same_and_one_there_is_not_is_named() -> None:
    async with SolanaRpc(trading_world(), slots_per_s=2.5) as rpc:
        adapter = connect(settings(rpc), clock=SystemClock())
        await adapter.read_with(account_id(), ["BTC-PERP"])
        book = await adapter.read_with(account_id(), ["ETH-PERP"])
        assert "ETH-PERP" in book.perp_markets.names
        with pytest.raises(VenueRejected, match="no perp market DOGE-PERP"):
            await adapter.read_with(account_id(), ["DOGE-PERP"])
        await adapter.close()
