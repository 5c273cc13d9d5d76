"""Paths of prices through the margin of one account: whether, when and by which asset it is liquidated.

A hit between two steps is found by a Brownian bridge on the margin excess, whose variance comes from the deltas at the
start of the step, given the step's volatility and its mixing variable.
"""

from dataclasses import dataclass

import numpy as np

from risk.errors import BadParameter
from risk.margin.book import FloatArray
from risk.margin.linear import LinearMargin
from risk.stats.first_passage import bridge_survival, wilson
from risk.stats.matrices import root_of
from risk.stats.series import DAYS_PER_YEAR

HOURS_PER_YEAR = 24.0 * DAYS_PER_YEAR
DEFAULT_PATHS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Jumps:
    """Sudden moves of the whole market that no diffusion and no filtered history knows.

    Attributes:
        per_year: How often one comes, down and up together.
        mean_frac: Mean size of its absolute log move for an asset of beta 1, exponentially distributed.
        down_share: Share of them that fall.
        betas: Size for each asset relative to that, in the order of the assets; None for 1 each.
    """

    per_year: float = 2.0
    mean_frac: float = 0.15
    down_share: float = 0.75
    betas: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diffusion:
    """How prices move between two steps.

    Attributes:
        volatility_hourly: By asset, for one hour, shape (n_assets,).
        correlation: Shape (n_assets, n_assets), positive semi-definite.
        degrees_of_freedom: Of a Student t whose mixing variable all assets share; None for normal steps.
        jumps: None for none.
    """

    volatility_hourly: FloatArray
    correlation: FloatArray
    degrees_of_freedom: float | None = 5.0
    jumps: Jumps | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HitEstimate:
    """Probability of liquidation by some time.

    Attributes:
        interval: 95 % Wilson interval; conservative, for bridged survivals vary less than coins.
    """

    hours: float
    probability: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HitResult:
    """Whether and when an account is liquidated.

    Attributes:
        hits: In the order of the horizons asked for.
        median_hours: By when half of all paths are liquidated; None where fewer are by the last horizon.
        deadliest: The asset whose move took most from the margin on paths that died, and the share of those paths;
            None where none did.
        health_quantiles: 5, 25, 50, 75, 95 % quantiles of excess / |first excess| at each step, shape (5, n_steps).
        step_hours: Time of each step, shape (n_steps,).
        seed: What the same numbers come from again.
    """

    hits: tuple[HitEstimate, ...]
    median_hours: float | None
    deadliest: tuple[str, float] | None
    health_quantiles: FloatArray
    step_hours: FloatArray
    n_paths: int
    seed: int

    def within(self, hours: float) -> float:
        """Probability by one of the horizons asked for. Raises: BadParameter for another one."""
        for hit in self.hits:
            if hit.hours == hours:
                return hit.probability
        known = ", ".join(f"{hit.hours:g}" for hit in self.hits)
        raise BadParameter(f"{hours:g} hours were not simulated; ask for one of {known}")


def time_grid(horizons_hours: tuple[float, ...]) -> FloatArray:
    """Times of the steps: hourly for the first day, every six hours after it, each horizon among them."""
    last = max(horizons_hours)
    hourly, slow = np.arange(1.0, min(last, 24.0) + 1e-9), np.arange(30.0, last + 1e-9, 6.0)
    return np.unique(np.concatenate([hourly, slow, np.asarray(horizons_hours, np.float64)]))


