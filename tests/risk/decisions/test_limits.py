"""Limits: reaching one exactly is no breach, and what cannot be measured is not called fine."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.limits import BadLimits, breaches, check, validated
from risk.model.limits import LimitFigures, LimitName, LimitState, RiskLimits, RiskViolation
from risk.model.portfolio import PortfolioSummary, PositionAnalysis
from tests.risk.builders import NOW

LIMITS = RiskLimits()


def position(notional: float = 100.0, market: str = "SOL-PERP") -> PositionAnalysis:
    return PositionAnalysis(
        market=market, size=1.0, entry_price=100.0, current_price=100.0, unrealized_pnl=0.0, realized_pnl=0.0,
        total_pnl=0.0, liquidation_price=None, margin_requirement=5.0, notional=notional, funding=0.0,
    )  # fmt: skip


def summary(**changes: object) -> PortfolioSummary:
    """An account of 1,000 USD that breaches nothing."""
    calm = PortfolioSummary(
        total_value=1_000.0, unrealized_pnl=0.0, realized_pnl=0.0, margin_used=10.0, margin_available=900.0,
        leverage=1.0, health_ratio=500.0, positions=(position(),), open_orders=(), last_updated=NOW,
    )  # fmt: skip
    return replace(calm, **changes)  # type: ignore[arg-type]  # any of its fields


def found(changed: PortfolioSummary, drawdown: float | None = 0.0, limits: RiskLimits = LIMITS) -> list[str]:
    return [violation.limit.value for violation in breaches(limits, changed, drawdown)]


def test_a_calm_account_breaches_nothing() -> None:
    assert breaches(LIMITS, summary(), 0.0) == ()


@pytest.mark.parametrize(
    ("at", "beyond", "limit"),
    [
        (summary(leverage=5.0), summary(leverage=5.000_001), LimitName.MAX_PORTFOLIO_LEVERAGE),
        (summary(health_ratio=150.0), summary(health_ratio=149.999), LimitName.MIN_HEALTH_RATIO),
        (
            summary(total_value=1e6, positions=(position(50_000.0),)),
            summary(total_value=1e6, positions=(position(50_000.01),)),
            LimitName.MAX_POSITION_SIZE_USD,
        ),
        (
            summary(positions=(position(300.0),)),
            summary(positions=(position(300.01),)),
            LimitName.MAX_POSITION_SIZE_PERCENT,
        ),
    ],
)
def test_reaching_a_limit_is_no_breach(at: PortfolioSummary, beyond: PortfolioSummary, limit: LimitName) -> None:
    assert found(at) == []
    assert found(beyond) == [limit.value]


def test_reaching_the_drawdown_limit_is_no_breach() -> None:
    assert found(summary(), 0.15) == []
    assert found(summary(), 0.150_001) == ["max_drawdown_percent"]


def test_without_a_history_drawdown_is_not_checked() -> None:
    assert found(summary(), None) == []


def test_a_breach_says_what_was_measured_against_what() -> None:
    assert breaches(LIMITS, summary(leverage=7.0), 0.0) == (
        RiskViolation(limit=LimitName.MAX_PORTFOLIO_LEVERAGE, value=7.0, threshold=5.0),
    )
    assert breaches(LIMITS, summary(health_ratio=90.0), 0.0) == (
        RiskViolation(limit=LimitName.MIN_HEALTH_RATIO, value=90.0, threshold=150.0),
    )
    assert breaches(LIMITS, summary(positions=(position(400.0, "BTC-PERP"),)), 0.0) == (
        RiskViolation(limit=LimitName.MAX_POSITION_SIZE_PERCENT, value=0.4, threshold=0.3, market="BTC-PERP"),
    )
    assert breaches(LIMITS, summary(), 0.2) == (
        RiskViolation(limit=LimitName.MAX_DRAWDOWN_PERCENT, value=0.2, threshold=0.15),
    )


def test_limits_of_the_account_come_before_those_of_positions() -> None:
    broken = summary(
        leverage=9.0,
        health_ratio=110.0,
        positions=(position(60_000.0, "A"), position(100.0, "B"), position(400.0, "C")),
    )
    assert [(violation.limit.value, violation.market) for violation in breaches(LIMITS, broken, 0.5)] == [
        ("max_portfolio_leverage", ""),
        ("min_health_ratio", ""),
        ("max_drawdown_percent", ""),
        ("max_position_size_usd", "A"),
        ("max_position_size_percent", "A"),
        ("max_position_size_percent", "C"),
    ]


@pytest.mark.parametrize("total_value", [0.0, -500.0])
def test_a_position_of_an_account_worth_nothing_is_infinitely_large(total_value: float) -> None:
    broke = summary(total_value=total_value, leverage=math.inf)
    assert found(broke) == ["max_portfolio_leverage", "max_position_size_percent"]
    assert found(replace(broke, leverage=0.0, positions=(position(0.0),))) == []


@given(
    leverage=st.floats(0, 20), ratio=st.floats(0, 1_000), notional=st.floats(0, 1e6), value=st.floats(1, 1e6),
    drawdown=st.floats(0, 1), looser=st.floats(1, 3),
)  # fmt: skip
def test_looser_limits_never_find_more(
    leverage: float, ratio: float, notional: float, value: float, drawdown: float, looser: float
) -> None:
    account = summary(leverage=leverage, health_ratio=ratio, total_value=value, positions=(position(notional),))
    loose = RiskLimits(
        max_portfolio_leverage=5.0 * looser, max_position_size_usd=50_000.0 * looser,
        max_position_size_percent=0.3 * looser, min_health_ratio=150.0 / looser, max_drawdown_percent=0.15 * looser,
    )  # fmt: skip
    assert set(found(account, drawdown, loose)) <= set(found(account, drawdown))


def test_default_limits_are_the_requirements() -> None:
    assert validated(LIMITS) == RiskLimits(
        max_portfolio_leverage=5.0, max_position_size_usd=50_000.0, max_position_size_percent=0.3,
        max_correlation_exposure=0.7, max_var_1d_percent=0.05, min_health_ratio=150.0, max_drawdown_percent=0.15,
    )  # fmt: skip


@pytest.mark.parametrize("name", [name.value for name in LimitName])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_limit_must_be_a_positive_number(name: str, value: float) -> None:
    changed = replace(LIMITS, **{name: value})
    with pytest.raises(BadLimits, match=name):
        validated(changed)


@pytest.mark.parametrize("name", ["max_var_1d_percent", "max_drawdown_percent", "max_correlation_exposure"])
def test_a_share_above_one_was_meant_as_percent(name: str) -> None:
    with pytest.raises(BadLimits, match=f"{name} is a fraction: write 0.15 for 15 %, not 15"):
        validated(replace(LIMITS, **{name: 15.0}))
    assert getattr(validated(replace(LIMITS, **{name: 1.0})), name) == 1.0


def test_a_position_may_be_larger_than_the_account() -> None:
    assert validated(replace(LIMITS, max_position_size_percent=3.0)).max_position_size_percent == 3.0


def test_a_health_limit_below_liquidation_makes_no_sense() -> None:
    with pytest.raises(BadLimits, match="100 is liquidation: 99 is too low"):
        validated(replace(LIMITS, min_health_ratio=99.0))
    assert validated(replace(LIMITS, min_health_ratio=100.0)).min_health_ratio == 100.0


# Limits on statistics.


def test_reaching_a_limit_on_a_statistic_is_no_breach() -> None:
    at = LimitFigures(var_1d_frac=0.05, correlation_exposure=0.7)
    assert breaches(LIMITS, summary(), 0.0, at) == ()
    beyond = LimitFigures(var_1d_frac=0.050_001, correlation_exposure=0.700_001)
    assert [one.limit for one in breaches(LIMITS, summary(), 0.0, beyond)] == [
        LimitName.MAX_VAR_1D_PERCENT, LimitName.MAX_CORRELATION_EXPOSURE
    ]  # fmt: skip


def test_a_limit_without_its_figure_is_unknown_and_says_why() -> None:
    judged = check(LIMITS, summary(), None, LimitFigures.missing("daily bars of BTC: 0 of 2 observations"))
    assert judged.violations == ()
    unknown = {name for name, state in judged.states.items() if state is LimitState.UNKNOWN}
    assert unknown == {
        LimitName.MAX_VAR_1D_PERCENT, LimitName.MAX_CORRELATION_EXPOSURE, LimitName.MAX_DRAWDOWN_PERCENT
    }  # fmt: skip
    assert set(judged.unchecked) == unknown
    assert all(judged.unchecked.values())
    assert check(LIMITS, summary(), 0.0).states[LimitName.MAX_VAR_1D_PERCENT] is LimitState.UNKNOWN


def test_concentration_does_not_apply_to_a_single_asset() -> None:
    judged = check(LIMITS, summary(), 0.0, LimitFigures(var_1d_frac=0.01))
    assert judged.states[LimitName.MAX_CORRELATION_EXPOSURE] is LimitState.NOT_APPLICABLE
    assert judged.unchecked == {}


@given(var=st.one_of(st.none(), st.floats(0, 1)), exposure=st.one_of(st.none(), st.floats(0, 1)))
def test_every_limit_has_exactly_one_state_and_broken_is_what_is_breached(
    var: float | None, exposure: float | None
) -> None:
    figures = LimitFigures(var_1d_frac=var, correlation_exposure=exposure)
    judged = check(LIMITS, summary(), 0.0, figures)
    assert set(judged.states) == set(LimitName)
    broken = {name for name, state in judged.states.items() if state is LimitState.BROKEN}
    assert broken == {one.limit for one in breaches(LIMITS, summary(), 0.0, figures)}
