"""Changes of risk: worse at once, better only where the milder tier begins, and never because of a gap."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.risk_changes import ChangeThresholds, changes
from risk.decisions.tiers import Tier
from risk.model.changes import RiskChange, RiskMeasure, RiskSnapshot
from tests.risk.builders import NOW

VAR, LEVERAGE, CORRELATION, BETA = (
    RiskMeasure.VAR, RiskMeasure.LEVERAGE, RiskMeasure.CORRELATION, RiskMeasure.BETA
)  # fmt: skip


def snapshot(**figures: float) -> RiskSnapshot:
    calm = {
        "var_1d_frac": 0.05, "volatility": 0.6, "correlation": 0.6, "beta_sol": 1.0, "leverage": 2.0,
        "funding_daily_frac": 0.0,
    }  # fmt: skip
    return RiskSnapshot(at=NOW, **(calm | figures))


def found(before: RiskSnapshot | None, now: RiskSnapshot, **more: object) -> dict[RiskMeasure, RiskChange]:
    return {change.measure: change for change in changes(before, now, **more)}  # type: ignore[arg-type]  # keywords


def test_days_alike_are_no_news() -> None:
    assert changes(snapshot(), snapshot()) == ()


@pytest.mark.parametrize(
    ("now", "measure", "tier"),
    [
        ({"var_1d_frac": 0.0625}, VAR, Tier.WATCH),
        ({"var_1d_frac": 0.0751}, VAR, Tier.WARNING),
        ({"var_1d_frac": 0.1}, VAR, Tier.HIGH),
        ({"volatility": 0.9}, RiskMeasure.VOLATILITY, Tier.WARNING),
        ({"correlation": 0.85}, CORRELATION, Tier.WATCH),
        ({"correlation": 0.2}, CORRELATION, Tier.WARNING),
        ({"beta_sol": -0.1}, BETA, Tier.WARNING),
        ({"leverage": 4.0}, LEVERAGE, Tier.HIGH),
        ({"funding_daily_frac": 0.003}, RiskMeasure.FUNDING, Tier.WARNING),
    ],
)
def test_each_measure_has_its_steps(now: dict[str, float], measure: RiskMeasure, tier: Tier) -> None:
    assert {key: one.tier for key, one in found(snapshot(), snapshot(**now)).items()} == {measure: tier}


def test_less_risk_is_no_news() -> None:
    calmer = snapshot(var_1d_frac=0.01, volatility=0.1, leverage=0.2, funding_daily_frac=-0.01)
    assert changes(snapshot(), calmer) == ()


@pytest.mark.parametrize("name", ["var_1d_frac", "volatility", "leverage"])
def test_twice_almost_nothing_is_almost_nothing(name: str) -> None:
    assert changes(snapshot(**{name: 0.003}), snapshot(**{name: 0.009})) == ()


def test_a_tier_is_left_where_the_milder_one_begins_and_the_mildest_after_a_margin() -> None:
    def tier(now: float, stands: Tier) -> Tier:
        return found(snapshot(), snapshot(leverage=2 * now), standing={LEVERAGE: stands})[LEVERAGE].tier

    assert tier(1.55, Tier.HIGH) is Tier.HIGH
    assert tier(1.45, Tier.HIGH) is Tier.WATCH
    assert tier(1.3, Tier.WARNING) is Tier.WARNING
    assert tier(1.24, Tier.WATCH) is Tier.WATCH
    assert tier(1.2, Tier.WATCH) is Tier.OK


@pytest.mark.parametrize("unknown", ["before", "now", "first day"])
def test_what_cannot_be_measured_leaves_a_tier_as_it_stands(unknown: str) -> None:
    gap, before, now = snapshot(var_1d_frac=math.nan), snapshot(), snapshot()
    yesterday = {"before": gap, "now": before, "first day": None}[unknown]
    today = gap if unknown == "now" else now
    assert found(yesterday, today, standing={VAR: Tier.HIGH})[VAR].tier is Tier.HIGH
    assert VAR not in found(yesterday, today), "and opens nothing"


def test_what_does_not_apply_any_more_is_over() -> None:
    single = snapshot(correlation=math.nan)
    stands = {CORRELATION: Tier.WARNING}
    assert found(snapshot(), single, standing=stands)[CORRELATION].tier is Tier.WARNING
    assert found(snapshot(), single, standing=stands, absent=(CORRELATION,))[CORRELATION].tier is Tier.OK


def test_positions_that_were_opened_from_nothing_are_not_infinitely_more_risk() -> None:
    empty = snapshot(var_1d_frac=0.0, volatility=0.0, leverage=0.0)
    assert {VAR, RiskMeasure.VOLATILITY, LEVERAGE} & set(found(empty, snapshot())) == set()


def test_the_limit_speaks_whatever_yesterday_was_and_by_the_number_that_is_shown() -> None:
    one = found(None, snapshot(), var_shown_frac=0.06, var_limit_frac=0.055)[VAR]
    assert (one.tier, one.by_limit, one.shown, one.limit) == (Tier.WARNING, True, 0.06, 0.055)
    assert found(None, snapshot(), var_shown_frac=0.055, var_limit_frac=0.055) == {}, "reaching it is no breach"
    both = found(snapshot(), snapshot(var_1d_frac=0.11), var_shown_frac=0.12, var_limit_frac=0.05)[VAR]
    assert (both.tier, both.by_limit) == (Tier.HIGH, False)


def test_the_worst_comes_first() -> None:
    worse = snapshot(leverage=2.6, var_1d_frac=0.2, beta_sol=2.5)
    assert [change.tier for change in changes(snapshot(), worse)] == [Tier.HIGH, Tier.WARNING, Tier.WATCH]


levels = st.floats(0.0, 5.0)


@given(low=levels, more=st.floats(0.0, 2.0), stands=st.sampled_from([Tier.OK, Tier.WATCH, Tier.WARNING, Tier.HIGH]))
def test_more_risk_is_never_a_milder_tier(low: float, more: float, stands: Tier) -> None:
    def tier(value: float) -> int:
        one = found(snapshot(), snapshot(leverage=value), standing={LEVERAGE: stands}).get(LEVERAGE)
        return one.tier.value if one is not None else 0

    assert tier(low + more) >= tier(low)


@given(value=levels, stands=st.sampled_from([Tier.WATCH, Tier.WARNING, Tier.HIGH]))
def test_a_figure_on_the_edge_does_not_chatter(value: float, stands: Tier) -> None:
    """Once settled, the same figure settles to the same tier."""
    first = found(snapshot(), snapshot(leverage=value), standing={LEVERAGE: stands})[LEVERAGE].tier
    again = found(snapshot(), snapshot(leverage=value), standing={LEVERAGE: first} if first is not Tier.OK else {})
    assert (again[LEVERAGE].tier if LEVERAGE in again else Tier.OK) is first


def test_every_measure_has_a_ladder_that_rises() -> None:
    ladders = ChangeThresholds().ladders
    assert set(ladders) == set(RiskMeasure)
    for ladder in ladders.values():
        steps = [ladder.steps[tier] for tier in sorted(ladder.steps, key=lambda one: one.value)]
        assert steps == sorted(steps)
