"""Drawdown of what trading made of the money, whatever was deposited and withdrawn meanwhile."""

import math
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decisions.drawdown import DrawdownThresholds, UnitState, follow
from risk.decisions.tiers import Tier

RETURNS = st.lists(st.floats(-0.6, 1.0), min_size=1, max_size=30)


def run(returns: list[float], flows: list[float], start: float = 1_000.0) -> list[UnitState]:
    """Looks at an account that trades and then receives a flow at each step; a flow is a share of its equity."""
    equity, flow = start, 250.0
    state = follow(None, equity, flow)
    states = []
    for gain, share in zip(returns, flows, strict=True):
        equity *= 1 + gain
        moved = share * equity
        equity, flow = equity + moved, flow + moved
        state = follow(state, equity, flow)
        assert state is not None
        states.append(state)
    return states


def drawdowns(returns: list[float]) -> list[float]:
    """Of the compounded returns alone, the starting value included."""
    worth = [*accumulate(returns, lambda value, gain: value * (1 + gain), initial=1.0)]
    highs = accumulate(worth, max)
    return [1 - value / high for value, high in zip(worth, highs, strict=True)][1:]


@given(data=st.data(), returns=RETURNS)
def test_flows_never_change_a_drawdown(data: st.DataObject, returns: list[float]) -> None:
    shares = st.lists(st.floats(-0.9, 5.0), min_size=len(returns), max_size=len(returns))
    with_flows = run(returns, data.draw(shares, label="flows"))
    for state, expected in zip(with_flows, drawdowns(returns), strict=True):
        assert state.drawdown_frac == pytest.approx(expected, abs=1e-9)


@given(returns=RETURNS)
def test_a_drawdown_is_a_share_of_the_high_and_the_high_never_falls(returns: list[float]) -> None:
    states = run(returns, [0.0] * len(returns))
    high = 1.0
    for state, gain in zip(states, returns, strict=True):
        assert 0.0 <= state.drawdown_frac <= 1.0
        assert state.high_water_usd >= high
        if state.high_water_usd > high:
            assert gain > 0
            assert state.drawdown_frac == 0.0
        high = state.high_water_usd


@given(returns=RETURNS, worse=st.floats(0.01, 0.3))
def test_a_lower_equity_is_never_a_smaller_drawdown(returns: list[float], worse: float) -> None:
    states = run(returns, [0.0] * len(returns))
    state = states[-1]
    equity = state.unit_value_usd * state.shares
    lower, same = follow(state, equity * (1 - worse), state.net_flow_usd), follow(state, equity, state.net_flow_usd)
    assert lower is not None
    assert same is not None
    assert lower.drawdown_frac >= same.drawdown_frac


@given(deposit=st.floats(-900, 1e6))
def test_a_flow_changes_units_and_not_their_worth(deposit: float) -> None:
    state = follow(follow(None, 1_000.0, 0.0), 800.0, 0.0)
    assert state is not None
    moved = follow(state, 800.0 + deposit * 0.8, deposit * 0.8)
    assert moved is not None
    assert moved.unit_value_usd == pytest.approx(0.8)
    assert moved.drawdown_frac == pytest.approx(0.2)
    assert moved.shares == pytest.approx(1_000.0 + deposit)


def test_by_hand() -> None:
    state = follow(None, 1_000.0, 1_000.0)
    assert state == UnitState(shares=1_000.0, unit_value_usd=1.0, high_water_usd=1.0, net_flow_usd=1_000.0)
    state = follow(state, 1_500.0, 1_000.0)
    state = follow(state, 1_200.0, 1_000.0)
    assert state is not None
    assert state.drawdown_frac == pytest.approx(0.2)
    state = follow(state, 600.0, 400.0)  # 600 withdrawn
    assert state is not None
    assert state.drawdown_frac == pytest.approx(0.2)
    state = follow(state, 750.0, 400.0)  # back at the high
    assert state is not None
    assert state.drawdown_frac == pytest.approx(0.0)


