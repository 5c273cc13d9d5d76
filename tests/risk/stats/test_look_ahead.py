"""No figure for a day knows the days after it: the future is replaced, and nothing before it changes."""

import numpy as np
import pytest

from risk.model.metrics import VaRMethod
from risk.stats.dcc import _Pairs
from risk.stats.ewma import ewma_correlations, ewma_variances
from risk.stats.regimes import _filter, _log_densities, _surprises
from risk.stats.rolling import REFIT_EVERY, roll

N, CUT = 420, 380
RANDOM = np.random.default_rng(5)
PAST = RANDOM.standard_t(5, (N, 2)) * 0.02
FUTURE = np.vstack([PAST[:CUT], RANDOM.standard_t(5, (N - CUT, 2)) * 0.2])


def test_exponential_averages_know_only_the_past() -> None:
    assert ewma_variances(PAST[:, 0])[: CUT + 1] == pytest.approx(ewma_variances(FUTURE[:, 0])[: CUT + 1], abs=0)
    before, after = (ewma_correlations(series[:, 0], series[:, 1])[:CUT] for series in (PAST, FUTURE))
    assert before == pytest.approx(after, abs=0)


def test_dynamic_correlations_at_given_parameters_know_only_the_past() -> None:
    """The target is the sample's own, as in every two-step fit; the recursion itself looks back alone."""
    one, other = _Pairs.of(PAST), _Pairs.of(FUTURE)
    same = _Pairs(other.z, other.products, one.mean, one.at)
    assert one.path(0.05, 0.9)[:, : CUT + 1] == pytest.approx(same.path(0.05, 0.9)[:, : CUT + 1], abs=0)


def test_regime_probabilities_are_filtered_not_smoothed() -> None:
    correlations, stay = np.array([0.1, 0.8]), np.array([0.98, 0.98])

    def probabilities(returns: np.ndarray) -> np.ndarray:
        first, second = (_surprises(column) for column in returns.T)
        return _filter(_log_densities(first, second, correlations, 5.0), stay)[0]

    one, other = probabilities(PAST), probabilities(FUTURE)
    assert one[:CUT] == pytest.approx(other[:CUT], abs=0)
    assert (one[CUT:] != other[CUT:]).all()


@pytest.mark.parametrize("method", list(VaRMethod))
def test_forecasts_of_the_back_test_know_only_the_past(method: VaRMethod) -> None:
    weights, window = np.array([1_000.0, -400.0]), 200
    one = roll(PAST, weights, methods=[method], window=window)
    other = roll(FUTURE, weights, methods=[method], window=window)
    for key in one:
        known = CUT - window + 1  # the forecast for the first changed day is still made of the past
        assert one[key].var[:known] == pytest.approx(other[key].var[:known], rel=1e-12)
        assert one[key].es[:known] == pytest.approx(other[key].es[:known], rel=1e-12)
        changed = one[key].var[known + REFIT_EVERY :] != other[key].var[known + REFIT_EVERY :]
        assert changed.any(), "a forecast that never changes tests nothing"
