"""The paths a night is tried on: simulated ones, and the worst that were recorded. Pure."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from risk.margin.book import FloatArray, IntArray
from risk.margin.paths import HOURS_PER_YEAR, Diffusion, Jumps
from risk.margin.stress import WORST_DAY_2025_10_10, WORST_DAY_OTHERS
from risk.model.candles import Candles
from risk.protection.keepers import KEEPERS, Keepers
from risk.protection.sleep_margin import Outcome, Paths, TriggeredMargin
from risk.stats.matrices import root_of
from risk.stats.series import TimeArray

# How fast the worst of an hour comes: in six minutes, a keeper needing one of them.
STEPS_OF_A_MOVE = 6
# For shorts nothing like 2025-10-10 is on record: half of its fall, upwards.
RISE_SHARE = 0.5
LEAST_HOURS = 24 * 90
_WORST_STRETCHES = 250
PER_HOUR = 8  # steps


def simulated(diffusion: Diffusion, hours: float, *, paths: int, seed: int, keepers: Keepers = KEEPERS) -> Paths:
    """Paths of the model that /liqprob uses, in steps of minutes: the volatility of an hour has one mixing variable,
    and a jump comes within one step, over every trigger on its way. With the same seed those of a shorter time are the
    beginning of those of a longer one."""
    k = diffusion.volatility_hourly.size
    steps = max(1, math.ceil(hours * PER_HOUR))
    root = root_of(diffusion.correlation) * diffusion.volatility_hourly[:, None] / math.sqrt(PER_HOUR)
    nu = diffusion.degrees_of_freedom
    draws = np.empty((steps, k, paths))
    for hour in range(math.ceil(steps / PER_HOUR)):
        # Random numbers of its own for each hour: a longer night begins as the shorter one, so it is never safer.
        random = np.random.Generator(np.random.SFC64([seed, 7, hour]))
        some = np.einsum("ij,tjn->tin", root, random.standard_normal((PER_HOUR, k, paths)))
        if nu is not None:
            some *= np.sqrt((nu - 2.0) / random.chisquare(nu, paths))
        some -= 0.5 * (diffusion.volatility_hourly**2 / PER_HOUR)[None, :, None]
        if diffusion.jumps is not None:
            some += _jumps(diffusion.jumps, random, k, paths)
        begin = hour * PER_HOUR
        draws[begin : begin + PER_HOUR] = some[: steps - begin]
    factors = np.exp(np.cumsum(draws, axis=0))
    random = np.random.Generator(np.random.SFC64([seed, 8]))
    waits_s = keepers.delays_s(random, (k, paths))
    moved = np.abs(random.standard_normal((k, paths))) * np.sqrt(waits_s / 3_600.0)
    return Paths(
        factors=factors, hours=(np.arange(steps) + 1.0) / PER_HOUR,
        adverse_frac=moved * diffusion.volatility_hourly[:, None], root=root,
    )  # fmt: skip


def _jumps(jumps: Jumps, random: np.random.Generator, k: int, paths: int) -> FloatArray:
    """Of the whole market within an hour, in logarithms, shape (PER_HOUR, k, paths)."""
    betas = np.ones(k) if jumps.betas is None else jumps.betas
    shape = (PER_HOUR, paths)
    struck = random.random(shape) < -np.expm1(-jumps.per_year / PER_HOUR / HOURS_PER_YEAR)
    size = random.exponential(jumps.mean_frac, shape)
    size = np.where(random.random(shape) < jumps.down_share, -size, size)
    return np.asarray(np.where(struck, size, 0.0)[:, None, :] * betas[None, :, None])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recorded:
    """The worst stretches of some length in a history, and the worst day on record as one fall.

    Attributes:
        paths: Each stretch twice, with the lows of its bars first and with their highs first; then the worst day's
            fall, and a rise of half its size.
        starts: When each of them began, the worst without triggers first; None for the last two.
        looked_at: How many stretches there were.
        since: When the first began.
    """

    paths: Paths
    starts: tuple[datetime | None, ...]
    looked_at: int
    since: datetime


def recorded(
    margin: TriggeredMargin, hourly: Mapping[str, Candles], assets: Sequence[str], hours: float
) -> Recorded | str:
    """The stretches that would leave this account least; or, in a sentence, why there are too few."""
    length = max(1, math.ceil(hours))
    lacking = [asset for asset in assets if asset not in hourly or len(hourly[asset]) < LEAST_HOURS]
    if lacking:
        return f"there are too few hourly bars of {', '.join(lacking)}; import {LEAST_HOURS // 24} days or more"
    if not assets:
        return "the account holds nothing whose price moves"
    at, bars = _aligned(hourly, assets)
    first = _whole_stretches(at, length)
    if not first.size:
        return f"the hourly bars of {', '.join(assets)} have no {length} hours in common"
    order = _worst_first(margin, bars, first, length)[:_WORST_STRETCHES]
    chosen = first[order]
    low = _path(bars, chosen, length, (0, 2, 1, 3))
    high = _path(bars, chosen, length, (0, 1, 2, 3))
    fall, rise = _worst_day(assets, low.shape[0])
    factors = np.concatenate([low, high, fall, rise], axis=2)
    moments = [datetime.fromtimestamp(int(at[row].astype("datetime64[s]").astype(np.int64)), UTC) for row in chosen]
    n = factors.shape[2]
    return Recorded(
        paths=Paths(
            factors=factors, hours=np.repeat(np.arange(1.0, length + 1), factors.shape[0] // length),
            adverse_frac=np.zeros((len(assets), n)), lag=1,
        ),
        starts=(*moments, *moments, None, None),
        looked_at=int(first.size),
        since=datetime.fromtimestamp(int(at[0].astype("datetime64[s]").astype(np.int64)), UTC),
    )  # fmt: skip


def _aligned(hourly: Mapping[str, Candles], assets: Sequence[str]) -> tuple[TimeArray, FloatArray]:
    """Times all assets have, and their open, high, low and close, shape (4, n_assets, n_bars)."""
    common = hourly[assets[0]].at
    for asset in assets[1:]:
        common = np.intersect1d(common, hourly[asset].at)
    rows = {asset: np.searchsorted(hourly[asset].at, common) for asset in assets}
    bars = np.array(
        [
            [getattr(hourly[asset], column)[rows[asset]] for asset in assets]
            for column in ("open_usd", "high_usd", "low_usd", "close_usd")
        ]
    )
    return common, bars


def _whole_stretches(at: TimeArray, length: int) -> IntArray:
    """Bars that begin a stretch without a hole."""
    if at.size < length:
        return np.empty(0, np.int64)
    seconds = at.astype("datetime64[s]").astype(np.int64)
    span = seconds[length - 1 :] - seconds[: at.size - length + 1]
    return np.flatnonzero(span == (length - 1) * 3_600)


def _worst_first(margin: TriggeredMargin, bars: FloatArray, first: IntArray, length: int) -> IntArray:
    """Stretches by the least excess they leave without triggers, of whichever scope fares worst."""
    least = np.full(first.size, np.inf)
    scale = np.maximum(np.abs(margin.whole.excess(np.ones((bars.shape[1], 1)))), 1e-9)
    opened = bars[0][:, first]
    for offset in range(length):
        for column in (1, 2, 3):
            excess = margin.whole.excess(bars[column][:, first + offset] / opened) / scale
            least = np.minimum(least, excess[list(margin.held)].min(axis=0, initial=np.inf))
    return np.argsort(least, kind="stable")


def _path(bars: FloatArray, first: IntArray, length: int, order: Sequence[int]) -> FloatArray:
    """Factors on the way through some bars, shape (n_steps, n_assets, n_stretches): each opens, maybe far from where
    the one before closed, and runs to its extremes and its close."""
    opened = bars[0][:, first]
    out = []
    for offset in range(length):
        points = [bars[column][:, first + offset] / opened for column in order]
        out.append(points[0])
        for before, after in itertools.pairwise(points):
            out += [before + (after - before) * step / STEPS_OF_A_MOVE for step in range(1, STEPS_OF_A_MOVE + 1)]
    return np.array(out)


def _worst_day(assets: Sequence[str], steps: int) -> tuple[FloatArray, FloatArray]:
    """2025-10-10 as one fall of six minutes that stays, and a rise of half of it."""
    depth = np.array([WORST_DAY_2025_10_10.get(asset, WORST_DAY_OTHERS) for asset in assets])
    way = np.minimum(np.arange(1, steps + 1) / STEPS_OF_A_MOVE, 1.0)[:, None]
    fall, rise = 1.0 + way * depth, 1.0 - RISE_SHARE * way * depth
    return fall[:, :, None], rise[:, :, None]


def survived(outcome: Outcome) -> bool:
    """Whether no path ends in liquidation."""
    return not bool((outcome.least_usd < 0).any())
