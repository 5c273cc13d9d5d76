"""One number in two forms: the venue's 0 to 100, and collateral over requirement in percent."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.health import health_percent, liquidatable, ratio_percent, worst_ratio_percent
from risk.model.account import AccountSnapshot
from tests.risk.builders import evaluated, fleet_book, make_account, make_position, scaled
from tests.risk.generated import accounts

# USD in the venue's millionths.
AMOUNTS = st.integers(-(10**15), 10**15).map(lambda units: units / 1e6)
REQUIREMENTS = st.integers(0, 10**15).map(lambda units: units / 1e6)


def both(collateral: float, requirement: float, *, flagged: bool = False) -> tuple[float, float]:
    health = health_percent(np.array([collateral]), np.array([requirement]), np.array([flagged]))
    return float(health[0]), float(ratio_percent(np.array([collateral]), np.array([requirement]))[0])


@pytest.mark.parametrize(
    ("collateral", "requirement", "health", "ratio"),
    [
        (200.0, 100.0, 50.0, 200.0),
        (100.0, 100.0, 0.0, 100.0),
        (150.0, 100.0, pytest.approx(100 / 3), 150.0),
        (99.0, 100.0, 0.0, 99.0),
        (0.0, 100.0, 0.0, 0.0),
        (-50.0, 100.0, 0.0, -50.0),
        (0.0, 0.0, 100.0, math.inf),
        (10.0, 0.0, 100.0, math.inf),
        (-10.0, 0.0, 0.0, 0.0),
    ],
)
def test_both_conventions(collateral: float, requirement: float, health: float, ratio: float) -> None:
    assert both(collateral, requirement) == (health, ratio)


def test_an_account_being_liquidated_has_no_health_but_keeps_its_ratio() -> None:
    assert both(200.0, 100.0, flagged=True) == (0.0, 200.0)
    assert both(10.0, 0.0, flagged=True) == (0.0, math.inf)


@pytest.mark.parametrize(("collateral", "requirement"), [(math.nan, 1.0), (1.0, math.nan), (math.nan, 0.0)])
@pytest.mark.parametrize("flagged", [False, True])
def test_what_is_not_known_is_never_healthy(collateral: float, requirement: float, flagged: bool) -> None:
    health, ratio = both(collateral, requirement, flagged=flagged)
    assert math.isnan(health)
    assert math.isnan(ratio)


@given(collateral=AMOUNTS, requirement=REQUIREMENTS)
def test_both_conventions_are_one_number(collateral: float, requirement: float) -> None:
    health, ratio = both(collateral, requirement)
    assert 0.0 <= health <= 100.0
    if requirement > 1e-3:
        expected = max(0.0, 100 * (1 - 100 / ratio)) if ratio > 0 else 0.0
        assert health == pytest.approx(expected, abs=1e-9)
        assert (ratio < 100) == (100 * collateral / requirement < 100)


@given(collateral=AMOUNTS, requirement=REQUIREMENTS, more=REQUIREMENTS)
def test_more_collateral_or_less_requirement_is_never_less_healthy(
    collateral: float, requirement: float, more: float
) -> None:
    health, ratio = both(collateral, requirement)
    richer, richer_ratio = both(collateral + more, requirement)
    assert richer >= health
    assert richer_ratio >= ratio
    assert both(collateral, requirement + more)[0] <= health


def test_the_worst_of_cross_and_isolated_counts() -> None:
    healthy = make_account(make_position(1.0), usdc=100.0)
    own = make_account(make_position(1.0), make_position(1.0, entry_usd=50_000.0, market_index=1, isolated=True,
                       isolated_collateral_tokens=2_550.0), usdc=100.0)  # fmt: skip
    broke = make_account(make_position(1.0), make_position(1.0, entry_usd=50_000.0, market_index=1, isolated=True,
                         isolated_collateral_tokens=2_450.0), usdc=100.0)  # fmt: skip
    evaluation = evaluate(fleet_book(healthy, own, broke, own, make_account()))
    assert worst_ratio_percent(evaluation).tolist() == [2_000.0, 102.0, 98.0, 102.0, math.inf]
    assert liquidatable(evaluation).tolist() == [False, False, True, False, False]


@given(account=accounts())
def test_an_account_can_be_liquidated_exactly_where_its_worst_ratio_is_below_100(account: AccountSnapshot) -> None:
    evaluation = evaluate(book_of([account]))
    totals = evaluation.maintenance
    margins = np.append(
        totals.isolated_collateral_usd - totals.isolated_requirement_usd,
        totals.collateral_usd - totals.requirement_usd,
    )
    assert liquidatable(evaluation)[0] == (margins.min() < 0)
    assert (worst_ratio_percent(evaluation)[0] < 100) == (margins.min() < 0)


def test_scenarios_keep_accounts_apart() -> None:
    book = fleet_book(
        make_account(make_position(10.0, isolated=True, isolated_collateral_tokens=100.0), usdc=10.0),
        make_account(make_position(-10.0), usdc=100.0),
    )
    sol = np.array([feed == "sol" for feed in book.oracles.ids])
    prices = np.where(sol, np.array([[90.0], [100.0], [110.0]]), book.oracles.price_1e6 / 1e6)
    evaluation = evaluate(book, prices)
    assert worst_ratio_percent(evaluation).tolist() == [
        [0.0, pytest.approx(100 * 200 / 45)], [200.0, 200.0], [pytest.approx(100 * 200 / 55), 0.0],
    ]  # fmt: skip
    assert liquidatable(evaluation).tolist() == [[True, False], [False, False], [False, True]]


def test_nothing_is_owed_by_a_flat_account_after_a_fall() -> None:
    assert not liquidatable(evaluated(scaled(make_account(usdc=1.0), "sol", 0.1)))[0]
