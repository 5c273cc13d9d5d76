"""The volatility model as a notebook meets it: ranges, the cone, and what is ahead."""

import numpy as np
import pytest

from risk import VolatilityModel
from risk.margin.book import FloatArray
from risk.stats.realized import CONE_QUANTILES, Bars, RangeEstimator
from risk.stats.volatility import VolatilityMethod

MODEL = VolatilityModel()


def made_bars(days: int, daily: float) -> Bars:
    """Bars of a price that moves 2,000 times a day."""
    random = np.random.default_rng(1)
    steps = 2_000
    inside = np.cumsum(random.standard_normal((days, steps)) * daily / np.sqrt(steps), axis=1)
    start = np.cumsum(np.concatenate([[0.0], inside[:-1, -1]]))
    path = np.exp(start[:, None] + np.concatenate([np.zeros((days, 1)), inside], axis=1))
    return Bars(open_usd=path[:, 0], high_usd=path.max(axis=1), low_usd=path.min(axis=1), close_usd=path[:, -1])


@pytest.mark.parametrize("estimator", list(RangeEstimator))
async def test_ranges_find_the_volatility_that_made_them(estimator: RangeEstimator) -> None:
    found = await MODEL.range_volatility(made_bars(400, 0.04), estimator)
    assert found == pytest.approx(0.04, rel=0.05)
    assert (found.method, found.n) == (VolatilityMethod(estimator.value), 400)


async def test_a_cone_says_where_today_stands() -> None:
    calm = np.random.default_rng(2).normal(0, 0.02, 500)
    storm = np.concatenate([calm, np.random.default_rng(3).normal(0, 0.08, 30)])
    for row in await MODEL.volatility_cone(storm):
        assert list(row.quantiles) == sorted(row.quantiles)
        assert len(row.quantiles) == len(CONE_QUANTILES)
        assert row.n == storm.size - row.horizon_days + 1
        expected = np.sqrt(np.mean(storm[-row.horizon_days :] ** 2) * 365)
        assert row.now == pytest.approx(expected, rel=1e-9)
        assert row.percentile_frac > 0.9


def garch_returns(seed: int = 4) -> FloatArray:
    random = np.random.default_rng(seed)
    variance, out = 1e-3, np.empty(1_500)
    for day in range(out.size):
        out[day] = np.sqrt(variance) * random.standard_normal()
        variance = 5e-5 + 0.1 * out[day] ** 2 + 0.85 * variance
    return out


async def test_the_term_structure_returns_to_its_level() -> None:
    returns = garch_returns()
    ahead = await MODEL.term_structure(returns, 400)
    tomorrow = await MODEL.garch_volatility(returns)
    assert tomorrow.fit is not None
    fitted = tomorrow.fit.parameters
    level = np.sqrt(fitted.omega / (1 - fitted.persistence))
    assert ahead[0] == pytest.approx(float(tomorrow), rel=1e-9)
    assert ahead[-1] == pytest.approx(level, rel=1e-3)
    distance = np.abs(np.array(ahead) - level)
    assert (np.diff(distance) <= 1e-12).all()


async def test_a_term_structure_without_a_fit_is_flat() -> None:
    jump = np.where(np.arange(600) == 300, 0.5, 0.0)
    ahead = await MODEL.term_structure(jump, 5)
    assert ahead == [float(await MODEL.ewma_volatility(jump))] * 5
