"""Which of many accounts can have changed their tier: all in one pass, so that the others need no look of their own."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from risk.decisions.tiers import Asked, Tier, TierState, TierThresholds
from risk.margin.book import BoolArray, FloatArray, IntArray

_NEVER_KNOWN = -2


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """What tiers look at, of many accounts, shape (n_accounts,) each; see TierReading.

    Attributes:
        sigmas: NaN where not known.
        unknown: Where no statement is possible; likewise where the ratio is NaN.
    """

    ratio_percent: FloatArray
    sigmas: FloatArray
    liquidating: BoolArray
    unknown: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where many accounts stand, as TierState says it, shape (n_accounts,) each.

    Attributes:
        tier: Values of Tier.
        known: Likewise; something no tier has where an account was never assessed.
        easing: Whether it is on its way to a better tier, which takes time alone.
    """

    tier: IntArray
    known: IntArray
    easing: BoolArray

    @classmethod
    def of(cls, states: list[TierState]) -> Self:
        return cls(
            np.array([state.tier.value for state in states], np.int64),
            np.array([_NEVER_KNOWN if state.known is None else state.known.value for state in states], np.int64),
            np.array([state.recovering for state in states], np.bool_),
        )


def may_change(standing: Standing, readings: Readings, thresholds: TierThresholds) -> BoolArray:
    """Where ``classify`` might give another state than the one that stands; everywhere else it gives the same.

    Accounts with a threshold on the distance to a liquidation price cannot be screened: measuring that takes a look at
    each. Raises: ValueError for such thresholds.
    """
    if thresholds.distance_frac:
        raise ValueError("a distance to a liquidation price is measured for each account alone")
    unknown = readings.unknown | np.isnan(readings.ratio_percent)
    entered, left = (_steps(readings, thresholds.ladder(asked)) for asked in (Asked.ENTERED, Asked.CALM))
    unknown_still = unknown & (standing.tier == Tier.UNKNOWN.value)
    # Worse at once; better only where the step itself is left, and none is left before a calm begins.
    same_step = ~unknown & (standing.tier == standing.known) & (entered <= standing.known) & (standing.known <= left)
    return np.asarray(standing.easing | ~(unknown_still | same_step))


def _steps(readings: Readings, ladder: "tuple[tuple[Tier, tuple[float, float, float]], ...]") -> IntArray:
    """As tier_of, for readings that are known."""
    steps = np.full(readings.ratio_percent.size, Tier.OK.value, np.int64)
    with np.errstate(invalid="ignore"):  # NaN is below nothing
        for tier, (ratio, _, sigmas) in reversed(ladder):
            steps[(readings.ratio_percent < ratio) | (readings.sigmas < sigmas)] = tier.value
    steps[readings.liquidating] = Tier.LIQUIDATING.value
    return steps
