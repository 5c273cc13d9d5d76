"""Drift markets and the venue's State as bytes, built from defaults; see drift_accounts for ``extra``."""

from collections.abc import Mapping

from tests.support import addresses
from tests.support.drift_accounts import padded_name
from tests.support.drift_enums import AssetTier, ContractTier, ContractType, MarketStatus, OracleSource
from tests.support.drift_layout import FEE_TIER, NO_EXTRA, STATE, Value
from tests.support.drift_market_layout import PERP_MARKET, SPOT_MARKET

# A curve of a million base units at the oracle's price, which moves a price by half its spread at either side.
_RESERVE = 10**15
_HALF_SPREAD_1E6 = 250
_SPREAD_RESERVE = _RESERVE // (10**6 // (_HALF_SPREAD_1E6 // 2))
_FIRST_TIER = {
    "fee_numerator": 100,
    "fee_denominator": 100_000,
    "maker_rebate_numerator": 20,
    "maker_rebate_denominator": 100_000,
}


def make_perp_market(
    *,
    market_index: int,
    name: str,
    oracle: str,
    price_1e6: int,
    oracle_source: OracleSource = OracleSource.PYTH_LAZER,
    twap_1e6: int | None = None,
    twap_5min_1e6: int | None = None,
    initial_1e4: int = 1_000,
    maintenance_1e4: int = 500,
    high_leverage_initial_1e4: int = 0,
    high_leverage_maintenance_1e4: int = 0,
    imf_1e6: int = 0,
    pnl_initial_weight_1e4: int = 0,
    pnl_maintenance_weight_1e4: int = 10_000,
    pnl_imf_1e6: int = 0,
    pnl_max_imbalance_1e6: int = 0,
    funding_long_1e9: int = 0,
    funding_short_1e9: int = 0,
    status: MarketStatus = MarketStatus.ACTIVE,
    contract_type: ContractType = ContractType.PERPETUAL,
    tier: ContractTier = ContractTier.B,
    quote_market_index: int = 0,
    pool_id: int = 0,
    expiry_price_1e6: int = 0,
    paused_operations: int = 0,
    program: str = addresses.DRIFT_PROGRAM,
    extra: Mapping[str, Value] = NO_EXTRA,
) -> bytes:
    """A PerpMarket account; the TWAPs are the price unless given."""
    history = "amm.historical_oracle_data.last_oracle_price"
    return bytes(
        PERP_MARKET.encode(
            {
                "pubkey": addresses.key_bytes(addresses.perp_market_address(market_index, program)),
                "name": padded_name(name),
                "market_index": market_index,
                "amm.oracle": addresses.key_bytes(oracle),
                "amm.oracle_source": int(oracle_source),
                "amm.last_oracle_valid": 1,
                history: price_1e6,
                f"{history}_twap": price_1e6 if twap_1e6 is None else twap_1e6,
                f"{history}_twap_5min": price_1e6 if twap_5min_1e6 is None else twap_5min_1e6,
                "amm.cumulative_funding_rate_long": funding_long_1e9,
                "amm.cumulative_funding_rate_short": funding_short_1e9,
                "amm.funding_period": 3_600,
                "amm.peg_multiplier": price_1e6,
                "amm.concentration_coef": 1_000_000,
                "amm.base_asset_reserve": _RESERVE,
                "amm.quote_asset_reserve": _RESERVE,
                "amm.min_base_asset_reserve": _RESERVE * 7 // 10,
                "amm.max_base_asset_reserve": _RESERVE * 14 // 10,
                "amm.sqrt_k": _RESERVE,
                "amm.base_spread": 2 * _HALF_SPREAD_1E6,
                "amm.long_spread": _HALF_SPREAD_1E6,
                "amm.short_spread": _HALF_SPREAD_1E6,
                "amm.ask_base_asset_reserve": _RESERVE**2 // (_RESERVE + _SPREAD_RESERVE),
                "amm.ask_quote_asset_reserve": _RESERVE + _SPREAD_RESERVE,
                "amm.bid_base_asset_reserve": _RESERVE**2 // (_RESERVE - _SPREAD_RESERVE),
                "amm.bid_quote_asset_reserve": _RESERVE - _SPREAD_RESERVE,
                "amm.max_fill_reserve_fraction": 100,
                "amm.order_step_size": 10**6,
                "amm.order_tick_size": 100,
                "amm.min_order_size": 10**6,
                "margin_ratio_initial": initial_1e4,
                "margin_ratio_maintenance": maintenance_1e4,
                "high_leverage_margin_ratio_initial": high_leverage_initial_1e4,
                "high_leverage_margin_ratio_maintenance": high_leverage_maintenance_1e4,
                "imf_factor": imf_1e6,
                "unrealized_pnl_initial_asset_weight": pnl_initial_weight_1e4,
                "unrealized_pnl_maintenance_asset_weight": pnl_maintenance_weight_1e4,
                "unrealized_pnl_imf_factor": pnl_imf_1e6,
                "unrealized_pnl_max_imbalance": pnl_max_imbalance_1e6,
                "status": int(status),
                "contract_type": int(contract_type),
                "contract_tier": int(tier),
                "paused_operations": paused_operations,
                "quote_spot_market_index": quote_market_index,
                "pool_id": pool_id,
                "expiry_price": expiry_price_1e6,
                "expiry_ts": 1_700_000_000 if expiry_price_1e6 else 0,
            },
            extra,
        )
    )


