"""Tiers: worse at once, better only where the milder tier begins and after a dwell, and never fine without data."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.tiers import (
    LADDER,
    Asked,
    Tier,
    TierReading,
    TierState,
    TierThresholds,
    begins_percent,
    classify,
    on_ratio,
    risk_level,
    tier_of,
)
from risk.errors import CannotAssess
from risk.model.liquidation import RiskLevel
from tests.risk.builders import NOW

DEFAULTS = TierThresholds()
RATIOS = st.floats(0, 400)
KNOWN = st.sampled_from([tier for tier in Tier if tier.known])
UNKNOWN = TierReading(unknown_because=("the venue is silent",))


def at(ratio: float, sigmas: float | None = None) -> TierReading:
    return TierReading(ratio_percent=ratio, distance_sigmas=sigmas)


def standing(tier: Tier) -> TierState:
    return TierState(tier=tier, known=tier)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def follow(
    readings: Iterable[TierReading], start: TierState | None = None, *, every_s: float = 5.0,
    thresholds: TierThresholds = DEFAULTS,
) -> list[Tier]:  # fmt: skip
    """The tier shown after each reading."""
    state, shown = start or TierState(), []
    for step, reading in enumerate(readings):
        state = classify(state, reading, thresholds, after(step * every_s))
        shown.append(state.tier)
    return shown


@pytest.mark.parametrize(
    ("ratio", "tier", "why"),
    [
        (math.inf, Tier.OK, "nothing is required"),
        (250.0, Tier.OK, "a threshold itself is still the better tier"),
        (249.999_999, Tier.WATCH, "below 250"),
        (200.0, Tier.WATCH, "200 is not below 200"),
        (199.9, Tier.WARNING, "below 200"),
        (150.0, Tier.WARNING, "150 is not below 150"),
        (149.9, Tier.HIGH, "below 150"),
        (120.0, Tier.HIGH, "120 is not below 120"),
        (119.9, Tier.CRITICAL, "below 120"),
        (100.0, Tier.CRITICAL, "liquidation starts below 100"),
        (99.9, Tier.LIQUIDATING, "below 100"),
        (-20.0, Tier.LIQUIDATING, "more is owed than is there"),
        (math.nan, Tier.UNKNOWN, "not known"),
    ],
)
def test_default_thresholds(ratio: float, tier: Tier, why: str) -> None:
    assert tier_of(at(ratio), DEFAULTS) is tier, why


@pytest.mark.parametrize(
    ("reading", "tier", "why"),
    [
        (TierReading(ratio_percent=500.0, liquidating=True), Tier.LIQUIDATING, "the venue says so"),
        (replace(UNKNOWN, ratio_percent=500.0), Tier.UNKNOWN, "figures that must not be trusted say nothing"),
        (replace(UNKNOWN, ratio_percent=50.0), Tier.UNKNOWN, "not even bad ones"),
        (replace(UNKNOWN, liquidating=True), Tier.UNKNOWN, "an old flag is old as well"),
        (TierReading(), Tier.OK, "an account without positions"),
    ],
)
def test_what_counts_before_any_threshold(reading: TierReading, tier: Tier, why: str) -> None:
    assert tier_of(reading, DEFAULTS) is tier, why


@pytest.mark.parametrize(
    ("sigmas", "tier", "why"),
    [
        (None, Tier.OK, "nothing is known of the moves"),
        (math.inf, Tier.OK, "nothing moves"),
        (7.0, Tier.OK, "a threshold itself is still the better tier"),
        (6.99, Tier.WATCH, "below seven daily moves"),
        (4.99, Tier.WARNING, "below five"),
        (2.99, Tier.HIGH, "below three"),
        (0.75, Tier.HIGH, "three quarters of a move are not below that"),
        (0.74, Tier.CRITICAL, "below three quarters"),
        (0.0, Tier.CRITICAL, "only the ratio and the venue say that liquidation has begun"),
    ],
)
def test_default_thresholds_in_daily_moves(sigmas: float | None, tier: Tier, why: str) -> None:
    assert tier_of(TierReading(ratio_percent=480.0, distance_sigmas=sigmas), DEFAULTS) is tier, why
    assert tier_of(TierReading(ratio_percent=99.0, distance_sigmas=sigmas), DEFAULTS) is Tier.LIQUIDATING


WITH_DISTANCE = TierThresholds(distance_frac={Tier.WARNING: 0.2, Tier.CRITICAL: 0.05}, distance_sigmas={Tier.HIGH: 3.0})


@pytest.mark.parametrize(
    ("reading", "tier", "why"),
    [
        (TierReading(ratio_percent=300.0, distance_frac=0.2), Tier.OK, "a distance equal to its threshold is better"),
        (TierReading(ratio_percent=300.0, distance_frac=0.19), Tier.WARNING, "distance alone"),
        (TierReading(ratio_percent=300.0, distance_frac=0.04), Tier.CRITICAL, "nearer"),
        (TierReading(ratio_percent=110.0, distance_frac=0.19), Tier.CRITICAL, "the worst measure counts"),
        (TierReading(ratio_percent=300.0, distance_frac=0.19, distance_sigmas=2.9), Tier.HIGH, "sigmas as well"),
        (TierReading(ratio_percent=300.0, distance_sigmas=3.0), Tier.OK, "three sigmas are not below three"),
        (TierReading(ratio_percent=300.0, distance_frac=None), Tier.OK, "no price liquidates"),
    ],
)
def test_distance_counts_where_it_was_set(reading: TierReading, tier: Tier, why: str) -> None:
    assert tier_of(reading, WITH_DISTANCE) is tier, why
    off = TierThresholds(distance_sigmas={})
    assert tier_of(replace(reading, ratio_percent=300.0), off) is Tier.OK, "off where nothing is set"


@pytest.mark.parametrize(
    ("state", "reading", "tier", "why"),
    [
        (TierState(), at(300.0), Tier.OK, "the first look decides at once"),
        (TierState(), at(110.0), Tier.CRITICAL, "the first look decides at once"),
        (standing(Tier.OK), at(110.0), Tier.CRITICAL, "worse at once, across several steps"),
        (standing(Tier.OK), at(250.0), Tier.OK, "equality is no breach"),
        (standing(Tier.CRITICAL), at(300.0), Tier.CRITICAL, "better only after a dwell"),
        (standing(Tier.CRITICAL), at(119.0), Tier.CRITICAL, "still there"),
        (standing(Tier.WATCH), at(199.0), Tier.WARNING, "worse at once"),
        (standing(Tier.OK), UNKNOWN, Tier.UNKNOWN, "no data is not fine"),
        (standing(Tier.CRITICAL), UNKNOWN, Tier.UNKNOWN, "nor is it critical"),
        (TierState(known=Tier.HIGH), at(300.0), Tier.HIGH, "what was known comes back with the data"),
        (TierState(known=Tier.HIGH), at(110.0), Tier.CRITICAL, "unless it has become worse"),
        (standing(Tier.OK), TierReading(ratio_percent=900.0, liquidating=True), Tier.LIQUIDATING, "flagged"),
    ],
)
def test_one_reading(state: TierState, reading: TierReading, tier: Tier, why: str) -> None:
    assert classify(state, reading, DEFAULTS, NOW).tier is tier, why


@pytest.mark.parametrize(
    ("tier", "left_at", "for_"),
    [
        (Tier.LIQUIDATING, 120.0, Tier.CRITICAL),
        (Tier.CRITICAL, 150.0, Tier.HIGH),
        (Tier.HIGH, 200.0, Tier.WARNING),
        (Tier.WARNING, 250.0, Tier.WATCH),
        (Tier.WATCH, 262.5, Tier.OK),
    ],
)
def test_a_tier_is_left_where_the_milder_one_begins(tier: Tier, left_at: float, for_: Tier) -> None:
    """And WATCH, which has none, five percent past its own threshold. What is exactly there is enough."""
    assert follow([at(left_at - 0.1)] * 40, standing(tier))[-1] is tier
    assert follow([at(left_at)] * 40, standing(tier))[-1] is for_


def test_every_measure_must_have_left_a_tier() -> None:
    far = TierReading(ratio_percent=900.0, distance_sigmas=4.9)
    assert follow([far] * 40, standing(Tier.HIGH))[-1] is Tier.HIGH
    assert follow([replace(far, distance_sigmas=5.0)] * 40, standing(Tier.HIGH))[-1] is Tier.WARNING
    assert follow([replace(far, distance_sigmas=None)] * 40, standing(Tier.HIGH))[-1] is Tier.OK


def test_steps_that_lie_close_together_are_left_by_the_margin() -> None:
    close = TierThresholds(ratio_percent={Tier.HIGH: 150.0, Tier.CRITICAL: 149.0}, ease_margin_frac=0.1)
    assert follow([at(163.8)] * 40, standing(Tier.CRITICAL), thresholds=close)[-1] is Tier.CRITICAL
    assert follow([at(163.9)] * 40, standing(Tier.CRITICAL), thresholds=close)[-1] is Tier.HIGH


def test_a_better_tier_needs_the_dwell() -> None:
    shown = follow([at(300.0)] * 14, standing(Tier.CRITICAL))
    assert shown == [Tier.CRITICAL] * 12 + [Tier.OK] * 2  # seconds 0 to 55, then 60


CALM = TierThresholds(calm_dwell=timedelta(hours=2))


def calm(readings: Sequence[TierReading], start: Tier = Tier.HIGH) -> list[Tier]:
    """Half an hour apart."""
    return follow(readings, standing(start), thresholds=CALM, every_s=1_800)


def test_a_long_calm_a_margin_beyond_the_threshold_leaves_a_tier_as_well() -> None:
    # HIGH is left at 200 %; 157.5 % is a margin beyond it.
    assert calm([at(158.0)] * 5) == [*[Tier.HIGH] * 4, Tier.WARNING]
    assert set(calm([at(157.0)] * 20)) == {Tier.HIGH}


def test_critical_is_never_called_calm() -> None:
    assert set(calm([at(145.0)] * 50, Tier.CRITICAL)) == {Tier.CRITICAL}


@pytest.mark.parametrize("between", [at(157.0), at(149.0), UNKNOWN], ids=["near", "entered again", "unknown"])
def test_a_calm_that_is_interrupted_begins_again(between: TierReading) -> None:
    readings = [*[at(160.0)] * 4, between, *[at(160.0)] * 4]
    assert calm(readings)[-1] is Tier.HIGH
    assert calm([*readings, at(160.0)])[-1] is Tier.WARNING


def test_a_calm_goes_to_the_worst_step_seen_meanwhile() -> None:
    nimble = TierThresholds(calm_dwell=timedelta(hours=2), ease_dwell=timedelta(hours=9))
    readings = [at(300.0), at(160.0), *[at(240.0)] * 3]
    assert follow(readings, standing(Tier.HIGH), thresholds=nimble, every_s=1_800)[-1] is Tier.WARNING


def test_a_market_that_lies_still_does_not_hold_an_account_in_high_for_ever() -> None:
    opening, still = at(700.0, sigmas=2.9), at(700.0, sigmas=4.8)
    shown = follow([opening, *[still] * 150], every_s=1_800)
    assert shown[0] is Tier.HIGH
    assert shown[-1] is Tier.WARNING


def test_an_interruption_starts_the_dwell_again() -> None:
    shown = follow([*[at(300.0)] * 11, at(119.0), *[at(300.0)] * 13], standing(Tier.CRITICAL))
    assert shown[-2:] == [Tier.CRITICAL, Tier.OK]
    assert set(shown[:-1]) == {Tier.CRITICAL}


def test_easing_goes_to_the_worst_step_seen_meanwhile() -> None:
    """A look at 300 in between is not a minute at 300."""
    shown = follow([at(160.0), *[at(300.0)] * 12, *[at(300.0)] * 13], standing(Tier.CRITICAL))
    assert shown[12] is Tier.HIGH
    assert shown[-1] is Tier.OK
    dipped = follow([at(300.0), at(210.0), *[at(300.0)] * 11], standing(Tier.CRITICAL))
    assert dipped[12] is Tier.WARNING


def test_a_gap_in_the_data_neither_repeats_nor_hides_a_tier() -> None:
    shown = follow([at(140.0), UNKNOWN, UNKNOWN, at(140.0)], standing(Tier.HIGH))
    assert shown == [Tier.HIGH, Tier.UNKNOWN, Tier.UNKNOWN, Tier.HIGH]


def test_a_dwell_must_be_watched_without_a_gap() -> None:
    readings = [*[at(300.0)] * 11, UNKNOWN, *[at(300.0)] * 12, at(300.0)]
    shown = follow(readings, standing(Tier.CRITICAL))
    assert shown[11] is Tier.UNKNOWN
    assert set(shown[12:-1]) == {Tier.CRITICAL}
    assert shown[-1] is Tier.OK


def test_a_flag_that_is_lowered_eases_like_any_tier() -> None:
    flagged = TierReading(ratio_percent=130.0, liquidating=True)
    shown = follow([flagged, *[at(130.0)] * 13], standing(Tier.OK))
    assert shown[0] is Tier.LIQUIDATING
    assert shown[12] is Tier.LIQUIDATING
    assert shown[13] is Tier.CRITICAL


def test_without_margin_and_dwell_a_single_threshold_follows_its_measure() -> None:
    nimble = TierThresholds(ratio_percent={Tier.WATCH: 250.0}, ease_margin_frac=0.0, ease_dwell=timedelta(0))
    readings = [at(260.0), at(249.0), at(250.0), at(99.0), at(120.0)]
    assert follow(readings, thresholds=nimble) == [Tier.OK, Tier.WATCH, Tier.OK, Tier.WATCH, Tier.WATCH]


def test_on_its_way_up_an_account_is_shown_one_tier_at_a_time() -> None:
    nimble = TierThresholds(ease_dwell=timedelta(0))
    up = [99.0, 110.0, 125.0, 149.0, 155.0, 199.0, 205.0, 260.0, 270.0]
    assert [tier.name for tier in follow(map(at, up), thresholds=nimble)] == [
        "LIQUIDATING", "LIQUIDATING", "CRITICAL", "CRITICAL", "HIGH", "HIGH", "WARNING", "WATCH", "OK",
    ]  # fmt: skip


@given(low=RATIOS, high=RATIOS)
def test_a_lower_ratio_is_never_a_better_tier(low: float, high: float) -> None:
    low, high = sorted((low, high))
    worse, better = tier_of(at(low), DEFAULTS), tier_of(at(high), DEFAULTS)
    assert not better.worse_than(worse)


@given(
    state=st.builds(
        lambda known, to, since: TierState(
            tier=known, known=known, easing_to=to if to.value < known.value else None,
            easing_since=NOW - timedelta(seconds=since) if to.value < known.value else None,
        ),
        KNOWN, KNOWN, st.floats(0, 120),
    ),
    low=RATIOS,
    high=RATIOS,
)  # fmt: skip
def test_from_the_same_state_a_lower_ratio_never_leads_to_a_better_tier(
    state: TierState, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    worse, better = classify(state, at(low), DEFAULTS, NOW), classify(state, at(high), DEFAULTS, NOW)
    assert not better.tier.worse_than(worse.tier)


READINGS = st.lists(st.one_of(RATIOS.map(at), st.just(UNKNOWN), st.just(at(math.nan))), max_size=40)


@given(readings=READINGS, every_s=st.floats(0.5, 90))
def test_what_is_shown_is_never_better_than_what_was_read(readings: Sequence[TierReading], every_s: float) -> None:
    for reading, shown in zip(readings, follow(readings, every_s=every_s), strict=True):
        entered = tier_of(reading, DEFAULTS)
        if entered is Tier.UNKNOWN:
            assert shown is Tier.UNKNOWN
        else:
            assert not entered.worse_than(shown)


@given(readings=READINGS, every_s=st.floats(0.5, 90))
def test_a_tier_becomes_better_only_after_a_whole_dwell_beyond_its_margin(
    readings: Sequence[TierReading], every_s: float
) -> None:
    shown = follow(readings, every_s=every_s)
    for step in range(1, len(shown)):
        before, now = shown[step - 1], shown[step]
        if not (before.known and now.known and before.worse_than(now)):
            continue
        # Forty readings at most a minute and a half apart are no long calm.
        steps_back = math.ceil(DEFAULTS.ease_dwell.total_seconds() / every_s - 1e-9)
        settled = [tier_of(reading, DEFAULTS, Asked.LEFT) for reading in readings[max(0, step - steps_back) : step + 1]]
        assert step >= steps_back
        assert all(tier.known and not tier.worse_than(now) for tier in settled)


@given(
    threshold=st.sampled_from(LADDER),
    offset=st.floats(-0.1, 0.15),
    noise=st.lists(st.floats(-1, 1), min_size=5, max_size=120),
    start=KNOWN,
)
def test_noise_of_half_the_margin_never_makes_a_tier_flap(
    threshold: Tier, offset: float, noise: list[float], start: Tier
) -> None:
    """Around any level: once a tier has been entered, noise of half the hysteresis margin does not leave it again."""
    level = DEFAULTS.ratio_percent[threshold]
    # A hair less than half: at exactly half, the rounding of a float decides.
    half = 0.499 * DEFAULTS.ease_margin_frac * level
    shown = follow([at(level * (1 + offset) + half * step) for step in noise], standing(start))
    worsened = any(now.worse_than(before) for before, now in pairwise(shown))
    eased = any(before.worse_than(now) for before, now in pairwise(shown))
    assert not (worsened and eased)


@given(steps=st.permutations([90.0, 110.0, 140.0, 180.0, 230.0, 300.0]))
def test_a_worse_tier_is_shown_at_once(steps: list[float]) -> None:
    worst = Tier.OK
    for reading, shown in zip(map(at, steps), follow(map(at, steps)), strict=True):
        worst = max(worst, tier_of(reading, DEFAULTS), key=lambda tier: tier.value)
        assert shown is worst


@pytest.mark.parametrize(
    ("thresholds", "step_percent", "ladder", "why"),
    [
        (DEFAULTS, 95.0, [765.0, 575.0, 385.0, 171.25, 100.0], "daily moves of 95 points"),
        (DEFAULTS, 10.0, [250.0, 200.0, 150.0, 120.0, 100.0], "hardly any"),
        (DEFAULTS, math.nan, [250.0, 200.0, 150.0, 120.0, 100.0], "not known"),
        (TierThresholds(distance_sigmas={Tier.HIGH: 3.0}), 95.0, [385.0, 120.0, 100.0], "milder ones have no room"),
    ],
)
def test_where_tiers_begin_on_the_ratio(
    thresholds: TierThresholds, step_percent: float, ladder: list[float], why: str
) -> None:
    assert list(on_ratio(thresholds, step_percent).ratio_percent.values()) == ladder, why


@given(ratio=st.floats(50, 1_000), step=st.floats(1, 300))
def test_told_by_the_ratio_alone_the_tier_is_the_same(ratio: float, step: float) -> None:
    reading = TierReading(ratio_percent=ratio, distance_sigmas=(ratio - 100) / step)
    told = tier_of(at(ratio), on_ratio(DEFAULTS, step))
    for tier in LADDER:
        begins = begins_percent(DEFAULTS, tier, step)
        if begins is not None and abs(ratio - begins) < 1e-6 * ratio:
            return  # on a threshold the rounding of a float decides
    assert told is tier_of(reading, DEFAULTS)


def test_every_tier_has_a_level_but_unknown() -> None:
    assert {tier: risk_level(tier) for tier in Tier if tier.known} == {
        Tier.OK: RiskLevel.LOW,
        Tier.WATCH: RiskLevel.MEDIUM,
        Tier.WARNING: RiskLevel.HIGH,
        Tier.HIGH: RiskLevel.HIGH,
        Tier.CRITICAL: RiskLevel.CRITICAL,
        Tier.LIQUIDATING: RiskLevel.CRITICAL,
    }
    with pytest.raises(CannotAssess):
        risk_level(Tier.UNKNOWN)


def test_unknown_is_neither_better_nor_worse() -> None:
    for one, other in ((Tier.UNKNOWN, Tier.OK), (Tier.OK, Tier.UNKNOWN)):
        with pytest.raises(ValueError, match="UNKNOWN is neither better nor worse"):
            one.worse_than(other)


@pytest.mark.parametrize(
    ("thresholds", "complaint"),
    [
        ({"ratio_percent": {Tier.WATCH: 200.0, Tier.WARNING: 200.0}}, "ratio thresholds must fall"),
        ({"ratio_percent": {Tier.WATCH: 150.0, Tier.CRITICAL: 180.0}}, "ratio thresholds must fall"),
        ({"ratio_percent": {Tier.WATCH: 0.0}}, "ratio thresholds must be positive"),
        ({"ratio_percent": {Tier.WATCH: math.nan}}, "ratio thresholds must be positive"),
        ({"distance_frac": {Tier.WATCH: 0.1, Tier.HIGH: 0.2}}, "distance thresholds must fall"),
        ({"distance_sigmas": {Tier.WATCH: -1.0}}, "daily move thresholds must be positive"),
        ({"ease_margin_frac": -0.01}, "cannot be negative"),
        ({"ease_dwell": timedelta(seconds=-1)}, "cannot be negative"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(thresholds: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        TierThresholds(**thresholds)  # type: ignore[arg-type]  # any of its fields
