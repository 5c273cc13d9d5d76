"""A bot with price history and recorded equity, for the commands that calculate."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from risk.model.account import AccountSnapshot
from storage import EquitySample
from tests.risk.builders import make_account, make_position
from tests.risk.histories import correlated, daily_candles
from tests.support.bot_world import BotWorld, bot_world

VOLATILITIES = {"SOL": 0.04, "BTC": 0.02}


def long_and_short() -> AccountSnapshot:
    """Long 5,000 USD of SOL, short 1,000 USD of BTC, on 3,000 USDC."""
    return make_account(
        make_position(50.0, entry_usd=100.0), make_position(-0.02, entry_usd=50_000.0, market_index=1), usdc=3_000.0
    )


async def give_bars(
    world: BotWorld, days: int, assets: Sequence[str] = ("SOL", "BTC"), *, correlation: float = 0.7, ends: str = ""
) -> None:
    """Daily bars up to last midnight, or to the day named."""
    returns = correlated(days, tuple(VOLATILITIES.values()), correlation)
    for column, asset in enumerate(VOLATILITIES):
        if asset in assets:
            candles = daily_candles(asset, returns[:, column], ends=ends)
            await world.app.services.desks.history.store(candles, f"{asset}.csv")


async def give_equity(world: BotWorld, days: int, *, per_day: int = 4, seed: int = 1) -> None:
    """Samples of equity up to now, without flows."""
    random, n = np.random.default_rng(seed), days * per_day
    values = 100.0 * np.exp(np.cumsum(random.normal(0.001, 0.01, n)))
    now = world.clock.now()
    await world.app.services.equity.record(
        [
            EquitySample(
                account_id=world.account, sampled_at=now - timedelta(days=(n - 1 - at) / per_day),
                equity_usd=float(value) * 30, net_flow_usd=0.0, unit_value_usd=float(value), shares=30.0,
                health_ratio_percent=400.0, funding_usd=-0.1 * at, fees_usd=0.05 * at, slot=at,
            )
            for at, value in enumerate(values)
        ]
    )  # fmt: skip


@contextlib.asynccontextmanager
async def calculating_world(
    account: AccountSnapshot | None = None, *, days: int = 600, assets: Sequence[str] = ("SOL", "BTC"), ends: str = "",
    **given: Any,
) -> AsyncIterator[BotWorld]:  # fmt: skip
    """One account with so many daily returns of history, read once."""
    async with bot_world(**given) as world:
        world.reader.accounts[world.account] = account or long_and_short()
        if days:
            await give_bars(world, days, assets, ends=ends)
        await world.check()
        yield world
