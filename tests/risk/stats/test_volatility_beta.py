"""Volatility that was and that is expected, and beta: against formulas written down a second time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from risk.errors import BadParameter, BadSeries, NotEnoughData
from risk.margin.book import FloatArray
from risk.stats.beta import beta_of
from risk.stats.garch import fit_garch
from risk.stats.realized import (
    Bars,
    RangeEstimator,
    range_volatility,
    realized_volatility,
    volatility_cone,
)
from risk.stats.volatility import VolatilityMethod, VolatilityModel, term_structure

seeds = st.integers(0, 10_000)


def walk(seed: int, days: int = 400, steps: int = 400, sigma: float = 0.02) -> Bars:
    """Bars of a Brownian motion without drift or gaps, seen at so many steps a day."""
    moves = np.random.default_rng(seed).standard_normal((days, steps)) * sigma / np.sqrt(steps)
    paths = np.cumsum(moves.ravel()).reshape(days, steps)
    opens = np.concatenate([[0.0], paths[:-1, -1]])
    tops, bottoms = np.maximum(paths.max(axis=1), opens), np.minimum(paths.min(axis=1), opens)
    return Bars(open_usd=np.exp(opens), high_usd=np.exp(tops), low_usd=np.exp(bottoms), close_usd=np.exp(paths[:, -1]))


@pytest.mark.parametrize("estimator", list(RangeEstimator))
def test_every_range_estimator_finds_the_volatility_of_a_walk(estimator: RangeEstimator) -> None:
    """Highs and lows seen at steps fall short of the true ones, so all but the gap part are a little low."""
    assert range_volatility(walk(1), estimator) == pytest.approx(0.02, rel=0.08)


def test_a_range_knows_more_than_a_close() -> None:
    """Over many samples Parkinson's estimate varies less than that of closes: the reason to use it."""
    samples = [walk(seed, days=20, steps=200) for seed in range(60)]
    by_range = [range_volatility(bars, RangeEstimator.PARKINSON) for bars in samples]
    by_close = [float(np.std(np.log(bars.close_usd / bars.open_usd))) for bars in samples]
    assert np.std(by_range) / np.mean(by_range) < 0.7 * np.std(by_close) / np.mean(by_close)


def test_range_estimators_are_the_published_formulas() -> None:
    bars = walk(3, days=30)
    o, h, low, c = (np.log(x) for x in (bars.open_usd, bars.high_usd, bars.low_usd, bars.close_usd))
    parkinson = np.sqrt(np.mean((h - low) ** 2) / (4 * np.log(2)))
    garman = np.sqrt(np.mean(0.5 * (h - low) ** 2 - (2 * np.log(2) - 1) * (c - o) ** 2))
    rogers = (h - c) * (h - o) + (low - c) * (low - o)
    assert range_volatility(bars, RangeEstimator.PARKINSON) == pytest.approx(parkinson)
    assert range_volatility(bars, RangeEstimator.GARMAN_KLASS) == pytest.approx(garman)
    assert range_volatility(bars, RangeEstimator.ROGERS_SATCHELL) == pytest.approx(np.sqrt(np.mean(rogers)))
    n = 29
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    gaps, day = o[1:] - c[:-1], c[1:] - o[1:]
    yang = np.var(gaps, ddof=1) + k * np.var(day, ddof=1) + (1 - k) * np.mean(rogers[1:])
    assert range_volatility(bars, RangeEstimator.YANG_ZHANG) == pytest.approx(np.sqrt(yang))


def test_only_yang_and_zhang_know_gaps_between_bars() -> None:
    bars = walk(2)
    gaps = np.exp(np.cumsum(np.random.default_rng(5).standard_normal(400) * 0.03))
    gapped = Bars(
        open_usd=bars.open_usd * gaps, high_usd=bars.high_usd * gaps, low_usd=bars.low_usd * gaps,
        close_usd=bars.close_usd * gaps,
    )  # fmt: skip
    assert range_volatility(gapped, RangeEstimator.PARKINSON) == pytest.approx(
        range_volatility(bars, RangeEstimator.PARKINSON)
    )
    assert range_volatility(gapped) == pytest.approx(np.hypot(0.02, 0.03), rel=0.1)


def test_damaged_bars_are_refused_and_few_are_counted() -> None:
    ones = np.ones(3)
    with pytest.raises(BadSeries, match="high below or a low above"):
        Bars(open_usd=ones, high_usd=ones * 0.9, low_usd=ones * 0.8, close_usd=ones)
    with pytest.raises(BadSeries, match="positive number"):
        Bars(open_usd=ones, high_usd=ones, low_usd=-ones, close_usd=ones)
    with pytest.raises(BadSeries, match="of one length"):
        Bars(open_usd=ones, high_usd=ones, low_usd=ones[:2], close_usd=ones)
    two = Bars(open_usd=ones[:2], high_usd=ones[:2], low_usd=ones[:2], close_usd=ones[:2])
    with pytest.raises(NotEnoughData, match="2 of 3"):
        range_volatility(two)


