"""What a book is worth at every price, in closed form: perps alone, 5 % maintenance, sizes held."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.alert_quality.cases import Case
from benchmarks.alert_quality.history import LOOKS, History
from risk.decisions.nearness import deviation_usd
from risk.decisions.volatility import WATCHED_S
from risk.margin.book import FloatArray
from venues.replay.book import MAINTENANCE_RATIO

_THIRDS_S = np.array([0.0, 1 / 3, 2 / 3, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A book from its opening to its liquidation or the end of the watch. The collateral at the open is 1.

    Attributes:
        at_s: Unix time of each price; the close of a bar and the open of the next have the same.
        excess: Collateral minus requirement.
        ratio_percent: Health ratio.
        sigmas: Daily moves to liquidation; infinite until the prices have been watched for long enough.
        distance_frac: To the nearest liquidation price, the other prices fixed.
        reach_frac: Excess over the notional of all positions: about the common move that liquidates.
        liquidated: Whether the last price is the first below maintenance.
    """

    at_s: FloatArray
    excess: FloatArray
    ratio_percent: FloatArray
    sigmas: FloatArray
    distance_frac: FloatArray
    reach_frac: FloatArray
    liquidated: bool


def walk(case: Case, histories: Mapping[str, History], *, watched_s: float = WATCHED_S) -> Walk:
    """Play a case.

    Args:
        watched_s: How long the prices must have been watched before daily moves count.
    """
    high_first = sum(case.leverages) < 0
    every = [histories[asset] for asset in case.assets]
    firsts = [one.bar_at(case.opened_s) for one in every]
    n_bars = min(one.bar_at(case.until_s) - first for one, first in zip(every, firsts, strict=True))
    played = [
        one.orders[high_first].prices_usd[first : first + n_bars].ravel()
        for one, first in zip(every, firsts, strict=True)
    ]
    prices = np.stack(played, axis=1)
    held = np.array(case.leverages)
    notional = held * prices / prices[0]
    gross = np.abs(notional).sum(axis=1)
    requirement = MAINTENANCE_RATIO * gross
    collateral = 1.0 + notional.sum(axis=1) - held.sum()
    below = np.flatnonzero(collateral < requirement)
    end = int(below[0]) + 1 if below.size else len(prices)
    n_bars = -(-end // LOOKS)
    moves = [
        one.daily_frac(first, first + n_bars, high_first=high_first)[:end]
        for one, first in zip(every, firsts, strict=True)
    ]
    excess, notional, gross = (collateral - requirement)[:end], notional[:end], gross[:end]
    deltas = notional - MAINTENANCE_RATIO * np.abs(notional)
    opened = every[0].opened_s[firsts[0] : firsts[0] + n_bars, None] + _THIRDS_S * every[0].length_s
    at_s = opened.ravel()[:end]
    sigmas = excess / deviation_usd(deltas * np.stack(moves, axis=1))
    return Walk(
        at_s=at_s,
        excess=excess,
        # As exact as the engine's own integers: 10x at 5 % is 200, not a hair below it.
        ratio_percent=np.round(100.0 * collateral[:end] / requirement[:end], 6),
        sigmas=np.where(at_s - at_s[0] >= watched_s, sigmas, np.inf),
        distance_frac=(excess[:, None] / np.abs(deltas)).min(axis=1),
        reach_frac=excess / gross,
        liquidated=bool(below.size),
    )
