"""The simulation against the same one written path by path in plain Python, from the same random numbers."""

import math
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import pytest

from risk.errors import BadParameter
from risk.margin.build import book_of
from risk.margin.linear import LinearMargin, _Bend
from risk.margin.paths import Diffusion, Jumps, simulate_hits, time_grid
from risk.margin.plan import MarginPlan
from risk.stats.first_passage import wilson
from tests.risk.generated import Universe

ASSETS = ("BTC", "SOL")
STEPS = (1.0, 6.0, 24.0)
PATHS = 150
RHO = 0.4


def margin() -> LinearMargin:
    """Long BTC and SOL in the cross account, short SOL with collateral of its own whose gains count at 70 %."""
    plan = MarginPlan.of(book_of([Universe(Random(1)).account()]))  # only asked for where lines do not fit
    return LinearMargin(
        assets=ASSETS, excess_usd=np.array([-850.0, 260.0]),
        excess_slope_usd=np.array([[300.0, 700.0], [0.0, -200.0]]), equity_usd=0.0,
        equity_slope_usd=np.zeros(2), scope_names=("", "SOL-PERP"),
        bends=(_Bend(scope=1, asset=1, constant_usd=210.0, slope_usd=-200.0, share=-0.3),), plan=plan, fits=True,
    )  # fmt: skip


