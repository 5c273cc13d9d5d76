"""Single rules on accounts small enough to compute by hand."""

from dataclasses import replace

import numpy as np
import pytest

from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.health import liquidatable, worst_ratio_percent
from risk.model.account import AccountSnapshot, MarginMode
from risk.model.market import ContractType, MarketStatus, PerpMarket
from tests.risk.builders import (
    cross,
    evaluated,
    excess_usd,
    make_account,
    make_balance,
    make_perp_market,
    make_position,
    make_spot_market,
    make_usdc_market,
    scaled,
)
from tests.risk.reference import margin_of


def test_an_account_that_holds_nothing_needs_nothing() -> None:
    evaluation = evaluated(make_account())
    assert cross(make_account()) == (0.0, 0.0)
    assert evaluation.full.equity_usd.tolist() == [0.0]
    assert worst_ratio_percent(evaluation).tolist() == [np.inf]


def test_nothing_but_maintenance_is_computed_when_nothing_else_is_asked_for() -> None:
    evaluation = evaluate(book_of([make_account(usdc=1.0)]), maintenance_only=True)
    with pytest.raises(ValueError, match="maintenance_only"):
        _ = evaluation.full


def test_each_open_order_needs_a_cent() -> None:
    position = make_position(1.0, open_orders=3)
    assert cross(make_account(position))[1] == cross(make_account(make_position(1.0)))[1] + 0.03
    assert cross(make_account(balances=[make_balance(1.0, open_orders=2)]))[1] == 0.02


def test_orders_on_the_quote_market_are_not_looked_at() -> None:
    quote = make_balance(10.0, market_index=0, open_orders=4, open_bids_tokens=50.0, open_asks_tokens=-80.0)
    assert cross(make_account(balances=[quote])) == (10.0, 0.0)


def test_a_quote_deposit_counts_nothing_in_the_second_pool() -> None:
    assert cross(make_account(usdc=10.0, pool_id=1)) == (0.0, 0.0)
    assert cross(make_account(usdc=-10.0, pool_id=1)) == (0.0, 10.0)


def test_high_leverage_needs_less_only_in_its_mode_and_only_where_it_is_offered() -> None:
    offering = make_perp_market(high_leverage_initial_ratio=0.03, high_leverage_maintenance_ratio=0.02)
    half = make_perp_market(high_leverage_initial_ratio=0.03)

    def needed(mode: MarginMode, market: PerpMarket = offering) -> tuple[float, float]:
        evaluation = evaluated(make_account(make_position(10.0), perp_markets=[market], margin_mode=mode))
        return float(evaluation.maintenance.requirement_usd[0]), float(evaluation.full.initial.requirement_usd[0])

    assert needed(MarginMode.DEFAULT) == (50.0, 100.0)
    assert needed(MarginMode.HIGH_LEVERAGE) == (20.0, 30.0)
    assert needed(MarginMode.HIGH_LEVERAGE_MAINTENANCE) == (20.0, 100.0)
    assert needed(MarginMode.HIGH_LEVERAGE, half) == (50.0, 100.0)


def test_a_market_in_settlement_needs_nothing_and_pays_its_expiry_price() -> None:
    for status, expected in ((MarketStatus.SETTLEMENT, (-200.0, 0.0)), (MarketStatus.DELISTED, (100.0, 55.0))):
        market = make_perp_market(status=status, expiry_price_usd=80.0)
        account = make_account(make_position(10.0), perp_markets=[market], prices={"sol": 110.0})
        assert cross(account) == expected
        assert evaluated(account).full.perp_liability_usd.tolist() == [1_100.0]


def test_orders_on_a_prediction_contract_that_would_cost_the_same_count_as_sales() -> None:
    """At 0.25 three bids are worth what one sale may cost; the sale is the smaller size and needs the smaller ratio."""
    bet = make_perp_market(contract_type=ContractType.PREDICTION, imf_factor=0.001)
    orders = make_position(0.0, open_bids_base=3e6, open_asks_base=-1e6, open_orders=2)
    account = make_account(orders, perp_markets=[bet], prices={"sol": 0.25})
    # 80 % of 5 % and sqrt(10 * 1e15) * 0.001 / 10
    assert cross(account)[1] == 750_000.0 * 1.04 + 0.02
    assert cross(account)[1] == margin_of(account).cross.requirement / 1e6


