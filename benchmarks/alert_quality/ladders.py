"""The sets of thresholds that were compared. Each family has one number: where HIGH begins."""

from dataclasses import dataclass

from risk.decisions.tiers import Tier, TierThresholds

# Of the threshold of HIGH: daily moves of 7, 5, 3 and 0.75 are such a ladder.
_SHAPE = {Tier.WATCH: 7 / 3, Tier.WARNING: 5 / 3, Tier.HIGH: 1.0, Tier.CRITICAL: 1 / 4}
_RATIOS = {Tier.WATCH: 250.0, Tier.WARNING: 200.0, Tier.HIGH: 150.0, Tier.CRITICAL: 120.0, Tier.LIQUIDATING: 100.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One set of thresholds; ``family`` and ``high`` say how it came about."""

    family: str
    high: str
    thresholds: TierThresholds


CHOSEN = Choice(family="daily moves", high="3", thresholds=TierThresholds())
RATIO_ALONE = Choice(family="health ratio", high="150 %", thresholds=TierThresholds(distance_sigmas={}))


def families() -> list[list[Choice]]:
    """Curves, each from the latest warning to the earliest."""
    return [
        [RATIO_ALONE, *(_by_ratio(percent) for percent in (200.0, 250.0, 300.0, 400.0, 500.0, 700.0))],
        [_by_distance(frac) for frac in (0.025, 0.05, 0.075, 0.10, 0.15, 0.20)],
        [_by_moves(moves) for moves in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)],
    ]


def critical_alone() -> Choice:
    """CRITICAL as chosen and left five percent past its threshold, as nothing milder is there to lead it out."""
    return Choice(
        family="CRITICAL alone",
        high="0.75",
        thresholds=TierThresholds(
            ratio_percent={Tier.CRITICAL: 120.0, Tier.LIQUIDATING: 100.0}, distance_sigmas={Tier.CRITICAL: 0.75}
        ),
    )


def _by_ratio(percent: float) -> Choice:
    """What is beyond liquidation is scaled: 100 % stays where it is."""
    scale = (percent - 100.0) / (_RATIOS[Tier.HIGH] - 100.0)
    ladder = {tier: 100.0 + (below - 100.0) * scale for tier, below in _RATIOS.items()}
    return Choice(
        family="health ratio", high=f"{percent:g} %",
        thresholds=TierThresholds(ratio_percent=ladder, distance_sigmas={}),
    )  # fmt: skip


def _by_distance(frac: float) -> Choice:
    ladder = {tier: frac * share for tier, share in _SHAPE.items()}
    return Choice(
        family="distance", high=f"{100 * frac:g} %",
        thresholds=TierThresholds(distance_frac=ladder, distance_sigmas={}),
    )  # fmt: skip


def _by_moves(moves: float) -> Choice:
    ladder = {tier: moves * share for tier, share in _SHAPE.items()}
    return Choice(family="daily moves", high=f"{moves:g}", thresholds=TierThresholds(distance_sigmas=ladder))
