"""Tiers of danger with hysteresis: worse at once, better only after a margin and a dwell.

UNKNOWN is no step of the ladder: while it stands, the last known step is remembered and comes back with the data, so a
gap in the data neither hides nor repeats a warning.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from risk.errors import CannotAssess
from risk.model.liquidation import RiskLevel


class Tier(Enum):
    """How close an account is to liquidation. The value orders the ladder; UNKNOWN stands beside it."""

    OK = 0
    WATCH = 1
    WARNING = 2
    HIGH = 3
    CRITICAL = 4
    LIQUIDATING = 5
    UNKNOWN = -1

    @property
    def known(self) -> bool:
        return self is not Tier.UNKNOWN

    def worse_than(self, other: "Tier") -> bool:
        """Whether this step of the ladder is above another. UNKNOWN compares with nothing."""
        if not (self.known and other.known):
            raise ValueError("UNKNOWN is neither better nor worse than a known tier")
        return self.value > other.value


LADDER = (Tier.WATCH, Tier.WARNING, Tier.HIGH, Tier.CRITICAL, Tier.LIQUIDATING)

_RISK_LEVEL = {
    Tier.OK: RiskLevel.LOW,
    Tier.WATCH: RiskLevel.MEDIUM,
    Tier.WARNING: RiskLevel.HIGH,
    Tier.HIGH: RiskLevel.HIGH,
    Tier.CRITICAL: RiskLevel.CRITICAL,
    Tier.LIQUIDATING: RiskLevel.CRITICAL,
}


def risk_level(tier: Tier) -> RiskLevel:
    """The requirement's word for a tier. Raises: CannotAssess for UNKNOWN."""
    if tier is Tier.UNKNOWN:
        raise CannotAssess(["the account cannot be assessed with the data at hand"])
    return _RISK_LEVEL[tier]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierThresholds:
    """When a tier begins: a measure below its threshold. A measure equal to it is still the better tier.

    Attributes:
        ratio_percent: On the health ratio, 100 is liquidation.
        distance_frac: On the distance to the nearest liquidation price, a fraction; off where absent.
        distance_sigmas: The same distance in daily standard deviations; off where absent.
        ease_margin_frac: How far beyond a threshold a measure must recover, as a fraction of the threshold.
        ease_dwell: How long it must stay there.
    """

    ratio_percent: Mapping[Tier, float] = field(
        default_factory=lambda: {
            Tier.WATCH: 250.0,
            Tier.WARNING: 200.0,
            Tier.HIGH: 150.0,
            Tier.CRITICAL: 120.0,
            Tier.LIQUIDATING: 100.0,
        }
    )
    distance_frac: Mapping[Tier, float] = field(default_factory=dict)
    distance_sigmas: Mapping[Tier, float] = field(default_factory=dict)
    ease_margin_frac: float = 0.05
    ease_dwell: timedelta = timedelta(seconds=60)

    def __post_init__(self) -> None:
        for name, ladder in (
            ("ratio", self.ratio_percent),
            ("distance", self.distance_frac),
            ("sigma", self.distance_sigmas),
        ):
            steps = [ladder[tier] for tier in LADDER if tier in ladder]
            if any(not math.isfinite(step) or step <= 0 for step in steps):
                raise ValueError(f"{name} thresholds must be positive numbers")
            if any(later >= earlier for earlier, later in itertools.pairwise(steps)):
                raise ValueError(f"{name} thresholds must fall from WATCH to LIQUIDATING")
        if self.ease_margin_frac < 0 or self.ease_dwell < timedelta(0):
            raise ValueError("easing margin and dwell cannot be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class TierReading:
    """One look at an account.

    Attributes:
        ratio_percent: Worst health ratio; infinite without a requirement. NaN is treated as unknown.
        distance_frac: Distance to the nearest liquidation price; None when not measured or none exists.
        distance_sigmas: The same in daily standard deviations.
        liquidating: The venue's own flag.
        unknown_because: Why no statement is possible; empty when one is.
    """

    ratio_percent: float = math.inf
    distance_frac: float | None = None
    distance_sigmas: float | None = None
    liquidating: bool = False
    unknown_because: tuple[str, ...] = ()

    @property
    def unknown(self) -> bool:
        return bool(self.unknown_because) or math.isnan(self.ratio_percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierState:
    """Where an account stands and where it may be easing to.

    Attributes:
        tier: The tier shown.
        known: Last known step; None before the first assessable reading. Equals ``tier`` unless that is UNKNOWN.
        easing_to: Worst step seen since easing began; None while not easing.
        easing_since: When it began.
    """

    tier: Tier = Tier.UNKNOWN
    known: Tier | None = None
    easing_to: Tier | None = None
    easing_since: datetime | None = None


def tier_of(reading: TierReading, thresholds: TierThresholds, *, margin_frac: float = 0.0) -> Tier:
    """The step a single reading stands on, without memory; thresholds are raised by ``margin_frac``."""
    if reading.unknown:
        return Tier.UNKNOWN
    measures = (
        (reading.ratio_percent, thresholds.ratio_percent),
        (reading.distance_frac, thresholds.distance_frac),
        (reading.distance_sigmas, thresholds.distance_sigmas),
    )
    if reading.liquidating:
        return Tier.LIQUIDATING
    for tier in reversed(LADDER):
        for value, ladder in measures:
            if value is not None and tier in ladder and value < ladder[tier] * (1 + margin_frac):
                return tier
    return Tier.OK


def classify(state: TierState, reading: TierReading, thresholds: TierThresholds, now: datetime) -> TierState:
    """The next state after a reading at ``now``."""
    entered = tier_of(reading, thresholds)
    if entered is Tier.UNKNOWN:
        # A dwell must be watched without a gap: easing starts again when the data is back.
        return replace(state, tier=Tier.UNKNOWN, easing_to=None, easing_since=None)
    known = state.known
    if known is None or entered.worse_than(known):
        return TierState(tier=entered, known=entered)
    settled = tier_of(reading, thresholds, margin_frac=thresholds.ease_margin_frac)
    if not known.worse_than(settled):
        return TierState(tier=known, known=known)
    if state.easing_to is None or state.easing_since is None:
        state = replace(state, easing_to=settled, easing_since=now)
    elif settled.worse_than(state.easing_to):
        state = replace(state, easing_to=settled)
    goal, since = state.easing_to, state.easing_since
    if goal is not None and since is not None and now - since >= thresholds.ease_dwell:
        return TierState(tier=goal, known=goal)
    return replace(state, tier=known)
