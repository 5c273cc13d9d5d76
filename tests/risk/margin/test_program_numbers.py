"""Numbers that the venue's own unit tests assert, from the same accounts.

Source: programs/drift/src/math/margin/tests.rs and, for liquidation prices, the Rust client's math/liquidation.rs.
Amounts here are USD where theirs are 1e6.
"""

from dataclasses import replace

import numpy as np
import pytest

from risk.margin import rules
from risk.margin.build import book_of
from risk.margin.liquidation import liquidation_prices
from risk.model.account import AccountSnapshot, PerpPosition, SpotBalance
from risk.model.liquidation import LiquidationStatus
from tests.risk import reference
from tests.risk.builders import (
    evaluated,
    make_account,
    make_balance,
    make_perp_market,
    make_position,
    make_spot_market,
    make_usdc_market,
)

THOUSAND_1E9 = 10**12
BTC_PNL_1E6 = 24_282_786_896  # of the program's short of 6.147 BTC at 21,050 USD
BTC_SHORT = PerpPosition(market_index=0, size_base=-6.147540983, quote_usd=153_688.524588)


@pytest.mark.parametrize(
    ("size_1e9", "imf_1e6", "asset_1e4", "liability_1e4"),
    [
        (THOUSAND_1E9, 0, 9_000, 11_000),
        (THOUSAND_1E9, 10, 9_000, 11_000),
        (THOUSAND_1E9 * 10**6, 10, 8_357, 11_962),
        (THOUSAND_1E9, 10_000, 8_357, 11_962),
        (THOUSAND_1E9, 100_000, 2_642, 40_422),
    ],
)
def test_weights_of_a_token_shrink_and_grow_with_size(
    size_1e9: int, imf_1e6: int, asset_1e4: int, liability_1e4: int
) -> None:
    root, imf = rules.size_root(np.array([size_1e9], dtype=np.float64)), np.array([imf_1e6], dtype=np.float64)
    assert np.minimum(9_000, rules.size_discount(root, imf)) == asset_1e4
    assert rules.size_premium(np.array([11_000.0]), root, imf) == liability_1e4
    assert reference.size_discount(9_000, size_1e9, imf_1e6) == asset_1e4
    assert reference.size_premium(11_000, size_1e9, imf_1e6) == liability_1e4


@pytest.mark.parametrize(
    ("initial_1e4", "imf_1e6", "expected_1e4"),
    [(1_500, 0, 1_500), (7_500, 0, 7_500), (1_500, 100_000, 337), (7_500, 100_000, 337)],
)
def test_a_large_deposit_of_a_thin_token_counts_little(initial_1e4: int, imf_1e6: int, expected_1e4: int) -> None:
    root = rules.size_root(np.array([100 * THOUSAND_1E9], dtype=np.float64))
    discount = rules.size_discount(root, np.array([imf_1e6], dtype=np.float64))
    assert np.minimum(initial_1e4, discount) == expected_1e4


@pytest.mark.parametrize(("tokens_in_market", "weight"), [(1, 0.9), (20_000, 0.9), (40_000, 0.45), (60_000, 0.3)])
def test_the_initial_weight_of_a_token_shrinks_with_the_deposits_of_everybody(
    tokens_in_market: float, weight: float
) -> None:
    market = make_spot_market(
        initial_asset_weight=0.9, scale_initial_weight_start_usd=500_000.0, deposits_tokens=tokens_in_market
    )
    account = make_account(
        balances=[make_balance(1.0)], spot_markets=[make_usdc_market(), market], prices={"sol": 25.0}
    )
    assert initial_of(account) == (25.0 * weight, 0.0)


@pytest.mark.parametrize(
    ("pnl_1e6", "weight_1e4"),
    [
        (22_699_050_905, 9_559),
        (BTC_PNL_1E6, 9_516),
        (BTC_PNL_1E6 * 10, 7_368),
        (BTC_PNL_1E6 * 100, 4_299),
        (BTC_PNL_1E6 * 1_000, 1_855),
        (BTC_PNL_1E6 * 10_000, 663),
        (BTC_PNL_1E6 * 800_000, 78),
    ],
)
def test_a_large_profit_counts_for_less(pnl_1e6: int, weight_1e4: int) -> None:
    root = rules.size_root(np.array([float(pnl_1e6)]) * 1e3)
    assert np.minimum(10_000, rules.size_discount(root, np.array([1_000.0]))) == weight_1e4
    assert reference.size_discount(10_000, pnl_1e6 * 10**3, 1_000) == weight_1e4


@pytest.mark.parametrize(("price_usd", "requirement_usd"), [(22_050.0, 13_555.327867), (21_050.0, 12_940.573769)])
def test_a_short_of_bitcoin_needs_ten_percent_and_its_profit_is_capped_at_100_usd(
    price_usd: float, requirement_usd: float
) -> None:
    market = make_perp_market(imf_factor=0.001, pnl_imf_factor=0.001, oracle_id="btc")
    account = make_account(BTC_SHORT, perp_markets=[market], prices={"btc": price_usd})
    assert initial_of(account) == pytest.approx((100.0, requirement_usd), abs=1e-9)


