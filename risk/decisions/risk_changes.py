"""Which changes of an account's risk are worth a word, and how loud. Pure.

Each measure has a ladder: how much it must have risen since yesterday for WATCH, WARNING and HIGH. A change that was
told eases only once the measure has come back by a tenth of its step, so that a figure on the edge does not chatter.
"""

import math
from collections.abc import Mapping
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
    """When a measure reaches which tier, rising."""

    scale: Scale
    steps: Mapping[Tier, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeThresholds:
    """Ladders by measure. The limit on VaR is held beside them: passing it is WARNING whatever yesterday was."""

    ladders: Mapping[RiskMeasure, Ladder] = field(
        default_factory=lambda: {
            RiskMeasure.VAR: Ladder(scale=Scale.RATIO, steps={Tier.WATCH: 1.25, Tier.WARNING: 1.5, Tier.HIGH: 2.0}),
            RiskMeasure.VOLATILITY: Ladder(
                scale=Scale.RATIO, steps={Tier.WATCH: 1.25, Tier.WARNING: 1.5, Tier.HIGH: 2.0}
            ),
            RiskMeasure.CORRELATION: Ladder(scale=Scale.DIFFERENCE, steps={Tier.WATCH: 0.2, Tier.WARNING: 0.35}),
            RiskMeasure.BETA: Ladder(scale=Scale.DIFFERENCE, steps={Tier.WATCH: 0.5, Tier.WARNING: 1.0}),
            RiskMeasure.LEVERAGE: Ladder(
                scale=Scale.RATIO, steps={Tier.WATCH: 1.25, Tier.WARNING: 1.5, Tier.HIGH: 2.0}
            ),
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
    var_limit_frac: float = math.nan,
    standing: Mapping[RiskMeasure, Tier] | None = None,
    thresholds: ChangeThresholds | None = None,
) -> tuple[RiskChange, ...]:
    """Every measure that is worth a word, worst first.

    Args:
        before: Yesterday's figures; None on the first day, when only levels and limits speak.
        standing: Tiers that were told and have not eased, for the hysteresis.
    """
    ladders = (thresholds or ChangeThresholds()).ladders
    found: list[RiskChange] = []
    for measure, ladder in ladders.items():
        value = float(getattr(now, _FIELD[measure]))
        old = float(getattr(before, _FIELD[measure])) if before is not None else math.nan
        tier = _tier(ladder, old, value, (standing or {}).get(measure, Tier.OK))
        limit = var_limit_frac if measure is RiskMeasure.VAR else math.nan
        if value > limit and tier.value < Tier.WARNING.value:
            tier = Tier.WARNING
        if tier is not Tier.OK:
            found.append(
                RiskChange(
                    measure=measure, tier=tier, before=old, now=value, limit=limit,
                    sentence=_sentence(measure, old, value, limit),
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda change: (-change.tier.value, change.measure.value)))


def _tier(ladder: Ladder, old: float, value: float, standing: Tier) -> Tier:
    moved = _moved(ladder.scale, old, value)
    if math.isnan(moved):
        return standing  # what cannot be measured is not called better
    entered = max(
        (tier for tier, step in ladder.steps.items() if moved >= step), key=lambda t: t.value, default=Tier.OK
    )
    if entered.value >= standing.value or standing not in ladder.steps:
        return entered
    neutral = 1.0 if ladder.scale is Scale.RATIO else 0.0
    edge = ladder.steps[standing] - EASE_FRAC * (ladder.steps[standing] - neutral)
    return standing if moved >= edge else entered


def _moved(scale: Scale, old: float, value: float) -> float:
    if scale is Scale.LEVEL:
        return value
    if scale is Scale.DIFFERENCE:
        return abs(value - old)
    return value / old if old > 0 else math.nan


def _sentence(measure: RiskMeasure, old: float, value: float, limit: float) -> str:
    was = "" if math.isnan(old) else f", {_shown(measure, old)} yesterday"
    over = f", over its limit of {_shown(measure, limit)}" if value > limit else ""
    return f"{_WORDS[measure]} is {_shown(measure, value)}{was}{over}"


_WORDS = {
    RiskMeasure.VAR: "one-day VaR at 95% of equity",
    RiskMeasure.VOLATILITY: "volatility of the account, annualised,",
    RiskMeasure.CORRELATION: "average correlation of the assets",
    RiskMeasure.BETA: "beta to SOL",
    RiskMeasure.LEVERAGE: "leverage",
    RiskMeasure.FUNDING: "cost of funding a day, of equity,",
}


def _shown(measure: RiskMeasure, value: float) -> str:
    if measure in (RiskMeasure.CORRELATION, RiskMeasure.BETA):
        return f"{value:.2f}"
    return f"{value:.1f}x" if measure is RiskMeasure.LEVERAGE else f"{100 * value:.1f}%"
