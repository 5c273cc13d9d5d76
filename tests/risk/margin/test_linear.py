"""Straight lines against the engine: the same equity and excess at any prices, within what flooring takes."""

from random import Random

import numpy as np
import pytest

from risk.errors import BadParameter
from risk.margin.build import book_of
from risk.margin.evaluate import evaluate
from risk.margin.linear import LinearMargin
from risk.margin.plan import MarginPlan
from tests.risk.generated import Universe


@pytest.mark.parametrize("seed", range(40))
def test_lines_agree_with_the_engine_at_any_prices(seed: int) -> None:
    random = Random(seed)
    plan = MarginPlan.of(book_of([Universe(random).account()]))
    margin = LinearMargin.of(plan)
    if not margin.assets:
        return
    factors = np.exp(np.random.default_rng(seed).normal(0, 0.5, (len(margin.assets), 30)))
    factors[:, 0] = 1.0
    prices = margin._prices(factors)
    found = evaluate(plan, prices)
    rows = plan.book.perps.market.size + plan.book.spots.market.size
    cents = 0.01 * max(rows, 1)
    equity = found.full.equity_usd[:, 0]
    assert margin.equity(factors) == pytest.approx(equity, rel=1e-6, abs=cents)
    cross = found.maintenance.collateral_usd[:, 0] - found.maintenance.requirement_usd[:, 0]
    scale = np.abs(found.maintenance.collateral_usd[:, 0]) + found.maintenance.requirement_usd[:, 0]
    excess = margin.excess(factors)
    assert (np.abs(excess[0] - cross) <= cents + 1e-6 * scale).all()
    for at in range(plan.perps.isolated.size):
        isolated = found.maintenance.isolated_collateral_usd[:, at] - found.maintenance.isolated_requirement_usd[:, at]
        large = np.abs(found.maintenance.isolated_collateral_usd[:, at])
        large += found.maintenance.isolated_requirement_usd[:, at]
        assert (np.abs(excess[1 + at] - isolated) <= cents + 1e-6 * large).all()


@pytest.mark.parametrize("seed", range(12))
def test_deltas_are_the_slopes_of_the_excess(seed: int) -> None:
    random = Random(seed)
    plan = MarginPlan.of(book_of([Universe(random).account()]))
    margin = LinearMargin.of(plan)
    factors = np.ones((len(margin.assets), 1))
    for asset in range(len(margin.assets)):
        up = factors.copy()
        up[asset] += 1e-3  # floors of the engine drown in a larger step
        slope = (margin.excess(up) - margin.excess(factors)) / 1e-3
        for scope in range(slope.shape[0]):
            largest = float(np.abs(slope).max())
            assert margin.deltas(factors, scope)[asset] == pytest.approx(
                slope[scope], rel=1e-2, abs=largest * 1e-2 + 20
            )


def test_several_accounts_are_refused() -> None:
    universe = Universe(Random(1))
    book = book_of([universe.account("a"), universe.account("b")])
    with pytest.raises(BadParameter, match="one account at a time"):
        LinearMargin.of(MarginPlan.of(book))
