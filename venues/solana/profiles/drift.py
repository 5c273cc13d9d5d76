"""Drift v2. Offsets are those of its published IDL 2.162; its program has been paused since 2026-04-01."""

from types import MappingProxyType

from risk.model.account import MarginMode, OrderKind
from risk.model.market import AssetTier, ContractTier, ContractType, MarketStatus
from venues.solana.profiles import Layout, OracleKind, OracleSource, Profile, Seeds, TriggerCondition, record
from venues.solana.profiles._drift_events import EVENTS
from venues.solana.profiles._drift_orders import TRADING
from venues.solana.profiles._feeds import (
    FEED_LAYOUTS,
    I128,
    PYTH_LEGACY_PROGRAM,
    PYTH_RECEIVER_PROGRAM,
    SWITCHBOARD_ON_DEMAND_PROGRAM,
    U128,
)

PROGRAM_ID = "dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH"

SPOT_POSITION = record(
    40,
    {
        "scaled_balance": (0, "<u8"),
        "open_bids": (8, "<i8"),
        "open_asks": (16, "<i8"),
        "market_index": (32, "<u2"),
        "balance_type": (34, "u1"),
        "open_orders": (35, "u1"),
    },
)

PERP_POSITION = record(
    96,
    {
        "last_cumulative_funding_rate": (0, "<i8"),
        "base_asset_amount": (8, "<i8"),
        "quote_asset_amount": (16, "<i8"),
        "quote_entry_amount": (32, "<i8"),
        "open_bids": (40, "<i8"),
        "open_asks": (48, "<i8"),
        "settled_pnl": (56, "<i8"),
        "isolated_position_scaled_balance": (72, "<u8"),
        "max_margin_ratio": (90, "<u2"),
        "market_index": (92, "<u2"),
        "open_orders": (94, "u1"),
        "position_flag": (95, "u1"),
    },
)

ORDER = record(
    96,
    {
        "price": (8, "<u8"),
        "base_asset_amount": (16, "<u8"),
        "base_asset_amount_filled": (24, "<u8"),
        "quote_asset_amount_filled": (32, "<u8"),
        "trigger_price": (40, "<u8"),
        "max_ts": (64, "<i8"),
        "order_id": (76, "<u4"),
        "market_index": (80, "<u2"),
        "status": (82, "u1"),
        "order_type": (83, "u1"),
        "market_type": (84, "u1"),
        "direction": (87, "u1"),
        "reduce_only": (88, "u1"),
        "post_only": (89, "u1"),
        "trigger_condition": (91, "u1"),
    },
)

USER = record(
    4376,
    {
        "discriminator": (0, "<u8"),
        "authority": (8, ("u1", (32,))),
        "delegate": (40, ("u1", (32,))),
        "name": (72, ("u1", (32,))),
        "spot_positions": (104, (SPOT_POSITION, (8,))),
        "perp_positions": (424, (PERP_POSITION, (8,))),
        "orders": (1192, (ORDER, (32,))),
        "total_deposits": (4272, "<u8"),
        "total_withdraws": (4280, "<u8"),
        "settled_perp_pnl": (4296, "<i8"),
        "cumulative_perp_funding": (4312, "<i8"),
        "last_active_slot": (4328, "<u8"),
        "next_order_id": (4336, "<u4"),
        "max_margin_ratio": (4340, "<u4"),
        "sub_account_id": (4346, "<u2"),
        "status": (4348, "u1"),
        "margin_mode": (4355, "u1"),
        "pool_id": (4356, "u1"),
    },
)

