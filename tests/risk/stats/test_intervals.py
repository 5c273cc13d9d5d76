"""The interval of a value at risk: as wide as history and paths leave it, and never narrower for more days."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin.linear import LinearMargin
from risk.model.metrics import VaRMethod
from risk.stats.book_task import BookEstimate
from risk.stats.book_var import estimate
from risk.stats.intervals import EFFECTIVE_DAYS, Spread, of_observations, of_volatility
from tests.risk.histories import correlated
from tests.risk.stats.test_invariants import margin_of

RETURNS = correlated(572, (0.02, 0.04), 0.6, seed=5)
POSITIVE = st.floats(0.01, 1e6)


@pytest.fixture(scope="module")
def margin() -> LinearMargin:
    return margin_of(50.0, -0.02)


def widths(found: BookEstimate) -> np.ndarray:
    """Below and above, as shares of the estimate."""
    low, high = found.interval_usd
    return np.array([found.var_usd - low, high - found.var_usd]) / found.var_usd


@pytest.mark.parametrize("confidence", [0.95, 0.99, 0.999])
@pytest.mark.parametrize("method", list(VaRMethod))
def test_several_days_are_never_known_better_than_one(
    margin: LinearMargin, method: VaRMethod, confidence: float
) -> None:
    one, seven = (
        estimate(margin, RETURNS, method=method, confidence=confidence, days=days, paths=2_000) for days in (1, 7)
    )
    assert seven.method is one.method
    assert (widths(seven) >= widths(one) * (1 - 1e-9)).all()
    assert (widths(seven) < 3.0).all()


@pytest.mark.parametrize("days", [1, 7])
@pytest.mark.parametrize("method", [VaRMethod.MONTE_CARLO, VaRMethod.FILTERED, VaRMethod.HISTORICAL])
def test_another_seed_lands_within_the_interval(margin: LinearMargin, method: VaRMethod, days: int) -> None:
    found = [estimate(margin, RETURNS, method=method, confidence=0.95, days=days, seed=seed) for seed in range(20)]
    for one in found:
        low, high = one.interval_usd
        assert all(low <= other.var_usd <= high for other in found)


@pytest.mark.parametrize("days", [1, 7])
def test_many_paths_do_not_make_the_volatility_of_today_better_known(margin: LinearMargin, days: int) -> None:
    found = estimate(
        margin, RETURNS, method=VaRMethod.MONTE_CARLO, confidence=0.95, days=days, paths=200_000
    )  # fmt: skip
    assert widths(found) == pytest.approx(1.645 / np.sqrt(2 * EFFECTIVE_DAYS), rel=0.01)


def test_a_longer_history_makes_the_simulation_of_past_days_better_known(margin: LinearMargin) -> None:
    short, long = (
        estimate(margin, correlated(n, (0.02, 0.04), 0.6, seed=5), method=VaRMethod.HISTORICAL, confidence=0.95, days=7)
        for n in (250, 4_000)
    )
    assert widths(short).sum() > 2 * widths(long).sum()


@pytest.mark.parametrize("method", [VaRMethod.HISTORICAL, VaRMethod.NORMAL, VaRMethod.MONTE_CARLO])
def test_estimates_of_other_pasts_of_one_market_agree_within_their_intervals(
    margin: LinearMargin, method: VaRMethod
) -> None:
    """Most of 60 intervals for seven days hold the truth; where they held what the paths leave open alone, few did.

    Nine in ten would, were the surprises normal and the samples large.
    """
    pasts = [correlated(400, (0.02, 0.04), 0.6, seed=seed) for seed in range(60)]
    found = [estimate(margin, past, method=method, confidence=0.95, days=7, paths=2_000) for past in pasts]
    truth = estimate(
        margin, correlated(100_000, (0.02, 0.04), 0.6, seed=99), method=VaRMethod.HISTORICAL, confidence=0.95, days=7,
        paths=100_000,
    ).var_usd  # fmt: skip
    held = np.mean([one.interval_usd[0] <= truth <= one.interval_usd[1] for one in found])
    assert held >= 0.7


def test_beyond_the_worst_observation_a_sample_has_no_upper_end_to_give() -> None:
    """At 99.9 % two samples of 500 in three hold nothing beyond the quantile: their worst day is no upper end."""
    random = np.random.default_rng(1)
    truth = 7.1732 / np.sqrt(2.0)  # Student t, 4 degrees of freedom, of a standard deviation of one
    samples = [random.standard_t(4, 500) / np.sqrt(2.0) for _ in range(300)]
    spreads = [(-float(np.quantile(sample, 0.001)), of_observations(sample, 0.999)) for sample in samples]
    assert np.mean([var + spread.above >= truth for var, spread in spreads]) > 0.85
    assert np.mean([-sample.min() >= truth for sample in samples]) < 0.5


@given(POSITIVE, POSITIVE, st.integers(1, 30))
def test_a_spread_is_carried_in_proportion(one: float, several: float, days: int) -> None:
    carried = of_volatility(one).carried(one, several, days)
    assert carried.above / several == pytest.approx(of_volatility(one).above / one)


def test_a_spread_of_no_loss_grows_by_the_root_of_time() -> None:
    assert Spread(below=1.0, above=2.0).carried(-3.0, 5.0, 4) == Spread(below=2.0, above=4.0)


@given(POSITIVE, POSITIVE)
def test_causes_add_in_quadrature_and_never_take_away(one: float, other: float) -> None:
    both = Spread(below=one, above=other).also(Spread(below=other, above=one))
    assert both.below == both.above == pytest.approx(np.hypot(one, other))


def test_an_interval_that_misses_its_estimate_is_open_to_one_side_alone() -> None:
    assert Spread.of(5.0, (6.0, 8.0)) == Spread(below=0.0, above=3.0)
