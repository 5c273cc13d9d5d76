"""What of trading is worth a metric, as it stands in the memory: restarts do not set it back."""

from datetime import datetime

from bot.metrics import TradingReading
from bot.trading.parts import Trading


async def trading_reading(trading: Trading, now: datetime) -> TradingReading:
    """As of now. Raises: StorageError."""
    status, counts = await trading.states.get(), await trading.history.counts()
    standing = await trading.standing.active(now)
    return TradingReading(
        enabled=trading.rules.enabled,
        state=status.state.value,
        proposals={state.value: number for state, number in counts.proposals.items()},
        orders={state.value: number for state, number in counts.orders.items()},
        resting=len(await trading.resting.standing()),
        standing=len(standing),
        standing_left_usd=sum(one.left_usd for one in standing),
    )
