"""What must hold of every estimate whatever the sample: order, scale, sums, and matrices that are matrices."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.margin.build import book_of
from risk.margin.linear import LinearMargin
from risk.margin.paths import Diffusion, simulate_hits
from risk.margin.plan import MarginPlan
from risk.model.metrics import VaRMethod
from risk.stats import contributions, dcc, garch, laws, performance, tails
from risk.stats.book_var import estimate
from risk.stats.correlation import rolling_correlation, sample_correlation
from risk.stats.ewma import ewma_correlations, ewma_covariance
from risk.stats.matrices import correlation_of, ledoit_wolf, nearest_correlation, towards_one
from risk.stats.moves import recent_correlation
from risk.stats.rolling import _filter
from tests.risk.builders import make_account, make_position
from tests.risk.histories import correlated

SEEDS = st.integers(0, 10_000)
CONFIDENCE = st.floats(0.9, 0.999)
FEW = settings(max_examples=12)


def margin_of(sol: float, btc: float) -> LinearMargin:
    account = make_account(
        make_position(sol), make_position(btc, entry_usd=50_000, market_index=1), usdc=3_000
    )  # fmt: skip
    return LinearMargin.of(MarginPlan.of(book_of([account])))


def market(seed: int, days: int = 400) -> np.ndarray:
    """Of BTC and SOL, in the order of the account's assets."""
    return correlated(days, (0.02, 0.04), 0.6, seed=seed)


@pytest.mark.parametrize("method", list(VaRMethod))
@pytest.mark.parametrize("days", [1, 3])
@FEW
@given(seed=SEEDS, low=CONFIDENCE, high=CONFIDENCE, sol=st.floats(-50, 50), btc=st.floats(-0.1, 0.1))
def test_shortfall_is_beyond_value_at_risk_and_both_grow_with_confidence(
    method: VaRMethod, days: int, seed: int, low: float, high: float, sol: float, btc: float
) -> None:
    margin, returns = margin_of(sol, btc), market(seed)
    found = [
        estimate(margin, returns, method=method, confidence=one, days=days, paths=500) for one in sorted((low, high))
    ]
    cents = 1e-6 * (1.0 + abs(found[0].es_usd))
    for one in found:
        assert one.es_usd >= one.var_usd - cents
        assert one.interval_usd[0] <= one.interval_usd[1] + cents
    if found[0].method is found[1].method:  # a method that falls back at one confidence is another estimate there
        assert found[1].var_usd >= found[0].var_usd - cents
        assert found[1].es_usd >= found[0].es_usd - cents


@pytest.mark.parametrize("method", list(VaRMethod))
@FEW
@given(seed=SEEDS, factor=st.floats(0.1, 10.0))
def test_a_book_of_another_size_has_the_risk_of_its_size(method: VaRMethod, seed: int, factor: float) -> None:
    returns = market(seed)
    one = estimate(margin_of(10.0, -0.02), returns, method=method, confidence=0.99, days=1, paths=500)
    larger = margin_of(10.0 * factor, -0.02 * factor)
    many = estimate(larger, returns, method=method, confidence=0.99, days=1, paths=500)
    assert many.method is one.method
    assert many.var_usd == pytest.approx(one.var_usd * factor, rel=1e-4)
    assert many.es_usd == pytest.approx(one.es_usd * factor, rel=1e-4)