@pytest.mark.parametrize(
    ("balance", "margin"),
    [
        (make_balance(0.0, open_bids_tokens=500.0, open_orders=1), (50_000.0, 50_000.01)),
        (make_balance(0.0, open_asks_tokens=-500.0, open_orders=1), (60_000.0, 60_000.01)),
        (make_balance(500.0, open_asks_tokens=-3_000.0, open_orders=1), (300_000.0, 300_000.01)),
    ],
    ids=["5x bid", "5x ask", "ask beyond the deposit"],
)
def test_a_resting_spot_order_counts_as_filled_where_that_is_worse(
    balance: SpotBalance, margin: tuple[float, float]
) -> None:
    account = make_account(usdc=0.0 if balance.amount_tokens else 10_000.0, balances=[balance])
    assert initial_of(account) == pytest.approx(margin, abs=1e-9)


@pytest.mark.parametrize(("ratio", "requirement_usd"), [(2.0, 50_000.0), (1.0, 30_000.0), (0.5, 20_000.0)])
def test_a_custom_ratio_of_the_account_raises_initial_requirements(ratio: float, requirement_usd: float) -> None:
    account = make_account(
        PerpPosition(market_index=0, size_base=100.0),
        usdc=100.0,
        balances=[make_balance(-100.0)],
        max_margin_ratio=ratio,
    )
    assert initial_of(account)[1] == requirement_usd
    assert evaluated(replace(account, max_margin_ratio=10.0)).maintenance.requirement_usd[0] == 11_500.0


def test_a_custom_ratio_lowers_what_a_deposit_counts_for() -> None:
    account = make_account(balances=[make_balance(100.0)], max_margin_ratio=0.5)
    assert initial_of(account)[0] == 5_000.0


@pytest.mark.parametrize(("of_account", "requirement_usd"), [(0.0, 20_000.0), (4.0, 40_000.0)])
def test_the_larger_of_both_custom_ratios_holds(of_account: float, requirement_usd: float) -> None:
    position = PerpPosition(market_index=0, size_base=100.0, max_margin_ratio=2.0)
    account = make_account(position, usdc=100.0, max_margin_ratio=of_account)
    assert initial_of(account)[1] == requirement_usd


def test_a_speck_of_a_borrow_still_needs_margin() -> None:
    account = make_account(balances=[make_balance(-1e-9)], max_margin_ratio=2.0)
    assert initial_of(account) == pytest.approx((0.0, 0.000_003), abs=1e-12)
    assert initial_of(replace(account, oracles=make_account(prices={"sol": 0.0001}).oracles))[1] == pytest.approx(3e-6)


def test_strict_prices_take_the_worse_of_oracle_and_average() -> None:
    account = make_account(
        usdc=10_000.0,
        balances=[make_balance(-100.0)],
        spot_markets=[make_usdc_market(oracle_twap_usd=0.9), make_spot_market(oracle_twap_usd=110.0)],
    )
    strict = evaluated(account, strict=True).maintenance
    assert (strict.collateral_usd[0], strict.requirement_usd[0]) == (9_000.0, 12_100.0)
    plain = evaluated(account).maintenance
    assert (plain.collateral_usd[0], plain.requirement_usd[0]) == (10_000.0, 11_000.0)


def test_requirements_of_a_long_and_a_short_add_up() -> None:
    account = make_account(
        PerpPosition(market_index=0, size_base=-2.0), PerpPosition(market_index=1, size_base=0.05), usdc=1_000.0
    )
    assert initial_of(account)[1] == 270.0
    assert evaluated(account).maintenance.requirement_usd[0] == 135.0


@pytest.mark.parametrize(
    ("account", "market", "price_1e6"),
    [
        (make_account(PerpPosition(market_index=0, size_base=-2.0), usdc=250.0), "SOL-PERP", 119_047_619),
        (make_account(make_position(5.0), usdc=250.0), "SOL-PERP", 52_631_579),
        (
            make_account(
                PerpPosition(market_index=1, size_base=-0.25), balances=[make_balance(200.0)], prices={"btc": 40_000.0}
            ),
            "BTC-PERP",
            68_571_428_571,
        ),
        (make_account(make_position(5.0), balances=[make_balance(2.0)]), "SOL-PERP", 76_335_878),
    ],
    ids=["short", "long", "short on deposited SOL", "long on deposited SOL"],
)
def test_liquidation_prices_of_the_rust_client(account: AccountSnapshot, market: str, price_1e6: int) -> None:
    found = {price.market: price for price in liquidation_prices(book_of([account]))}[market]
    assert found.status is LiquidationStatus.AT
    assert found.price_usd == pytest.approx(price_1e6 / 1e6, abs=1e-6, rel=1e-8)


def initial_of(account: AccountSnapshot) -> tuple[float, float]:
    """Initial collateral and requirement of the cross account, USD."""
    totals = evaluated(account).full.initial
    return float(totals.collateral_usd[0]), float(totals.requirement_usd[0])
