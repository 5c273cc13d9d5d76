"""Generated series through other implementations: what the goldens show of one series holds of others."""

import sys
import warnings
from types import ModuleType

import empyrical
import numpy as np
import pandas as pd
import pytest
from arch.univariate import GARCH, ConstantMean, EWMAVariance, Normal, StudentsT
from scipy import stats
from scipy.optimize import minimize

from risk.margin.book import FloatArray
from risk.stats import backtest, dcc, evt, garch, laws, performance, tails
from risk.stats.ewma import ewma_variances

sys.modules.setdefault("yfinance", ModuleType("yfinance"))  # quantstats downloads prices with it, and it is left out
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import quantstats


def simulated_garch(seed: int, n: int, omega: float, alpha: float, beta: float, nu: float | None) -> FloatArray:
    """In percent."""
    random = np.random.default_rng(seed)
    z = random.standard_normal(n) if nu is None else random.standard_t(nu, n) * np.sqrt((nu - 2) / nu)
    variance, out = omega / (1 - alpha - beta), np.empty(n)
    for day in range(n):
        out[day] = 0.03 + np.sqrt(variance) * z[day]
        variance = omega + alpha * (out[day] - 0.03) ** 2 + beta * variance
    return out


@pytest.mark.parametrize("innovations", list(garch.Innovations))
@pytest.mark.parametrize(
    ("n", "omega", "alpha", "beta", "nu"),
    [(500, 0.1, 0.1, 0.85, None), (1_500, 0.05, 0.05, 0.94, 5), (2_000, 0.3, 0.3, 0.5, 8), (800, 2, 0.08, 0.9, 4)],
)
def test_garch_is_that_of_arch(
    innovations: garch.Innovations, n: int, omega: float, alpha: float, beta: float, nu: float | None
) -> None:
    percent = simulated_garch(n, n, omega, alpha, beta, nu)
    ours = garch.fit_garch(percent / 100, innovations=innovations)
    law = Normal() if innovations is garch.Innovations.NORMAL else StudentsT()
    model = ConstantMean(percent, volatility=GARCH(1, 0, 1), distribution=law)
    model.rescale = False
    start = float(np.mean((percent - 100 * ours.parameters.mean) ** 2))
    theirs = model.fit(disp="off", backcast=start, options={"ftol": 1e-12, "maxiter": 500})
    found = ours.parameters
    mine = [100 * found.mean, 1e4 * found.omega, found.alpha[0], found.beta[0]]
    expected = theirs.params.to_numpy()
    assert mine[1:4] == pytest.approx(expected[1:4], rel=2e-3, abs=2e-4)
    assert mine[0] == pytest.approx(expected[0], abs=1e-3)
    if found.nu is not None:  # where tails are thin the likelihood is flat in nu
        assert 1 / found.nu == pytest.approx(1 / expected[4], abs=1e-3)
    assert ours.log_likelihood == pytest.approx(theirs.loglikelihood, abs=5e-3)
    ahead = theirs.forecast(horizon=10, reindex=False).variance.to_numpy()[0] / 1e4
    assert ours.horizon_variances(10) == pytest.approx(ahead, rel=2e-3)
    assert ours.next_variance == pytest.approx(ours.horizon_variances(1)[0], rel=1e-12)


@pytest.mark.parametrize("lam", [0.9, 0.94, 0.97])
def test_exponential_averages_end_as_those_of_arch(lam: float) -> None:
    percent = simulated_garch(3, 1_200, 0.1, 0.1, 0.85, 5.0)
    model = ConstantMean(percent, volatility=EWMAVariance(lam), distribution=Normal())
    model.rescale = False
    fixed = model.fix([0.0])
    assert ewma_variances(percent, lam)[-200:-1] == pytest.approx(fixed.conditional_volatility[-199:] ** 2, rel=1e-5)


def simulated_dcc(seed: int, n: int, k: int, a: float, b: float, level: float) -> FloatArray:
    random = np.random.default_rng(seed)
    target = np.full((k, k), level) + (1 - level) * np.eye(k)
    q, out = target.copy(), np.empty((n, k))
    for day in range(n):
        deviations = np.sqrt(np.diag(q))
        out[day] = np.linalg.cholesky(q / np.outer(deviations, deviations)) @ random.standard_normal(k)
        q = (1 - a - b) * target + a * np.outer(out[day], out[day]) + b * q
    return out * 0.03