PERP_MARKET = record(
    1216,
    {
        "pubkey": (8, ("u1", (32,))),
        "oracle": (40, ("u1", (32,))),
        "last_oracle_price": (72, "<i8"),
        "last_oracle_price_twap": (96, "<i8"),
        "last_oracle_price_twap_5min": (104, "<i8"),
        "base_asset_reserve": (176, U128),
        "quote_asset_reserve": (192, U128),
        "min_base_asset_reserve": (224, U128),
        "max_base_asset_reserve": (240, U128),
        "sqrt_k": (256, U128),
        "peg_multiplier": (272, U128),
        "base_asset_amount_with_amm": (336, I128),
        "base_asset_amount_with_unsettled_lp": (352, I128),
        "quote_asset_amount": (384, I128),
        "last_funding_rate_long": (488, "<i8"),
        "last_funding_rate_short": (496, "<i8"),
        "cumulative_funding_rate_long": (608, I128),
        "cumulative_funding_rate_short": (624, I128),
        "ask_base_asset_reserve": (656, U128),
        "ask_quote_asset_reserve": (672, U128),
        "bid_base_asset_reserve": (688, U128),
        "bid_quote_asset_reserve": (704, U128),
        "order_step_size": (808, "<u8"),
        "order_tick_size": (816, "<u8"),
        "min_order_size": (824, "<u8"),
        "base_spread": (896, "<u4"),
        "max_fill_reserve_fraction": (920, "<u2"),
        "curve_update_intensity": (924, "u1"),
        "oracle_source": (926, "u1"),
        "net_unsettled_funding_pnl": (944, "<i8"),
        "quote_asset_amount_with_unsettled_lp": (952, "<i8"),
        "name": (1000, ("u1", (32,))),
        "unrealized_pnl_max_imbalance": (1072, "<u8"),
        "expiry_price": (1088, "<i8"),
        "imf_factor": (1120, "<u4"),
        "unrealized_pnl_imf_factor": (1124, "<u4"),
        "margin_ratio_initial": (1136, "<u4"),
        "margin_ratio_maintenance": (1140, "<u4"),
        "unrealized_pnl_initial_asset_weight": (1144, "<u4"),
        "unrealized_pnl_maintenance_asset_weight": (1148, "<u4"),
        "market_index": (1160, "<u2"),
        "status": (1162, "u1"),
        "contract_type": (1163, "u1"),
        "contract_tier": (1164, "u1"),
        "paused_operations": (1165, "u1"),
        "quote_spot_market_index": (1166, "<u2"),
        "fee_adjustment": (1168, "<i2"),
        "pool_id": (1173, "u1"),
        "high_leverage_margin_ratio_initial": (1174, "<u2"),
        "high_leverage_margin_ratio_maintenance": (1176, "<u2"),
    },
)

SPOT_MARKET = record(
    776,
    {
        "pubkey": (8, ("u1", (32,))),
        "oracle": (40, ("u1", (32,))),
        "mint": (72, ("u1", (32,))),
        "name": (136, ("u1", (32,))),
        "last_oracle_price_twap": (192, "<i8"),
        "last_oracle_price_twap_5min": (200, "<i8"),
        "total_factor": (408, "<u4"),
        "deposit_balance": (432, U128),
        "borrow_balance": (448, U128),
        "cumulative_deposit_interest": (464, U128),
        "cumulative_borrow_interest": (480, U128),
        "initial_asset_weight": (640, "<u4"),
        "maintenance_asset_weight": (644, "<u4"),
        "initial_liability_weight": (648, "<u4"),
        "maintenance_liability_weight": (652, "<u4"),
        "imf_factor": (656, "<u4"),
        "optimal_utilization": (668, "<u4"),
        "optimal_borrow_rate": (672, "<u4"),
        "max_borrow_rate": (676, "<u4"),
        "decimals": (680, "<u4"),
        "market_index": (684, "<u2"),
        "oracle_source": (687, "u1"),
        "status": (688, "u1"),
        "asset_tier": (689, "u1"),
        "paused_operations": (690, "u1"),
        "scale_initial_asset_weight_start": (720, "<u8"),
        "min_borrow_rate": (728, "u1"),
        "pool_id": (735, "u1"),
    },
)

USER_STATS = record(
    240,
    {
        "total_fee_paid": (72, "<u8"),
        "total_fee_rebate": (80, "<u8"),
        "number_of_sub_accounts": (184, "<u2"),
        "number_of_sub_accounts_created": (186, "<u2"),
    },
)

FEE_TIER = record(
    32,
    {
        "fee_numerator": (0, "<u4"),
        "fee_denominator": (4, "<u4"),
        "maker_rebate_numerator": (8, "<u4"),
        "maker_rebate_denominator": (12, "<u4"),
    },
)

STATE = record(
    992,
    {
        "perp_fee_tiers": (168, (FEE_TIER, (10,))),
        "slots_before_stale_for_margin": (912, "<i8"),
        "confidence_interval_max_size": (920, "<u8"),
        "too_volatile_ratio": (928, "<i8"),
        "liquidation_margin_buffer_ratio": (960, "<u4"),
        "number_of_markets": (966, "<u2"),
        "number_of_spot_markets": (968, "<u2"),
        "exchange_status": (974, "u1"),
    },
)

