"""Calls of the Drift program that place and cancel orders: names, first bytes, accounts, arguments. Facts only.

Borsh, fields in the order listed. First bytes are those of SHA-256 over ``global:name``.
"""

import hashlib
from types import MappingProxyType

from venues.solana.borsh import DISCRIMINATOR_BYTES, Choice, Field, Listed, Maybe, Record
from venues.solana.profiles import Instruction, TradingFacts

ORDER_PARAMS = Record(
    order_type=Choice("Market", "Limit", "TriggerMarket", "TriggerLimit", "Oracle"),
    market_type=Choice("Spot", "Perp"),
    direction=Choice("Long", "Short"),
    user_order_id="u8",
    base_asset_amount="u64",
    price="u64",
    market_index="u16",
    reduce_only="bool",
    post_only=Choice("None", "MustPostOnly", "TryPostOnly", "Slide"),
    bit_flags="u8",
    max_ts=Maybe("i64"),
    trigger_price=Maybe("u64"),
    trigger_condition=Choice("Above", "Below", "TriggeredAbove", "TriggeredBelow"),
    oracle_price_offset=Maybe("i32"),
    auction_duration=Maybe("u8"),
    auction_start_price=Maybe("i64"),
    auction_end_price=Maybe("i64"),
)

_PLAIN = (("state", False), ("user", True), ("authority", False))
_TAKING = (("state", False), ("user", True), ("user_stats", True), ("authority", False))


def _instruction(call: str, accounts: tuple[tuple[str, bool], ...], /, **arguments: Field) -> Instruction:
    digest = hashlib.sha256(f"global:{call}".encode()).digest()
    return Instruction(
        name=call, discriminator=digest[:DISCRIMINATOR_BYTES], accounts=accounts, arguments=Record(**arguments)
    )


_INSTRUCTIONS = (
    _instruction("place_orders", _PLAIN, params=Listed(ORDER_PARAMS)),
    _instruction("place_and_take_perp_order", _TAKING, params=ORDER_PARAMS, success_condition=Maybe("u32")),
    _instruction("cancel_orders_by_ids", _PLAIN, order_ids=Listed("u32")),
)

TRADING = TradingFacts(
    instructions=MappingProxyType({one.discriminator: one for one in _INSTRUCTIONS}),
    immediate_or_cancel=1,
    fill_pauses=(8, 4),
    # The AMM as a whole, and immediate fills against it: an order that may not rest is filled at once or never.
    curve_pauses=(4 | 128, 2 | 64),
)
