"""Drift user accounts as bytes, built from defaults.

Amounts are the venue's own integers; every builder takes ``extra``, field names of drift_layout with their values, for
what has no argument of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.support import addresses
from tests.support.drift_enums import MarginMode, OrderStatus, OrderType, PositionFlag, TriggerCondition
from tests.support.drift_layout import NO_EXTRA, ORDER, PERP_POSITION, SPOT_POSITION, USER, USER_STATS, Value

NO_FLAGS = PositionFlag(0)
SLOTS_PER_USER = 8
ORDERS_PER_USER = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotSlot:
    """A deposit or borrow; ``open_asks_raw`` is negative, amounts of orders are in the token's decimals."""

    market_index: int
    scaled_1e9: int = 0
    is_borrow: bool = False
    open_bids_raw: int = 0
    open_asks_raw: int = 0
    open_orders: int = 0
    cumulative_deposits_raw: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpSlot:
    """A perp position; ``isolated_scaled_1e9`` is its own deposit, read only where ``flags`` say isolated."""

    market_index: int
    base_1e9: int = 0
    quote_1e6: int = 0
    quote_entry_1e6: int | None = None
    last_funding_rate_1e9: int = 0
    open_bids_1e9: int = 0
    open_asks_1e9: int = 0
    open_orders: int = 0
    settled_pnl_1e6: int = 0
    isolated_scaled_1e9: int = 0
    max_ratio_1e4: int = 0
    flags: PositionFlag = NO_FLAGS


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSlot:
    """A resting order; sizes in 1e9 for perps and in the token's decimals for spot."""

    market_index: int
    order_id: int
    base_raw: int
    is_perp: bool = True
    is_buy: bool = True
    filled_raw: int = 0
    quote_filled_1e6: int = 0
    price_1e6: int = 0
    trigger_price_1e6: int = 0
    trigger: TriggerCondition = TriggerCondition.ABOVE
    max_ts: int = 0
    kind: OrderType = OrderType.LIMIT
    status: OrderStatus = OrderStatus.OPEN
    reduce_only: bool = False
    post_only: bool = False


def padded_name(name: str) -> bytes:
    """As the program stores names: 32 bytes, filled with spaces."""
    return name.encode().ljust(32)


def _spot_slot(slot: SpotSlot) -> bytes:
    return bytes(
        SPOT_POSITION.encode(
            {
                "scaled_balance": slot.scaled_1e9,
                "open_bids": slot.open_bids_raw,
                "open_asks": slot.open_asks_raw,
                "cumulative_deposits": slot.cumulative_deposits_raw,
                "market_index": slot.market_index,
                "balance_type": int(slot.is_borrow),
                "open_orders": slot.open_orders,
            }
        )
    )


def _perp_slot(slot: PerpSlot) -> bytes:
    entry = slot.quote_1e6 if slot.quote_entry_1e6 is None else slot.quote_entry_1e6
    return bytes(
        PERP_POSITION.encode(
            {
                "last_cumulative_funding_rate": slot.last_funding_rate_1e9,
                "base_asset_amount": slot.base_1e9,
                "quote_asset_amount": slot.quote_1e6,
                "quote_break_even_amount": entry,
                "quote_entry_amount": entry,
                "open_bids": slot.open_bids_1e9,
                "open_asks": slot.open_asks_1e9,
                "settled_pnl": slot.settled_pnl_1e6,
                "isolated_position_scaled_balance": slot.isolated_scaled_1e9,
                "max_margin_ratio": slot.max_ratio_1e4,
                "market_index": slot.market_index,
                "open_orders": slot.open_orders,
                "position_flag": int(slot.flags),
            }
        )
    )


def _order_slot(slot: OrderSlot) -> bytes:
    return bytes(
        ORDER.encode(
            {
                "price": slot.price_1e6,
                "base_asset_amount": slot.base_raw,
                "base_asset_amount_filled": slot.filled_raw,
                "quote_asset_amount_filled": slot.quote_filled_1e6,
                "trigger_price": slot.trigger_price_1e6,
                "max_ts": slot.max_ts,
                "order_id": slot.order_id,
                "market_index": slot.market_index,
                "status": int(slot.status),
                "order_type": int(slot.kind),
                "market_type": int(slot.is_perp),
                "direction": int(not slot.is_buy),
                "reduce_only": int(slot.reduce_only),
                "post_only": int(slot.post_only),
                "trigger_condition": int(slot.trigger),
            }
        )
    )


def make_user(
    *,
    authority: str,
    sub_account_id: int = 0,
    name: str = "Main Account",
    spots: Sequence[SpotSlot] = (),
    perps: Sequence[PerpSlot] = (),
    orders: Sequence[OrderSlot] = (),
    max_ratio_1e4: int = 0,
    margin_mode: MarginMode = MarginMode.DEFAULT,
    status: int = 0,
    pool_id: int = 0,
    extra: Mapping[str, Value] = NO_EXTRA,
) -> bytes:
    """A User account; slots fill from the first, the rest stays zero as in an account never used."""
    if max(len(spots), len(perps)) > SLOTS_PER_USER or len(orders) > ORDERS_PER_USER:
        raise ValueError("a user has 8 spot slots, 8 perp slots and 32 orders")
    raw = USER.encode(
        {
            "authority": addresses.key_bytes(authority),
            "name": padded_name(name),
            "next_order_id": max((order.order_id for order in orders), default=0) + 1,
            "next_liquidation_id": 1,
            "max_margin_ratio": max_ratio_1e4,
            "sub_account_id": sub_account_id,
            "status": status,
            "open_orders": sum(order.status == OrderStatus.OPEN for order in orders),
            "has_open_order": int(bool(orders)),
            "margin_mode": int(margin_mode),
            "pool_id": pool_id,
        },
        extra,
    )
    for field, slots in (
        ("spot_positions", [_spot_slot(slot) for slot in spots]),
        ("perp_positions", [_perp_slot(slot) for slot in perps]),
        ("orders", [_order_slot(slot) for slot in orders]),
    ):
        at = USER.fields[field].offset
        packed = b"".join(slots)
        raw[at : at + len(packed)] = packed
    return bytes(raw)


def make_user_stats(*, authority: str, sub_accounts: int = 1, extra: Mapping[str, Value] = NO_EXTRA) -> bytes:
    return bytes(
        USER_STATS.encode(
            {
                "authority": addresses.key_bytes(authority),
                "number_of_sub_accounts": sub_accounts,
                "number_of_sub_accounts_created": sub_accounts,
            },
            extra,
        )
    )
