"""Events of the Drift program as bytes and as log lines, written here anew: field tables of its IDL and Borsh by hand.

``i64?`` is an option, ``[u32]`` a list, ``=name`` a choice by its number. Fields without a value are zero or left out.
"""

import base64
import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.support import addresses

ACTIONS = ("Place", "Cancel", "Fill", "Trigger", "Expire")
EXPLANATIONS = (
    "None", "InsufficientFreeCollateral", "OraclePriceBreachedLimitPrice", "MarketOrderFilledToLimitPrice",
    "OrderExpired", "Liquidation", "OrderFilledWithAMM", "OrderFilledWithAMMJit", "OrderFilledWithMatch",
    "OrderFilledWithMatchJit", "MarketExpired", "RiskingIncreasingOrder", "ReduceOnlyOrderIncreasedPosition",
    "OrderFillWithSerum", "NoBorrowLiquidity", "OrderFillWithPhoenix", "OrderFilledWithAMMJitLPSplit",
    "OrderFilledWithLPJit", "DeriskLp", "OrderFilledWithOpenbookV2", "TransferPerpPosition",
)  # fmt: skip
LIQUIDATIONS = (
    "LiquidatePerp", "LiquidateSpot", "LiquidateBorrowForPerpPnl", "LiquidatePerpPnlForDeposit", "PerpBankruptcy",
    "SpotBankruptcy",
)  # fmt: skip
LONG, SHORT = 0, 1
SPOT, PERP = 0, 1
DEPOSIT, WITHDRAW = 0, 1
NO_EXPLANATION, TRANSFER, BORROW, REPAY_BORROW, REWARD = range(5)

_ORDER = """
    slot u64
    price u64
    base_asset_amount u64
    base_asset_amount_filled u64
    quote_asset_amount_filled u64
    trigger_price u64
    auction_start_price i64
    auction_end_price i64
    max_ts i64
    oracle_price_offset i32
    order_id u32
    market_index u16
    status u8
    order_type u8
    market_type u8
    user_order_id u8
    existing_position_direction u8
    direction u8
    reduce_only u8
    post_only u8
    immediate_or_cancel u8
    trigger_condition u8
    auction_duration u8
    posted_slot_tail u8
    bit_flags u8
    padding u8
"""


def _under(prefix: str, table: str) -> str:
    return "\n".join(f"{prefix}.{line.strip()}" for line in table.strip().splitlines())


