"""A plan goes on to the next book only where nothing moved but prices; else old weights would price new positions."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from risk.margin.book import FleetBook, PerpMarketTable, SpotMarketTable
from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.plan import MarginPlan
from tests.risk.builders import make_account, make_balance, make_position

PRICED = {"validity", "twap_1e6"}


def book() -> FleetBook:
    return book_of([make_account(make_position(-2.0), usdc=300.0, balances=[make_balance(1.0)])])


def copied(table: Any, name: str) -> Any:
    """The same table with one column that is equal and another object."""
    column = getattr(table, name)
    return replace(table, **{name: column.copy() if isinstance(column, np.ndarray) else (*column, "")[:-1]})


def with_table(one: FleetBook, name: str, table: Any) -> FleetBook:
    return replace(one, **{name: table})


def test_a_plan_goes_on_where_only_prices_moved_and_says_what_a_new_one_says() -> None:
    before = book()
    moved = replace(
        before, oracles=replace(before.oracles, price_1e6=before.oracles.price_1e6 * 1.1), slot=before.slot + 1
    )
    like = MarginPlan.of(before)
    plan = MarginPlan.of(moved, like)

    assert (plan.perps, plan.spots) == (like.perps, like.spots)
    assert plan.perps is like.perps
    assert plan.spots is like.spots
    assert plan.book is moved
    again, anew = evaluate(plan).maintenance, evaluate(moved).maintenance
    assert (
        again.collateral_usd.tolist()
        == anew.collateral_usd.tolist()
        != evaluate(before).maintenance.collateral_usd.tolist()
    )
    assert again.requirement_usd.tolist() == anew.requirement_usd.tolist()


@pytest.mark.parametrize("table", ["perp_markets", "spot_markets"])
def test_what_follows_prices_may_change_too(table: str) -> None:
    before = book()
    like = MarginPlan.of(before)
    for name in PRICED:
        moved = with_table(before, table, copied(getattr(before, table), name))
        assert MarginPlan.of(moved, like).perps is like.perps


@pytest.mark.parametrize("table", ["perps", "spots", "accounts"])
def test_another_table_of_positions_balances_or_accounts_has_a_plan_of_its_own(table: str) -> None:
    before = book()
    like = MarginPlan.of(before)
    other = with_table(before, table, replace(getattr(before, table)))
    plan = MarginPlan.of(other, like)
    assert plan.perps is not like.perps
    assert plan.spots is not like.spots


MARKET_COLUMNS = [
    *(("perp_markets", column.name) for column in fields(PerpMarketTable) if column.name not in PRICED),
    *(("spot_markets", column.name) for column in fields(SpotMarketTable) if column.name not in PRICED),
]


@pytest.mark.parametrize(("table", "name"), MARKET_COLUMNS)
def test_another_fact_of_a_market_makes_another_plan(table: str, name: str) -> None:
    before = book()
    like = MarginPlan.of(before)
    changed = copied(getattr(before, table), name)
    assert getattr(changed, name) is not getattr(getattr(before, table), name), "the test changes nothing"
    assert MarginPlan.of(with_table(before, table, changed), like).perps is not like.perps


def test_a_weight_that_changed_is_priced_at_once() -> None:
    before = book()
    markets = before.perp_markets
    stricter = replace(before, perp_markets=replace(markets, maintenance_1e4=markets.maintenance_1e4 * 2))
    plan = MarginPlan.of(stricter, MarginPlan.of(before))
    assert evaluate(plan).maintenance.requirement_usd.tolist() == [2 * evaluate(before).maintenance.requirement_usd[0]]
