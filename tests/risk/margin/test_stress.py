"""Named scenarios: every one a full revaluation of the account, the worst first."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from risk.margin.assets import asset_of
from risk.margin.build import book_of
from risk.margin.stress import SHOCKS, WORST_DAY_2025_10_10, Scenario, run_stress, scenarios_for
from risk.model.account import AccountSnapshot
from risk.model.liquidation import StressOutcome
from tests.risk.builders import (
    cross,
    evaluated,
    make_account,
    make_balance,
    make_btc_market,
    make_perp_market,
    make_position,
    make_spot_market,
    make_usdc_market,
    ratio_of,
    repriced,
)
from tests.risk.generated import accounts

TWO = make_account(
    make_position(10.0), make_position(-0.02, entry_usd=50_000.0, market_index=1), usdc=500.0,
    balances=[make_balance(1.0)],
)  # fmt: skip


def outcomes(account: AccountSnapshot) -> dict[str, StressOutcome]:
    return {outcome.scenario: outcome for outcome in run_stress(book_of([account]))}


def test_every_named_scenario_is_run() -> None:
    steps = ("-50%", "-30%", "-20%", "-10%", "-5%", "+5%", "+10%", "+20%", "+30%", "+50%")
    assert set(outcomes(TWO)) == (
        {f"{asset} {step}" for asset in ("BTC", "SOL", "all") for step in steps}
        | {"2025-10-10", "USDC -2%", "funding x10 1d"}
    )


def test_only_assets_that_are_held_are_shocked_on_their_own() -> None:
    assert not any(name.startswith("BTC") for name in outcomes(make_account(make_position(1.0), usdc=50.0)))


@pytest.mark.parametrize(
    ("scenario", "prices"),
    [
        ("SOL -30%", {"sol": 70.0}),
        ("SOL +50%", {"sol": 150.0}),
        ("BTC +20%", {"btc": 60_000.0}),
        ("all -10%", {"sol": 90.0, "btc": 45_000.0}),
        ("all +5%", {"sol": 105.0, "btc": 52_500.0}),
        ("2025-10-10", {"sol": 66.4, "btc": 41_550.0}),
        ("USDC -2%", {"usdc": 0.98}),
    ],
)
def test_a_scenario_is_the_account_at_its_prices(scenario: str, prices: dict[str, float]) -> None:
    moved, outcome = repriced(TWO, **prices), outcomes(TWO)[scenario]
    equity = float(evaluated(moved).full.equity_usd[0])
    assert outcome.health_ratio_percent == pytest.approx(ratio_of(moved), rel=1e-6)
    assert outcome.health_percent == pytest.approx(max(0.0, 100 - 1e4 / ratio_of(moved)), rel=1e-6)
    assert outcome.equity_usd == pytest.approx(equity, rel=1e-6)
    assert outcome.equity_change_usd == pytest.approx(equity - float(evaluated(TWO).full.equity_usd[0]), abs=1e-3)
    assert outcome.liquidated == (cross(moved)[0] < cross(moved)[1])


@given(account=accounts())
def test_any_account_is_fully_revalued_in_any_scenario(account: AccountSnapshot) -> None:
    book = book_of([account])
    by_name = {scenario.name: scenario for scenario in scenarios_for(book)}
    found = outcomes(account)
    assert set(found) == set(by_name)
    for name in list(by_name)[:: max(1, len(by_name) // 5)]:
        scenario = by_name[name]
        if scenario.funding_hours:
            continue
        prices = {
            feed: account.oracles[feed].price_usd * float(factor)
            for feed, factor in zip(book.oracles.ids, scenario.factors, strict=True)
        }
        # Prices of the book are whole millionths; those of a scenario need not be.
        rough = 1e-6 + max((2e-6 / price for price in prices.values()), default=0.0)
        equity = float(evaluated(repriced(account, **prices)).full.equity_usd[0])
        gross = float(np.abs(evaluated(account).full.spot_value_usd).sum())
        gross += float(np.abs(evaluated(account).full.perp_notional_usd).sum())
        assert found[name].equity_usd == pytest.approx(equity, abs=0.01 + 4 * gross * rough)


@given(account=accounts())
def test_the_worst_comes_first(account: AccountSnapshot) -> None:
    ratios = [outcome.health_ratio_percent for outcome in run_stress(book_of([account]))]
    assert ratios == sorted(ratios)


def test_the_smaller_equity_comes_first_where_nothing_is_required() -> None:
    found = run_stress(book_of([make_account(balances=[make_balance(1.0)])]))
    assert [outcome.scenario for outcome in found[:2]] == ["SOL -50%", "all -50%"]
    assert found[0].equity_usd == 50.0


def test_an_isolated_position_can_be_what_is_lost() -> None:
    own = make_position(10.0, isolated=True, isolated_collateral_tokens=100.0)
    found = outcomes(make_account(own, usdc=1_000.0, balances=[make_balance(-0.1)]))
    assert found["SOL -20%"].liquidated
    assert found["SOL -20%"].health_ratio_percent == pytest.approx(-250.0)
    assert found["SOL -20%"].health_percent > 90.0  # of the cross account
    assert not found["SOL -5%"].liquidated


def test_wrapped_and_staked_tokens_move_with_their_asset() -> None:
    account = make_account(
        make_position(1.0, market_index=7),
        balances=[make_balance(2.0), make_balance(3.0, market_index=2)],
        perp_markets=[make_btc_market(market_index=7, name="1KBTC-PERP")],
        spot_markets=[make_usdc_market(), make_spot_market(), make_spot_market(
            name="jitoSOL", market_index=2, oracle_id="jito")],
        prices={"jito": 120.0, "btc": 50.0},
    )  # fmt: skip
    scenarios = {scenario.name: scenario for scenario in scenarios_for(book_of([account]))}
    assert {name.split()[0] for name in scenarios if name.endswith("-50%")} == {"all", "SOL", "BTC"}
    feeds = book_of([account]).oracles.ids
    moved = dict(zip(feeds, scenarios["SOL -50%"].factors.tolist(), strict=True))
    assert moved == {"sol": 0.5, "jito": 0.5, "btc": 1.0, "usdc": 1.0}


def test_columns_of_one_feed_move_together() -> None:
    account = make_account(
        make_position(1.0), make_position(1.0, market_index=1), usdc=100.0,
        perp_markets=[
            make_perp_market(name="AAA-PERP"), make_perp_market(name="BBB-PERP", market_index=1, oracle_id="b"),
        ],
        prices={"b": 1.0},
    )  # fmt: skip
    book = book_of([account])
    same = np.where([feed in ("sol", "b") for feed in book.oracles.ids], 0, 1)
    shared = replace(book, oracles=replace(book.oracles, feeds=same))
    factors = {scenario.name: scenario.factors for scenario in scenarios_for(shared)}["AAA -50%"]
    assert dict(zip(book.oracles.ids, factors.tolist(), strict=True)) == {"sol": 0.5, "b": 0.5, "usdc": 1.0}


def test_the_worst_day_hits_unlisted_assets_hardest() -> None:
    account = make_account(
        make_position(1.0, market_index=3), usdc=50.0,
        perp_markets=[make_perp_market(name="JUP-PERP", market_index=3)],
    )  # fmt: skip
    crash = next(s for s in scenarios_for(book_of([account])) if s.name == "2025-10-10")
    assert sorted(crash.factors.tolist()) == [0.5, 1.0]
    assert all(-0.5 < fall < 0 for fall in WORST_DAY_2025_10_10.values())
    assert {asset_of(name) for name in WORST_DAY_2025_10_10} == set(WORST_DAY_2025_10_10)


@pytest.mark.parametrize(
    ("size", "rates", "cost_usd"),
    [
        (10.0, {"funding_long_usd": 0.01, "funding_short_usd": 0.05}, 24.0),
        (-10.0, {"funding_long_usd": 0.05, "funding_short_usd": 0.01}, -24.0),
        (10.0, {"funding_long_usd": -0.002}, -4.8),
    ],
    ids=["a long pays", "a short receives", "a long receives"],
)
def test_ten_times_funding_for_a_day_is_paid(size: float, rates: dict[str, float], cost_usd: float) -> None:
    account = make_account(make_position(size), usdc=200.0, perp_markets=[make_perp_market(**rates)])
    outcome = outcomes(account)["funding x10 1d"]
    assert outcome.equity_change_usd == pytest.approx(-cost_usd)
    assert outcome.health_ratio_percent == pytest.approx(100 * (200 - cost_usd) / 50)


def test_scenarios_of_ones_own_are_run() -> None:
    book = book_of([make_account(make_position(10.0), usdc=100.0)])
    factors = np.where([feed == "sol" for feed in book.oracles.ids], 0.95, 1.0)
    (only,) = run_stress(book, (Scenario(name="mine", factors=factors),))
    assert only.scenario == "mine"
    assert only.equity_usd == pytest.approx(50.0)
    assert not only.liquidated


def test_shocks_go_both_ways() -> None:
    assert {-shock for shock in SHOCKS} == set(SHOCKS)
    assert min(SHOCKS) == -0.5
