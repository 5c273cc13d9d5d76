"""Tiers of danger with hysteresis: worse at once, better only where the next milder tier begins and after a dwell, or
a margin away after a long calm.

UNKNOWN is no step of the ladder: while it stands, the last known step is remembered and comes back with the data, so a
gap in the data neither hides nor repeats a warning.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto

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


LIQUIDATION_PERCENT = 100.0
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

    A tier is left where the next milder one begins, so that a market that hovers around a threshold rings once. Up to
    HIGH it is also left after a long calm a margin beyond its own threshold, so that it does not stand for ever where
    nothing happens.
    docs/alert-quality.md says how the defaults were chosen.

    Attributes:
        ratio_percent: On the health ratio, 100 is liquidation.
        distance_frac: On the distance to the nearest liquidation price, a fraction; off where absent.
        distance_sigmas: On the distance to liquidation in daily moves of the book; off where absent.
        ease_margin_frac: How far beyond its own threshold a measure must recover at least, as a fraction of it.
        ease_dwell: How long it must stay where the next milder tier begins.
        calm_dwell: How long it must stay beyond its own threshold by the margin alone; not for CRITICAL and worse.
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
    distance_sigmas: Mapping[Tier, float] = field(
        default_factory=lambda: {Tier.WATCH: 7.0, Tier.WARNING: 5.0, Tier.HIGH: 3.0, Tier.CRITICAL: 0.75}
    )
    ease_margin_frac: float = 0.05
    ease_dwell: timedelta = timedelta(seconds=60)
    calm_dwell: timedelta = timedelta(hours=72)
    _enter: "Ladders" = field(init=False, repr=False, compare=False)
    _leave: "Ladders" = field(init=False, repr=False, compare=False)
    _calm: "Ladders" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, ladder in (
            ("ratio", self.ratio_percent),
            ("distance", self.distance_frac),
            ("daily move", self.distance_sigmas),
        ):
            steps = [ladder[tier] for tier in LADDER if tier in ladder]
            if any(not math.isfinite(step) or step <= 0 for step in steps):
                raise ValueError(f"{name} thresholds must be positive numbers")
            if any(later >= earlier for earlier, later in itertools.pairwise(steps)):
                raise ValueError(f"{name} thresholds must fall from WATCH to LIQUIDATING")
        if self.ease_margin_frac < 0 or min(self.ease_dwell, self.calm_dwell) < timedelta(0):
            raise ValueError("easing margin and dwells cannot be negative")
        enter = (self.ratio_percent, self.distance_frac, self.distance_sigmas)
        leave = tuple(_left_at(ladder, self.ease_margin_frac) for ladder in enter)
        calm = tuple(_calm_at(ladder, self.ease_margin_frac) for ladder in enter)
        # Looked up at every tick of every account; a frozen class sets what it derives in this way.
        object.__setattr__(self, "_enter", _steps(enter))
        object.__setattr__(self, "_leave", _steps(leave))
        object.__setattr__(self, "_calm", _steps(calm))

    def ladder(self, asked: "Asked") -> "Ladders":
        """For each tier, the worst first: thresholds on ratio, distance and daily moves, minus infinity where there is
        none."""
        match asked:
            case Asked.ENTERED:
                return self._enter
            case Asked.LEFT:
                return self._leave
            case Asked.CALM:
                return self._calm


class Asked(Enum):
    """What is asked of a measure: below which step it falls, or which steps it has left for the better."""

    ENTERED = auto()
    LEFT = auto()
    CALM = auto()


Ladders = tuple[tuple[Tier, tuple[float, float, float]], ...]


def _steps(ladders: Sequence[Mapping[Tier, float]]) -> Ladders:
    ratio, distance, sigmas = ladders
    return tuple(
        (tier, (ratio.get(tier, -math.inf), distance.get(tier, -math.inf), sigmas.get(tier, -math.inf)))
        for tier in reversed(LADDER)
        if tier in ratio or tier in distance or tier in sigmas
    )


def _left_at(ladder: Mapping[Tier, float], margin_frac: float) -> dict[Tier, float]:
    """Where a measure leaves each tier for the better."""
    left: dict[Tier, float] = {}
    milder = -math.inf
    for tier in (tier for tier in LADDER if tier in ladder):
        left[tier] = max(ladder[tier] * (1 + margin_frac), milder)
        milder = ladder[tier]
    return left


def _calm_at(ladder: Mapping[Tier, float], margin_frac: float) -> dict[Tier, float]:
    """Beyond which a measure is calm. What is all but over is not called calm: CRITICAL is left as ever."""
    left = _left_at(ladder, margin_frac)
    return {
        tier: left[tier] if tier in (Tier.CRITICAL, Tier.LIQUIDATING) else step * (1 + margin_frac)
        for tier, step in ladder.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class TierReading:
    """One look at an account.

    Attributes:
        ratio_percent: Worst health ratio; infinite without a requirement. NaN is treated as unknown.
        distance_frac: Distance to the nearest liquidation price; None when not measured or none exists.
        distance_sigmas: Distance to liquidation in daily moves of the book; None where those are not known.
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
        easing_to: Worst step seen since it has left its step; None while it has not.
        easing_since: When it did.
        calm_to: Worst step seen since it has been beyond its threshold by the margin; None while it is not.
        calm_since: Since when it has.
    """

    tier: Tier = Tier.UNKNOWN
    known: Tier | None = None
    easing_to: Tier | None = None
    easing_since: datetime | None = None
    calm_to: Tier | None = None
    calm_since: datetime | None = None

    @property
    def recovering(self) -> bool:
        """Whether time alone may bring it to a better tier."""
        return self.easing_to is not None or self.calm_to is not None


def begins_percent(thresholds: TierThresholds, tier: Tier, step_percent: float = math.nan) -> float | None:
    """The health ratio below which a tier begins; None where neither ratio nor daily moves begin it.

    Args:
        step_percent: What one daily move of the book is on the ratio, in points; NaN where not known.
    """
    return _on_ratio(thresholds._enter, tier, step_percent)


def left_percent(thresholds: TierThresholds, tier: Tier, step_percent: float = math.nan) -> float | None:
    """The health ratio from which a tier is left for the better; arguments as of ``begins_percent``."""
    return _on_ratio(thresholds._leave, tier, step_percent)


def on_ratio(thresholds: TierThresholds, step_percent: float) -> TierThresholds:
    """The same tiers told by the health ratio alone, as long as a daily move is what it is; for pictures of the ratio.

    A tier that begins no earlier than a worse one has no room of its own and is left out.
    """
    ladder: dict[Tier, float] = {}
    for tier in reversed(LADDER):
        begins = begins_percent(thresholds, tier, step_percent)
        if begins is not None and begins > max(ladder.values(), default=0.0):
            ladder[tier] = begins
    return replace(
        thresholds, ratio_percent={tier: ladder[tier] for tier in LADDER if tier in ladder}, distance_sigmas={}
    )


def _on_ratio(ladders: "Ladders", tier: Tier, step_percent: float) -> float | None:
    for step, (ratio, _, sigmas) in ladders:
        if step is tier:
            by_moves = -math.inf if math.isnan(step_percent) else LIQUIDATION_PERCENT + sigmas * step_percent
            found = max(ratio, by_moves)
            return found if found > 0 else None
    return None


def tier_of(reading: TierReading, thresholds: TierThresholds, asked: Asked = Asked.ENTERED) -> Tier:
    """The step a single reading stands on, without memory.

    Args:
        asked: LEFT and CALM ask for the step that an account may ease to: each counts until its measures have left it.
    """
    if reading.unknown:
        return Tier.UNKNOWN
    if reading.liquidating:
        return Tier.LIQUIDATING
    ratio = reading.ratio_percent
    distance = math.inf if reading.distance_frac is None else reading.distance_frac
    sigmas = math.inf if reading.distance_sigmas is None else reading.distance_sigmas
    for tier, (ratio_below, distance_below, sigmas_below) in thresholds.ladder(asked):
        if ratio < ratio_below or distance < distance_below or sigmas < sigmas_below:
            return tier
    return Tier.OK


def classify(state: TierState, reading: TierReading, thresholds: TierThresholds, now: datetime) -> TierState:
    """The next state after a reading at ``now``."""
    entered = tier_of(reading, thresholds)
    if entered is Tier.UNKNOWN:
        # A dwell must be watched without a gap: easing starts again when the data is back.
        return TierState(tier=Tier.UNKNOWN, known=state.known)
    known = state.known
    if known is None or entered.worse_than(known):
        return TierState(tier=entered, known=entered)
    easing_to, easing_since = _recovery(
        known, tier_of(reading, thresholds, Asked.LEFT), state.easing_to, state.easing_since, now
    )
    calm_to, calm_since = _recovery(
        known, tier_of(reading, thresholds, Asked.CALM), state.calm_to, state.calm_since, now
    )
    for goal, since, dwell in (
        (easing_to, easing_since, thresholds.ease_dwell), (calm_to, calm_since, thresholds.calm_dwell),
    ):  # fmt: skip
        if goal is not None and since is not None and now - since >= dwell:
            return TierState(tier=goal, known=goal)
    return TierState(
        tier=known, known=known, easing_to=easing_to, easing_since=easing_since, calm_to=calm_to, calm_since=calm_since
    )


def _recovery(
    known: Tier, step: Tier, to: Tier | None, since: datetime | None, now: datetime
) -> tuple[Tier | None, datetime | None]:
    """The worst step seen since an account has left its own, and since when it has; None while it has not."""
    if not known.worse_than(step):
        return None, None
    if to is None or since is None:
        return step, now
    return (step if step.worse_than(to) else to), since
