"""Byte layouts of markets and oracles; see drift_layout."""

from tests.support.drift_layout import Layout

PERP_MARKET = Layout.of("PerpMarket", 1216, "0adf0c2c6bf537f7", """
    8 pubkey key
    40 amm.oracle key
    72 amm.historical_oracle_data.last_oracle_price i64
    80 amm.historical_oracle_data.last_oracle_conf u64
    88 amm.historical_oracle_data.last_oracle_delay i64
    96 amm.historical_oracle_data.last_oracle_price_twap i64
    104 amm.historical_oracle_data.last_oracle_price_twap_5min i64
    112 amm.historical_oracle_data.last_oracle_price_twap_ts i64
    152 amm.fee_pool.scaled_balance u128
    176 amm.base_asset_reserve u128
    192 amm.quote_asset_reserve u128
    208 amm.concentration_coef u128
    224 amm.min_base_asset_reserve u128
    240 amm.max_base_asset_reserve u128
    256 amm.sqrt_k u128
    272 amm.peg_multiplier u128
    288 amm.terminal_quote_asset_reserve u128
    304 amm.base_asset_amount_long i128
    320 amm.base_asset_amount_short i128
    336 amm.base_asset_amount_with_amm i128
    352 amm.base_asset_amount_with_unsettled_lp i128
    368 amm.max_open_interest u128
    384 amm.quote_asset_amount i128
    480 amm.last_funding_rate i64
    488 amm.last_funding_rate_long i64
    496 amm.last_funding_rate_short i64
    504 amm.last24h_avg_funding_rate i64
    608 amm.cumulative_funding_rate_long i128
    624 amm.cumulative_funding_rate_short i128
    656 amm.ask_base_asset_reserve u128
    672 amm.ask_quote_asset_reserve u128
    688 amm.bid_base_asset_reserve u128
    704 amm.bid_quote_asset_reserve u128
    752 amm.last_mark_price_twap u64
    760 amm.last_mark_price_twap_5min u64
    768 amm.last_update_slot u64
    792 amm.last_funding_rate_ts i64
    800 amm.funding_period i64
    808 amm.order_step_size u64
    816 amm.order_tick_size u64
    824 amm.min_order_size u64
    896 amm.base_spread u32
    900 amm.max_spread u32
    904 amm.long_spread u32
    908 amm.short_spread u32
    920 amm.max_fill_reserve_fraction u16
    924 amm.curve_update_intensity u8
    926 amm.oracle_source u8
    927 amm.last_oracle_valid u8
    935 amm.oracle_slot_delay_override i8
    944 amm.net_unsettled_funding_pnl i64
    952 amm.quote_asset_amount_with_unsettled_lp i64
    976 pnl_pool.scaled_balance u128
    992 pnl_pool.market_index u16
    1000 name bytes32
    1072 unrealized_pnl_max_imbalance u64
    1080 expiry_ts i64
    1088 expiry_price i64
    1120 imf_factor u32
    1124 unrealized_pnl_imf_factor u32
    1128 liquidator_fee u32
    1132 if_liquidation_fee u32
    1136 margin_ratio_initial u32
    1140 margin_ratio_maintenance u32
    1144 unrealized_pnl_initial_asset_weight u32
    1148 unrealized_pnl_maintenance_asset_weight u32
    1152 number_of_users_with_base u32
    1156 number_of_users u32
    1160 market_index u16
    1162 status u8
    1163 contract_type u8
    1164 contract_tier u8
    1165 paused_operations u8
    1166 quote_spot_market_index u16
    1168 fee_adjustment i16
    1173 pool_id u8
    1174 high_leverage_margin_ratio_initial u16
    1176 high_leverage_margin_ratio_maintenance u16
    1184 last_fill_price u64
""")  # fmt: skip