def diffusion(**changes: object) -> Diffusion:
    plain = Diffusion(
        volatility_hourly=np.array([0.02, 0.03]), correlation=np.array([[1.0, RHO], [RHO, 1.0]]),
        degrees_of_freedom=4.0,
        jumps=Jumps(per_year=900.0, mean_frac=0.1, down_share=0.6, betas=np.array([0.5, 1.5])),
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields of the diffusion


def excess(factors: list[float]) -> list[float]:
    """By scope, of one path."""
    cross = -850.0 + 300.0 * factors[0] + 700.0 * factors[1]
    isolated = 260.0 - 200.0 * factors[1]
    return [cross, isolated - 0.3 * max(210.0 - 200.0 * factors[1], 0.0)]


def deltas(factors: list[float]) -> list[list[float]]:
    """By scope and asset, for a relative move."""
    bent = -0.3 * -200.0 * factors[1] if 210.0 - 200.0 * factors[1] > 0 else 0.0
    return [[300.0 * factors[0], 700.0 * factors[1]], [0.0, -200.0 * factors[1] + bent]]


@dataclass
class Told:
    """What a run by hand says."""

    survived: list[float]
    quantiles: list[list[float]]
    dead_by_asset: list[float]


def by_hand(one: Diffusion, funding: list[float], *, bridge: bool, seed: int = 3) -> Told:
    random = np.random.Generator(np.random.SFC64(seed))
    fates = np.random.Generator(np.random.SFC64([seed, 1])).random(PATHS).tolist()
    factors = [[1.0, 1.0] for _ in range(PATHS)]
    logs = [[0.0, 0.0] for _ in range(PATHS)]
    before = [excess([1.0, 1.0]) for _ in range(PATHS)]
    first = min(before[0])
    alive = [1.0] * PATHS
    told = Told([], [], [0.0, 0.0])
    elapsed = 0.0
    for at in STEPS:
        hours = at - elapsed
        sigma = [float(hourly) * math.sqrt(hours) for hourly in one.volatility_hourly]
        draws = random.standard_normal((2, PATHS)).tolist()
        nu = one.degrees_of_freedom
        mixing = [1.0] * PATHS if nu is None else [(nu - 2.0) / chi for chi in random.chisquare(nu, PATHS).tolist()]
        jumped = [0.0] * PATHS
        if one.jumps is not None:
            chance = 1.0 - math.exp(-one.jumps.per_year * hours / 8_760.0)
            struck = [path for path, draw in enumerate(random.random(PATHS).tolist()) if draw < chance]
            sizes = random.exponential(one.jumps.mean_frac, len(struck)).tolist()
            ways = random.random(len(struck)).tolist()
            for path, size, way in zip(struck, sizes, ways, strict=True):
                jumped[path] = -size if way < one.jumps.down_share else size
        betas = [1.0, 1.0] if one.jumps is None or one.jumps.betas is None else one.jumps.betas.tolist()
        worst = []
        for path in range(PATHS):
            mixed = [draws[0][path], RHO * draws[0][path] + math.sqrt(1 - RHO * RHO) * draws[1][path]]
            for asset in range(2):
                logs[path][asset] += mixed[asset] * sigma[asset] * math.sqrt(mixing[path]) - sigma[asset] ** 2 / 2
                logs[path][asset] += betas[asset] * jumped[path]
            start, factors[path] = factors[path], [math.exp(log) for log in logs[path]]
            after = [value - funding[scope] * at for scope, value in enumerate(excess(factors[path]))]
            stays = 1.0
            for scope in range(2):
                if before[path][scope] <= 0 or after[scope] <= 0:
                    stays = 0.0
                elif bridge:
                    a, b = (moved * vol for moved, vol in zip(deltas(start)[scope], sigma, strict=True))
                    variance = (a * a + b * b + 2 * RHO * a * b) * mixing[path]
                    stays *= 1.0 - math.exp(-2.0 * before[path][scope] * after[scope] / variance)
            died = alive[path] * (1.0 - stays)
            taken = [300.0 * (factors[path][0] - 1.0), (700.0 - 200.0) * (factors[path][1] - 1.0)]
            told.dead_by_asset[taken.index(min(taken))] += died
            alive[path] *= stays
            before[path] = after
            worst.append(min(after) / first if alive[path] > fates[path] else 0.0)
        told.survived.append(sum(alive) / PATHS)
        told.quantiles.append(np.quantile(worst, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist())
        elapsed = at
    return told


@pytest.mark.parametrize(
    ("changes", "funding", "bridge"),
    [
        ({}, [0.0, 0.0], True),
        ({}, [1.5, -0.5], True),
        ({}, [0.0, 0.0], False),
        ({"degrees_of_freedom": None}, [0.0, 0.0], True),
        ({"jumps": None}, [0.0, 0.0], True),
        ({"jumps": Jumps(per_year=900.0)}, [0.0, 0.0], True),
    ],
)
def test_the_simulation_is_the_one_written_path_by_path(
    changes: dict[str, object], funding: list[float], bridge: bool
) -> None:
    one = diffusion(**changes)
    found = simulate_hits(
        margin(), one, horizons_hours=(24.0, 1.0), paths=PATHS, seed=3, bridge=bridge, steps_hours=np.array(STEPS),
        funding_usd_per_hour=np.array(funding) if any(funding) else None,
    )  # fmt: skip
    told = by_hand(one, funding, bridge=bridge)

    assert [hit.hours for hit in found.hits] == [24.0, 1.0]
    expected = [1.0 - told.survived[2], 1.0 - told.survived[0]]
    assert [hit.probability for hit in found.hits] == pytest.approx(expected, abs=1e-9)
    assert [hit.interval for hit in found.hits] == [wilson(hit.probability, PATHS) for hit in found.hits]
    assert found.within(24.0) == found.hits[0].probability
    assert found.health_quantiles.T.tolist() == [pytest.approx(step, abs=1e-9) for step in told.quantiles]
    assert found.step_hours.tolist() == list(STEPS)
    share = max(told.dead_by_asset) / sum(told.dead_by_asset)
    assert found.deadliest is not None
    assert found.deadliest[0] == ASSETS[told.dead_by_asset.index(max(told.dead_by_asset))]
    assert found.deadliest[1] == pytest.approx(share, abs=1e-9)
    assert (found.n_paths, found.seed) == (PATHS, 3)


def test_half_of_all_paths_is_read_between_two_steps() -> None:
    wild = diffusion(volatility_hourly=np.array([0.06, 0.09]))
    found = simulate_hits(margin(), wild, horizons_hours=(24.0,), paths=PATHS, seed=3, steps_hours=np.array(STEPS))
    survived = by_hand(wild, [0.0, 0.0], bridge=True).survived
    assert survived[0] > 0.5 > survived[1]
    expected = 1.0 + 5.0 * (survived[0] - 0.5) / (survived[0] - survived[1])
    assert found.median_hours == pytest.approx(expected, rel=1e-9)


def test_half_of_all_paths_is_the_first_step_when_it_kills_them() -> None:
    wild = diffusion(volatility_hourly=np.array([0.6, 0.9]))
    found = simulate_hits(margin(), wild, horizons_hours=(24.0,), paths=PATHS, seed=3, steps_hours=np.array(STEPS))
    assert found.median_hours == 1.0


def test_nobody_dies_of_nothing() -> None:
    calm = diffusion(volatility_hourly=np.zeros(2), jumps=None)
    found = simulate_hits(margin(), calm, horizons_hours=(24.0,), paths=PATHS)
    assert (found.hits[0].probability, found.median_hours, found.deadliest) == (0.0, None, None)
    assert found.hits[0].interval == wilson(0.0, PATHS)
    with pytest.raises(BadParameter, match=r"2 hours were not simulated; ask for one of 24$"):
        found.within(2.0)


def test_an_account_that_is_past_liquidation_has_been_hit_already() -> None:
    gone = replace(margin(), excess_usd=np.array([-1_100.0, 260.0]))
    found = simulate_hits(gone, diffusion(), horizons_hours=(24.0,), paths=PATHS)
    assert found.hits[0].probability == 1.0
    assert found.deadliest is None, "no move took it"


@pytest.mark.parametrize("bridge", [True, False])
@pytest.mark.parametrize(("left_usd", "probability"), [(0.5, 0.0), (0.0, 1.0), (-0.5, 1.0)])
def test_an_account_is_alive_as_long_as_anything_is_left(left_usd: float, probability: float, bridge: bool) -> None:
    calm = diffusion(volatility_hourly=np.zeros(2), jumps=None)
    thin = replace(margin(), excess_usd=np.array([-1_000.0 + left_usd, 260.0]))
    found = simulate_hits(thin, calm, horizons_hours=(24.0,), paths=PATHS, bridge=bridge)
    assert found.hits[0].probability == probability


def test_dollars_alone_can_run_out_by_what_they_pay() -> None:
    dollars = replace(
        margin(), assets=(), excess_usd=np.array([10.0]), excess_slope_usd=np.zeros((1, 0)), bends=(),
        equity_slope_usd=np.zeros(0), scope_names=("",),
    )  # fmt: skip
    nothing_moves = Diffusion(volatility_hourly=np.zeros(0), correlation=np.zeros((0, 0)), degrees_of_freedom=None)
    found = simulate_hits(
        dollars, nothing_moves, horizons_hours=(9.0, 11.0), paths=PATHS, funding_usd_per_hour=np.array([1.0])
    )
    assert [hit.probability for hit in found.hits] == [0.0, 1.0]
    assert found.deadliest is None


def test_a_scope_that_holds_nothing_is_no_danger() -> None:
    idle = replace(
        margin(), excess_usd=np.array([0.0, 260.0]), excess_slope_usd=np.array([[0.0, 0.0], [0.0, -200.0]]),
    )  # fmt: skip
    calm = diffusion(volatility_hourly=np.array([1e-9, 1e-9]), jumps=None)
    assert simulate_hits(idle, calm, horizons_hours=(24.0,), paths=PATHS).hits[0].probability == 0.0


def test_steps_are_hourly_for_a_day_and_then_every_six_hours() -> None:
    assert time_grid((0.5, 40.0)).tolist() == [0.5, *map(float, range(1, 25)), 30.0, 36.0, 40.0]
    assert time_grid((24.0,)).tolist() == [*map(float, range(1, 25))]
    assert time_grid((3.0,)).tolist() == [1.0, 2.0, 3.0]
    assert time_grid((35.5,)).tolist() == [*map(float, range(1, 25)), 30.0, 35.5]
    assert time_grid((30.0,)).tolist() == [*map(float, range(1, 25)), 30.0]


@pytest.mark.parametrize(
    ("changes", "asked", "complaint"),
    [
        ({"volatility_hourly": np.zeros(3)}, {}, "of the account's 2 assets"),
        ({"correlation": np.eye(3)}, {}, "of the account's 2 assets"),
        ({}, {"horizons_hours": ()}, "a horizon must be a positive number"),
        ({}, {"horizons_hours": (0.0, 1.0)}, "a horizon must be a positive number"),
        ({}, {"paths": 99}, "at least 100 paths"),
        ({"degrees_of_freedom": 2.0}, {}, "more than 2 degrees of freedom"),
    ],
)
def test_what_cannot_be_simulated_is_refused(
    changes: dict[str, object], asked: dict[str, object], complaint: str
) -> None:
    with pytest.raises(BadParameter, match=complaint):
        simulate_hits(margin(), diffusion(**changes), **{"horizons_hours": (1.0,), "paths": 100, **asked})  # type: ignore[arg-type]  # made-up arguments


def test_as_little_as_can_be_simulated_is() -> None:
    found = simulate_hits(margin(), diffusion(degrees_of_freedom=2.1), horizons_hours=(0.5,), paths=100)
    assert found.step_hours.tolist() == [0.5]
