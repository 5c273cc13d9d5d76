"""The risk desk on a small account whose history is known, and on accounts nothing can be said of."""

import itertools
import math
from collections.abc import Mapping

import numpy as np
import pytest

from risk.errors import BadParameter, CannotAssess, NotEnoughData
from risk.fleet import Fleet
from risk.model.account import AccountSnapshot
from risk.model.candles import Candles
from risk.model.metrics import VaRMethod
from risk.risk_engine import DriftRiskEngine
from risk.risk_figures import verdicts
from risk.stats.backtest import Light
from risk.stats.fits import FitCache
from tests.risk.builders import make_account, make_position, scaled
from tests.risk.fake_reader import FakeReader
from tests.risk.histories import Shelf, correlated, daily_candles, shelf
from tests.support.clock import FakeClock

LONG_AND_SHORT = make_account(make_position(50.0), make_position(-0.02, entry_usd=50_000, market_index=1), usdc=3_000)


def engine(account: AccountSnapshot = LONG_AND_SHORT, history: Shelf | None = None) -> DriftRiskEngine:
    clock = FakeClock()
    fleet = Fleet(FakeReader(clock, account), ["main"], clock)
    return DriftRiskEngine("main", fleet, history or shelf(), clock)


@pytest.mark.parametrize("method", list(VaRMethod))
@pytest.mark.parametrize("days", [1, 7])
async def test_every_method_says_what_it_is_and_how_sure(method: VaRMethod, days: int) -> None:
    found = await engine().calculate_var(0.95, days, method=method, backtested=False)
    assert 0 < found.var_usd <= found.es_usd
    assert found.ci_low_usd <= found.var_usd * 1.0001
    assert found.ci_high_usd >= found.var_usd * 0.9999
    assert found.var_frac == pytest.approx(found.var_usd / 3_000)
    assert (found.n, found.days, found.confidence, found.seed) == (700, days, 0.95, 0)
    assert found.window_start is not None
    assert found.window_start < found.window_end  # type: ignore[operator]  # both are there
    assert found.data_age_s == pytest.approx(12 * 3_600)  # midnight to noon


@pytest.mark.parametrize("method", list(VaRMethod))
async def test_more_confidence_is_more_risk(method: VaRMethod) -> None:
    desk = engine()
    levels = [await desk.calculate_var(level, method=method, backtested=False) for level in (0.9, 0.95, 0.99, 0.999)]
    for low, high in itertools.pairwise(levels):
        assert high.var_usd >= low.var_usd
        assert high.es_usd >= low.es_usd


async def test_a_position_enters_once_and_its_sign_counts() -> None:
    """A long of 5,000 USD against a short of 1,000 in a correlated asset is less risk than the long alone."""
    alone = await engine(make_account(make_position(50.0), usdc=3_000)).calculate_var(method=VaRMethod.NORMAL)
    hedged = await engine().calculate_var(method=VaRMethod.NORMAL)
    assert hedged.var_usd < alone.var_usd
    sigma = 0.04
    assert alone.var_usd == pytest.approx(1.645 * sigma * 5_000, rel=0.6)  # of the order of what a hand gets


async def test_the_default_method_is_judged_and_carries_a_light() -> None:
    found = await engine(history=shelf(800)).calculate_var()
    assert found.backtest is not None
    assert found.backtest.method is found.method
    assert found.backtest.light in tuple(Light)
    assert found.backtest.at(0.95).n == 300


async def test_without_enough_history_there_is_no_light_and_a_short_tail_says_so() -> None:
    found = await engine(history=shelf(150)).calculate_var(0.99)
    assert found.method is VaRMethod.FILTERED
    assert found.backtest is None
    assert any("fewer than five" in warning for warning in found.warnings)


async def test_the_same_seed_gives_the_same_number_and_another_one_another() -> None:
    one = await engine().calculate_var(0.99, 7, method=VaRMethod.MONTE_CARLO, seed=3, backtested=False)
    again = await engine().calculate_var(0.99, 7, method=VaRMethod.MONTE_CARLO, seed=3, backtested=False)
    other = await engine().calculate_var(0.99, 7, method=VaRMethod.MONTE_CARLO, seed=4, backtested=False)
    assert one.var_usd == again.var_usd != other.var_usd


async def test_twice_the_account_is_twice_the_risk_and_the_same_share() -> None:
    double = make_account(make_position(100.0), make_position(-0.04, entry_usd=50_000, market_index=1), usdc=6_000)
    one, two = await engine().calculate_var(backtested=False), await engine(double).calculate_var(backtested=False)
    assert two.var_usd == pytest.approx(2 * one.var_usd, rel=1e-6)
    assert two.var_frac == pytest.approx(one.var_frac, rel=1e-6)


async def test_an_asset_without_history_is_named() -> None:
    returns = correlated(300, (0.04,), 0.0)
    with pytest.raises(NotEnoughData, match="daily bars of BTC: 0 of 2"):
        await engine(history=Shelf({"SOL": daily_candles("SOL", returns[:, 0])})).calculate_var()


