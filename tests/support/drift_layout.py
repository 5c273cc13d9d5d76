"""Byte layouts of the Drift accounts that tests write, typed in apart from the product's own.

The product decodes with offsets of its own; these were typed in from the published account layouts a second time, so a
test that encodes here and decodes there is a second opinion on both. Only little endian, fixed size, no padding rules:
every field states where it lies.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

Value = int | bytes
NO_EXTRA: Mapping[str, Value] = MappingProxyType({})

_INTEGERS = {"u8": "<B", "i8": "<b", "u16": "<H", "i16": "<h", "u32": "<I", "i32": "<i", "u64": "<Q", "i64": "<q"}
_WIDE = {"u128": 16, "i128": 16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where a value lies and how it is written; ``kind`` is an integer type, ``key`` or ``bytes<N>``."""

    offset: int
    kind: str

    @property
    def size(self) -> int:
        if self.kind in _INTEGERS:
            return struct.calcsize(_INTEGERS[self.kind])
        return _WIDE.get(self.kind) or (32 if self.kind == "key" else int(self.kind.removeprefix("bytes")))

    def write(self, target: bytearray, base: int, value: Value) -> None:
        at = base + self.offset
        if isinstance(value, bytes):
            if len(value) != self.size:
                raise ValueError(f"{len(value)} bytes where {self.size} belong")
            target[at : at + self.size] = value
        elif self.kind in _INTEGERS:
            struct.pack_into(_INTEGERS[self.kind], target, at, value)
        else:
            target[at : at + self.size] = value.to_bytes(self.size, "little", signed=self.kind == "i128")

    def read(self, raw: bytes | bytearray, base: int = 0) -> int:
        at = base + self.offset
        return int.from_bytes(raw[at : at + self.size], "little", signed=self.kind.startswith("i"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One account or one record inside an account."""

    name: str
    size: int
    head: bytes
    fields: Mapping[str, Field]

    @classmethod
    def of(cls, name: str, size: int, head: str, table: str) -> "Layout":
        """From lines of ``offset name kind``."""
        fields = {}
        for line in table.strip().splitlines():
            offset, field, kind = line.split()
            fields[field] = Field(offset=int(offset), kind=kind)
        return cls(name=name, size=size, head=bytes.fromhex(head), fields=fields)

    def encode(self, values: Mapping[str, Value], extra: Mapping[str, Value] = NO_EXTRA) -> bytearray:
        """A fresh record: zeros, the discriminator, and the given fields; ``extra`` goes over ``values``."""
        raw = bytearray(self.size)
        raw[: len(self.head)] = self.head
        self.write(raw, values.items())
        self.write(raw, extra.items())
        return raw

    def write(self, raw: bytearray, values: Iterable[tuple[str, Value]], base: int = 0) -> None:
        for name, value in values:
            self.fields[name].write(raw, base, value)

    def read(self, raw: bytes | bytearray, name: str, base: int = 0) -> int:
        return self.fields[name].read(raw, base)


USER = Layout.of("User", 4376, "9f755fe3ef973aec", """
    8 authority key
    40 delegate key
    72 name bytes32
    104 spot_positions bytes320
    424 perp_positions bytes768
    1192 orders bytes3072
    4264 last_add_perp_lp_shares_ts i64
    4272 total_deposits u64
    4280 total_withdraws u64
    4288 total_social_loss u64
    4296 settled_perp_pnl i64
    4304 cumulative_spot_fees i64
    4312 cumulative_perp_funding i64
    4320 liquidation_margin_freed u64
    4328 last_active_slot u64
    4336 next_order_id u32
    4340 max_margin_ratio u32
    4344 next_liquidation_id u16
    4346 sub_account_id u16
    4348 status u8
    4349 is_margin_trading_enabled u8
    4350 idle u8
    4351 open_orders u8
    4352 has_open_order u8
    4353 open_auctions u8
    4354 has_open_auction u8
    4355 margin_mode u8
    4356 pool_id u8
""")  # fmt: skip

SPOT_POSITION = Layout.of("SpotPosition", 40, "", """
    0 scaled_balance u64
    8 open_bids i64
    16 open_asks i64
    24 cumulative_deposits i64
    32 market_index u16
    34 balance_type u8
    35 open_orders u8
""")  # fmt: skip

PERP_POSITION = Layout.of("PerpPosition", 96, "", """
    0 last_cumulative_funding_rate i64
    8 base_asset_amount i64
    16 quote_asset_amount i64
    24 quote_break_even_amount i64
    32 quote_entry_amount i64
    40 open_bids i64
    48 open_asks i64
    56 settled_pnl i64
    64 lp_shares u64
    72 isolated_position_scaled_balance u64
    80 last_quote_asset_amount_per_lp i64
    90 max_margin_ratio u16
    92 market_index u16
    94 open_orders u8
    95 position_flag u8
""")  # fmt: skip

ORDER = Layout.of("Order", 96, "", """
    0 slot u64
    8 price u64
    16 base_asset_amount u64
    24 base_asset_amount_filled u64
    32 quote_asset_amount_filled u64
    40 trigger_price u64
    48 auction_start_price i64
    56 auction_end_price i64
    64 max_ts i64
    72 oracle_price_offset i32
    76 order_id u32
    80 market_index u16
    82 status u8
    83 order_type u8
    84 market_type u8
    85 user_order_id u8
    86 existing_position_direction u8
    87 direction u8
    88 reduce_only u8
    89 post_only u8
    90 immediate_or_cancel u8
    91 trigger_condition u8
    92 auction_duration u8
    93 posted_slot_tail u8
    94 bit_flags u8
""")  # fmt: skip

USER_STATS = Layout.of("UserStats", 240, "b0df881b7a4f20e3", """
    8 authority key
    40 referrer key
    72 fees.total_fee_paid u64
    80 fees.total_fee_rebate u64
    120 next_epoch_ts i64
    128 maker_volume_30d u64
    136 taker_volume_30d u64
    184 number_of_sub_accounts u16
    186 number_of_sub_accounts_created u16
    188 referrer_status u8
    190 paused_operations u8
""")  # fmt: skip

FEE_TIER = Layout.of("FeeTier", 32, "", """
    0 fee_numerator u32
    4 fee_denominator u32
    8 maker_rebate_numerator u32
    12 maker_rebate_denominator u32
""")  # fmt: skip

STATE = Layout.of("State", 992, "d8926b5e684bb6b1", """
    8 admin key
    40 whitelist_mint key
    72 discount_mint key
    104 signer key
    136 srm_vault key
    168 perp_fee_structure.fee_tiers bytes320
    888 oracle_guard_rails.price_divergence.mark_oracle_percent_divergence u64
    896 oracle_guard_rails.price_divergence.oracle_twap5min_percent_divergence u64
    904 oracle_guard_rails.validity.slots_before_stale_for_amm i64
    912 oracle_guard_rails.validity.slots_before_stale_for_margin i64
    920 oracle_guard_rails.validity.confidence_interval_max_size u64
    928 oracle_guard_rails.validity.too_volatile_ratio i64
    936 number_of_authorities u64
    944 number_of_sub_accounts u64
    952 lp_cooldown_time u64
    960 liquidation_margin_buffer_ratio u32
    964 settlement_duration u16
    966 number_of_markets u16
    968 number_of_spot_markets u16
    970 signer_nonce u8
    971 min_perp_auction_duration u8
    972 default_market_order_time_in_force u8
    973 default_spot_auction_duration u8
    974 exchange_status u8
    975 liquidation_duration u8
    976 initial_pct_to_liquidate u16
    978 max_number_of_sub_accounts u16
""")  # fmt: skip