def cost_day_by_day(x: FloatArray, z: FloatArray) -> float:
    """Minus the likelihood of the second step, as it is written in the paper."""
    a, b = float(x[0]), float(x[1])
    if a < 0 or b < 0 or a + b >= 1:
        return 1e10
    target = z.T @ z / len(z)
    q, total = target.copy(), 0.0
    for row in z:
        deviations = np.sqrt(np.diag(q))
        matrix = q / np.outer(deviations, deviations)
        total += np.linalg.slogdet(matrix)[1] + row @ np.linalg.solve(matrix, row) - row @ row
        q = (1 - a - b) * target + a * np.outer(row, row) + b * q
    return 0.5 * float(total)


@pytest.mark.parametrize(("n", "k", "a", "b", "level"), [(400, 2, 0.06, 0.88, 0.5), (500, 3, 0.03, 0.95, -0.3)])
def test_dynamic_correlations_are_those_of_a_plain_loop(n: int, k: int, a: float, b: float, level: float) -> None:
    ours = dcc.fit_dcc(simulated_dcc(n, n, k, a, b, level))
    z = np.column_stack([fit.residuals for fit in ours.univariate])
    assert ours.log_likelihood == pytest.approx(-cost_day_by_day(np.array([ours.a, ours.b]), z), abs=1e-8)
    start = np.array([0.05, 0.9])
    best = minimize(cost_day_by_day, start, (z,), method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-7})
    assert (ours.a, ours.b) == pytest.approx(tuple(best.x), abs=1e-3)
    assert ours.log_likelihood >= -best.fun - 1e-3


@pytest.mark.parametrize("shape", [-0.4, -0.2, 0.0, 0.2, 0.5, 0.8, 1.2])
@pytest.mark.parametrize("unit", [0.02, 300.0])
def test_pareto_tails_are_those_of_scipy(shape: float, unit: float) -> None:
    losses = stats.genpareto.rvs(shape, scale=unit, size=4_000, random_state=np.random.default_rng(5))
    tail = evt.fit_tail(losses)
    excess = losses[losses > tail.threshold] - tail.threshold
    found, _, scale = stats.genpareto.fit(excess, floc=0)
    assert tail.shape == pytest.approx(found, abs=1e-3)
    assert tail.scale == pytest.approx(scale, rel=1e-3)
    quantile = tail.threshold + stats.genpareto.ppf(1 - 0.001 * tail.n / tail.exceedances, found, scale=scale)
    assert tail.var(0.999) == pytest.approx(quantile, rel=2e-3)
    if shape < 0.9:
        beyond = tail.var(0.999) + stats.genpareto.mean(
            tail.shape, scale=tail.scale + tail.shape * (tail.var(0.999) - tail.threshold)
        )
        assert tail.es(0.999) == pytest.approx(beyond, rel=1e-9)
    else:
        assert tail.es(0.999) >= tail.var(0.999)


@pytest.mark.parametrize("n", [400, 401, 500, 501, 1_234])
def test_the_tail_begins_where_it_says_for_any_number_of_days(n: int) -> None:
    losses = np.random.default_rng(n).standard_t(4, n)
    tail = evt.fit_tail(losses)
    assert tail.var(0.95) == pytest.approx(tail.threshold, abs=0.1)
    assert tail.es(0.95) > tail.var(0.95)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99, 0.999])
def test_closed_forms_are_those_of_scipy(confidence: float) -> None:
    alpha = 1 - confidence
    normal = tails.normal(0.001, 0.03, confidence)
    assert normal.var == pytest.approx(-stats.norm.ppf(alpha, 0.001, 0.03))
    for nu in (2.5, 4.0, 30.0):
        law = stats.t(nu, loc=0.001, scale=0.03 * np.sqrt((nu - 2) / nu))
        found = tails.student(0.001, 0.03, nu, confidence)
        assert found.var == pytest.approx(-law.ppf(alpha))
        assert found.es == pytest.approx(-law.expect(lambda x: x, ub=law.ppf(alpha)) / alpha, rel=1e-6)
    assert normal.es == pytest.approx(-stats.norm(0.001, 0.03).expect(lambda x: x, ub=-normal.var) / alpha, rel=1e-6)


def record(seed: int, n: int, mean: float, deviation: float) -> FloatArray:
    return np.asarray(mean + deviation * np.clip(np.random.default_rng(seed).standard_t(4, n), -9, 9))


RECORDS = [
    record(1, 30, 0.0, 0.01), record(2, 252, 0.001, 0.02), record(3, 1_489, 5e-4, 0.04), record(4, 500, -0.01, 0.02)
]  # fmt: skip