async def test_dust_without_history_stands_still_and_is_said() -> None:
    dusty = make_account(make_position(50.0), make_position(-0.0005, entry_usd=50_000, market_index=1), usdc=3_000)
    returns = correlated(300, (0.04,), 0.0)
    found = await engine(dusty, Shelf({"SOL": daily_candles("SOL", returns[:, 0])})).calculate_var()
    assert any("no history of BTC (0.5% of the exposure)" in warning for warning in found.warnings)


async def test_an_account_without_positions_has_no_risk_and_says_why() -> None:
    found = await engine(make_account(usdc=1_000)).calculate_var()
    assert (found.var_usd, found.es_usd) == (0.0, 0.0)
    assert found.warnings == ("nothing in this account moves with a price",)


async def test_data_that_cannot_be_trusted_is_never_a_number() -> None:
    clock = FakeClock()
    fleet = Fleet(FakeReader(clock, LONG_AND_SHORT), ["main"], clock)
    desk = DriftRiskEngine("main", fleet, shelf(), clock)
    await desk.calculate_var(backtested=False)
    clock.pass_s(60)
    with pytest.raises(CannotAssess):
        await desk.calculate_var(backtested=False)


@pytest.mark.parametrize(("confidence", "days"), [(1.0, 1), (0.5, 1), (0.95, 0), (0.95, 31)])
async def test_questions_outside_the_range_are_refused(confidence: float, days: int) -> None:
    with pytest.raises(BadParameter):
        await engine().calculate_var(confidence, days, backtested=False)


async def test_contributions_sum_to_the_expected_shortfall() -> None:
    metrics = await engine().calculate_portfolio_risk()
    assert set(metrics.risk_contribution) == {"SOL", "BTC"}
    found = await engine().calculate_var(method=VaRMethod.FILTERED, backtested=False)
    assert sum(metrics.risk_contribution.values()) == pytest.approx(found.es_frac, rel=1e-6)
    assert metrics.risk_contribution["BTC"] < 0  # the short takes risk away


async def test_metrics_are_complete_where_history_is_and_say_what_is_missing() -> None:
    metrics = await engine().calculate_portfolio_risk()
    assert metrics.var_7d > metrics.var_1d > 0
    assert metrics.expected_shortfall_1d >= metrics.var_1d
    assert metrics.volatility_annualized > 0
    assert metrics.correlation_matrix is not None
    assert metrics.correlation_matrix.of("SOL", "BTC") == pytest.approx(0.7, abs=0.15)
    assert math.isnan(metrics.sharpe_ratio)  # nobody recorded equity
    assert any(warning.startswith("equity history: 0 of 2") for warning in metrics.warnings)


async def test_beta_to_itself_is_one_and_the_whole_is_the_sum_of_its_parts() -> None:
    found = await engine().calculate_beta_analysis()
    by_asset = {row.asset: row for row in found.assets}
    assert (by_asset["SOL"].beta_sol, by_asset["BTC"].beta_btc) == (1.0, 1.0)
    total = sum(row.notional_usd * row.beta_sol for row in found.assets)
    assert found.delta_sol_usd == pytest.approx(total)
    assert found.beta_sol == pytest.approx(total / 3_000)


async def test_correlations_are_always_positive_semi_definite() -> None:
    returns = correlated(400, (0.04, 0.02), 0.5)
    same: Mapping[str, Candles] = {asset: daily_candles(asset, returns[:, 0]) for asset in ("SOL", "BTC")}
    found = await engine(history=Shelf(same)).calculate_correlation_matrix()
    assert np.linalg.eigvalsh(found.values)[0] > -1e-9
    assert found.values[0, 1] == pytest.approx(1.0)
    assert any("move together exactly" in warning for warning in found.warnings)


async def test_liquidation_is_likelier_the_nearer_it_is() -> None:
    calm = await engine().liquidation_probability()
    close = await engine(scaled(LONG_AND_SHORT, "sol", 0.46)).liquidation_probability()
    for near, far in zip(close.hits.hits, calm.hits.hits, strict=True):
        assert near.probability >= far.probability
    assert close.hits.hits[1].probability > 0.01
    assert close.hits.deadliest is not None
    assert close.hits.deadliest[0] == "SOL"
    assert calm.floor is not None
    assert calm.floor.scenario == "2025-10-10"


async def test_risk_changes_are_told_against_yesterday() -> None:
    found = await engine().monitor_risk_changes()
    assert found.compared_with is None
    assert found.now.var_1d_frac > 0
    assert found.now.leverage == pytest.approx(2.0)


async def test_a_back_test_is_found_again_while_prices_move_positions_by_a_little() -> None:
    history = shelf(800)
    cache, books = FitCache(), []
    for price in (1.0, 1.01):
        clock = FakeClock()
        fleet = Fleet(FakeReader(clock, scaled(LONG_AND_SHORT, "sol", price)), ["main"], clock)
        desk = DriftRiskEngine("main", fleet, history, clock, cache=cache)
        books.append(await desk.book())
        await desk.backtests()
    one, other = books
    assert one.margin.equity_slope_usd.tolist() != other.margin.equity_slope_usd.tolist()
    assert verdicts(one, cache) is verdicts(other, cache)
    alone = verdicts(other, FitCache())
    assert {method: one.light for method, one in alone.items()} == {
        method: one.light for method, one in verdicts(one, cache).items()
    }
