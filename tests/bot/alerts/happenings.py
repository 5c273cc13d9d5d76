"""Records of a venue's program, for tests that care about one fact of them. Where and when is added as they happen."""

from typing import Any

from risk.model.account import MarketKind, Side
from risk.model.events import EventKind, FlowEvent, LiquidationEvent, OrderEvent
from tests.bot.alerts.event_world import MAIN
from tests.risk.builders import NOW


def filled(size: float, side: Side = Side.SELL, *, rest: float = 0.0, order_id: int = 7, **changes: Any) -> OrderEvent:
    """A fill of SOL-PERP at 151.20 for a fee of 1.20."""
    return OrderEvent(
        **{
            "kind": EventKind.ORDER_PARTIALLY_FILLED if rest else EventKind.ORDER_FILLED, "account_id": MAIN,
            "slot": 0, "observed_at": NOW, "market": "SOL-PERP", "market_kind": MarketKind.PERP, "order_id": order_id,
            "side": side, "order_kind": None, "size_base": size, "rest_base": rest, "price_usd": None,
            "fill_price_usd": 151.2, "fee_usd": 1.2, **changes,
        }
    )  # fmt: skip


def flow(kind: EventKind, amount_usd: float, **changes: Any) -> FlowEvent:
    """Money that moves as USDC."""
    return FlowEvent(
        **{
            "kind": kind, "account_id": MAIN, "slot": 0, "observed_at": NOW, "amount_usd": amount_usd,
            "token": "USDC", "amount_tokens": amount_usd, **changes,
        }
    )  # fmt: skip


def taken(size: float, **changes: Any) -> LiquidationEvent:
    """A liquidator takes SOL-PERP at 92.10, and a fee of 4.60."""
    return LiquidationEvent(
        **{
            "kind": EventKind.LIQUIDATION_TAKEN, "account_id": MAIN, "slot": 0, "observed_at": NOW,
            "market": "SOL-PERP", "taken_base": size, "remaining_base": None, "price_usd": 92.1, "fee_usd": 4.6,
            **changes,
        }
    )  # fmt: skip
