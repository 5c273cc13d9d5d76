"""Hedge ratios against least squares, the closed form, and scipy's minimiser."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from risk.hedging.band import Costs, half_width_usd, worth_trading
from risk.hedging.covariance import Forecast
from risk.hedging.minimum_variance import minimum_variance
from risk.margin.book import FloatArray

RETURNS = np.random.default_rng(3).standard_normal((500, 4)) @ np.array(
    [[0.04, 0.0, 0.0, 0.0], [0.02, 0.02, 0.0, 0.0], [0.01, 0.02, 0.02, 0.0], [0.03, 0.01, 0.01, 0.03]]
)
ASSETS = ("DOGE", "ETH", "BTC", "SOL")
MODEL = Forecast(assets=ASSETS, values=np.cov(RETURNS, rowvar=False), method="sample", n=500)
AMOUNTS = st.floats(-10_000.0, 10_000.0)


def test_one_instrument_is_minus_the_covariance_over_the_variance() -> None:
    found = minimum_variance(MODEL, {"SOL": 1_000.0}, ("BTC",), least_correlation=0.0)
    sol, btc = RETURNS[:, 3], RETURNS[:, 2]
    assert found.amounts_usd["BTC"] == pytest.approx(-1_000.0 * np.cov(sol, btc)[0, 1] / np.var(btc, ddof=1))
    assert found.r2 == pytest.approx(np.corrcoef(sol, btc)[0, 1] ** 2)


@given(doge=AMOUNTS, sol=AMOUNTS)
def test_several_instruments_are_a_regression_of_the_book_on_them(doge: float, sol: float) -> None:
    if abs(doge) + abs(sol) < 1.0:
        return
    found = minimum_variance(MODEL, {"DOGE": doge, "SOL": sol}, ("ETH", "BTC"), least_correlation=0.0)
    centred = RETURNS - RETURNS.mean(axis=0)
    book = doge * centred[:, 0] + sol * centred[:, 3]
    slopes, left, *_ = np.linalg.lstsq(centred[:, 1:3], book, rcond=None)
    assert [found.amounts_usd["ETH"], found.amounts_usd["BTC"]] == pytest.approx(list(-slopes), rel=1e-6, abs=1e-6)
    assert found.r2 == pytest.approx(1 - left[0] / (book @ book), abs=1e-9)
    assert found.residual_usd**2 == pytest.approx(left[0] / 499, rel=1e-6)


def test_nothing_is_hedged_through_a_low_correlation_and_it_is_said() -> None:
    found = minimum_variance(MODEL, {"SOL": 1_000.0}, ("BTC", "ETH"), least_correlation=0.95)
    assert (found.amounts_usd, found.r2) == ({}, 0.0)
    assert "no hedge through BTC: its correlation with the account is +0." in found.refused[0]
    assert len(found.refused) == 2


def test_an_instrument_that_is_the_book_itself_takes_all_of_it() -> None:
    found = minimum_variance(MODEL, {"SOL": 1_000.0}, ("SOL", "BTC"), least_correlation=0.0)
    assert found.amounts_usd["SOL"] == pytest.approx(-1_000.0)
    assert found.r2 == pytest.approx(1.0)
    assert found.residual_usd == pytest.approx(0.0, abs=1e-3)


def test_two_instruments_that_move_as_one_share_the_amount() -> None:
    values = np.array([[4.0, 2.0, 2.0], [2.0, 4.0, 4.0], [2.0, 4.0, 4.0]]) * 1e-4
    model = Forecast(assets=("SOL", "BTC", "wBTC"), values=values, method="made", n=100)
    found = minimum_variance(model, {"SOL": 1_000.0}, ("BTC", "wBTC"))
    assert found.amounts_usd == pytest.approx({"BTC": -250.0, "wBTC": -250.0})


def test_a_book_that_does_not_move_needs_no_hedge() -> None:
    assert minimum_variance(MODEL, {}, ("BTC",)).amounts_usd == {}


@settings(max_examples=15)
@given(sol=AMOUNTS, btc=AMOUNTS, buy=st.floats(0.0, 0.01), sell=st.floats(0.0, 0.01))
def test_the_band_of_several_instruments_is_the_minimum_of_variance_and_cost(
    sol: float, btc: float, buy: float, sell: float
) -> None:
    costs = {"BTC": Costs(buy_frac=buy, sell_frac=sell), "ETH": Costs(buy_frac=sell, sell_frac=buy)}
    found = worth_trading(
        MODEL, {"SOL": sol, "BTC": btc}, ("BTC", "ETH"), costs, equity_usd=5_000.0, days=7.0, aversion=4.0
    )
    book = MODEL.vector({"SOL": sol, "BTC": btc})

    def total(amounts: FloatArray) -> float:
        hedged = book + np.array([0.0, amounts[1], amounts[0], 0.0])
        paid = sum(
            cost.buy_frac * max(amount, 0.0) + cost.sell_frac * max(-amount, 0.0)
            for cost, amount in zip(costs.values(), amounts, strict=True)
        )
        return float(4.0 * 7.0 / 5_000.0 / 2 * hedged @ MODEL.values @ hedged + paid)

    ours = total(np.array([found["BTC"], found["ETH"]]))
    best = min(
        minimize(total, start, method="Nelder-Mead", options={"maxiter": 400}).fun
        for start in (np.zeros(2), np.array([found["BTC"], found["ETH"]]) * 0.9 + 1.0)
    )
    assert ours <= best + 1e-6 * (1 + abs(best))


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_one_instrument_is_brought_to_the_edge_of_its_band_and_no_further(side: float) -> None:
    cost, days, equity = 0.002, 7.0, 50_000.0
    costs = {"SOL": Costs(buy_frac=cost, sell_frac=cost)}
    width = half_width_usd(cost, float(MODEL.values[3, 3]), equity, days)
    held = side * 3 * width
    found = worth_trading(MODEL, {"SOL": held}, ("SOL",), costs, equity_usd=equity, days=days)
    assert found["SOL"] == pytest.approx(-side * 2 * width)
    inside = worth_trading(MODEL, {"SOL": side * 0.99 * width}, ("SOL",), costs, equity_usd=equity, days=days)
    assert inside == {"SOL": 0.0}
    assert worth_trading(MODEL, {"SOL": held}, ("SOL",), costs, equity_usd=0.0, days=days) == {"SOL": 0.0}


def test_other_correlations_keep_the_volatilities() -> None:
    changed = MODEL.with_correlations(("SOL", "BTC"), np.array([[1.0, 0.9], [0.9, 1.0]]))
    assert changed.volatilities == pytest.approx(MODEL.volatilities)
    assert changed.correlation[2, 3] == pytest.approx(0.9, abs=0.05)
    assert changed.correlation[0, 1] == pytest.approx(MODEL.correlation[0, 1], abs=0.05)