TABLES: Mapping[str, str] = {
    "NewUserRecord": "ts i64\nuser_authority key\nuser key\nsub_account_id u16\nname bytes32\nreferrer key",
    "DeleteUserRecord": "ts i64\nuser_authority key\nuser key\nsub_account_id u16\nkeeper key?",
    "DepositRecord": """
        ts i64
        user_authority key
        user key
        direction u8
        deposit_record_id u64
        amount u64
        market_index u16
        oracle_price i64
        market_deposit_balance u128
        market_withdraw_balance u128
        market_cumulative_deposit_interest u128
        market_cumulative_borrow_interest u128
        total_deposits_after u64
        total_withdraws_after u64
        explanation u8
        transfer_user key?
    """,
    "FundingPaymentRecord": """
        ts i64
        user_authority key
        user key
        market_index u16
        funding_payment i64
        base_asset_amount i64
        user_last_cumulative_funding i64
        amm_cumulative_funding_long i128
        amm_cumulative_funding_short i128
    """,
    "OrderRecord": "ts i64\nuser key\n" + _under("order", _ORDER),
    "OrderActionRecord": """
        ts i64
        action u8
        action_explanation u8
        market_index u16
        market_type u8
        filler key?
        filler_reward u64?
        fill_record_id u64?
        base_asset_amount_filled u64?
        quote_asset_amount_filled u64?
        taker_fee u64?
        maker_fee i64?
        referrer_reward u32?
        quote_asset_amount_surplus i64?
        spot_fulfillment_method_fee u64?
        taker key?
        taker_order_id u32?
        taker_order_direction u8?
        taker_order_base_asset_amount u64?
        taker_order_cumulative_base_asset_amount_filled u64?
        taker_order_cumulative_quote_asset_amount_filled u64?
        maker key?
        maker_order_id u32?
        maker_order_direction u8?
        maker_order_base_asset_amount u64?
        maker_order_cumulative_base_asset_amount_filled u64?
        maker_order_cumulative_quote_asset_amount_filled u64?
        oracle_price i64
        bit_flags u8
        taker_existing_quote_entry_amount u64?
        taker_existing_base_asset_amount u64?
        maker_existing_quote_entry_amount u64?
        maker_existing_base_asset_amount u64?
        trigger_price u64?
        builder_idx u8?
        builder_fee u64?
    """,
    "LPRecord": """
        ts i64
        user key
        action u8
        n_shares u64
        market_index u16
        delta_base_asset_amount i64
        delta_quote_asset_amount i64
        pnl i64
    """,
    "LiquidationRecord": """
        ts i64
        liquidation_type u8
        user key
        liquidator key
        margin_requirement u128
        total_collateral i128
        margin_freed u64
        liquidation_id u16
        bankrupt u8
        canceled_order_ids [u32]
        liquidate_perp.market_index u16
        liquidate_perp.oracle_price i64
        liquidate_perp.base_asset_amount i64
        liquidate_perp.quote_asset_amount i64
        liquidate_perp.lp_shares u64
        liquidate_perp.fill_record_id u64
        liquidate_perp.user_order_id u32
        liquidate_perp.liquidator_order_id u32
        liquidate_perp.liquidator_fee u64
        liquidate_perp.if_fee u64
        liquidate_spot.asset_market_index u16
        liquidate_spot.asset_price i64
        liquidate_spot.asset_transfer u128
        liquidate_spot.liability_market_index u16
        liquidate_spot.liability_price i64
        liquidate_spot.liability_transfer u128
        liquidate_spot.if_fee u64
        liquidate_borrow_for_perp_pnl.perp_market_index u16
        liquidate_borrow_for_perp_pnl.market_oracle_price i64
        liquidate_borrow_for_perp_pnl.pnl_transfer u128
        liquidate_borrow_for_perp_pnl.liability_market_index u16
        liquidate_borrow_for_perp_pnl.liability_price i64
        liquidate_borrow_for_perp_pnl.liability_transfer u128
        liquidate_perp_pnl_for_deposit.perp_market_index u16
        liquidate_perp_pnl_for_deposit.market_oracle_price i64
        liquidate_perp_pnl_for_deposit.pnl_transfer u128
        liquidate_perp_pnl_for_deposit.asset_market_index u16
        liquidate_perp_pnl_for_deposit.asset_price i64
        liquidate_perp_pnl_for_deposit.asset_transfer u128
        perp_bankruptcy.market_index u16
        perp_bankruptcy.pnl i128
        perp_bankruptcy.if_payment u128
        perp_bankruptcy.clawback_user key?
        perp_bankruptcy.clawback_user_payment u128?
        perp_bankruptcy.cumulative_funding_rate_delta i128
        spot_bankruptcy.market_index u16
        spot_bankruptcy.borrow_amount u128
        spot_bankruptcy.if_payment u128
        spot_bankruptcy.cumulative_deposit_interest_delta u128
    """,
    "SettlePnlRecord": """
        ts i64
        user key
        market_index u16
        pnl i128
        base_asset_amount i64
        quote_asset_amount_after i64
        quote_entry_amount i64
        settle_price i64
        explanation u8
    """,
    "SwapRecord": """
        ts i64
        user key
        amount_out u64
        amount_in u64
        out_market_index u16
        in_market_index u16
        out_oracle_price i64
        in_oracle_price i64
        fee u64
    """,
}
_INTEGERS = {
    "u8": "<B", "i8": "<b", "u16": "<H", "i16": "<h", "u32": "<I", "i32": "<i", "u64": "<Q", "i64": "<q",
}  # fmt: skip


def fields_of(name: str) -> list[tuple[str, str]]:
    """(field, kind) of an event in the order they are written; fields of a part are ``part.field``."""
    pairs = [line.split() for line in TABLES[name].strip().splitlines()]
    return [(field, kind) for field, kind in pairs]


def discriminator(name: str) -> bytes:
    return hashlib.sha256(f"event:{name}".encode()).digest()[:8]


def _written(kind: str, value: Any) -> bytes:
    if kind.endswith("?"):
        return b"\0" if value is None else b"\1" + _written(kind[:-1], value)
    if kind.startswith("["):
        items = value or ()
        return struct.pack("<I", len(items)) + b"".join(_written(kind[1:-1], item) for item in items)
    if kind in ("key", "bytes32"):
        raw = addresses.key_bytes(value) if isinstance(value, str) else bytes(value or b"")
        return raw.ljust(32, b"\0")
    if kind in ("u128", "i128"):
        return int(value or 0).to_bytes(16, "little", signed=kind == "i128")
    return struct.pack(_INTEGERS[kind], int(value or 0))


def event_bytes(event: str, values: Mapping[str, Any] | None = None, **more: Any) -> bytes:
    """One event; names of fields with their values, parts as ``part.field`` or as ``part__field``."""
    given = dict(values or {}) | {name.replace("__", "."): value for name, value in more.items()}
    fields = fields_of(event)
    unknown = set(given) - {field for field, _ in fields}
    if unknown:
        raise KeyError(f"{event} has no {', '.join(sorted(unknown))}")
    return discriminator(event) + b"".join(_written(kind, given.get(field)) for field, kind in fields)


def data_line(raw: bytes) -> str:
    """As most events are written."""
    return f"Program data: {base64.b64encode(raw).decode()}"


