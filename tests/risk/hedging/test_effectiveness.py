"""Hedges judged by what came of them."""

from datetime import timedelta

import numpy as np
import pytest

from risk.hedging.covariance import Forecast, averaged, forecast, sampled
from risk.hedging.effectiveness import LEAST_DAYS, effectiveness
from risk.hedging.prediction import predicted_of, prediction_note, ratio_of, ratio_words
from risk.hedging.strategies import requirements
from risk.margin.build import book_of
from risk.model.account import Side
from risk.model.hedge import FilledHedge, HedgeStrategy
from risk.stats.fits import FitCache
from tests.risk.builders import NOW, make_account, make_btc_market, make_perp_market, make_position
from tests.risk.hedging.tasks import CACHE, SHELF, history_of, make_task

HEDGED = make_account(
    make_position(100.0), make_position(-0.2, entry_usd=50_000.0, market_index=1), usdc=20_000.0
)  # fmt: skip
FILL = FilledHedge(
    market="BTC-PERP", side=Side.SELL, size_base=0.2, price_usd=49_900.0, fee_usd=5.0,
    filled_at=NOW - timedelta(days=60), predicted_reduction=0.45, hedge_ratio=1.0, oracle_usd=50_000.0,
)  # fmt: skip


def test_what_a_hedge_removed_is_the_variance_with_it_against_without() -> None:
    history = history_of(HEDGED)
    found = effectiveness(history, [FILL], book_of([HEDGED]), 20_000.0, NOW)
    full = history.returns.at >= np.datetime64((NOW - timedelta(days=60)).replace(tzinfo=None), "s")
    moves = np.expm1(history.returns.log_returns)[full]
    btc, sol = moves[:, 0] * -10_000.0, moves[:, 1] * 10_000.0
    assert found.n == int(full.sum()) == 59
    assert found.realized_reduction == pytest.approx(1 - np.var(btc + sol) / np.var(sol))
    assert found.r2 == pytest.approx(np.corrcoef(btc, sol)[0, 1] ** 2)
    assert found.tracking_error == pytest.approx(np.std(btc + sol, ddof=1) / 20_000.0)
    assert found.predicted_reduction == 0.45
    assert "45% was predicted" in found.assessed


def test_the_cost_so_far_is_fee_slippage_and_funding() -> None:
    markets = [make_perp_market(), make_btc_market(funding_short_usd=-0.5)]
    account = make_account(make_position(100.0), usdc=20_000.0, perp_markets=markets)
    found = effectiveness(None, [FILL], book_of([account]), 20_000.0, NOW)
    # Sold 100 USD below the oracle, and shorts pay half a dollar an hour for each BTC.
    assert found.cost_usd == pytest.approx(5.0 + 0.2 * 100.0 + 0.2 * 0.5 * 60 * 24)
    assert (found.realized_reduction, found.r2, found.n) == (None, None, 0)


def test_a_hedge_of_yesterday_is_not_judged_yet() -> None:
    young = FilledHedge(
        market="BTC-PERP", side=Side.SELL, size_base=0.2, price_usd=50_000.0, fee_usd=0.0,
        filled_at=NOW - timedelta(days=3),
    )  # fmt: skip
    found = effectiveness(history_of(HEDGED), [young], book_of([HEDGED]), 20_000.0, NOW)
    assert found.assessed == f"2 of {LEAST_DAYS} full days since the first hedge"
    assert found.predicted_reduction is None
    assert effectiveness(None, [], book_of([HEDGED]), 20_000.0, NOW).assessed == "nothing was hedged yet"


def test_a_second_hedge_counts_from_its_own_day() -> None:
    later = FilledHedge(
        market="SOL-PERP", side=Side.SELL, size_base=50.0, price_usd=100.0, fee_usd=0.0,
        filled_at=NOW - timedelta(days=20), predicted_reduction=0.9,
    )  # fmt: skip
    history = history_of(HEDGED)
    found = effectiveness(history, [FILL, later], book_of([HEDGED]), 20_000.0, NOW)
    moves = np.expm1(history.returns.log_returns)[-59:]
    btc, sol = moves[:, 0] * -10_000.0, moves[:, 1] * 15_000.0
    sold = np.where(np.arange(59) >= 59 - 19, moves[:, 1] * -5_000.0, 0.0)
    assert found.realized_reduction == pytest.approx(1 - np.var(btc + sol + sold) / np.var(sol))
    assert found.predicted_reduction == pytest.approx((0.2 * 49_900 * 0.45 + 5_000 * 0.9) / (0.2 * 49_900 + 5_000))


def test_a_promise_is_read_back_from_its_note() -> None:
    found = requirements(make_task(HEDGED, HedgeStrategy.DELTA))
    assert predicted_of((prediction_note(found),)) == pytest.approx(found.variance_reduction, abs=1e-4)
    assert predicted_of(("something else",)) is None
    assert ratio_of(f"why; {ratio_words(1.25)}") == 1.25
    assert ratio_of("why") is None


def test_a_forecast_is_dcc_where_there_is_history_for_it_and_says_where_not() -> None:
    history = history_of(HEDGED)
    assert forecast(history, CACHE).method == "DCC"
    short = type(history)(
        margin=history.margin, returns=history.returns.last(100), data_age_s=0.0, warnings=(), shortest="SOL"
    )  # fmt: skip
    plain = forecast(short, FitCache())
    assert plain.method == "exponential averages"
    assert "100 of 250 days for DCC" in plain.notes[0]
    assert np.linalg.eigvalsh(forecast(history, CACHE).values)[0] >= -1e-12
    assert sampled(history).betas("BTC")["BTC"] == 1.0
    assert averaged(history).variance({"DOGE": 5.0}) == 0.0
    still = Forecast(assets=("A", "B"), values=np.diag([1.0, 0.0]), method="made", n=9)
    assert still.betas("B") == {"A": 0.0, "B": 0.0}
    assert SHELF.candles_by_asset