_SOURCES = (
    OracleSource(name="Pyth", kind=OracleKind.PYTH_LEGACY),
    OracleSource(name="Switchboard", kind=OracleKind.REFUSED),
    OracleSource(name="QuoteAsset", kind=OracleKind.QUOTE_ASSET),
    OracleSource(name="Pyth1K", kind=OracleKind.PYTH_LEGACY, multiple=1_000),
    OracleSource(name="Pyth1M", kind=OracleKind.PYTH_LEGACY, multiple=1_000_000),
    OracleSource(name="PythStableCoin", kind=OracleKind.PYTH_LEGACY, stable_coin_snap=True),
    OracleSource(name="Prelaunch", kind=OracleKind.PRELAUNCH),
    OracleSource(name="PythPull", kind=OracleKind.PYTH_PULL),
    OracleSource(name="Pyth1KPull", kind=OracleKind.PYTH_PULL, multiple=1_000),
    OracleSource(name="Pyth1MPull", kind=OracleKind.PYTH_PULL, multiple=1_000_000),
    OracleSource(name="PythStableCoinPull", kind=OracleKind.PYTH_PULL, stable_coin_snap=True, stale_factor=3),
    OracleSource(name="SwitchboardOnDemand", kind=OracleKind.SWITCHBOARD_ON_DEMAND),
    OracleSource(name="PythLazer", kind=OracleKind.PYTH_LAZER),
    OracleSource(name="PythLazer1K", kind=OracleKind.PYTH_LAZER, multiple=1_000),
    OracleSource(name="PythLazer1M", kind=OracleKind.PYTH_LAZER, multiple=1_000_000),
    OracleSource(name="PythLazerStableCoin", kind=OracleKind.PYTH_LAZER, stable_coin_snap=True, stale_factor=3),
)

PROFILE = Profile(
    name="drift",
    program_id=PROGRAM_ID,
    seeds=Seeds(
        state=b"drift_state",
        user=b"user",
        user_stats=b"user_stats",
        perp_market=b"perp_market",
        spot_market=b"spot_market",
    ),
    state=Layout(discriminator=bytes.fromhex("d8926b5e684bb6b1"), revisions={992: STATE}),
    user=Layout(discriminator=bytes.fromhex("9f755fe3ef973aec"), revisions={4376: USER}),
    user_stats=Layout(discriminator=bytes.fromhex("b0df881b7a4f20e3"), revisions={240: USER_STATS}),
    perp_market=Layout(discriminator=bytes.fromhex("0adf0c2c6bf537f7"), revisions={1216: PERP_MARKET}),
    spot_market=Layout(discriminator=bytes.fromhex("64b1086ba8414127"), revisions={776: SPOT_MARKET}),
    oracle_sources=MappingProxyType(dict(enumerate(_SOURCES))),
    oracle_layouts=FEED_LAYOUTS,
    oracle_owners=MappingProxyType(
        {
            OracleKind.PYTH_LEGACY: PYTH_LEGACY_PROGRAM,
            OracleKind.PYTH_PULL: PYTH_RECEIVER_PROGRAM,
            OracleKind.PYTH_LAZER: PROGRAM_ID,
            OracleKind.PRELAUNCH: PROGRAM_ID,
            OracleKind.SWITCHBOARD_ON_DEMAND: SWITCHBOARD_ON_DEMAND_PROGRAM,
        }
    ),
    # These tables count in the order of ours.
    market_statuses=MappingProxyType({status.value: status for status in MarketStatus}),
    contract_types=MappingProxyType({kind.value: kind for kind in ContractType}),
    contract_tiers=MappingProxyType({tier.value: tier for tier in ContractTier}),
    asset_tiers=MappingProxyType({tier.value: tier for tier in AssetTier}),
    margin_modes=MappingProxyType({mode.value: mode for mode in MarginMode}),
    order_kinds=MappingProxyType(dict(enumerate(OrderKind))),
    trigger_conditions=MappingProxyType(
        {
            0: TriggerCondition(above=True, triggered=False),
            1: TriggerCondition(above=False, triggered=False),
            2: TriggerCondition(above=True, triggered=True),
            3: TriggerCondition(above=False, triggered=True),
        }
    ),
    status_bits=(1, 2, 31),
    position_bits=(1, 2, 7),
    exchange_pauses=MappingProxyType(
        {
            1: "deposit",
            2: "withdraw",
            4: "AMM",
            8: "fill",
            16: "liquidation",
            32: "funding",
            64: "settle PnL",
            128: "immediate AMM fill",
        }
    ),
    perp_pauses=MappingProxyType(
        {
            1: "funding",
            2: "AMM fill",
            4: "fill",
            8: "settle PnL",
            16: "settle PnL with position",
            32: "liquidation",
            64: "immediate AMM fill",
            128: "settle revenue pool",
        }
    ),
    spot_pauses=MappingProxyType({1: "interest", 2: "fill", 4: "deposit", 8: "withdraw", 16: "liquidation"}),
    open_order_status=1,
    quoteless_pool=1,
    events=EVENTS,
    trading=TRADING,
)