@pytest.mark.parametrize("returns", RECORDS, ids=[str(one.size) for one in RECORDS])
def test_ratios_are_those_of_empyrical(returns: FloatArray) -> None:
    found = performance.ratios(returns, periods_per_year=252)
    assert found.total_return == pytest.approx(empyrical.cum_returns_final(returns), abs=1e-10)
    assert found.annualized_return == pytest.approx(empyrical.annual_return(returns), abs=1e-10)
    assert found.volatility == pytest.approx(empyrical.annual_volatility(returns), abs=1e-10)
    assert found.sharpe == pytest.approx(empyrical.sharpe_ratio(returns), abs=1e-10)
    assert found.sortino == pytest.approx(empyrical.sortino_ratio(returns), abs=1e-10)
    assert found.calmar == pytest.approx(empyrical.calmar_ratio(returns), abs=1e-10)
    assert -found.max_drawdown == pytest.approx(empyrical.max_drawdown(returns), abs=1e-10)
    assert -tails.historical(returns, 0.95).var == pytest.approx(empyrical.value_at_risk(returns), abs=1e-10)


@pytest.mark.parametrize("returns", RECORDS, ids=[str(one.size) for one in RECORDS])
def test_ratios_are_those_of_quantstats(returns: FloatArray) -> None:
    """Its VaR and CVaR are Gaussian, so they are not compared."""
    found, theirs = performance.ratios(returns), quantstats.stats
    series = pd.Series(returns, index=pd.date_range("2021-10-16", periods=returns.size))
    assert found.sharpe == pytest.approx(theirs.sharpe(series, periods=365), abs=1e-10)
    assert found.sortino == pytest.approx(theirs.sortino(series, periods=365), abs=1e-10)
    assert found.volatility == pytest.approx(theirs.volatility(series, periods=365), abs=1e-10)
    assert found.annualized_return == pytest.approx(theirs.cagr(series, periods=365), abs=1e-10)
    assert -found.max_drawdown == pytest.approx(theirs.max_drawdown(series), abs=1e-10)


def test_the_standard_error_of_sharpe_is_the_spread_of_its_estimates() -> None:
    random = np.random.default_rng(9)
    found = [performance.ratios(0.002 + 0.03 * random.standard_t(6, 500)) for _ in range(600)]
    spread = float(np.std([one.sharpe for one in found], ddof=1))
    assert float(np.median([one.sharpe_se for one in found])) == pytest.approx(spread, rel=0.1)


@pytest.mark.parametrize("seed", range(6))
def test_back_tests_are_the_formulas_of_the_papers(seed: int) -> None:
    random = np.random.default_rng(seed)
    n, alpha = int(random.integers(250, 1_500)), (0.05, 0.01)[seed % 2]
    pnl = random.standard_t(4, n)
    var = np.full(n, -stats.t.ppf(alpha * random.uniform(0.5, 2), 4))
    found = backtest.backtest(pnl, var, 1 - alpha)
    hits = pnl < -var
    x = int(hits.sum())
    kupiec = -2 * (stats.binom.logpmf(x, n, alpha) - stats.binom.logpmf(x, n, x / n))
    assert found.coverage.statistic == pytest.approx(kupiec, abs=1e-8)
    assert found.coverage.p_value == pytest.approx(stats.chi2.sf(kupiec, 1), abs=1e-10)
    before, after = hits[:-1], hits[1:]
    free = sum(
        float(np.sum(stats.bernoulli.logpmf(after[before == state], after[before == state].mean())))
        for state in (False, True) if (before == state).any()
    )  # fmt: skip
    tied = float(np.sum(stats.bernoulli.logpmf(after, after.mean())))
    assert found.independence.statistic == pytest.approx(2 * (free - tied), abs=1e-8)
    both = found.coverage.statistic + found.independence.statistic
    assert found.conditional.p_value == pytest.approx(stats.chi2.sf(both, 2), abs=1e-10)


@pytest.mark.parametrize("probability", [0.0001, 0.01, 0.3, 0.7, 0.999])
def test_laws_are_those_of_scipy(probability: float) -> None:
    assert laws.normal_quantile(probability) == pytest.approx(stats.norm.ppf(probability))
    assert laws.student_quantile(probability, 3.3) == pytest.approx(stats.t.ppf(probability, 3.3))
    assert laws.student_density(1.3, 3.3) == pytest.approx(stats.t.pdf(1.3, 3.3))
    assert laws.chi_squared_tail(2.2, 2) == pytest.approx(stats.chi2.sf(2.2, 2))
    assert laws.binomial_quantile(probability, 500, 0.05) == int(stats.binom.ppf(probability, 500, 0.05))