@given(seed=seeds)
def test_realized_volatility_is_the_root_of_the_sum_of_squares(seed: int) -> None:
    returns = np.random.default_rng(seed).standard_normal(24) * 0.01
    assert realized_volatility(returns) == pytest.approx(float(np.linalg.norm(returns)))


@given(seed=seeds)
def test_a_cone_is_what_pandas_says_of_rolling_windows(seed: int) -> None:
    returns = np.random.default_rng(seed).standard_normal(200) * 0.03
    for row in volatility_cone(returns, (7, 30)):
        rolling = np.sqrt((pd.Series(returns) ** 2).rolling(row.horizon_days).mean().dropna() * 365)
        assert row.now == pytest.approx(rolling.iloc[-1])
        assert row.quantiles == pytest.approx(tuple(rolling.quantile([0.05, 0.25, 0.5, 0.75, 0.95])))
        assert row.n == len(rolling)
        assert row.percentile_frac == pytest.approx((rolling < rolling.iloc[-1]).mean(), abs=1e-12)


def test_horizons_that_do_not_fit_are_left_out_and_none_is_an_error() -> None:
    returns = np.random.default_rng(0).standard_normal(20) * 0.03
    assert [row.horizon_days for row in volatility_cone(returns)] == [7, 14]
    with pytest.raises(NotEnoughData, match="5 of 8"):
        volatility_cone(returns[:5])
    with pytest.raises(BadParameter, match="at least two days"):
        volatility_cone(returns, (1,))


@given(seed=seeds, n=st.integers(60, 400), slope=st.floats(-3, 3))
def test_beta_is_scipys_regression(seed: int, n: int, slope: float) -> None:
    random = np.random.default_rng(seed)
    market = random.standard_normal(n) * 0.03
    asset = slope * market + random.standard_normal(n) * 0.02 + 0.001
    expected = stats.linregress(market, asset)
    found = beta_of(asset, market)
    assert found.beta == pytest.approx(expected.slope, abs=1e-10)
    assert found.se == pytest.approx(expected.stderr, rel=1e-8)
    assert found.r2 == pytest.approx(expected.rvalue**2, abs=1e-10)
    assert found.n == n


def test_beta_refuses_what_has_none() -> None:
    series = np.random.default_rng(0).standard_normal(100)
    with pytest.raises(NotEnoughData, match="59 of 60"):
        beta_of(series[:59], series[:59])
    with pytest.raises(BadSeries, match="align them by date"):
        beta_of(series, series[:80])
    with pytest.raises(BadSeries, match="does not move"):
        beta_of(series, np.full(100, 0.3))


def garch_returns(n: int = 1_500, seed: int = 4) -> FloatArray:
    """GARCH(1,1) with omega .05, alpha .08, beta .9, in percent, and t innovations."""
    random = np.random.default_rng(seed)
    variance, out = 2.5, []
    for draw in random.standard_t(6, n) * np.sqrt(4 / 6):
        out.append(np.sqrt(variance) * draw)
        variance = 0.05 + 0.08 * out[-1] ** 2 + 0.9 * variance
    return np.array(out) / 100


async def test_garch_is_told_from_its_fallback() -> None:
    model = VolatilityModel()
    fitted = await model.garch_volatility(garch_returns())
    assert fitted.method is VolatilityMethod.GARCH_T
    assert fitted.fit is not None
    assert fitted.warnings == ()
    with pytest.raises(NotEnoughData, match="of 500"):
        await model.garch_volatility(garch_returns(300))
    jumping = np.concatenate([np.full(600, 1e-3) * (-1) ** np.arange(600), garch_returns(100) * 40])
    fallen = await model.garch_volatility(jumping)
    if fallen.method is VolatilityMethod.EWMA:
        assert "this is the EWMA" in fallen.warnings[-1]
        assert float(fallen) == float(await model.ewma_volatility(jumping))


async def test_a_term_structure_reverts_to_the_mean_of_garch_and_is_flat_without() -> None:
    returns = garch_returns()
    fitted = await VolatilityModel().garch_volatility(returns)
    path = term_structure(fitted, 400)
    fit = fit_garch(returns)
    assert path[0] == pytest.approx(float(fitted))
    assert path == pytest.approx(np.sqrt(fit.horizon_variances(400)))
    steps = np.diff(path)
    assert (steps >= -1e-15).all() or (steps <= 1e-15).all()
    assert abs(steps[-1]) < abs(steps[0])
    ewma = await VolatilityModel().ewma_volatility(returns)
    assert term_structure(ewma, 5) == pytest.approx(np.full(5, float(ewma)))
    assert ewma.annualized() == pytest.approx(float(ewma) * np.sqrt(365))
    with pytest.raises(BadParameter, match="at least one period"):
        term_structure(ewma, 0)
