"""What the program records of orders: placed, filled, triggered, ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from risk.model.account import MarketKind, OrderKind, Side
from risk.model.events import EndReason, EventKind, OrderEvent
from venues.solana.borsh import Unreadable, Values
from venues.solana.market_names import MarketNames

LIQUIDATED = "Liquidation"
_QUOTE = 1e6
_LAST_MOMENT_S = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
ENDS: Mapping[str, tuple[EventKind, EndReason]] = {
    "None": (EventKind.ORDER_CANCELLED, EndReason.CANCELLED),
    "OrderExpired": (EventKind.ORDER_EXPIRED, EndReason.EXPIRED),
    LIQUIDATED: (EventKind.ORDER_CANCELLED, EndReason.LIQUIDATION),
    "InsufficientFreeCollateral": (EventKind.ORDER_REJECTED, EndReason.NO_COLLATERAL),
    "OraclePriceBreachedLimitPrice": (EventKind.ORDER_REJECTED, EndReason.PRICE_BAND),
    "ReduceOnlyOrderIncreasedPosition": (EventKind.ORDER_REJECTED, EndReason.REDUCES_NOTHING),
    "RiskingIncreasingOrder": (EventKind.ORDER_REJECTED, EndReason.ADDS_RISK),
    "MarketExpired": (EventKind.ORDER_REJECTED, EndReason.MARKET_CLOSED),
    "NoBorrowLiquidity": (EventKind.ORDER_REJECTED, EndReason.NOTHING_TO_BORROW),
}
_KINDS: Mapping[str, OrderKind] = {
    "Market": OrderKind.MARKET,
    "Limit": OrderKind.LIMIT,
    "TriggerMarket": OrderKind.TRIGGER_MARKET,
    "TriggerLimit": OrderKind.TRIGGER_LIMIT,
    "Oracle": OrderKind.ORACLE,
}
_TRIGGERS = (OrderKind.TRIGGER_MARKET, OrderKind.TRIGGER_LIMIT)
_SIDES: Mapping[str, Side] = {"Long": Side.BUY, "Short": Side.SELL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """What every event of a transaction says: whose it is, where it happened, when its record arrived."""

    account_id: str
    slot: int
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAction:
    """An OrderActionRecord from the side of one of its two orders.

    Attributes:
        size_raw: Of the whole order, and ``filled_raw`` of it so far; None where the record does not say.
    """

    values: Values
    maker: bool
    action: str
    explanation: str
    kind: MarketKind
    market_index: int
    order_id: int
    side: Side | None
    size_raw: int | None
    filled_raw: int | None

    @classmethod
    def of(cls, values: Values, account: bytes) -> "OwnAction":
        """Raises: Unreadable."""
        maker = values.maybe_blob("taker") != account
        own = "maker" if maker else "taker"
        direction = values.maybe_choice(f"{own}_order_direction")
        return cls(
            values=values,
            maker=maker,
            action=values.choice("action"),
            explanation=values.choice("action_explanation"),
            kind=market_kind(values.choice("market_type")),
            market_index=values.number("market_index"),
            order_id=values.maybe_number(f"{own}_order_id") or 0,
            side=None if direction is None else side_of(direction),
            size_raw=values.maybe_number(f"{own}_order_base_asset_amount"),
            filled_raw=values.maybe_number(f"{own}_order_cumulative_base_asset_amount_filled"),
        )

    @property
    def closes_out(self) -> bool:
        """Whether this is the account's own liquidation at work, and not somebody else's that it traded with."""
        return self.explanation == LIQUIDATED and not self.maker

    @property
    def rest_raw(self) -> int:
        """What of the order is unfilled behind this; 0 where the record does not say."""
        return max(0, (self.size_raw or 0) - (self.filled_raw or 0))

    def fee_usd(self) -> float | None:
        """What a fill cost; of anything else, what its keeper was paid for it."""
        if self.action == "Fill":
            fee = self.values.maybe_number("maker_fee" if self.maker else "taker_fee")
        else:
            fee = self.values.maybe_number("filler_reward") or None
        return None if fee is None else fee / _QUOTE

    def filled(self, unit: int) -> tuple[float, float | None]:
        """(size, price in USD) of a fill."""
        base = (self.values.maybe_number("base_asset_amount_filled") or 0) / unit
        quote = self.values.maybe_number("quote_asset_amount_filled")
        return base, quote / _QUOTE / base if quote is not None and base else None


def market_kind(name: str) -> MarketKind:
    """Raises: Unreadable."""
    if name not in ("Perp", "Spot"):
        raise Unreadable(f"a market of the kind {name}")
    return MarketKind.PERP if name == "Perp" else MarketKind.SPOT


def side_of(direction: str) -> Side:
    """Raises: Unreadable."""
    if direction not in _SIDES:
        raise Unreadable(f"an order in the direction {direction}")
    return _SIDES[direction]


def action_event(own: OwnAction, whose: Whose, names: MarketNames) -> OrderEvent:
    """What an action did to the account's order. Raises: Unreadable."""
    if own.side is None:
        raise Unreadable("an action on an order without a direction")
    unit = names.unit(own.kind, own.market_index)
    rest, price, reason, maker = own.rest_raw / unit, None, EndReason.UNKNOWN, None
    trigger_raw = own.values.maybe_number("trigger_price")
    match own.action:
        case "Fill":
            size, price = own.filled(unit)
            kind = EventKind.ORDER_PARTIALLY_FILLED if rest else EventKind.ORDER_FILLED
            maker = own.maker
        case "Place":
            kind, size = EventKind.ORDER_PLACED, rest
        case "Trigger":
            kind, size = EventKind.ORDER_TRIGGERED, rest
        case "Cancel" | "Expire":
            kind, reason = _end(own)
            size, rest = rest, 0.0
        case other:
            raise Unreadable(f"an action of the kind {other}")
    return OrderEvent(
        kind=kind, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        market=names.named(own.kind, own.market_index), market_kind=own.kind, order_id=own.order_id, side=own.side,
        order_kind=None, size_base=size, rest_base=rest, price_usd=None,
        trigger_price_usd=trigger_raw / _QUOTE if trigger_raw else None,
        fill_price_usd=price, fee_usd=own.fee_usd(), maker=maker, reason=reason,
    )  # fmt: skip


def _end(own: OwnAction) -> tuple[EventKind, EndReason]:
    if own.action == "Expire":
        return EventKind.ORDER_EXPIRED, EndReason.EXPIRED
    return ENDS.get(own.explanation, (EventKind.ORDER_CANCELLED, EndReason.OTHER))


def placed_event(values: Values, whose: Whose, names: MarketNames) -> OrderEvent:
    """An OrderRecord. Raises: Unreadable."""
    order = values.record("order")
    kind, index = market_kind(order.choice("market_type")), order.number("market_index")
    order_kind = _KINDS.get(order.choice("order_type"))
    unit = names.unit(kind, index)
    rest = max(0, order.number("base_asset_amount") - order.number("base_asset_amount_filled")) / unit
    price, trigger = order.number("price"), order.number("trigger_price")
    return OrderEvent(
        kind=EventKind.ORDER_PLACED, account_id=whose.account_id, slot=whose.slot, observed_at=whose.observed_at,
        market=names.named(kind, index), market_kind=kind, order_id=order.number("order_id"),
        side=side_of(order.choice("direction")), order_kind=order_kind, size_base=rest, rest_base=rest,
        price_usd=price / _QUOTE if price else None,
        trigger_price_usd=trigger / _QUOTE if trigger and order_kind in _TRIGGERS else None,
        reduce_only=order.flag("reduce_only"),
    )  # fmt: skip
