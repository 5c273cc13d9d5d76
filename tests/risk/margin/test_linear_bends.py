"""Straight lines with bends, isolated positions, what does not move and what is unknown: by hand, to the millionth."""

from dataclasses import replace

import numpy as np
import pytest

from risk.errors import BadParameter
from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.linear import LinearMargin, held_assets
from risk.margin.plan import MarginPlan
from risk.model.account import AccountSnapshot
from tests.risk.builders import (
    make_account,
    make_balance,
    make_btc_market,
    make_perp_market,
    make_position,
    make_spot_market,
    make_usdc_market,
)

# Gains in SOL count at 80 %, those in BTC at 60 %.
BENT = (make_perp_market(pnl_maintenance_weight=0.8), make_btc_market(pnl_maintenance_weight=0.6))


def lines(account: AccountSnapshot, assets: tuple[str, ...] | None = None) -> LinearMargin:
    return LinearMargin.of(MarginPlan.of(book_of([account])), assets)


def exact_excess(account: AccountSnapshot) -> list[float]:
    """Cross first, then isolated positions, as the engine has it."""
    found = evaluate(book_of([account])).maintenance
    isolated = found.isolated_collateral_usd - found.isolated_requirement_usd
    return [float(found.collateral_usd[0] - found.requirement_usd[0]), *map(float, isolated)]


def gaining(**changes: float) -> AccountSnapshot:
    """10 SOL bought at 90 and worth 100: 100 USD of gain; and an isolated 0.1 BTC bought at 40,000, worth 50,000."""
    return make_account(
        make_position(10.0, entry_usd=changes.get("sol_entry", 90.0)),
        make_position(0.1, entry_usd=40_000.0, market_index=1, isolated=True, isolated_collateral_tokens=500.0),
        usdc=1_000.0, perp_markets=BENT,
    )  # fmt: skip


def test_gains_that_count_less_bend_the_line_of_their_own_scope() -> None:
    margin = lines(gaining())
    assert margin.assets == ("BTC", "SOL")
    assert margin.scope_names == ("", "BTC-PERP")
    excess = margin.excess(np.ones((2, 1)))[:, 0]
    assert excess.tolist() == pytest.approx(exact_excess(gaining()), abs=1e-6)
    # 1,000 + 80 % of 100 - 5 % of 1,000; 500 + 60 % of 1,000 - 5 % of 5,000.
    assert excess.tolist() == pytest.approx([1_030.0, 850.0], abs=1e-6)


@pytest.mark.parametrize(
    ("sol_entry", "cross_slope"),
    [
        (90.0, 0.8 * 1_000 - 50),  # a gain: 80 % of what it moves
        (110.0, 1_000.0 - 50),  # a loss: all of it
    ],
)
def test_a_delta_is_the_share_of_a_gain_and_the_whole_of_a_loss(sol_entry: float, cross_slope: float) -> None:
    margin = lines(gaining(sol_entry=sol_entry))
    one = np.ones((2, 1))
    assert margin.deltas(one, 0)[:, 0].tolist() == pytest.approx([0.0, cross_slope], abs=1e-9)
    assert margin.deltas(one, 1)[:, 0].tolist() == pytest.approx([0.6 * 5_000 - 250, 0.0], abs=1e-9)


@pytest.mark.parametrize("factor", [0.5, 0.89, 0.91, 1.5])
def test_a_delta_is_taken_at_the_price_it_is_asked_for(factor: float) -> None:
    margin = lines(gaining())
    at = np.array([[1.0], [factor]])
    step = np.array([[0.0], [1e-6]])
    up, down = at + step, at - step
    slope = (margin.excess(up)[0, 0] - margin.excess(down)[0, 0]) / 2e-6 * factor
    assert margin.deltas(at, 0)[1, 0] == pytest.approx(slope, rel=1e-6)
    share = 0.8 if factor > 0.9 else 1.0
    assert margin.deltas(at, 0)[1, 0] == pytest.approx((share - 0.05) * 1_000 * factor, rel=1e-9)


def test_what_may_not_move_stands_still_with_its_bend() -> None:
    margin = lines(gaining(), ("BTC",))
    assert margin.assets == ("BTC",)
    assert margin.excess(np.ones((1, 1)))[:, 0].tolist() == pytest.approx(exact_excess(gaining()), abs=1e-6)
    assert margin.excess(np.full((1, 1), 2.0))[0, 0] == pytest.approx(exact_excess(gaining())[0], abs=1e-6)
    assert margin.deltas(np.ones((1, 1)), 0)[:, 0].tolist() == [0.0]


def test_resting_orders_cost_their_fee_in_lines_too() -> None:
    account = make_account(
        make_position(10.0, open_orders=7), usdc=1_000.0, balances=[make_balance(1.0, open_orders=5)],
    )  # fmt: skip
    without = make_account(make_position(10.0), usdc=1_000.0, balances=[make_balance(1.0)])
    fee = lines(without).excess(np.ones((1, 1)))[0, 0] - lines(account).excess(np.ones((1, 1)))[0, 0]
    assert fee == pytest.approx(exact_excess(without)[0] - exact_excess(account)[0], abs=1e-6)
    assert fee == pytest.approx(0.12, abs=1e-6)


def test_an_account_that_cannot_be_assessed_has_no_line_and_no_number() -> None:
    book = book_of([gaining()])
    bad = replace(book, accounts=replace(book.accounts, problems={0: ("its data is damaged",)}))
    margin = LinearMargin.of(MarginPlan.of(bad))
    one = np.ones((2, 1))
    assert not margin.fits
    assert np.isnan(margin.equity(one)).all()
    assert np.isnan(margin.excess(one)).all()
    assert LinearMargin.of(MarginPlan.of(book)).fits


def test_only_what_is_held_moves_and_one_feed_of_an_asset_is_enough() -> None:
    msol = make_spot_market(name="mSOL", market_index=2, oracle_id="msol")
    account = make_account(
        make_position(), make_position(market_index=1), usdc=100.0, prices={"msol": 120.0},
        spot_markets=[make_usdc_market(), make_spot_market(), msol],
    )  # fmt: skip
    assert held_assets(book_of([account])) == ("BTC", "SOL")
    with pytest.raises(BadParameter, match="the account holds no DOGE"):
        lines(account, ("DOGE",))
