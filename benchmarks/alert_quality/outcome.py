"""What somebody watching a walk would have been told: the tiers' own decisions, and how it ended."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.alert_quality.walk import Walk
from bot.replaying.alarms import Alarms
from bot.replaying.firsts import note
from risk.decisions.incidents import severity
from risk.decisions.tiers import Asked, Tier, TierReading, TierState, TierThresholds, classify
from risk.margin.book import IntArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One walk under one set of thresholds.

    Attributes:
        liquidated_s: When; None where it was not.
        first_s: When somebody was first warned at each tier or a worse one.
        page_s: Since when HIGH or worse, or CRITICAL or worse, has stood at the end; None where it does not.
        watched_s: From the opening to the end.
        standing_s: How long HIGH or worse, or CRITICAL or worse, stood in all.
        last_look_s: The last moment before that of the liquidation, and how far liquidation was then.
    """

    liquidated_s: float | None
    first_s: dict[Tier, float]
    page_s: dict[Tier, float | None]
    alarms: dict[Tier, Alarms]
    watched_s: float
    standing_s: dict[Tier, float]
    last_look_s: float
    last_reach_frac: float

    def lead_s(self, tier: Tier) -> float:
        """From the page that still stood at liquidation to it; 0 where there was none."""
        began = self.page_s[tier]
        return 0.0 if began is None or self.liquidated_s is None else self.liquidated_s - began


PAGES = (Tier.HIGH, Tier.CRITICAL)


def outcome(walk: Walk, thresholds: TierThresholds) -> Outcome:
    """Let the tiers look at every price. Where nothing changes they are not asked again: they would say the same."""
    steps = np.stack([_steps(walk, thresholds, asked) for asked in Asked])
    changes = np.flatnonzero((np.diff(steps, axis=1) != 0).any(axis=0)) + 1
    stretches = zip([0, *changes.tolist()], [*changes.tolist(), walk.at_s.size], strict=True)
    state, first, pages = TierState(), dict[Tier, float](), dict[Tier, float | None].fromkeys(PAGES)
    alarms = {tier: Alarms(tier=tier) for tier in PAGES}
    standing = dict.fromkeys(PAGES, 0.0)
    for begin, end in stretches:
        number = begin
        while number < end:
            before = state
            state = classify(state, _reading(walk, number), thresholds, _EPOCH + timedelta(seconds=walk.at_s[number]))
            known, at_s = state.tier, float(walk.at_s[number])
            note(first, known, at_s)
            # Until the next change, or a dwell that runs out, only the least that was to spare matters.
            runs_out = int(np.searchsorted(walk.at_s, _dwelt_s(state, thresholds)))
            following = min(end, max(number + 1, runs_out)) if state == before else number + 1
            least = float(walk.excess[number:following].min())
            reached_s = float(walk.at_s[min(following, walk.at_s.size - 1)])
            for tier in PAGES:
                alarms[tier] = alarms[tier].after(known, least)
                if severity(known) < severity(tier):
                    pages[tier] = None
                    continue
                standing[tier] += reached_s - at_s
                if pages[tier] is None:
                    pages[tier] = at_s
            number = following
    last = int(np.searchsorted(walk.at_s, walk.at_s[-1])) - 1
    return Outcome(
        liquidated_s=float(walk.at_s[-1]) if walk.liquidated else None,
        first_s=first,
        page_s=pages,
        alarms=alarms,
        watched_s=float(walk.at_s[-1] - walk.at_s[0]),
        standing_s=standing,
        last_look_s=float(walk.at_s[max(last, 0)]),
        last_reach_frac=float(walk.reach_frac[max(last, 0)]),
    )


def _dwelt_s(state: TierState, thresholds: TierThresholds) -> float:
    """When time alone would bring a better tier; infinite where it would not."""
    ends = [
        (since - _EPOCH + dwell).total_seconds()
        for since, dwell in ((state.easing_since, thresholds.ease_dwell), (state.calm_since, thresholds.calm_dwell))
        if since is not None
    ]
    return min(ends, default=math.inf)


def _reading(walk: Walk, number: int) -> TierReading:
    return TierReading(
        ratio_percent=float(walk.ratio_percent[number]),
        distance_frac=float(walk.distance_frac[number]),
        distance_sigmas=float(walk.sigmas[number]),
        liquidating=walk.liquidated and number == walk.at_s.size - 1,
    )


def _steps(walk: Walk, thresholds: TierThresholds, asked: Asked) -> IntArray:
    """The step of every reading, as ``tier_of`` would say: how many thresholds it is below."""
    steps = np.zeros(walk.at_s.size, np.int64)
    for tier, below in reversed(thresholds.ladder(asked)):
        for measure, threshold in zip((walk.ratio_percent, walk.distance_frac, walk.sigmas), below, strict=True):
            steps[measure < threshold] = tier.value
    if walk.liquidated:
        steps[-1] = Tier.LIQUIDATING.value
    return steps
