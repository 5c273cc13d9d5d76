"""Whom the screen lets pass has not changed: it is the same decision, made for everybody at once."""

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.decisions.screening import Readings, Standing, may_change
from risk.decisions.tiers import LADDER, Tier, TierReading, TierState, TierThresholds, classify
from tests.risk.builders import NOW

KNOWN = [tier for tier in Tier if tier.known]
# Thresholds and their easing margins lie among these, so that equality is met often.
MEASURES = st.sampled_from([0.0, 50.0, 100.0, 105.0, 120.0, 126.0, 150.0, 157.5, 200.0, 210.0, 250.0, 262.5, 400.0])
RATIOS = st.one_of(MEASURES, st.floats(-10, 400), st.just(math.inf), st.just(math.nan))
SIGMAS = st.one_of(st.none(), st.floats(-5, 12), st.sampled_from([0.75, 3.0, 5.0, 7.0, math.inf]))


@st.composite
def states(draw: st.DrawFn) -> TierState:
    known = draw(st.one_of(st.none(), st.sampled_from(KNOWN)))
    if known is None:
        return TierState()
    easing, calm = draw(st.booleans()), draw(st.booleans())
    return TierState(
        tier=draw(st.sampled_from([known, known, known, Tier.UNKNOWN])),
        known=known,
        easing_to=draw(st.sampled_from(KNOWN)) if easing else None,
        easing_since=NOW if easing else None,
        calm_to=draw(st.sampled_from(KNOWN)) if calm else None,
        calm_since=NOW if calm else None,
    )


@st.composite
def readings(draw: st.DrawFn) -> TierReading:
    return TierReading(
        ratio_percent=draw(RATIOS),
        distance_sigmas=draw(SIGMAS),
        liquidating=draw(st.booleans()) if draw(st.integers(0, 4)) == 0 else False,
        unknown_because=("silence",) if draw(st.integers(0, 4)) == 0 else (),
    )


@st.composite
def thresholds(draw: st.DrawFn) -> TierThresholds:
    def ladder(scale: float) -> dict[Tier, float]:
        tiers = [tier for tier in LADDER if draw(st.booleans())]
        steps = sorted(draw(st.lists(st.integers(1, 12), min_size=len(tiers), max_size=len(tiers), unique=True)))
        return {tier: step * scale for tier, step in zip(tiers, reversed(steps), strict=True)}

    return TierThresholds(
        ratio_percent=ladder(25.0),
        distance_sigmas=ladder(0.75),
        ease_margin_frac=draw(st.sampled_from([0.0, 0.05, 0.5])),
        ease_dwell=timedelta(seconds=draw(st.sampled_from([0, 60]))),
        calm_dwell=timedelta(seconds=draw(st.sampled_from([0, 60, 43_200]))),
    )


def columns(looks: list[TierReading]) -> Readings:
    return Readings(
        ratio_percent=np.array([look.ratio_percent for look in looks]),
        sigmas=np.array([math.nan if look.distance_sigmas is None else look.distance_sigmas for look in looks]),
        liquidating=np.array([look.liquidating for look in looks], np.bool_),
        unknown=np.array([bool(look.unknown_because) for look in looks], np.bool_),
    )


@settings(max_examples=300)
@given(
    accounts=st.lists(st.tuples(states(), readings()), min_size=1, max_size=20),
    limits=st.one_of(st.just(TierThresholds()), thresholds()),
)
def test_nobody_who_changes_is_passed_over(
    accounts: list[tuple[TierState, TierReading]], limits: TierThresholds
) -> None:
    before, looks = [state for state, _ in accounts], [look for _, look in accounts]
    moving = may_change(Standing.of(before), columns(looks), limits)
    for state, look, moves in zip(before, looks, moving.tolist(), strict=True):
        after = classify(state, look, limits, NOW + timedelta(seconds=30))
        if not moves:
            assert after == state
        elif not state.recovering:
            assert after != state, "the screen is exact but for those whose dwell runs"


@given(look=readings(), state=states())
def test_whoever_stays_where_he_is_is_passed_over_at_the_next_look(look: TierReading, state: TierState) -> None:
    limits = TierThresholds()
    settled = classify(state, look, limits, NOW)
    again = classify(settled, look, limits, NOW)
    moves = bool(may_change(Standing.of([settled]), columns([look]), limits)[0])
    assert moves == (again != settled or settled.recovering)


def test_a_thousand_of_them_are_one_look() -> None:
    ok = [TierState(tier=Tier.OK, known=Tier.OK)] * 1_000
    looks = [TierReading(ratio_percent=400.0)] * 1_000
    looks[417] = TierReading(ratio_percent=119.0)
    assert np.flatnonzero(may_change(Standing.of(ok), columns(looks), TierThresholds())).tolist() == [417]


def test_thresholds_on_a_distance_cannot_be_screened() -> None:
    with pytest.raises(ValueError, match="for each account alone"):
        may_change(Standing.of([TierState()]), columns([TierReading()]), TierThresholds(distance_frac={Tier.HIGH: 0.1}))
