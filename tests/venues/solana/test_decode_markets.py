"""Market parameters as the program stores them, and markets that are not what they claim to be."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from solders.pubkey import Pubkey

from risk.model.market import AssetTier, ContractTier, ContractType, MarketStatus, OracleValidity
from tests.support import addresses, drift_enums
from tests.support.drift_layout import Layout, Value
from tests.support.drift_market_layout import PERP_MARKET, SPOT_MARKET
from tests.support.drift_markets import make_perp_market, make_spot_market, make_state
from tests.support.drift_oracles import OracleKind, make_oracle
from tests.support.world import ChainAccount, World
from tests.support.world_builder import WorldBuilder
from tests.venues.solana.reading import DRIFT, NOON, fetched_of, users_of
from venues.solana.accounts import Fetched, RawAccount
from venues.solana.decode_book import build_book
from venues.solana.decode_markets import Markets, decode_markets

FEED = WorldBuilder().oracle_address("SOL")
PERP, SPOT = addresses.perp_market_address(2), addresses.spot_market_address(3)


def _fetched(*, perp: bytes | None = None, spot: bytes | None = None, state: bytes | None = None) -> Fetched:
    made = {PERP: perp, SPOT: spot, addresses.state_address(): state}
    changed = {
        key: ChainAccount(owner=addresses.DRIFT_PROGRAM, data=data) for key, data in made.items() if data is not None
    }
    return fetched_of(WorldBuilder().build().with_accounts(changed))


def _markets(**accounts: bytes) -> Markets:
    return decode_markets(DRIFT, _fetched(**accounts), {2}, {0, 3})


def _perp(extra: Mapping[str, Value] | None = None, **fields: object) -> bytes:
    given = {"market_index": 2, "name": "ODD-PERP", "oracle": FEED, "price_1e6": 150_000_000} | fields
    return make_perp_market(**given, extra=extra or {})  # type: ignore[arg-type]


def _spot(extra: Mapping[str, Value] | None = None, **fields: object) -> bytes:
    given = {"market_index": 3, "name": "ODD", "oracle": FEED, "price_1e6": 150_000_000, "decimals": 8} | fields
    return make_spot_market(**given, extra=extra or {})  # type: ignore[arg-type]


def test_a_perp_markets_parameters_are_the_stored_ones() -> None:
    raw = _perp(
        initial_1e4=1_500,
        maintenance_1e4=700,
        high_leverage_initial_1e4=200,
        high_leverage_maintenance_1e4=100,
        imf_1e6=1_234,
        pnl_initial_weight_1e4=9_000,
        pnl_maintenance_weight_1e4=9_500,
        pnl_imf_1e6=55,
        pnl_max_imbalance_1e6=10**18 + 1,
        expiry_price_1e6=77,
        twap_1e6=149_000_000,
        twap_5min_1e6=148_000_000,
        status=drift_enums.MarketStatus.SETTLEMENT,
        contract_type=drift_enums.ContractType.PREDICTION,
        tier=drift_enums.ContractTier.SPECULATIVE,
        pool_id=1,
        extra={"amm.last_funding_rate_long": 12_000, "amm.last_funding_rate_short": -13_000},
    )
    table = _markets(perp=raw).perps
    assert {
        name: getattr(table, name)[0]
        for name in ("initial_1e4", "maintenance_1e4", "high_leverage_initial_1e4", "high_leverage_maintenance_1e4")
    } == {
        "initial_1e4": 1_500,
        "maintenance_1e4": 700,
        "high_leverage_initial_1e4": 200,
        "high_leverage_maintenance_1e4": 100,
    }
    assert (table.imf_1e6[0], table.pnl_imf_1e6[0]) == (1_234, 55)
    assert (table.pnl_initial_weight_1e4[0], table.pnl_maintenance_weight_1e4[0]) == (9_000, 9_500)
    assert (table.pnl_max_imbalance_1e6[0], table.expiry_price_1e6[0]) == (1e18, 77)
    assert (table.funding_long_1e9[0], table.funding_short_1e9[0]) == (12_000, -13_000)
    assert (table.names, table.twap_1e6[0], table.pool_id[0], table.quote[0]) == (("ODD-PERP",), 148e6, 1, 0)
    assert MarketStatus(int(table.status[0])) is MarketStatus.SETTLEMENT
    assert ContractType(int(table.contract_type[0])) is ContractType.PREDICTION
    assert ContractTier(int(table.contract_tier[0])) is ContractTier.SPECULATIVE


@pytest.mark.parametrize("sign", [1, -1])
def test_the_net_pnl_of_a_market_is_exact_beyond_64_bits(sign: int) -> None:
    base, unsettled, price = sign * (10**24 + 7), sign * 3, 150_000_000
    raw = _perp(
        price_1e6=price,
        extra={
            "amm.base_asset_amount_with_amm": base,
            "amm.base_asset_amount_with_unsettled_lp": unsettled,
            "amm.quote_asset_amount": -sign * 10**23,
            "amm.quote_asset_amount_with_unsettled_lp": 11,
            "amm.net_unsettled_funding_pnl": -5,
        },
    )
    # Truncated towards zero, as everything the program divides.
    value = sign * ((10**24 + 10) * price // 10**9)
    assert _markets(perp=raw).perps.net_user_pnl_1e6[0] == float(value - sign * 10**23 + 11 - 5)


def test_a_small_net_pnl_counts_every_part() -> None:
    raw = _perp(
        price_1e6=2 * 10**9,
        extra={
            "amm.base_asset_amount_with_amm": -100,
            "amm.base_asset_amount_with_unsettled_lp": 7,
            "amm.quote_asset_amount": 1_000,
            "amm.quote_asset_amount_with_unsettled_lp": 20,
            "amm.net_unsettled_funding_pnl": 3,
        },
    )
    assert _markets(perp=raw).perps.net_user_pnl_1e6[0] == -186 + 1_023


def test_a_spot_markets_parameters_are_the_stored_ones() -> None:
    raw = _spot(
        initial_asset_1e4=6_000,
        maintenance_asset_1e4=7_000,
        initial_liability_1e4=13_000,
        maintenance_liability_1e4=12_000,
        imf_1e6=99,
        scale_start_1e6=5_000_000,
        deposits_scaled_1e9=10**20 + 1,
        deposit_interest_1e10=12_345_678_901,
        twap_1e6=149_000_000,
        twap_5min_1e6=148_000_000,
        status=drift_enums.MarketStatus.REDUCE_ONLY,
        asset_tier=drift_enums.AssetTier.CROSS,
        pool_id=2,
    )
    table = _markets(spot=raw).spots
    assert (table.initial_asset_1e4[1], table.maintenance_asset_1e4[1]) == (6_000, 7_000)
    assert (table.initial_liability_1e4[1], table.maintenance_liability_1e4[1]) == (13_000, 12_000)
    assert (table.imf_1e6[1], table.scale_start_1e6[1], table.decimals[1], table.pool_id[1]) == (99, 5e6, 8, 2)
    assert table.deposits_raw[1] == float((10**20 + 1) * 12_345_678_901 // 10**11)
    assert (table.names[1], table.twap_1e6[1], table.market_index.tolist()) == ("ODD", 148e6, [0, 3])
    assert MarketStatus(int(table.status[1])) is MarketStatus.REDUCE_ONLY
    assert AssetTier(int(table.asset_tier[1])) is AssetTier.CROSS


def test_the_liquidation_buffer_is_the_states() -> None:
    state = make_state(perp_markets=17, spot_markets=12, liquidation_buffer_1e4=350)
    assert _markets(state=state).state.liquidation_buffer_1e4 == 350


def _set(layout: Layout, raw: bytes, name: str, value: Value) -> bytes:
    changed = bytearray(raw)
    layout.write(changed, [(name, value)])
    return bytes(changed)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("pubkey", addresses.key_bytes(PERP)[::-1], "says it is another market"),
        ("market_index", 1, "says it is another market"),
        ("name", b"\0" * 32, "name that does not print"),
        ("name", b"SOL\x07PERP".ljust(32), "name that does not print"),
        ("name", b"\xff\xfe-PERP".ljust(32), "name that does not print"),
        ("status", 9, "status 9, which is not known"),
        ("contract_type", 3, "contract type 3"),
        ("contract_tier", 6, "contract tier 6"),
        ("amm.oracle_source", 16, "oracle source 16"),
        ("amm.cumulative_funding_rate_long", 2**63, "beyond 64 bits"),
        ("amm.cumulative_funding_rate_short", -(2**63) - 1, "beyond 64 bits"),
    ],
)
def test_a_perp_market_that_contradicts_itself_is_not_in_the_table(field: str, value: Value, reason: str) -> None:
    markets = _markets(perp=_set(PERP_MARKET, _perp(), field, value))
    assert markets.perps.names == ()
    assert reason in markets.perp_rows.unreadable[2]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("pubkey", addresses.key_bytes(SPOT)[::-1], "says it is another market"),
        ("market_index", 1, "says it is another market"),
        ("name", b"\0" * 32, "name that does not print"),
        ("status", 9, "status 9"),
        ("asset_tier", 5, "asset tier 5"),
        ("oracle_source", 200, "oracle source 200"),
        ("decimals", 19, "19 decimals"),
        ("cumulative_deposit_interest", 0, "no plausible interest"),
        ("cumulative_borrow_interest", 2**64, "no plausible interest"),
    ],
)
def test_a_spot_market_that_contradicts_itself_is_not_in_the_table(field: str, value: Value, reason: str) -> None:
    markets = _markets(spot=_set(SPOT_MARKET, _spot(), field, value))
    assert markets.spots.names == ("USDC",)
    assert reason in markets.spot_rows.unreadable[3]


def _paused_world() -> World:
    builder = WorldBuilder()
    builder.add_user("ann", perps=[builder.position("ETH-PERP", "1")], spots=[builder.deposit("wBTC", "1")])
    world = builder.build()
    changed = {
        PERP: _set(PERP_MARKET, world.accounts[PERP].data, "paused_operations", 4 | 32),
        SPOT: _set(SPOT_MARKET, world.accounts[SPOT].data, "paused_operations", 128 | 4),
    }
    return world.with_accounts({key: replace(world.accounts[key], data=data) for key, data in changed.items()})


def test_paused_operations_are_named_and_unknown_ones_are_not_hidden() -> None:
    world = _paused_world()
    fetched = fetched_of(world)
    users = users_of(fetched, list(world.users))
    book = build_book(DRIFT, users, decode_markets(DRIFT, fetched, {2}, {0, 3}), observed_at=NOON)
    assert book.notices == ("ETH-PERP paused: fill, liquidation", "wBTC paused: deposit, something unknown")


@pytest.mark.parametrize(
    ("tier", "widest_bp"),
    [
        (drift_enums.ContractTier.A, 200),
        (drift_enums.ContractTier.B, 200),
        (drift_enums.ContractTier.C, 400),
        (drift_enums.ContractTier.SPECULATIVE, 2_000),
        (drift_enums.ContractTier.HIGHLY_SPECULATIVE, 10_000),
        (drift_enums.ContractTier.ISOLATED, 10_000),
        (drift_enums.AssetTier.COLLATERAL, 200),
        (drift_enums.AssetTier.PROTECTED, 200),
        (drift_enums.AssetTier.CROSS, 1_000),
        (drift_enums.AssetTier.ISOLATED, 10_000),
        (drift_enums.AssetTier.UNLISTED, 10_000),
    ],
    ids=str,
)
def test_riskier_markets_bear_a_wider_confidence(
    tier: drift_enums.ContractTier | drift_enums.AssetTier, widest_bp: int
) -> None:
    found = []
    for spread_bp in (widest_bp, widest_bp + 1):
        price = 150_000_000 // 10  # the 5-fold of this is not volatile, so only the confidence decides
        owner, feed = make_oracle(
            OracleKind.PYTH_LAZER, price="15", confidence=Decimal(15) * spread_bp / 10_000, slot=300_000_000
        )
        if isinstance(tier, drift_enums.ContractTier):
            fetched = _fetched(perp=_perp(tier=tier, price_1e6=price))
        else:
            fetched = _fetched(spot=_spot(asset_tier=tier, price_1e6=price))
        fed = fetched.accounts | {Pubkey.from_string(FEED): RawAccount(addresses.key_bytes(owner), feed)}
        markets = decode_markets(DRIFT, replace(fetched, accounts=fed), {2}, {0, 3})
        is_perp = isinstance(tier, drift_enums.ContractTier)
        found.append(OracleValidity(int(markets.perps.validity[0] if is_perp else markets.spots.validity[1])))
    # 50 times the guard rail is 100 %, which a price of 100 % confidence only just keeps.
    assert found == [OracleValidity.VALID, OracleValidity.TOO_UNCERTAIN]


def test_volatility_is_measured_against_the_long_average_and_not_the_short() -> None:
    calm = _markets(perp=_perp(twap_5min_1e6=10**12), spot=_spot(twap_5min_1e6=10**12))
    wild = _markets(perp=_perp(twap_1e6=10**12), spot=_spot(twap_1e6=10**12))
    assert calm.perps.validity[0] == calm.spots.validity[1] == OracleValidity.VALID.value
    assert wild.perps.validity[0] == wild.spots.validity[1] == OracleValidity.TOO_VOLATILE.value