def test_positions_settled_in_another_token_are_worth_what_it_is_worth() -> None:
    tether = make_spot_market(name="USDT", market_index=4, oracle_id="usdt", decimals=6)
    market = make_perp_market(quote_market_index=4)
    account = make_account(
        make_position(10.0, entry_usd=90.0), perp_markets=[market], spot_markets=[make_usdc_market(), tether],
        prices={"usdt": 0.9},
    )  # fmt: skip
    assert cross(account) == (90.0, 45.0)


def test_equity_counts_everything_fully() -> None:
    account = make_account(
        make_position(10.0, entry_usd=90.0, isolated=True, isolated_collateral_tokens=50.0),
        usdc=-20.0,
        balances=[make_balance(3.0)],
    )
    detail = evaluated(account).full
    assert detail.equity_usd.tolist() == [100.0 + 50.0 - 20.0 + 300.0]
    assert detail.spot_borrow_usd.tolist() == [20.0]
    assert detail.perp_liability_usd.tolist() == [1_000.0]
    assert detail.perp_notional_usd.tolist() == [1_000.0]
    assert detail.perp_pnl_usd.tolist() == [100.0]
    assert detail.perp_requirement_usd.tolist() == [50.0]
    assert detail.spot_value_usd.tolist() == [-20.0, 300.0]


def test_an_isolated_position_answers_for_itself_alone() -> None:
    own = make_position(-10.0, isolated=True, isolated_collateral_tokens=80.0)
    account = make_account(own, make_position(0.01, entry_usd=50_000.0, market_index=1), usdc=100.0)
    totals = evaluated(account).maintenance
    assert (totals.isolated_collateral_usd.tolist(), totals.isolated_requirement_usd.tolist()) == ([80.0], [50.0])
    assert cross(account) == (100.0, 25.0)
    fallen = scaled(account, "sol", 1.1)
    assert cross(fallen) == (100.0, 25.0)
    assert liquidatable(evaluated(fallen)).tolist() == [True]
    assert excess_usd(fallen) == 75.0


@pytest.mark.parametrize(
    ("account", "shortfall_usd"),
    [
        (make_account(make_position(10.0), usdc=60.0), 50.0 + 20.0 - 60.0),
        (make_account(make_position(10.0, entry_usd=102.0), usdc=60.0), 50.0 + 20.0 - (60.0 - 20.0 - 0.4)),
        (make_account(usdc=100.0, balances=[make_balance(-1.0)]), 110.0 + 2.0 - 100.0),
        (make_account(usdc=-50.0, balances=[make_balance(1.0)]), 50.0 + 1.0 - 90.0),
        # Sold out and 2 SOL short once its asks are filled: what would then be owed counts.
        (
            make_account(balances=[make_balance(1.0, open_asks_tokens=-3.0, open_orders=1)]),
            220.0 + 0.01 + 0.02 * 200.0 - 300.0,
        ),
        (
            make_account(balances=[make_balance(0.0, open_bids_tokens=2.0, open_orders=1)]),
            200.0 + 0.01 + 0.02 * 200.0 - 180.0,
        ),
    ],
    ids=["position", "loss", "borrow", "quote borrow", "asks beyond the deposit", "bids"],
)
def test_a_liquidation_stops_two_percent_of_liabilities_and_losses_later(
    account: AccountSnapshot, shortfall_usd: float
) -> None:
    book = book_of([account])
    assert evaluate(book).full.exit_shortfall_usd.tolist() == pytest.approx([shortfall_usd], abs=1e-9)
    without = evaluate(replace(book, liquidation_buffer_1e4=0.0))
    assert without.full.exit_shortfall_usd.tolist() == pytest.approx([-excess_usd(account)], abs=1e-9)