def simulate_hits(
    margin: LinearMargin,
    diffusion: Diffusion,
    *,
    horizons_hours: tuple[float, ...] = (1.0, 24.0, 168.0),
    paths: int = DEFAULT_PATHS,
    seed: int = 0,
    funding_usd_per_hour: FloatArray | None = None,
    steps_hours: FloatArray | None = None,
    bridge: bool = True,
) -> HitResult:
    """Simulate until the last horizon.

    Args:
        funding_usd_per_hour: What each scope pays an hour, > 0 a cost, shape (n_scopes,); None for nothing.
        steps_hours: Times of the steps; None for time_grid().
        bridge: False leaves hits between steps out, to show what that costs.

    Raises: BadParameter for shapes that do not fit, horizons that are not positive.
    """
    k = len(margin.assets)
    _check(diffusion, k, horizons_hours, paths)
    times = time_grid(horizons_hours) if steps_hours is None else np.asarray(steps_hours, np.float64)
    random = np.random.Generator(np.random.SFC64(seed))
    root = root_of(diffusion.correlation)
    # Where a path ends between steps only a probability is known; for the picture it ends when that passes its fate.
    fates = np.random.Generator(np.random.SFC64([seed, 1])).random(paths)
    scopes = margin.excess_usd.size
    funding = np.zeros(scopes) if funding_usd_per_hour is None else funding_usd_per_hour
    factors = np.ones((k, paths))
    log_factors = np.zeros((k, paths))
    before = margin.excess(factors)
    first = np.maximum(np.abs(before.min(axis=0)), 1e-9)
    held = _held(margin)
    survival = np.where(before[held] > 0, 1.0, 0.0).prod(axis=0)
    alive_before = survival.copy()
    dead_by_asset = np.zeros(k)
    survivals, quantiles = [], []
    elapsed = 0.0
    for at in times:
        hours = float(at) - elapsed
        deviation = diffusion.volatility_hourly * np.sqrt(hours)
        draws = random.standard_normal((k, paths))
        mixing = _mixing(random, diffusion.degrees_of_freedom, paths)
        pushes = root @ draws
        pushes *= deviation[:, None]
        if mixing is not None:
            pushes *= np.sqrt(mixing)
        pushes -= 0.5 * deviation[:, None] ** 2
        start_factors = factors
        log_factors += pushes
        if diffusion.jumps is not None:
            log_factors += _jumps(random, diffusion.jumps, hours, k, paths)
        factors = np.exp(log_factors)
        after = margin.excess(factors)
        after -= (funding * float(at))[:, None]
        step = np.ones(paths)
        for scope in held:
            if bridge:
                spread = (root * deviation[:, None]).T @ margin.deltas(start_factors, scope)
                variance = np.einsum("ij,ij->j", spread, spread)
                if mixing is not None:
                    variance *= mixing
                step *= bridge_survival(before[scope], after[scope], variance)
            else:
                step *= (before[scope] > 0) & (after[scope] > 0)
        survival = survival * step
        died = alive_before - survival
        if k and died.any():
            taken = margin.excess_slope_usd.sum(axis=0)[:, None] * (factors - 1.0)
            dead_by_asset += np.bincount(np.argmin(taken, axis=0), weights=died, minlength=k)
        alive_before = survival
        survivals.append(float(survival.mean()))
        quantiles.append(np.quantile(np.where(survival > fates, after.min(axis=0), 0.0) / first, _QUANTILES))
        before, elapsed = after, float(at)
    return _result(
        margin, times, np.array(survivals), np.array(quantiles).T, dead_by_asset, horizons_hours, paths, seed
    )


_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def _held(margin: LinearMargin) -> list[int]:
    """Scopes that can be liquidated: one that holds nothing has an excess of exactly zero, and is no danger."""
    idle = (margin.excess_usd == 0.0) & ~margin.excess_slope_usd.any(axis=1)
    return [int(scope) for scope in np.flatnonzero(~idle)]


def _result(
    margin: LinearMargin, times: FloatArray, survivals: FloatArray, quantiles: FloatArray, dead: FloatArray,
    horizons: tuple[float, ...], paths: int, seed: int,
) -> HitResult:  # fmt: skip
    hits = []
    for hours in horizons:
        probability = 1.0 - float(survivals[np.searchsorted(times, hours)])
        hits.append(HitEstimate(hours=hours, probability=probability, interval=wilson(probability, paths)))
    half = np.flatnonzero(survivals <= 0.5)
    median: float | None = None
    if half.size:
        at = int(half[0])
        median = (
            float(times[at]) if at == 0 else float(np.interp(-0.5, -survivals[at - 1 : at + 1], times[at - 1 : at + 1]))
        )
    deadliest = None
    if dead.sum() > 0:
        worst = int(np.argmax(dead))
        deadliest = (margin.assets[worst], float(dead[worst] / dead.sum()))
    return HitResult(
        hits=tuple(hits), median_hours=median, deadliest=deadliest, health_quantiles=quantiles, step_hours=times,
        n_paths=paths, seed=seed,
    )  # fmt: skip


def _mixing(random: np.random.Generator, nu: float | None, paths: int) -> FloatArray | None:
    """Variance of each path's step, mean 1: a Student t is a normal one with a random variance."""
    if nu is None:
        return None
    return np.asarray((nu - 2.0) / random.chisquare(nu, paths))


def _jumps(random: np.random.Generator, jumps: Jumps, hours: float, k: int, paths: int) -> FloatArray:
    """Log moves of shape (k, paths): most of them zero."""
    moves = np.zeros(paths)
    struck = np.flatnonzero(random.random(paths) < -np.expm1(-jumps.per_year * hours / HOURS_PER_YEAR))
    size = random.exponential(jumps.mean_frac, struck.size)
    moves[struck] = np.where(random.random(struck.size) < jumps.down_share, -size, size)
    betas = np.ones(k) if jumps.betas is None else jumps.betas
    return betas[:, None] * moves


def _check(diffusion: Diffusion, k: int, horizons: tuple[float, ...], paths: int) -> None:
    if diffusion.volatility_hourly.shape != (k,) or diffusion.correlation.shape != (k, k):
        raise BadParameter(f"volatilities and correlations must be of the account's {k} assets")
    if not horizons or min(horizons) <= 0:
        raise BadParameter("a horizon must be a positive number of hours")
    if paths < 100:
        raise BadParameter("a probability takes at least 100 paths")
    nu = diffusion.degrees_of_freedom
    if nu is not None and not nu > 2:
        raise BadParameter("a Student t needs more than 2 degrees of freedom to have a variance")
