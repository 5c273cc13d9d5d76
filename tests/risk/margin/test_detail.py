"""What a reader beyond the tiers sees: signs, units, and nothing at all where something is unknown."""

from dataclasses import replace

import numpy as np
import pytest

from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.health import health_percent, liquidatable
from risk.model.account import AccountSnapshot, SpotBalance
from tests.risk.builders import (
    evaluated,
    make_account,
    make_balance,
    make_btc_market,
    make_perp_market,
    make_position,
    make_spot_market,
    make_usdc_market,
)


def two(**changes: object) -> list[AccountSnapshot]:
    """Alike but for their names: 2 SOL short, 100 USDC, half a SOL borrowed."""
    accounts = [
        make_account(make_position(-2.0), usdc=100.0, balances=[make_balance(-0.5)], account_id=name) for name in "ab"
    ]
    return [replace(account, **changes) for account in accounts]  # type: ignore[arg-type]  # fields of the snapshot


def test_a_short_has_a_notional_and_a_borrow_a_value_that_are_positive() -> None:
    detail = evaluate(book_of(two())).full
    assert detail.perp_notional_usd.tolist() == [200.0, 200.0]
    assert detail.spot_borrow_usd.tolist() == [50.0, 50.0]
    assert detail.perp_liability_usd.tolist() == [200.0, 200.0]
    assert detail.equity_usd.tolist() == [50.0, 50.0]


def test_of_an_account_that_cannot_be_assessed_nothing_is_said() -> None:
    book = book_of(two())
    bad = replace(book, accounts=replace(book.accounts, problems={1: ("its data is damaged",)}))
    detail, good = evaluate(bad).full, evaluate(book).full
    for name in ("equity_usd", "perp_liability_usd", "spot_borrow_usd", "exit_shortfall_usd"):
        known, unknown = getattr(detail, name)
        assert np.isnan(unknown), name
        assert known == getattr(good, name)[0], name


def test_a_liquidation_that_has_begun_must_regain_its_buffer_on_debts_and_losses() -> None:
    # Borrow 50 and position 200 at 2 % more; 110 % of the borrow, 5 % of the position, 100 of collateral.
    detail = evaluate(book_of(two())).full
    assert detail.exit_shortfall_usd[0] == pytest.approx(50 * 1.12 + 200 * 0.07 - 100 - 0.0, abs=1e-6)
    losing = evaluated(make_account(make_position(-2.0, entry_usd=90.0), usdc=100.0)).full
    # The loss of 20 counts at 102 %.
    assert losing.exit_shortfall_usd[0] == pytest.approx(200 * 0.07 + 20 * 1.02 - 100, abs=1e-6)


def test_an_isolated_position_exactly_at_its_requirement_is_not_liquidatable() -> None:
    def isolated(collateral: float) -> AccountSnapshot:
        return make_account(make_position(1.0, isolated=True, isolated_collateral_tokens=collateral), usdc=10.0)

    assert not liquidatable(evaluated(isolated(5.0)))[0]
    assert liquidatable(evaluated(isolated(4.999999)))[0]


@pytest.mark.parametrize(
    ("collateral", "requirement", "health"), [(0.5, 0.25, 50.0), (0.5, 0.0, 100.0), (1e6, 1.0, 99.9999)]
)
def test_health_of_little_is_health_too(collateral: float, requirement: float, health: float) -> None:
    found = health_percent(np.array([collateral]), np.array([requirement]), np.array([False]))
    assert found.tolist() == pytest.approx([health], abs=1e-9)


def test_no_health_is_more_than_a_hundred_percent() -> None:
    assert health_percent(np.array([100.0]), np.array([-50.0]), np.array([False])).tolist() == [100.0]


def test_weighted_gains_are_cut_to_whole_millionths() -> None:
    market = make_perp_market(pnl_maintenance_weight=0.5, pnl_initial_weight=0.5)
    # A gain of 3 millionths: half of it is one.
    account = make_account(make_position(0.0, quote_usd=0.000_003), usdc=1.0, perp_markets=[market, make_btc_market()])
    evaluation = evaluated(account)
    assert evaluation.maintenance.collateral_usd[0] == pytest.approx(1.000_001, abs=1e-9)
    assert evaluation.full.initial.collateral_usd[0] == pytest.approx(1.000_001, abs=1e-9)


def test_a_weight_shrinks_with_the_deposits_of_its_market_and_by_whole_units() -> None:
    # 3,000 USD are held, the weight shrinks from 2,000 on: 80 % become 5,333 of 10,000.
    sol = make_spot_market(scale_initial_weight_start_usd=2_000.0, deposits_tokens=30.0)
    account = make_account(
        balances=[SpotBalance(market_index=1, amount_tokens=1.0)], spot_markets=[make_usdc_market(), sol]
    )
    assert evaluated(account).full.initial.collateral_usd[0] == pytest.approx(53.33, abs=1e-9)
    at_start = replace(sol, deposits_tokens=20.0)
    account = replace(account, spot_markets={0: make_usdc_market(), 1: at_start})
    assert evaluated(account).full.initial.collateral_usd[0] == pytest.approx(80.0, abs=1e-9)
