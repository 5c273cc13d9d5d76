"""Liquidation along simulated paths, held to the exact answer of one lognormal asset and to what must always hold."""

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest

from risk.errors import BadParameter
from risk.margin.build import book_of
from risk.margin.linear import LinearMargin
from risk.margin.paths import Diffusion, HitResult, Jumps, simulate_hits
from risk.margin.plan import MarginPlan
from risk.stats.first_passage import bridge_survival, hit_probability, wilson
from tests.risk.builders import make_account, make_position
from tests.risk.generated import Universe

HOURLY = 0.8 / np.sqrt(8_760)


def line(price: float, barrier: float) -> LinearMargin:
    """One unit of an asset that is liquidated where its price reaches the barrier."""
    plan = MarginPlan.of(book_of([Universe(Random(1)).account()]))
    side = 1.0 if barrier < price else -1.0
    return LinearMargin(
        assets=("SOL",), excess_usd=np.array([-barrier * side]), excess_slope_usd=np.array([[price * side]]),
        equity_usd=0.0, equity_slope_usd=np.array([price]), scope_names=("",), bends=(), plan=plan, fits=True,
    )  # fmt: skip


def simulated(margin: LinearMargin, hours: float, **other: object) -> HitResult:
    diffusion = Diffusion(
        volatility_hourly=np.array([HOURLY]), correlation=np.eye(1), degrees_of_freedom=None,
        jumps=other.pop("jumps", None),  # type: ignore[arg-type]  # a keyword of the test
    )  # fmt: skip
    return simulate_hits(margin, diffusion, horizons_hours=(hours,), **other)  # type: ignore[arg-type]  # the same


def test_closed_forms_are_those_of_quantlib(material: Path) -> None:
    for case in json.loads((material / "data/golden/first_passage.json").read_text())["cases"]:
        found = hit_probability(case["S0"], case["barrier"], case["vol_ann"], case["days"])
        assert found == pytest.approx(case["prob_hit"], abs=1e-12)


@pytest.mark.parametrize(("price", "barrier", "days"), [(150, 120, 7), (150, 100, 30), (150, 190, 7), (150, 140, 1)])
def test_bridged_daily_steps_reach_the_exact_probability(price: float, barrier: float, days: int) -> None:
    paths, steps = 40_000, np.arange(24.0, 24.0 * days + 1, 24.0)
    if days == 1:
        steps = np.arange(6.0, 25.0, 6.0)
    found = simulated(line(price, barrier), 24.0 * days, paths=paths, steps_hours=steps).hits[0]
    exact = hit_probability(price, barrier, 0.8, days)
    assert abs(found.probability - exact) < 3 * np.sqrt(exact * (1 - exact) / paths) + 0.02 * exact


def test_hits_between_steps_are_missed_without_the_bridge() -> None:
    steps = np.arange(24.0, 169.0, 24.0)
    naive = simulated(line(150, 120), 168.0, steps_hours=steps, bridge=False).hits[0].probability
    bridged = simulated(line(150, 120), 168.0, steps_hours=steps).hits[0].probability
    assert naive < bridged
    assert bridged > 1.3 * naive


@pytest.mark.parametrize("seed", range(10))
def test_a_bridge_never_finds_fewer_hits_and_time_never_takes_one_back(seed: int) -> None:
    plan = MarginPlan.of(book_of([Universe(Random(seed)).account()]))
    margin = LinearMargin.of(plan)
    k = len(margin.assets)
    if not k or not margin.fits:
        return
    diffusion = Diffusion(volatility_hourly=np.full(k, HOURLY), correlation=np.full((k, k), 0.5) + 0.5 * np.eye(k))
    horizons = (1.0, 24.0, 168.0)
    naive = simulate_hits(margin, diffusion, horizons_hours=horizons, paths=500, bridge=False)
    bridged = simulate_hits(margin, diffusion, horizons_hours=horizons, paths=500)
    for one, other in zip(naive.hits, bridged.hits, strict=True):
        assert other.probability >= one.probability - 1e-12
        low, high = other.interval
        assert 0 <= low <= other.probability + 1e-12
        assert other.probability - 1e-12 <= high <= 1
    rising = [hit.probability for hit in bridged.hits]
    assert rising == sorted(rising)