SPOT_MARKET = Layout.of("SpotMarket", 776, "64b1086ba8414127", """
    8 pubkey key
    40 oracle key
    72 mint key
    104 vault key
    136 name bytes32
    168 historical_oracle_data.last_oracle_price i64
    176 historical_oracle_data.last_oracle_conf u64
    184 historical_oracle_data.last_oracle_delay i64
    192 historical_oracle_data.last_oracle_price_twap i64
    200 historical_oracle_data.last_oracle_price_twap_5min i64
    208 historical_oracle_data.last_oracle_price_twap_ts i64
    408 insurance_fund.total_factor u32
    432 deposit_balance u128
    448 borrow_balance u128
    464 cumulative_deposit_interest u128
    480 cumulative_borrow_interest u128
    568 last_interest_ts u64
    592 order_step_size u64
    600 order_tick_size u64
    608 min_order_size u64
    640 initial_asset_weight u32
    644 maintenance_asset_weight u32
    648 initial_liability_weight u32
    652 maintenance_liability_weight u32
    656 imf_factor u32
    660 liquidator_fee u32
    664 if_liquidation_fee u32
    668 optimal_utilization u32
    672 optimal_borrow_rate u32
    676 max_borrow_rate u32
    680 decimals u32
    684 market_index u16
    686 orders_enabled u8
    687 oracle_source u8
    688 status u8
    689 asset_tier u8
    690 paused_operations u8
    720 scale_initial_asset_weight_start u64
    728 min_borrow_rate u8
    735 pool_id u8
""")  # fmt: skip

PYTH_LEGACY = Layout.of("PythLegacyPrice", 3312, "d4c3b2a102000000", """
    8 account_type u32
    12 size u32
    16 price_type u32
    20 exponent i32
    24 num u32
    28 num_qt u32
    32 last_slot u64
    40 valid_slot u64
    48 ema_price i64
    72 ema_conf i64
    96 timestamp i64
    176 prev_slot u64
    184 prev_price i64
    192 prev_conf u64
    200 prev_timestamp i64
    208 agg_price i64
    216 agg_conf u64
    224 agg_status u32
    232 agg_pub_slot u64
""")  # fmt: skip

PYTH_PULL_FULL = Layout.of("PriceUpdateV2", 134, "22f123639d7ef4cd", """
    8 write_authority key
    40 verification_level u8
    41 feed_id bytes32
    73 price i64
    81 conf u64
    89 exponent i32
    93 publish_time i64
    101 prev_publish_time i64
    109 ema_price i64
    117 ema_conf u64
    125 posted_slot u64
""")  # fmt: skip

PYTH_PULL_PARTIAL = Layout.of("PriceUpdateV2Partial", 134, "22f123639d7ef4cd", """
    8 write_authority key
    40 verification_level u8
    41 num_signatures u8
    42 feed_id bytes32
    74 price i64
    82 conf u64
    90 exponent i32
    94 publish_time i64
    102 prev_publish_time i64
    110 ema_price i64
    118 ema_conf u64
    126 posted_slot u64
""")  # fmt: skip

PYTH_LAZER = Layout.of("PythLazerOracle", 48, "9f07a1f922517985", """
    8 price i64
    16 publish_time u64
    24 posted_slot u64
    32 exponent i32
    40 conf u64
""")  # fmt: skip

PRELAUNCH = Layout.of("PrelaunchOracle", 120, "5c0e8bea48f4441a", """
    8 price i64
    16 max_price i64
    24 confidence u64
    32 last_update_slot u64
    40 amm_last_update_slot u64
    48 perp_market_index u16
""")  # fmt: skip

SWITCHBOARD = Layout.of("SwitchboardPullFeed", 3208, "c41b6cc40ad7db28", """
    8 submissions bytes2048
    2120 feed_hash bytes32
    2180 name bytes32
    2216 last_update_timestamp i64
    2264 result_value i128
    2280 result_std_dev i128
    2296 result_mean i128
    2312 result_range i128
    2328 result_min_value i128
    2344 result_max_value i128
    2360 result_num_samples u8
    2368 result_slot u64
    2376 result_min_slot u64
    2384 result_max_slot u64
""")  # fmt: skip

SWITCHBOARD_SUBMISSION = Layout.of("SwitchboardSubmission", 64, "", """
    0 oracle key
    32 slot u64
    40 landed_at u64
    48 value i128
""")  # fmt: skip

LAYOUTS = (PERP_MARKET, SPOT_MARKET, PYTH_LEGACY, PYTH_PULL_FULL, PYTH_PULL_PARTIAL, PYTH_LAZER, PRELAUNCH, SWITCHBOARD)
