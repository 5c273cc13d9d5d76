"""Price paths: scripts, and jump diffusion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.paper import AssetDynamics, Interpolation, JumpDiffusion, ScriptedPrices

SOL, BTC = "SOL/USD", "BTC/USD"
YEAR_S = 365 * 86_400


def make_diffusion(seed: int = 7, *, correlation: float = 0.6, jumps_per_day: float = 300.0) -> JumpDiffusion:
    assets = {
        SOL: AssetDynamics(start_usd=100.0, volatility_annual_frac=0.9, jump_mean_frac=-0.01, jump_sd_frac=0.02),
        BTC: AssetDynamics(start_usd=100_000.0, volatility_annual_frac=0.5, jump_sd_frac=0.01),
    }
    return JumpDiffusion(assets, seed=seed, jumps_per_day=jumps_per_day, correlation=correlation)


def test_a_script_moves_in_straight_lines_and_holds_its_last_price() -> None:
    path = ScriptedPrices({SOL: [(0, 100), (10, 80)]})
    assert path.prices_usd(0, 14)[:, 0].tolist() == [100, 98, 96, 94, 92, 90, 88, 86, 84, 82, 80, 80, 80, 80]


def test_a_stepped_script_jumps_at_its_times() -> None:
    path = ScriptedPrices({SOL: [(0, 100), (2, 80), (2.5, 70)]}, interpolation=Interpolation.STEP)
    assert path.prices_usd(0, 5)[:, 0].tolist() == [100, 100, 80, 70, 70]


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ([], "start at second 0"),
        ([(1, 100)], "start at second 0"),
        ([(0, 100), (5, 90), (5, 80)], "must rise"),
        ([(0, 100), (5, 0)], "positive"),
        ([(0, float("nan"))], "positive"),
    ],
)
def test_a_broken_script_is_refused_with_the_reason(script: list[tuple[float, float]], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ScriptedPrices({SOL: script})


@given(
    seed=st.integers(0, 2**32),
    reads=st.lists(st.tuples(st.integers(0, 40_000), st.integers(1, 9_000)), min_size=1, max_size=5),
)
def test_a_path_by_chance_does_not_depend_on_when_or_how_it_is_read(seed: int, reads: list[tuple[int, int]]) -> None:
    read_all_along, whole = make_diffusion(seed), make_diffusion(seed).prices_usd(0, 49_000)
    for first_s, count in reads:
        np.testing.assert_array_equal(read_all_along.prices_usd(first_s, count), whole[first_s : first_s + count])


def test_another_seed_is_another_path_from_the_same_start() -> None:
    ours, others = make_diffusion(1).prices_usd(0, 100), make_diffusion(2).prices_usd(0, 100)
    np.testing.assert_allclose(ours[0], others[0])
    assert (ours[1:] != others[1:]).all()


def test_volatility_and_correlation_are_those_asked_for() -> None:
    returns = np.diff(np.log(make_diffusion(correlation=0.6, jumps_per_day=0).prices_usd(0, 100_000)), axis=0)
    np.testing.assert_allclose(returns.std(axis=0) * np.sqrt(YEAR_S), [0.9, 0.5], rtol=0.02)
    assert np.corrcoef(returns.T)[0, 1] == pytest.approx(0.6, abs=0.02)


def test_jumps_hit_all_assets_together_as_often_as_asked() -> None:
    returns = np.diff(np.log(make_diffusion(jumps_per_day=300).prices_usd(0, 86_401)), axis=0)
    jumped = np.abs(returns[:, 0]) > 0.002  # a second's diffusion is 0.00016
    assert 230 < jumped.sum() < 330
    assert np.abs(returns[jumped, 1]).mean() > 20 * np.abs(returns[~jumped, 1]).mean()


def test_without_drift_the_expected_price_stays_where_it_started() -> None:
    last = [make_diffusion(seed, jumps_per_day=8_000.0).prices_usd(21_600, 1)[0, 0] for seed in range(100)]
    spread = np.std(last) / np.sqrt(len(last))
    assert abs(np.mean(last) - 100.0) < 3 * spread
    assert spread > 1  # jumps of -1 % on average would take this to nothing in six hours, were they not made up for


def test_correlations_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="no joint distribution"):
        make_diffusion(correlation=-1.5)
    with pytest.raises(ValueError, match="symmetric 1 by 1"):
        JumpDiffusion({SOL: AssetDynamics(start_usd=1.0)}, seed=1, correlation=np.eye(2))
