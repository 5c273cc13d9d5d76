"""The probability of liquidation of whole accounts: exact where an exact answer exists, and what must always hold."""

import itertools
import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from risk.fleet import Fleet
from risk.liquidation_monitor import DriftLiquidationMonitor
from risk.liquidation_probability import diffusion_of, hourly_funding_usd, liquidation_probability, worst_past_day
from risk.margin.build import book_of
from risk.margin.linear import LinearMargin
from risk.margin.paths import Diffusion, simulate_hits
from risk.margin.plan import MarginPlan
from risk.model.account import AccountSnapshot
from risk.risk_engine import DriftRiskEngine
from risk.stats.first_passage import hit_probability, wilson
from risk.stats.history import BookHistory, book_history
from tests.risk.builders import NOW, make_account, make_position, scaled
from tests.risk.fake_reader import FakeReader
from tests.risk.histories import Shelf, correlated, daily_candles, shelf
from tests.risk.margin.test_paths import line
from tests.risk.recorded_history import history_of, recorded_book
from tests.support.clock import FakeClock


def history(account: AccountSnapshot, days: int = 300) -> BookHistory:
    returns = correlated(days, (0.04, 0.02), 0.7)
    candles = {asset: daily_candles(asset, returns[:, at]) for at, asset in enumerate(("SOL", "BTC"))}
    return book_history(MarginPlan.of(book_of([account])), candles, now=NOW)


def probability(account: AccountSnapshot, hours: float = 24.0) -> float:
    return liquidation_probability(history(account), paths=2_000).hits.within(hours)


def test_every_exact_case_is_met_within_three_standard_errors(material: Path) -> None:
    """Normal steps without jumps against the reflection formula, whose figures are another implementation's."""
    paths = 20_000
    for case in json.loads((material / "data/golden/first_passage.json").read_text())["cases"]:
        hours, exact = 24.0 * case["days"], case["prob_hit"]
        hourly = case["vol_ann"] / np.sqrt(8_760)
        diffusion = Diffusion(volatility_hourly=np.array([hourly]), correlation=np.eye(1), degrees_of_freedom=None)
        steps = np.linspace(hours / 24, hours, 24)
        found = simulate_hits(
            line(case["S0"], case["barrier"]), diffusion, horizons_hours=(hours,), steps_hours=steps, paths=paths
        ).hits[0]
        error = np.sqrt(max(exact * (1 - exact), 1 / paths) / paths)
        assert abs(found.probability - exact) < 3 * error, case
        naive = simulate_hits(
            line(case["S0"], case["barrier"]), diffusion, horizons_hours=(hours,), steps_hours=steps, paths=paths,
            bridge=False,
        ).hits[0]  # fmt: skip
        assert naive.probability <= found.probability


def test_the_exact_formula_is_what_the_product_answers_for_one_position() -> None:
    account = make_account(make_position(10.0), usdc=180.0)
    margin = history(account).margin
    barrier = -float(margin.excess_usd[0]) / float(margin.excess_slope_usd[0, 0])
    hourly = 0.9 / np.sqrt(8_760)
    diffusion = Diffusion(volatility_hourly=np.array([hourly]), correlation=np.eye(1), degrees_of_freedom=None)
    found = liquidation_probability(history(account), model=(diffusion, ()), paths=40_000, horizons_hours=(24.0, 168.0))
    for hit in found.hits.hits:
        exact = hit_probability(1.0, barrier, 0.9, hit.hours / 24)
        assert abs(hit.probability - exact) < 3 * np.sqrt(exact * (1 - exact) / 40_000) + 0.01 * exact


@settings(max_examples=12)
@given(sizes=st.lists(st.floats(1.0, 95.0), min_size=3, max_size=3, unique=True))
def test_more_leverage_is_never_safer(sizes: list[float]) -> None:
    found = [probability(make_account(make_position(size), usdc=1_000.0)) for size in sorted(sizes)]
    for smaller, larger in itertools.pairwise(found):
        assert larger >= smaller - 1e-12


def test_a_seed_decides_every_figure_and_another_one_other_figures() -> None:
    account = make_account(make_position(80.0), usdc=1_000.0)
    one, again, other = (liquidation_probability(history(account), paths=2_000, seed=seed) for seed in (5, 5, 6))
    assert one.hits.hits == again.hits.hits != other.hits.hits
    assert one.hits.median_hours == again.hits.median_hours
    assert one.hits.seed == 5


def test_an_account_below_its_margin_is_liquidated_for_certain_and_one_without_positions_never() -> None:
    now = liquidation_probability(history(make_account(make_position(10.0), usdc=49.0)), paths=500)
    assert [hit.probability for hit in now.hits.hits] == [1.0, 1.0, 1.0]
    assert now.hits.median_hours is not None
    for flat in (make_account(usdc=500.0), make_account()):
        never = liquidation_probability(history(flat), paths=500)
        assert [hit.probability for hit in never.hits.hits] == [0.0, 0.0, 0.0]
        assert never.hits.median_hours is None
        assert never.hits.deadliest is None