def test_jumps_see_what_a_diffusion_cannot() -> None:
    calm = simulated(line(150, 115), 24.0).hits[0].probability
    struck = simulated(line(150, 115), 24.0, jumps=Jumps()).hits[0].probability
    assert calm < 1e-4 < struck


def test_funding_eats_the_margin() -> None:
    free = simulated(line(150, 120), 168.0).hits[0].probability
    paying = simulated(line(150, 120), 168.0, funding_usd_per_hour=np.array([0.1])).hits[0].probability
    assert paying > free


def test_a_leg_is_named_and_half_of_the_paths_have_a_time() -> None:
    found = simulated(line(150, 148), 168.0)
    assert found.deadliest is not None
    assert found.deadliest[0] == "SOL"
    assert found.median_hours is not None
    assert 0 < found.median_hours < 168
    assert simulated(line(150, 60), 24.0).median_hours is None


def test_the_quantiles_end_where_as_many_paths_have_ended() -> None:
    """What ends between two steps has ended for the picture too."""
    steps = np.arange(24.0, 24.0 * 15, 24.0)
    found = simulated(line(150, 135), 24.0 * 14, steps_hours=steps)
    assert found.median_hours is not None
    ended = found.step_hours[np.flatnonzero(found.health_quantiles[2] <= 0)[0]]
    assert found.median_hours <= ended <= found.median_hours + 48.0


def test_the_same_seed_gives_the_same_numbers() -> None:
    one, other = (simulated(line(150, 130), 24.0, seed=4) for _ in range(2))
    assert one.hits == other.hits
    assert simulated(line(150, 130), 24.0, seed=5).hits != one.hits


def test_a_whole_account_dies_where_its_liquidation_price_is_touched() -> None:
    """A single perp against the reflection formula, through the margin rules of the venue."""
    plan = MarginPlan.of(book_of([make_account(make_position(10.0), usdc=250.0)]))
    margin = LinearMargin.of(plan)
    slope, constant = float(margin.excess_slope_usd[0, 0]), float(margin.excess_usd[0])
    barrier = -constant / slope  # a factor of today's price
    diffusion = Diffusion(volatility_hourly=np.array([HOURLY]), correlation=np.eye(1), degrees_of_freedom=None)
    assert margin.assets == ("SOL",)
    found = simulate_hits(margin, diffusion, horizons_hours=(168.0,), paths=40_000).hits[0].probability
    exact = hit_probability(1.0, barrier, 0.8, 7)
    assert abs(found - exact) < 3 * np.sqrt(exact * (1 - exact) / 40_000) + 0.01 * exact


def test_survival_of_a_bridge_is_certain_only_without_motion() -> None:
    ones = np.ones(4)
    survived = bridge_survival(ones, np.array([1.0, -1.0, 0.0, 2.0]), np.array([0.0, 1.0, 1.0, 1.0]))
    assert survived[:3] == pytest.approx([1.0, 0.0, 0.0])
    assert 0 < survived[3] < 1


def test_the_interval_of_a_share_holds_it() -> None:
    assert all(wilson(0.0, n)[0] == 0.0 and wilson(1.0, n)[1] == 1.0 for n in range(1, 2_000))
    low, high = wilson(0.05, 10_000)
    assert low < 0.05 < high < 0.056


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"horizons_hours": (0.0,)}, "positive number of hours"),
        ({"horizons_hours": ()}, "positive"),
        ({"paths": 3}, "100 paths"),
    ],
)
def test_impossible_questions_are_refused(change: dict[str, object], words: str) -> None:
    diffusion = Diffusion(volatility_hourly=np.array([HOURLY]), correlation=np.eye(1))
    with pytest.raises(BadParameter, match=words):
        simulate_hits(line(150, 120), diffusion, **change)  # type: ignore[arg-type]  # a table of arguments