def make_spot_market(
    *,
    market_index: int,
    name: str,
    oracle: str,
    price_1e6: int,
    decimals: int,
    oracle_source: OracleSource = OracleSource.PYTH_LAZER,
    mint: str | None = None,
    twap_1e6: int | None = None,
    twap_5min_1e6: int | None = None,
    deposit_interest_1e10: int = 10**10,
    borrow_interest_1e10: int = 10**10,
    deposits_scaled_1e9: int = 10**15,
    borrows_scaled_1e9: int = 5 * 10**14,
    initial_asset_1e4: int = 8_000,
    maintenance_asset_1e4: int = 9_000,
    initial_liability_1e4: int = 12_000,
    maintenance_liability_1e4: int = 11_000,
    imf_1e6: int = 0,
    scale_start_1e6: int = 0,
    status: MarketStatus = MarketStatus.ACTIVE,
    asset_tier: AssetTier = AssetTier.COLLATERAL,
    pool_id: int = 0,
    paused_operations: int = 0,
    program: str = addresses.DRIFT_PROGRAM,
    extra: Mapping[str, Value] = NO_EXTRA,
) -> bytes:
    """A SpotMarket account; the TWAPs are the price unless given."""
    history = "historical_oracle_data.last_oracle_price"
    return bytes(
        SPOT_MARKET.encode(
            {
                "pubkey": addresses.key_bytes(addresses.spot_market_address(market_index, program)),
                "vault": addresses.key_bytes(addresses.spot_vault_address(market_index, program)),
                "mint": addresses.key_bytes(mint or addresses.address(f"mint {name}")),
                "name": padded_name(name),
                "market_index": market_index,
                "oracle": addresses.key_bytes(oracle),
                "oracle_source": int(oracle_source),
                history: price_1e6,
                f"{history}_twap": price_1e6 if twap_1e6 is None else twap_1e6,
                f"{history}_twap_5min": price_1e6 if twap_5min_1e6 is None else twap_5min_1e6,
                "decimals": decimals,
                "cumulative_deposit_interest": deposit_interest_1e10,
                "cumulative_borrow_interest": borrow_interest_1e10,
                "deposit_balance": deposits_scaled_1e9,
                "borrow_balance": borrows_scaled_1e9,
                "initial_asset_weight": initial_asset_1e4,
                "maintenance_asset_weight": maintenance_asset_1e4,
                "initial_liability_weight": initial_liability_1e4,
                "maintenance_liability_weight": maintenance_liability_1e4,
                "imf_factor": imf_1e6,
                "scale_initial_asset_weight_start": scale_start_1e6,
                "order_step_size": 1,
                "order_tick_size": 1,
                "orders_enabled": 1,
                "status": int(status),
                "asset_tier": int(asset_tier),
                "paused_operations": paused_operations,
                "pool_id": pool_id,
            },
            extra,
        )
    )


def make_state(
    *,
    perp_markets: int,
    spot_markets: int,
    users: int = 0,
    exchange_status: int = 0,
    liquidation_buffer_1e4: int = 200,
    slots_before_stale_for_margin: int = 120,
    confidence_interval_max_size_1e6: int = 20_000,
    too_volatile_ratio: int = 5,
    extra: Mapping[str, Value] = NO_EXTRA,
) -> bytes:
    """A State account with the guard rails of oracle validity."""
    rails = "oracle_guard_rails.validity"
    return bytes(
        STATE.encode(
            {
                "admin": addresses.key_bytes(addresses.address("drift admin")),
                "signer": addresses.key_bytes(addresses.derived(b"drift_signer")),
                "perp_fee_structure.fee_tiers": bytes(FEE_TIER.encode(_FIRST_TIER)) * 10,
                "oracle_guard_rails.price_divergence.mark_oracle_percent_divergence": 100_000,
                "oracle_guard_rails.price_divergence.oracle_twap5min_percent_divergence": 500_000,
                f"{rails}.slots_before_stale_for_amm": 10,
                f"{rails}.slots_before_stale_for_margin": slots_before_stale_for_margin,
                f"{rails}.confidence_interval_max_size": confidence_interval_max_size_1e6,
                f"{rails}.too_volatile_ratio": too_volatile_ratio,
                "number_of_authorities": users,
                "number_of_sub_accounts": users,
                "liquidation_margin_buffer_ratio": liquidation_buffer_1e4,
                "number_of_markets": perp_markets,
                "number_of_spot_markets": spot_markets,
                "exchange_status": exchange_status,
                "liquidation_duration": 150,
                "initial_pct_to_liquidate": 2_000,
                "max_number_of_sub_accounts": 65_535,
            },
            extra,
        )
    )