@given(SEEDS, st.integers(2, 6))
def test_the_order_of_days_and_of_assets_does_not_matter(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    returns, weights = random.standard_t(4, (120, k)) * 0.03, random.normal(0, 1, k)
    days, assets = random.permutation(120), random.permutation(k)
    pnl, shuffled = returns @ weights, returns[days] @ weights
    for one, other in (
        (tails.historical(pnl, 0.95), tails.historical(shuffled, 0.95)),
        (tails.historical(pnl, 0.95), tails.historical(returns[:, assets] @ weights[assets], 0.95)),
    ):
        assert (one.var, one.es) == pytest.approx((other.var, other.es))
    parts = contributions.es_contributions(weights, returns, 0.95)
    again = contributions.es_contributions(weights[assets], returns[days][:, assets], 0.95)
    assert again == pytest.approx(parts[assets])
    matrix = sample_correlation(returns)
    assert sample_correlation(returns[days][:, assets]) == pytest.approx(matrix[np.ix_(assets, assets)])


@given(SEEDS, st.integers(1, 6), CONFIDENCE)
def test_contributions_sum_to_the_whole(seed: int, k: int, confidence: float) -> None:
    random = np.random.default_rng(seed)
    returns, weights = random.standard_t(4, (150, k)) * 0.03, random.normal(0, 1, k)
    mean, covariance = returns.mean(axis=0), np.atleast_2d(np.cov(returns, rowvar=False))
    book = returns @ weights
    sigma = float(book.std(ddof=1))
    gaussian = tails.normal(float(book.mean()), sigma, confidence)
    z, centred = laws.normal_quantile(1 - confidence), book - book.mean()
    skew, kurt = float(np.mean(centred**3)) / sigma**3, float(np.mean(centred**4)) / sigma**4 - 3
    modified = -(float(book.mean()) + tails.cornish_fisher_quantile(z, skew, kurt) * sigma)
    for parts, whole in (
        (contributions.volatility_contributions(weights, covariance), sigma),
        (contributions.gaussian_var_contributions(weights, mean, covariance, confidence), gaussian.var),
        (contributions.gaussian_es_contributions(weights, mean, covariance, confidence), gaussian.es),
        (contributions.modified_var_contributions(weights, returns, confidence), modified),
        (contributions.es_contributions(weights, returns, confidence), tails.historical(book, confidence).es),
    ):
        assert parts.sum() == pytest.approx(whole, rel=1e-10, abs=1e-12)


def is_correlation(matrix: np.ndarray) -> bool:
    k = matrix.shape[0]
    return bool(
        matrix.shape == (k, k) and np.array_equal(matrix, matrix.T) and np.allclose(np.diag(matrix), 1.0, atol=1e-12)
        and np.abs(matrix).max() <= 1.0 and np.linalg.eigvalsh(matrix)[0] >= -1e-10
    )  # fmt: skip


@given(SEEDS, st.integers(2, 6), st.integers(2, 40), st.sampled_from(["free", "twins", "still", "rounded"]))
def test_every_correlation_is_positive_semi_definite_with_ones(seed: int, k: int, n: int, kind: str) -> None:
    random = np.random.default_rng(seed)
    returns = random.standard_t(3, (n, k)) * 0.05
    if kind == "twins":
        returns[:, 1] = -2.0 * returns[:, 0]
    elif kind == "still":
        returns[:, 0] = 0.01
    elif kind == "rounded":
        returns = np.round(returns, 1)
    assert is_correlation(sample_correlation(returns))
    assert is_correlation(recent_correlation(returns))
    assert is_correlation(correlation_of(ewma_covariance(returns)))
    assert is_correlation(towards_one(sample_correlation(returns), float(random.random())))
    shrunk = ledoit_wolf(returns)
    assert 0.0 <= shrunk.intensity_frac <= 1.0
    assert np.linalg.eigvalsh(shrunk.covariance)[0] >= -1e-15
    broken = np.clip(sample_correlation(returns) + random.normal(0, 0.5, (k, k)), -1, 1)
    broken = np.tril(broken, -1) + np.tril(broken, -1).T + np.eye(k)
    assert is_correlation(nearest_correlation(broken))


@settings(max_examples=5)
@given(SEEDS, st.sampled_from(["free", "twins", "rare"]))
def test_dynamic_correlations_are_positive_semi_definite_at_every_date(seed: int, kind: str) -> None:
    returns = correlated(300, (0.04, 0.02, 0.05), 0.6, seed=seed)
    if kind == "twins":
        returns[:, 1] = 2.0 * returns[:, 0]
    elif kind == "rare":
        returns[:, 1] = np.where(np.arange(300) % 5 == 0, returns[:, 1], 0.0)
    fit = dcc.fit_dcc(returns)
    assert fit.converged is (kind != "twins")
    assert fit.a >= 0 <= fit.b
    assert fit.a + fit.b < 1
    for matrix in (*fit.correlations[::50], *(fit.forecast(steps) for steps in (1, 7, 30))):
        assert is_correlation(nearest_correlation(matrix))
        assert np.linalg.eigvalsh(matrix)[0] >= -1e-8


@given(SEEDS, st.integers(2, 30))
def test_rolling_correlations_lie_between_minus_one_and_one(seed: int, window: int) -> None:
    random = np.random.default_rng(seed)
    x = np.round(random.normal(0, 0.03, 40), 2)
    for y in (x, -3 * x, random.normal(0, 1, 40), np.full(40, 0.1)):
        found = rolling_correlation(x, y, window)
        assert found.size == 40 - window + 1
        assert (np.isnan(found) | (np.abs(found) <= 1.0)).all()
        smooth = ewma_correlations(x, y)
        assert (np.isnan(smooth) | (np.abs(smooth) <= 1.0)).all()


@given(SEEDS, st.integers(1, 80))
def test_a_garch_filter_knows_only_the_past(seed: int, cut: int) -> None:
    random = np.random.default_rng(seed)
    past = random.standard_t(5, 100) * 0.02
    future = np.concatenate([past[:cut], random.standard_t(5, 100 - cut) * 0.2])
    parameters = garch.GarchParameters(mean=1e-4, omega=1e-6, alpha=(0.08,), beta=(0.9,), nu=5.0)
    one, other = _filter(past, parameters, 4e-4), _filter(future, parameters, 4e-4)
    assert one[: cut + 1] == pytest.approx(other[: cut + 1], abs=0)
    assert (one[cut + 1 :] != other[cut + 1 :]).all()


@given(SEEDS, st.floats(0.2, 5.0))
def test_ratios_do_not_depend_on_leverage_and_scale_with_time(seed: int, factor: float) -> None:
    returns = np.random.default_rng(seed).standard_t(5, 200) * 0.005
    one, more = performance.ratios(returns), performance.ratios(returns * factor)
    assert (more.sharpe, more.sortino) == pytest.approx((one.sharpe, one.sortino))
    assert more.volatility == pytest.approx(one.volatility * factor)
    weekly = performance.ratios(returns, periods_per_year=52)
    assert weekly.sharpe * np.sqrt(365 / 52) == pytest.approx(one.sharpe)


@settings(max_examples=15)
@given(seed=SEEDS, btc=st.floats(-0.3, 0.3), size=st.floats(20, 150), nu=st.sampled_from([None, 4.0]))
def test_a_bridge_is_never_below_the_naive_count(seed: int, btc: float, size: float, nu: float | None) -> None:
    margin = margin_of(size, btc)
    diffusion = Diffusion(
        volatility_hourly=np.array([0.005, 0.01]), correlation=np.array([[1.0, 0.6], [0.6, 1.0]]), degrees_of_freedom=nu
    )
    bridged, naive = (
        simulate_hits(margin, diffusion, horizons_hours=(6.0, 24.0), paths=200, seed=seed, bridge=bridge)
        for bridge in (True, False)
    )
    for one, other in zip(bridged.hits, naive.hits, strict=True):
        assert one.probability >= other.probability - 1e-12
        assert one.interval[0] <= one.probability <= one.interval[1]
    assert all(low.probability <= high.probability for low, high in itertools.pairwise(bridged.hits))


@pytest.mark.parametrize("nu", [None, 4.0])
def test_a_bridge_finds_what_coarse_steps_jump_over(nu: float | None) -> None:
    diffusion = Diffusion(
        volatility_hourly=np.array([0.005, 0.01]), correlation=np.array([[1.0, 0.6], [0.6, 1.0]]), degrees_of_freedom=nu
    )
    bridged, naive = (
        simulate_hits(
            margin_of(120.0, 0.0), diffusion, horizons_hours=(24.0,), steps_hours=np.array([24.0]), paths=4_000,
            bridge=bridge,
        ).hits[0].probability
        for bridge in (True, False)
    )  # fmt: skip
    assert 1.2 * naive < bridged <= 2.0 * naive + 0.02
