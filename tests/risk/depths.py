"""Markets and resting orders with defaults, for tests that care about one fact of them."""

from dataclasses import replace
from typing import Any

from risk.model.account import MarketKind, OpenOrder, OrderKind, Side
from risk.model.market import MarketStatus
from risk.model.trading import DepthLevel, MarketDepth
from tests.risk.builders import NOW, PRICES_USD, SLOT

_INDEXES = {"SOL-PERP": 0, "BTC-PERP": 1}


def make_depth(market: str = "SOL-PERP", **changes: Any) -> MarketDepth:
    """A book of one level at the oracle's price, with a step of 0.01 and a smallest order of 10 or 500 USD."""
    price = PRICES_USD[market.removesuffix("-PERP").lower()]
    depth = MarketDepth(
        market=market, market_index=_INDEXES[market], oracle_usd=price,
        bids=(DepthLevel(price_usd=price, size_base=1e6),), asks=(DepthLevel(price_usd=price, size_base=1e6),),
        taker_fee_frac=0.001, maker_fee_frac=0.0, funding_hourly_frac=0.0, step_raw_1e9=10_000_000, tick_raw_1e6=100,
        minimum_raw_1e9=100_000_000 if market == "SOL-PERP" else 10_000_000, status=MarketStatus.ACTIVE,
        source="order book", slot=SLOT, observed_at=NOW,
    )  # fmt: skip
    return replace(depth, **changes)


def make_order(order_id: int, *, reduce_only: bool = False, market_index: int = 0, **changes: Any) -> OpenOrder:
    """A resting sale of 5 at 120 USD."""
    order = OpenOrder(
        order_id=order_id, market_kind=MarketKind.PERP, market_index=market_index, side=Side.SELL,
        kind=OrderKind.LIMIT, size_base=5.0, price_usd=120.0, reduce_only=reduce_only,
    )  # fmt: skip
    return replace(order, **changes)
