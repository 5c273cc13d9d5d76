"""Which changes of an account's risk are worth a word, and how loud. Pure.

Each measure has a ladder: how much it must have risen since yesterday for WATCH, WARNING and HIGH. Worse counts at
once; a tier is left only where the next milder one begins, and the mildest after a tenth of its step, so that a figure
on the edge does not chatter. What cannot be measured leaves a tier as it stands: it is never called better.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from risk.decisions.tiers import Tier
from risk.model.changes import RiskChange, RiskMeasure, RiskSnapshot

EASE_FRAC = 0.10


class Scale(StrEnum):
    """How a change is measured."""

    RATIO = "ratio"  # now over before
    DIFFERENCE = "difference"  # now minus before, either way
    LEVEL = "level"  # now alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """When a measure reaches which tier, rising.

    Attributes:
        least: Below this level no rise is worth a word: twice almost nothing is almost nothing.
    """

    scale: Scale
    steps: Mapping[Tier, float]
    least: float = 0.0


_RISES = {Tier.WATCH: 1.25, Tier.WARNING: 1.5, Tier.HIGH: 2.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeThresholds:
    """Ladders by measure. The limit on VaR is held beside them: passing it is WARNING whatever yesterday was."""

    ladders: Mapping[RiskMeasure, Ladder] = field(
        default_factory=lambda: {
            RiskMeasure.VAR: Ladder(scale=Scale.RATIO, steps=_RISES, least=0.01),
            RiskMeasure.VOLATILITY: Ladder(scale=Scale.RATIO, steps=_RISES, least=0.2),
            RiskMeasure.CORRELATION: Ladder(scale=Scale.DIFFERENCE, steps={Tier.WATCH: 0.2, Tier.WARNING: 0.35}),
            RiskMeasure.BETA: Ladder(scale=Scale.DIFFERENCE, steps={Tier.WATCH: 0.5, Tier.WARNING: 1.0}),
            RiskMeasure.LEVERAGE: Ladder(scale=Scale.RATIO, steps=_RISES, least=1.0),
            RiskMeasure.FUNDING: Ladder(
                scale=Scale.LEVEL, steps={Tier.WATCH: 0.001, Tier.WARNING: 0.003, Tier.HIGH: 0.01}
            ),
        }
    )


_FIELD = {
    RiskMeasure.VAR: "var_1d_frac",
    RiskMeasure.VOLATILITY: "volatility",
    RiskMeasure.CORRELATION: "correlation",
    RiskMeasure.BETA: "beta_sol",
    RiskMeasure.LEVERAGE: "leverage",
    RiskMeasure.FUNDING: "funding_daily_frac",
}


def changes(
    before: RiskSnapshot | None,
    now: RiskSnapshot,
    *,
    var_shown_frac: float = math.nan,
    var_limit_frac: float = math.nan,
    standing: Mapping[RiskMeasure, Tier] | None = None,
    absent: Collection[RiskMeasure] = (),
    thresholds: ChangeThresholds | None = None,
) -> tuple[RiskChange, ...]:
    """Every measure that is worth a word, worst first.

    Args:
        before: Yesterday's figures; None on the first day, when only levels and limits speak.
        var_shown_frac: The VaR that /var shows: it is what is shown here, and held against the limit.
        standing: Tiers that were told and have not eased, for the hysteresis. A measure that stands is in the answer
            even where it has come back, with Tier.OK.
        absent: What does not apply to the account now, such as the correlation of a single asset: over, not unknown.
    """
    ladders = (thresholds or ChangeThresholds()).ladders
    found: list[RiskChange] = []
    for measure, ladder in ladders.items():
        value = float(getattr(now, _FIELD[measure]))
        old = float(getattr(before, _FIELD[measure])) if before is not None else math.nan
        stood = (standing or {}).get(measure, Tier.OK)
        tier = Tier.OK if measure in absent else _tier(ladder, old, value, stood)
        shown, limit = value, math.nan
        if measure is RiskMeasure.VAR:
            shown, limit = (value if math.isnan(var_shown_frac) else var_shown_frac), var_limit_frac
        by_limit = shown > limit and tier.value < Tier.WARNING.value
        if tier is not Tier.OK or by_limit or stood is not Tier.OK:
            found.append(
                RiskChange(
                    measure=measure, tier=Tier.WARNING if by_limit else tier, before=old, now=value, shown=shown,
                    limit=limit, by_limit=by_limit,
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda change: (-change.tier.value, change.measure.value)))


def _tier(ladder: Ladder, old: float, value: float, standing: Tier) -> Tier:
    moved = _moved(ladder, old, value)
    if math.isnan(moved):
        return standing  # what cannot be measured is not called better
    entered = max(
        (tier for tier, step in ladder.steps.items() if moved >= step), key=lambda t: t.value, default=Tier.OK
    )
    if entered.value >= standing.value or standing not in ladder.steps:
        return entered
    neutral = 1.0 if ladder.scale is Scale.RATIO else 0.0
    edge = ladder.steps[standing] - EASE_FRAC * (ladder.steps[standing] - neutral)
    milder = max((step for tier, step in ladder.steps.items() if tier.value < standing.value), default=edge)
    return standing if moved >= min(edge, milder) else entered


def _moved(ladder: Ladder, old: float, value: float) -> float:
    if ladder.scale is Scale.LEVEL or math.isnan(value):
        return value
    if ladder.scale is Scale.DIFFERENCE:
        return abs(value - old)
    if not old > 0:
        return math.nan  # from nothing: that positions were opened is told elsewhere
    return value / old if value >= ladder.least else min(value / old, 1.0)