def test_an_account_begins_with_its_first_positive_equity() -> None:
    assert follow(None, 0.0, 0.0) is None
    assert follow(None, -5.0, 100.0) is None
    assert follow(None, 5.0, 100.0) is not None


def test_equity_that_is_not_known_changes_nothing() -> None:
    state = follow(None, 1_000.0, 0.0)
    assert follow(state, math.nan, 500.0) is state
    assert follow(None, math.nan, 0.0) is None


def test_an_account_that_owes_has_fallen_by_more_than_everything() -> None:
    state = follow(follow(None, 1_000.0, 0.0), -100.0, 0.0)
    assert state is not None
    assert state.drawdown_frac == pytest.approx(1.1)


def test_new_money_after_everything_was_withdrawn_has_not_fallen() -> None:
    state = follow(follow(None, 1_000.0, 1_000.0), 900.0, 1_000.0)
    emptied = follow(state, 0.0, 100.0)
    assert emptied is not None
    assert emptied.shares == 0.0
    assert emptied.drawdown_frac == pytest.approx(0.1)
    refilled = follow(emptied, 400.0, 500.0)
    assert refilled is not None
    assert refilled.drawdown_frac == 0.0
    fallen = follow(refilled, 300.0, 500.0)
    assert fallen is not None
    assert fallen.drawdown_frac == pytest.approx(0.25)


def test_new_money_after_everything_was_lost_has_not_fallen() -> None:
    lost = follow(follow(None, 1_000.0, 1_000.0), -50.0, 1_000.0)
    rescued = follow(lost, 450.0, 1_500.0)
    assert rescued is not None
    assert rescued.drawdown_frac == 0.0
    fallen = follow(rescued, 405.0, 1_500.0)
    assert fallen is not None
    assert fallen.drawdown_frac == pytest.approx(0.1)


THRESHOLDS = DrawdownThresholds()


@pytest.mark.parametrize(
    ("drawdown", "current", "tier", "why"),
    [
        (0.0, Tier.OK, Tier.OK, "at the high"),
        (0.05, Tier.OK, Tier.OK, "reaching a threshold is no breach"),
        (0.0501, Tier.OK, Tier.WATCH, "beyond 5 %"),
        (0.101, Tier.OK, Tier.WARNING, "beyond 10 %"),
        (0.151, Tier.WATCH, Tier.HIGH, "beyond 15 %"),
        (0.251, Tier.OK, Tier.CRITICAL, "beyond 25 %"),
        (1.2, Tier.OK, Tier.CRITICAL, "beyond everything"),
        (0.245, Tier.CRITICAL, Tier.CRITICAL, "not 5 % smaller than 25 % yet"),
        (0.238, Tier.CRITICAL, Tier.HIGH, "5 % smaller"),
        (0.0, Tier.CRITICAL, Tier.OK, "at the high again"),
        (0.049, Tier.WATCH, Tier.WATCH, "hardly smaller"),
        (0.047, Tier.WATCH, Tier.OK, "smaller by the margin"),
        (0.147, Tier.HIGH, Tier.HIGH, "not yet"),
        (0.097, Tier.HIGH, Tier.WARNING, "out of HIGH, but not out of WARNING by the margin"),
    ],
)
def test_tiers_of_a_drawdown(drawdown: float, current: Tier, tier: Tier, why: str) -> None:
    assert THRESHOLDS.tier(drawdown, current) is tier, why


@given(low=st.floats(0, 1), high=st.floats(0, 1), current=st.sampled_from([tier for tier in Tier if tier.known]))
def test_a_larger_drawdown_is_never_a_better_tier(low: float, high: float, current: Tier) -> None:
    low, high = sorted((low, high))
    assert not THRESHOLDS.tier(low, current).worse_than(THRESHOLDS.tier(high, current))
