"""Data for charts, with defaults."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.charts import MarketDistance
from risk.model.liquidation import LiquidationPrice, LiquidationStatus

START = datetime(2025, 10, 10, 14, 3, tzinfo=UTC)


def every(step_s: float, n: int) -> list[datetime]:
    return [START + timedelta(seconds=step_s * number) for number in range(n)]


def at_seconds(seconds: Sequence[float]) -> list[datetime]:
    return [START + timedelta(seconds=second) for second in seconds]


def make_market(
    market: str = "SOL-PERP",
    *,
    price_usd: float | None = 150.0,
    liquidation_usd: float | None = 120.0,
    already: bool = False,
    isolated: bool = False,
) -> MarketDistance:
    status = LiquidationStatus.AT if liquidation_usd is not None else LiquidationStatus.NONE
    known = price_usd is not None and liquidation_usd is not None and not already
    return MarketDistance(
        price_usd=price_usd,
        liquidation=LiquidationPrice(
            market=market,
            status=LiquidationStatus.ALREADY if already else status,
            price_usd=None if already else liquidation_usd,
            distance_frac=abs(liquidation_usd / price_usd - 1) if known and liquidation_usd and price_usd else None,
            isolated=isolated,
        ),
    )