def log_line(raw: bytes) -> str:
    """As events of orders are written."""
    return f"Program log: {base64.b64encode(raw).decode()}"


def log_of(*parts: bytes | str, program: str = addresses.DRIFT_PROGRAM, depth: int = 1) -> list[str]:
    """The log of one call of a program: events, and lines as they are."""
    lines = [part if isinstance(part, str) else data_line(part) for part in parts]
    return [
        f"Program {program} invoke [{depth}]",
        "Program log: Instruction: Whatever",
        *lines,
        f"Program {program} consumed 91234 of 1400000 compute units",
        f"Program {program} success",
    ]


def fill(
    taker: str | None = None,
    maker: str | None = None,
    *,
    market_index: int = 0,
    base_1e9: int = 10**9,
    quote_1e6: int = 100 * 10**6,
    taker_buys: bool = True,
    taker_order: tuple[int, int, int] = (1, 10**9, 10**9),
    maker_order: tuple[int, int, int] = (2, 10**9, 10**9),
    taker_fee_1e6: int = 100_000,
    maker_fee_1e6: int = -20_000,
    explanation: str = "OrderFilledWithMatch",
    market_type: int = PERP,
    ts: int = 1_763_800_000,
) -> bytes:
    """A fill. An order is (id, size, filled so far, this fill included)."""
    side, other = (LONG, SHORT) if taker_buys else (SHORT, LONG)
    values: dict[str, Any] = {
        "ts": ts, "action": ACTIONS.index("Fill"), "action_explanation": EXPLANATIONS.index(explanation),
        "market_index": market_index, "market_type": market_type, "fill_record_id": 7,
        "base_asset_amount_filled": base_1e9, "quote_asset_amount_filled": quote_1e6, "oracle_price": 100 * 10**6,
    }  # fmt: skip
    for name, who, direction, order in (("taker", taker, side, taker_order), ("maker", maker, other, maker_order)):
        if who is not None:
            values |= {
                name: who, f"{name}_order_id": order[0], f"{name}_order_direction": direction,
                f"{name}_order_base_asset_amount": order[1],
                f"{name}_order_cumulative_base_asset_amount_filled": order[2],
            }  # fmt: skip
    if taker is not None:
        values["taker_fee"] = taker_fee_1e6
    if maker is not None:
        values["maker_fee"] = maker_fee_1e6
    return event_bytes("OrderActionRecord", values)


def action(
    what: str, user: str, *, order: tuple[int, int, int], explanation: str = "None", buys: bool = True, **more: Any
) -> bytes:
    """Anything but a fill, of a taker's order (id, size, filled so far)."""
    return event_bytes(
        "OrderActionRecord",
        {
            "ts": 1_763_800_000, "action": ACTIONS.index(what), "action_explanation": EXPLANATIONS.index(explanation),
            "market_type": PERP, "taker": user, "taker_order_id": order[0],
            "taker_order_direction": LONG if buys else SHORT, "taker_order_base_asset_amount": order[1],
            "taker_order_cumulative_base_asset_amount_filled": order[2], **more,
        },
    )  # fmt: skip


def placed(user: str, order_id: int, base_1e9: int, *, buys: bool = True, price_1e6: int = 0, **order: Any) -> bytes:
    """An OrderRecord of a limit order, or of whatever ``order`` says."""
    values = {
        "order_id": order_id, "base_asset_amount": base_1e9, "direction": LONG if buys else SHORT,
        "price": price_1e6, "order_type": 1, "market_type": PERP, "status": 1, **order,
    }  # fmt: skip
    return event_bytes(
        "OrderRecord", {"ts": 1_763_800_000, "user": user, **{f"order.{name}": value for name, value in values.items()}}
    )


def flow(
    user: str,
    amount_raw: int,
    *,
    withdraw: bool = False,
    market_index: int = 0,
    price_1e6: int = 10**6,
    explanation: int = NO_EXPLANATION,
    **more: Any,
) -> bytes:
    """A deposit or a withdrawal."""
    return event_bytes(
        "DepositRecord",
        {
            "ts": 1_763_800_000, "user": user, "direction": WITHDRAW if withdraw else DEPOSIT, "amount": amount_raw,
            "market_index": market_index, "oracle_price": price_1e6, "explanation": explanation, **more,
        },
    )  # fmt: skip


def liquidation(kind: str, user: str, liquidator: str, *, cancelled: Sequence[int] = (), **parts: Any) -> bytes:
    """A liquidation; ``parts`` as ``liquidate_perp__base_asset_amount``."""
    return event_bytes(
        "LiquidationRecord",
        {
            "ts": 1_763_800_000, "liquidation_type": LIQUIDATIONS.index(kind), "user": user, "liquidator": liquidator,
            "canceled_order_ids": list(cancelled),
        },
        **parts,
    )  # fmt: skip


def all_names() -> Iterable[str]:
    return TABLES