def test_what_is_held_in_two_correlated_assets_dies_together() -> None:
    """A long and a short of the same risk: nearly no risk while they move together, much when they do not."""
    pair = make_account(
        make_position(60.0), make_position(-0.24, entry_usd=50_000, market_index=1), usdc=2_200.0
    )  # fmt: skip
    book = history(pair)
    hourly = np.array([0.02, 0.04]) / np.sqrt(24.0)  # BTC, SOL
    found = []
    for rho in (0.95, 0.0, -0.95):
        matrix = np.array([[1.0, rho], [rho, 1.0]])
        diffusion = Diffusion(volatility_hourly=hourly, correlation=matrix)
        found.append(liquidation_probability(book, model=(diffusion, ()), paths=4_000).hits.within(168.0))
    assert found == sorted(found)
    assert found[2] > found[0]


def test_the_method_names_its_parts_and_what_it_fell_back_to() -> None:
    found = liquidation_probability(history(make_account(make_position(50.0), usdc=1_000.0)), paths=500)
    assert found.method.startswith("500 paths through the margin engine, Student t, ")
    assert "jumps 2 a year of 15% on average" in found.method
    assert "SOL: 300 of 500 days for GARCH, so an average is used" in found.warnings
    assert found.hits.deadliest is not None
    assert found.hits.deadliest[0] == "SOL"


def test_jumps_and_funding_only_ever_add() -> None:
    book = history(make_account(make_position(60.0), usdc=1_000.0))
    with_jumps, without = diffusion_of(book), diffusion_of(book, jumps=False)
    assert with_jumps[0].jumps is not None
    calm = liquidation_probability(book, model=without, paths=4_000).hits.within(24.0)
    assert liquidation_probability(book, model=with_jumps, paths=4_000).hits.within(24.0) > calm
    free, cost = (
        simulate_hits(book.margin, without[0], paths=4_000, funding_usd_per_hour=np.array([usd])).within(168.0)
        for usd in (0.0, 2.0)
    )
    assert cost > free


def test_funding_is_paid_by_the_side_that_owes_it(material: Path) -> None:
    book = recorded_book(material)
    expected = 0.0
    for row, base_1e9 in enumerate(book.perps.base_1e9):
        market = int(book.perps.market[row])
        side = book.perp_markets.funding_long_1e9 if base_1e9 > 0 else book.perp_markets.funding_short_1e9
        expected += float(base_1e9) / 1e9 * float(side[market]) / 1e9
    found = hourly_funding_usd(LinearMargin.of(MarginPlan.of(book)))
    assert float(found.sum()) == pytest.approx(expected)


def test_the_recorded_account_was_close_to_liquidation_and_the_floor_says_so_too(material: Path) -> None:
    found = liquidation_probability(history_of(material, recorded_book(material)), paths=4_000)
    hour, day, week = (hit.probability for hit in found.hits.hits)
    assert hour < 0.02 < day < week
    assert found.hits.deadliest is not None
    assert found.hits.deadliest[0] == "BTC"
    assert found.hits.median_hours is not None
    assert found.floor is not None
    assert found.worst_past_day is not None
    assert found.worst_past_day[1] < 0, "a day on record would have liquidated it"


def test_the_worst_day_on_record_is_the_one_a_person_would_find() -> None:
    account = make_account(make_position(50.0), usdc=1_500.0)
    book = history(account)
    found = worst_past_day(book)
    assert found is not None
    at = int(np.argmin(book.returns.log_returns[:, book.returns.assets.index("SOL")]))
    assert found[0] == book.returns.at[at]


@given(k=st.integers(0, 10_000), n=st.integers(100, 10_000))
def test_the_interval_is_wilsons(k: int, n: int) -> None:
    hits = min(k, n)
    expected = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert wilson(hits / n, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


async def test_the_time_to_liquidation_is_the_median_of_the_simulation() -> None:
    clock = FakeClock()
    near = make_account(make_position(10.0), usdc=100.0)
    fleet = Fleet(FakeReader(clock, near), ["main"], clock)
    engine = DriftRiskEngine("main", fleet, shelf(300), clock)
    risk = await DriftLiquidationMonitor("main", fleet, odds=engine).assess_liquidation_risk()
    hits = (await engine.liquidation_probability()).hits
    assert hits.median_hours is not None
    assert risk.time_to_liquidation == timedelta(hours=hits.median_hours)
    assert risk.probability_24h == hits.within(24.0)


@pytest.mark.parametrize("history_of_sol", [Shelf({}), None])
async def test_without_history_no_time_to_liquidation_is_made_up(history_of_sol: Shelf | None) -> None:
    clock = FakeClock()
    fleet = Fleet(FakeReader(clock, make_account(make_position(10.0), usdc=100.0)), ["main"], clock)
    engine = None if history_of_sol is None else DriftRiskEngine("main", fleet, history_of_sol, clock)
    risk = await DriftLiquidationMonitor("main", fleet, odds=engine).assess_liquidation_risk()
    assert (risk.time_to_liquidation, risk.probability_24h) == (None, None)


async def test_what_is_far_from_liquidation_has_a_probability_and_no_median() -> None:
    clock = FakeClock()
    far = scaled(make_account(make_position(10.0), usdc=5_000.0), "sol", 1.0)
    fleet = Fleet(FakeReader(clock, far), ["main"], clock)
    engine = DriftRiskEngine("main", fleet, shelf(300), clock)
    risk = await DriftLiquidationMonitor("main", fleet, odds=engine).assess_liquidation_risk()
    assert risk.time_to_liquidation is None
    assert risk.probability_24h is not None
