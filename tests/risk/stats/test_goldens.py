"""Every statistic against the digits of another implementation; the files name their sources."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from risk.stats import backtest, contributions, dcc, evt, garch, performance, tails
from risk.stats.drawdown import curve_of, drawdowns, max_drawdown
from risk.stats.ewma import ewma_variances
from tests.risk.stats.golden import columns, figures


@pytest.fixture(scope="module")
def marks(material: Path) -> np.ndarray:
    """Daily changes of the mark against the pound, in percent."""
    return columns(material, "dem2gbp.csv")["DEM2GBP"]


def test_the_garch_benchmark_is_reached_to_its_published_digits(material: Path, marks: np.ndarray) -> None:
    published = figures(material, "fcp_benchmark.json")
    fit = garch.fit_garch(marks / 100, innovations=garch.Innovations.NORMAL, errors=True)
    found = fit.parameters
    assert fit.converged
    assert found.omega * 1e4 == pytest.approx(published["params"]["omega"], rel=1e-4)
    assert found.alpha[0] == pytest.approx(published["params"]["alpha"], rel=1e-4)
    assert found.beta[0] == pytest.approx(published["params"]["beta"], rel=1e-4)
    # arch holds the variance before the sample fixed while it moves the mean; the published likelihood does not.
    assert found.mean * 100 == pytest.approx(published["params"]["mu"], rel=3e-3)
    scale = np.array([100, 1e4, 1, 1])
    assert fit.se_hessian * scale == pytest.approx(list(published["se_hessian"].values()), rel=1e-3)
    assert fit.se_robust * scale == pytest.approx(list(published["se_qmle"].values()), rel=2e-3)
    assert fit.log_likelihood == pytest.approx(published["llh_fGarch"], abs=1e-3)


def test_the_exponential_average_ends_where_arch_ends(material: Path, marks: np.ndarray) -> None:
    expected = figures(material, "arch_ewma_expected.json")["EWMA_0.94"]
    variances = ewma_variances(marks)
    assert variances[-1] == pytest.approx(expected["fcst_var_1"], rel=1e-9)
    assert np.sqrt(variances[-4:-1]) == pytest.approx(expected["cond_vol_last3"], rel=1e-9)


def test_dynamic_correlations_are_those_of_rmgarch(material: Path) -> None:
    expected = figures(material, "rmgarch_dcc_expected.json")["crypto3"]
    series = columns(material, "crypto7_daily_logret_pct.csv")
    fit = dcc.fit_dcc(np.column_stack([series[asset] for asset in expected["assets"]]) / 100)
    assert fit.converged
    assert fit.a == pytest.approx(expected["coef"]["[Joint]dcca1"], abs=1e-3)
    assert fit.b == pytest.approx(expected["coef"]["[Joint]dccb1"], abs=1e-3)
    assert fit.joint_log_likelihood == pytest.approx(expected["llh"], abs=0.5)
    assert fit.correlations[499] == pytest.approx(np.array(expected["R_500"]), abs=1e-3)
    assert fit.correlations[-1] == pytest.approx(np.array(expected["R_last"]), abs=1e-3)
    assert fit.forecast(7) == pytest.approx(np.array(expected["R_fc7"]), abs=1e-3)


def test_the_pareto_tail_is_that_of_evd(material: Path, marks: np.ndarray) -> None:
    expected = figures(material, "evt_expected.json")["dem2gbp_losses_u95"]
    tail = evt.fit_tail(-marks)
    assert (tail.n, tail.exceedances) == (expected["n"], expected["n_exceed"])
    for found, name in (
        (tail.threshold, "u"), (tail.scale, "beta"), (tail.shape, "xi"), (tail.var(0.99), "VaR99"),
        (tail.es(0.99), "ES99"), (tail.var(0.999), "VaR999"), (tail.es(0.999), "ES999"),
    ):  # fmt: skip
        assert found == pytest.approx(expected[name], rel=1e-3), name


@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_tails_are_those_of_performance_analytics(material: Path, confidence: float) -> None:
    expected, percent = figures(material, "pa_expected.json")["HAM2"], f"{confidence:.2f}"[2:]
    returns = columns(material, "pa_managers.csv")["HAM2"]
    of = tails.moments(returns, ddof=0)
    historical, gaussian = tails.historical(returns, confidence), tails.normal(of.mean, of.sigma, confidence)
    z = float(norm.ppf(1 - confidence))
    modified = of.mean + of.sigma * tails.cornish_fisher_quantile(z, of.skewness, of.excess_kurtosis)
    assert historical.var == pytest.approx(-expected[f"VaR_historical_{percent}"], abs=1e-12)
    assert historical.es == pytest.approx(-expected[f"ES_historical_{percent}"], abs=1e-12)
    assert gaussian.var == pytest.approx(-expected[f"VaR_gaussian_{percent}"], abs=1e-12)
    assert gaussian.es == pytest.approx(-expected[f"ES_gaussian_{percent}"], abs=1e-12)
    assert modified == pytest.approx(expected[f"VaR_modified_{percent}"], abs=1e-12)
    # A manager so skewed lies outside the domain of the expansion, so the product does not use the number.
    assert tails.cornish_fisher(of, confidence) is None


@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_contributions_are_those_of_performance_analytics(material: Path, confidence: float) -> None:
    expected, percent = figures(material, "pa_expected.json")["edhec5_component"], f"{confidence:.2f}"[2:]
    series = columns(material, "pa_edhec.csv")
    returns = np.column_stack([series[name] for name in expected["cols"]])
    weights, mean, covariance = np.array(expected["w"]), returns.mean(axis=0), np.cov(returns, rowvar=False)
    for found, name in (
        (contributions.gaussian_var_contributions(weights, mean, covariance, confidence), "VaR_gaussian"),
        (contributions.gaussian_es_contributions(weights, mean, covariance, confidence), "ES_gaussian"),
        (contributions.modified_var_contributions(weights, returns, confidence), "VaR_modified"),
    ):
        assert found == pytest.approx(expected[f"{name}_{percent}"]["contribution"], abs=1e-12), name


def test_historical_shortfall_splits_as_in_performance_analytics(material: Path) -> None:
    expected = figures(material, "pa_expected.json")["edhec5_component"]
    series = columns(material, "pa_edhec.csv")
    returns = np.column_stack([series[name] for name in expected["cols"]])
    parts = contributions.es_contributions(np.array(expected["w"]), returns, 0.95)
    assert parts.sum() == pytest.approx(expected["ES_historical_95"]["-r_exceed/c_exceed"], abs=1e-12)
    assert parts / parts.sum() == pytest.approx(expected["ES_historical_95"]["pct_contrib_hES"], abs=1e-10)


def test_ratios_are_those_of_performance_analytics(material: Path) -> None:
    expected = figures(material, "pa_expected.json")["HAM2"]
    returns = columns(material, "pa_managers.csv")["HAM2"]
    found = performance.ratios(returns, periods_per_year=12)
    assert found.annualized_return == pytest.approx(expected["ret_ann_geo"], abs=1e-8)
    assert found.volatility == pytest.approx(expected["sd_ann"], abs=1e-8)
    assert found.sharpe == pytest.approx(expected["sharpe_ann_arith"], abs=1e-8)
    assert found.sortino / np.sqrt(12) == pytest.approx(expected["sortino_mar0"], abs=1e-8)  # theirs is per month
    assert found.max_drawdown == pytest.approx(expected["maxdd_geo"], abs=1e-8)
    assert found.calmar == pytest.approx(expected["calmar"], abs=1e-8)
    assert performance.downside_deviation(returns) == pytest.approx(expected["downdev_full_mar0"], abs=1e-8)


def test_drawdowns_are_those_of_performance_analytics(material: Path) -> None:
    expected = figures(material, "pa_expected.json")["HAM2"]["top_drawdowns"]
    found = drawdowns(curve_of(columns(material, "pa_managers.csv")["HAM2"]))[: len(expected)]
    for ours, theirs in zip(found, expected, strict=True):
        assert -ours.depth_frac == pytest.approx(theirs["Depth"], abs=5e-5)
        assert ours.trough - ours.peak == theirs["To Trough"]
        assert (ours.recovery is None) == ("To" not in theirs)
        if ours.bars is not None:
            assert ours.bars == theirs["Length"]


@pytest.mark.parametrize("name", ["mixed", "positive", "negative"])
def test_ratios_are_those_of_empyrical(material: Path, name: str) -> None:
    everything = figures(material, "empyrical_expected.json")
    expected = everything[name]
    returns = np.array([value for value in everything["series_pct"][name] if value is not None]) / 100
    found = performance.ratios(returns, periods_per_year=252)
    assert found.total_return == pytest.approx(expected["cum_returns_final"], abs=1e-8)
    assert found.volatility == pytest.approx(expected["annual_volatility"], abs=1e-8)
    assert found.sharpe == pytest.approx(expected["sharpe_ratio"], abs=1e-8)
    assert found.sortino == pytest.approx(expected["sortino_ratio"], abs=1e-8)
    assert max_drawdown(curve_of(returns)) == pytest.approx(-expected["max_drawdown"], abs=1e-8)
    assert performance.downside_deviation(returns) * np.sqrt(252) == pytest.approx(expected["downside_risk"], abs=1e-8)
    assert tails.historical(returns, 0.95).var == pytest.approx(-expected["VaR_5"], abs=1e-8)
    if name != "mixed":  # empyrical counts a missing day in the annual return alone
        assert found.annualized_return == pytest.approx(expected["annual_return"], abs=1e-8)


def test_back_tests_are_those_of_rugarch(material: Path) -> None:
    series = columns(material, "bt_series_0.05.csv")
    expected = figures(material, "rugarch_vartest_expected.json")["alpha_0.05"]
    found = backtest.backtest(series["actual"], -series["VaR"], 0.95, es=-series["ES"])
    assert found.violations == expected["VaRTest"]["actual.exceed"]
    assert int(found.expected) == expected["VaRTest"]["expected.exceed"]
    assert found.coverage.statistic == pytest.approx(expected["VaRTest"]["uc.LRstat"], abs=1e-6)
    assert found.coverage.p_value == pytest.approx(expected["VaRTest"]["uc.LRp"], abs=1e-6)
    assert found.conditional.statistic == pytest.approx(expected["VaRTest"]["cc.LRstat"], abs=1e-6)
    assert found.conditional.p_value == pytest.approx(expected["VaRTest"]["cc.LRp"], abs=1e-6)
    assert found.es_p_value == pytest.approx(expected["ESTest"]["p.value"], abs=1e-6)
