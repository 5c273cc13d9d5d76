"""Questions and series without an answer: each is an error whose sentence says what is wrong and what to do, or a
result that says what it is not. Warnings are errors, so nothing here may leave one behind."""

import inspect
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest

from risk import CorrelationModel, RiskError, VaRCalculator, VolatilityModel
from risk.errors import BadParameter, BadSeries, NotEnoughData
from risk.fleet import Fleet
from risk.model.candles import Candles
from risk.model.metrics import VaRMethod
from risk.risk_engine import DriftRiskEngine
from risk.stats import backtest, beta, contributions, dcc, drawdown, evt, garch, performance, realized, series
from risk.stats.correlation import sample_correlation
from risk.stats.first_passage import hit_probability
from risk.stats.matrices import nearest_correlation
from risk.stats.volatility import VolatilityMethod
from tests.risk.builders import make_account, make_position
from tests.risk.fake_reader import FakeReader
from tests.risk.histories import Shelf, correlated, daily_candles
from tests.support.clock import FakeClock

VAR, VOLATILITY, CORRELATION = VaRCalculator(), VolatilityModel(), CorrelationModel()
RETURNS = np.random.default_rng(0).standard_t(4, 600) * 0.03
GAP = np.where(np.arange(600) == 5, np.nan, RETURNS)
PAIR = np.column_stack([RETURNS, np.roll(RETURNS, 1)])
STILL = np.full(600, 0.0123)  # its mean is not the value to the last bit
BOOK = {"SOL": 1_000.0, "BTC": -500.0}
APART = np.eye(2)
CONTRADICTION = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
NAN = math.nan

Ask = Callable[[], object]


async def answer(ask: Ask) -> object:
    found = ask()
    return await found if inspect.isawaitable(found) else found


def historical(returns: object = RETURNS, confidence: object = 0.95, days: object = 1) -> Awaitable[float]:
    return VAR.historical_simulation_var(returns, confidence, days)  # type: ignore[arg-type]  # bad on purpose


def simulated(book: object = BOOK, matrix: object = APART, daily: object = (0.04, 0.02), **more: object) -> object:
    return VAR.monte_carlo_var(book, matrix, daily, **more)  # type: ignore[arg-type]  # bad on purpose


REFUSED: list[tuple[str, Ask, type[RiskError], str]] = [
    ("no bars", lambda: historical([]), NotEnoughData, "0 of 20 observations; import or wait for more history"),
    ("too few bars", lambda: historical(RETURNS[:10]), NotEnoughData, "10 of 20"),
    ("too few for so rare a loss", lambda: historical(confidence=0.999), NotEnoughData, "600 of 1000"),
    ("NaN", lambda: historical(GAP), BadSeries, "observation 5 is not a finite number; drop that date"),
    ("infinite", lambda: historical([0.1] * 30 + [math.inf]), BadSeries, "observation 30"),
    ("nothing at all", lambda: historical(None), BadSeries, "must be one series"),
    ("text", lambda: historical(["up"] * 30), BadSeries, "must be numbers"),
    ("a table for a series", lambda: historical(PAIR), BadSeries, r"not an array of shape \(600, 2\)"),
    ("ruin cannot be compounded", lambda: historical([-1.0, 0.1] * 20, days=7), BadParameter, "-100 %"),
    ("ruin leaves no price", lambda: historical([-1.0, 0.1] * 20), BadParameter, "-100 %"),
    ("more than all is lost", lambda: historical([-1.5, 0.1] * 20), BadParameter, "-100 %"),
    ("a confidence below 90 %", lambda: VAR.parametric_var(1e3, 0.1, 0.8999), BadParameter, "give 0.90 to 0.999"),
    ("a confidence above 99.9 %", lambda: VAR.parametric_var(1e3, 0.1, 0.9995), BadParameter, "give 0.90 to 0.999"),
    ("simulated at 89 %", lambda: simulated(confidence_level=0.89), BadParameter, "give 0.90 to 0.999"),
    ("simulated at 99.95 %", lambda: simulated(confidence_level=0.9995), BadParameter, "give 0.90 to 0.999"),
    *(
        (f"first passage with {at} unknown", lambda at=at: hit_probability(*at), BadParameter, "must be finite")
        for at in ((NAN, 1.0, 1.0, 1.0), (1.0, NAN, 1.0, 1.0), (1.0, 0.9, NAN, 1.0), (1.0, 0.9, 1.0, math.inf))
    ),
    *(
        (f"confidence {one}", lambda one=one: historical(confidence=one), BadParameter, "give 0.90 to 0.999")
        for one in (1.0, 0, 0.8999, 0.9991, NAN, -0.95, 95, "high", None)
    ),
    *(
        (f"{one} days", lambda one=one: historical(days=one), BadParameter, "a whole number from 1 to 30")
        for one in (0, 31, 1.5, -1, NAN, "week", None)
    ),
    ("negative volatility", lambda: VAR.parametric_var(1e3, -0.1), BadParameter, "give a fraction from 0 on"),
    ("unknown value", lambda: VAR.parametric_var(NAN, 0.1), BadParameter, "must be finite"),
    ("a value in words", lambda: VAR.parametric_var("all", 0.1), BadParameter, "must be numbers"),  # type: ignore[arg-type]
    ("no simulations", lambda: simulated(simulations=0), BadParameter, "0 paths .* from 100 to 1,000,000"),
    ("half a simulation", lambda: simulated(simulations=1_000.5), BadParameter, "a whole number"),
    ("a seed below zero", lambda: simulated(seed=-1), BadParameter, "a whole number from 0 on"),
    ("negative volatilities", lambda: simulated(daily=(0.04, -0.02)), BadParameter, "volatility of BTC is negative"),
    ("one volatility for two", lambda: simulated(daily=(0.04,)), BadParameter, "2 assets need as many volatilities"),
    ("an unnamed volatility", lambda: simulated(daily={"SOL": 0.04}), NotEnoughData, "volatility of BTC"),
    ("an unknown position", lambda: simulated({"SOL": NAN, "BTC": 1.0}), BadParameter, "positions must be finite"),
    ("a matrix of three for two", lambda: simulated(matrix=np.eye(3)), BadSeries, "square matrix of 2 assets"),
    ("a ragged matrix", lambda: simulated(matrix=[[1, 0], [1]]), BadSeries, "rows of one length"),
    ("a matrix with a hole", lambda: simulated(matrix=[[1, NAN], [NAN, 1]]), BadSeries, "row 0"),
    ("a covariance", lambda: simulated(matrix=0.04 * APART), BadSeries, "is this a covariance"),
    ("no symmetry", lambda: simulated(matrix=[[1, 0.5], [0.2, 1]]), BadSeries, "symmetric"),
    ("beyond one", lambda: simulated(matrix=[[1, 1.5], [1.5, 1]]), BadSeries, "between -1 and 1"),
    (
        "correlations that contradict each other",
        lambda: simulated({"A": 1.0, "B": 1.0, "C": 1.0}, CONTRADICTION, (0.1, 0.1, 0.1)),
        BadSeries, "not positive semi-definite; estimate all of them over the same dates",
    ),
    ("stress of a contradiction", lambda: CORRELATION.stressed(CONTRADICTION, 0.5), BadSeries, "contradict"),
    ("stress beyond one", lambda: CORRELATION.stressed(APART, 1.5), BadParameter, "between 0 and 1"),
    ("a lambda of one", lambda: VOLATILITY.ewma_volatility(RETURNS, 1.0), BadParameter, "0.94 is usual"),
    ("too few for GARCH", lambda: VOLATILITY.garch_volatility(RETURNS[:499]), NotEnoughData, "499 of 500"),
    ("no lags", lambda: VOLATILITY.garch_volatility(RETURNS, 0, 1), BadParameter, "from 1 to 5"),
    ("half a lag", lambda: VOLATILITY.garch_volatility(RETURNS, 1, 1.5), BadParameter, "whole number"),  # type: ignore[arg-type]
    ("no intraday bars", lambda: VOLATILITY.realized_volatility([]), NotEnoughData, "0 of 1"),
    ("no cone", lambda: VOLATILITY.volatility_cone(RETURNS[:7]), NotEnoughData, "7 of 8"),
    ("no term", lambda: VOLATILITY.term_structure(RETURNS, 0), BadParameter, "at least one"),
    ("two lengths", lambda: CORRELATION.ewma_correlation(RETURNS, RETURNS[1:]), BadSeries, "align them by date"),
    ("half a window", lambda: CORRELATION.rolling_correlation(RETURNS, RETURNS, 7.5), BadParameter, "whole"),  # type: ignore[arg-type]
    ("less than a window", lambda: CORRELATION.rolling_correlation([0.1] * 9, [0.2] * 9), NotEnoughData, "9 of 30"),
    ("one asset missing", lambda: CORRELATION.dcc_correlation(RETURNS[:, None]), BadParameter, "at least two"),
    ("a hole in one asset", lambda: CORRELATION.dcc_correlation(np.column_stack([RETURNS, GAP])), BadSeries, "row 5"),
    ("a still asset", lambda: CORRELATION.dcc_correlation(np.column_stack([RETURNS, STILL])), BadSeries, "column 1"),
    ("no two regimes", lambda: CORRELATION.regimes(RETURNS, STILL), BadSeries, "stands still"),
    ("few for regimes", lambda: CORRELATION.regimes(RETURNS[:99], RETURNS[:99]), NotEnoughData, "99 of 120"),
    ("beta to a still market", lambda: beta.beta_of(RETURNS, STILL), BadSeries, "choose another reference"),
    ("beta of few days", lambda: beta.beta_of(RETURNS[:9], RETURNS[:9]), NotEnoughData, "9 of 60"),
    ("a negative price", lambda: series.log_returns([100.0, -1.0]), BadSeries, "observation 1 is not positive"),
    ("a price of zero", lambda: series.simple_returns([100.0, 0.0]), BadSeries, "damaged bar"),
    ("weights of two for three", lambda: contributions.es_contributions(np.ones(3), PAIR, 0.95), BadParameter, "one"),
    ("weights of a table", lambda: contributions.es_contributions(np.eye(2), PAIR, 0.95), BadParameter, "one for"),
    ("parts of nothing", lambda: contributions.es_contributions(np.ones(2), PAIR[:0], 0.95), NotEnoughData, "0 of 1"),
    (
        "parts of a hole",
        lambda: contributions.es_contributions(np.ones(2), np.column_stack([RETURNS, GAP]), 0.95), BadSeries, "finite",
    ),
    (
        "a covariance of two for three",
        lambda: contributions.volatility_contributions(np.ones(3), APART), BadParameter, "not of the same assets",
    ),
    ("a still tail", lambda: evt.fit_tail(STILL), NotEnoughData, "0 of 20"),
    ("a curve from nothing", lambda: drawdown.max_drawdown(np.array([0.0, 1.0])), BadSeries, "starts above zero"),
    ("no time", lambda: performance.ratios(RETURNS, periods_per_year=NAN), BadParameter, "must be positive"),
    ("one return", lambda: performance.ratios(RETURNS[:1]), NotEnoughData, "1 of 2"),
    ("forecasts for other days", lambda: backtest.backtest(RETURNS, RETURNS[1:], 0.95), BadSeries, "599 forecasts"),
    (
        "a high below the close",
        lambda: realized.Bars(
            open_usd=np.ones(3), high_usd=np.ones(3), low_usd=np.ones(3), close_usd=np.full(3, 2.0)
        ), BadSeries, "drop damaged bars",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "error", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
async def test_what_has_no_answer_says_why_and_what_to_do(ask: Ask, error: type[RiskError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        await answer(ask)
    assert type(caught.value) is error


def is_zero(found: object) -> bool:
    return found == 0.0


ANSWERED: list[tuple[str, Ask, Callable[[object], bool]]] = [
    ("prices that never move", lambda: historical(np.zeros(100), days=7), is_zero),
    ("no volatility", lambda: VAR.parametric_var(1e3, 0.0), is_zero),
    ("no volatility of any asset", lambda: simulated(daily=(0.0, 0.0)), is_zero),
    ("an empty book", lambda: simulated({}, np.empty((0, 0)), ()), is_zero),
    ("only gains", lambda: historical(np.full(100, 0.01)), lambda found: found == -0.01),
    ("assets that are one", lambda: simulated({"A": 1e3, "B": -1e3}, np.ones((2, 2)), (0.04, 0.04)),
     lambda found: abs(float(found)) < 1e-9),  # type: ignore[arg-type]
    ("ratios of no moves", lambda: performance.ratios(np.zeros(9)), lambda found: math.isnan(found.sharpe)),  # type: ignore[attr-defined]
    ("ratios of a constant gain", lambda: performance.ratios(STILL), lambda found: found.sharpe == math.inf),  # type: ignore[attr-defined]
    ("ruin", lambda: performance.ratios(np.array([0.1, -1.0, 0.2])), lambda found: found.annualized_return == -1.0),  # type: ignore[attr-defined]
    ("gains no float can annualise", lambda: performance.ratios(np.array([5.0, 9.0, 99.0])),
     lambda found: found.annualized_return == math.inf),  # type: ignore[attr-defined]
    ("correlation with a still asset", lambda: sample_correlation(np.column_stack([RETURNS, STILL])),
     lambda found: np.array_equal(found, APART)),  # type: ignore[arg-type]
    ("no violations", lambda: backtest.backtest(RETURNS, np.full(600, 9.0), 0.99, es=np.full(600, 9.0)),
     lambda found: found.violations == 0 and found.coverage.p_value < 0.01),  # type: ignore[attr-defined]
    ("violations of no forecast", lambda: backtest.backtest(RETURNS, np.zeros(600), 0.99, es=np.zeros(600)),
     lambda found: found.acerbi_szekely == -math.inf),  # type: ignore[attr-defined]
    ("all violations", lambda: backtest.backtest(RETURNS, np.full(600, -9.0), 0.99),
     lambda found: found.violations == 600 and found.coverage.p_value < 1e-9),  # type: ignore[attr-defined]
]  # fmt: skip


@pytest.mark.parametrize(("ask", "right"), [row[1:] for row in ANSWERED], ids=[row[0] for row in ANSWERED])
async def test_what_is_odd_but_has_an_answer_gets_it(ask: Ask, right: Callable[[object], bool]) -> None:
    assert right(await answer(ask))


@pytest.mark.parametrize(
    ("returns", "why"),
    [
        (STILL, "does not move"),
        (np.zeros(600), "does not move"),
        (np.where(np.arange(600) == 300, 0.5, 0.0), "GARCH fit"),
        (np.where(np.arange(600) % 50 == 0, RETURNS, 0.0), "GARCH fit"),
    ],
    ids=["constant", "zero", "one jump", "rare moves"],
)
async def test_a_fit_that_fails_is_an_average_that_says_so(returns: np.ndarray, why: str) -> None:
    found = await VOLATILITY.garch_volatility(returns)
    assert found.method is VolatilityMethod.EWMA
    assert found.warnings
    assert why in found.warnings[-1]
    assert found.warnings[-1].endswith("this is the EWMA")
    assert found == await VOLATILITY.ewma_volatility(returns)


async def test_assets_that_move_as_one_have_a_constant_correlation_that_says_so() -> None:
    for twin in (RETURNS, -2.0 * RETURNS):
        fit = await CORRELATION.dcc_correlation(np.column_stack([RETURNS, twin]))
        assert not fit.converged
        assert "taken as constant" in fit.problem
        assert np.asarray(fit)[0, 1] == pytest.approx(math.copysign(1.0, twin[0] * RETURNS[0]))


def test_a_contradiction_can_be_mended_as_its_error_says() -> None:
    mended = nearest_correlation(CONTRADICTION)
    assert np.linalg.eigvalsh(mended)[0] >= -1e-12
    assert np.diag(mended) == pytest.approx(1.0)


def test_a_series_of_one_value_is_still_whatever_rounding_leaves() -> None:
    assert garch.fit_garch(STILL).problem == "the series does not move, so there is nothing to fit"
    with pytest.raises(BadSeries, match="does not move"):
        dcc.fit_dcc(np.column_stack([RETURNS, np.full(600, 1e-7)]))


def bars(days: int = 300) -> dict[str, Candles]:
    returns = correlated(days, (0.04, 0.02), 0.7)
    return {"SOL": daily_candles("SOL", returns[:, 0]), "BTC": daily_candles("BTC", returns[:, 1])}


def desk(candles: dict[str, Candles], btc: float = -0.02) -> DriftRiskEngine:
    account = make_account(
        make_position(50.0), make_position(btc, entry_usd=50_000, market_index=1), usdc=3_000
    )  # fmt: skip
    clock = FakeClock()
    return DriftRiskEngine("main", Fleet(FakeReader(clock, account), ["main"], clock), Shelf(candles), clock)


def spoilt(asset: str, **columns: np.ndarray) -> dict[str, Candles]:
    known = bars()
    return {**known, asset: replace(known[asset], **columns)}  # type: ignore[arg-type]


CLOSES = bars()["BTC"].close_usd


@pytest.mark.parametrize(
    ("candles", "error", "words"),
    [
        ({"SOL": bars()["SOL"]}, NotEnoughData, "daily bars of BTC: 0 of 2"),
        ({"SOL": bars()["SOL"], "BTC": bars()["BTC"].last(2)}, NotEnoughData, "daily returns of BTC: 1 of 100"),
        (bars(40), NotEnoughData, "40 of 100 observations; import or wait for more history"),
        (spoilt("BTC", close_usd=-CLOSES), BadSeries, "bars of BTC: the close of .* no positive number"),
        (spoilt("BTC", close_usd=CLOSES * NAN), BadSeries, "bars of BTC: the close of .* no positive number"),
    ],
    ids=["one asset missing", "listed yesterday", "too few bars", "negative prices", "NaN"],
)
@pytest.mark.parametrize("method", [None, *VaRMethod])
async def test_an_account_whose_history_is_no_use_is_told_which_asset_it_is(
    candles: dict[str, Candles], error: type[RiskError], words: str, method: VaRMethod | None
) -> None:
    with pytest.raises(error, match=words):
        await desk(candles).calculate_var(method=method)


async def test_a_speck_of_a_market_listed_yesterday_does_not_shorten_the_history_of_the_rest() -> None:
    known = bars()
    found = await desk({**known, "BTC": known["BTC"].last(2)}, btc=-0.0005).calculate_var(backtested=False)
    assert found.n == 300
    assert any("only 2 bars of BTC" in warning for warning in found.warnings)


@pytest.mark.parametrize("method", list(VaRMethod))
async def test_an_account_of_still_prices_has_no_risk_and_is_told_they_may_be_stale(method: VaRMethod) -> None:
    still = {asset: daily_candles(asset, np.zeros(300)) for asset in ("SOL", "BTC")}
    found = await desk(still).calculate_var(method=method, backtested=False)
    assert (found.var_usd, found.es_usd) == pytest.approx((0.0, 0.0), abs=1e-3)
    assert any("100% of SOL's days show no move" in warning for warning in found.warnings)


@pytest.mark.parametrize("method", list(VaRMethod))
@pytest.mark.parametrize("days", [1, 7])
async def test_assets_that_move_as_one_are_no_obstacle(method: VaRMethod, days: int) -> None:
    returns = correlated(300, (0.04,), 0.0)[:, 0]
    twins = {"SOL": daily_candles("SOL", returns), "BTC": daily_candles("BTC", returns)}
    found = await desk(twins).calculate_var(0.99, days, method=method, backtested=False)
    assert 0 < found.var_usd <= found.es_usd


@pytest.mark.parametrize(
    ("confidence", "days", "seed"),
    [(1.0, 1, 0), (0.0, 1, 0), (NAN, 1, 0), (0.89, 1, 0), (0.95, 0, 0), (0.95, 31, 0), (0.95, 1.5, 0), (0.95, 1, -1)],
)
async def test_a_question_without_an_answer_is_refused_before_anything_is_computed(
    confidence: float, days: float, seed: int
) -> None:
    with pytest.raises(BadParameter, match="give"):
        await desk({}).calculate_var(confidence, days, seed=seed)  # type: ignore[arg-type]  # bad on purpose


async def test_an_account_without_equity_history_says_so() -> None:
    with pytest.raises(NotEnoughData, match="equity history: 0 of 2"):
        await desk(bars()).calculate_performance_metrics()
    with pytest.raises(NotEnoughData, match="equity history: 0 of 2"):
        await desk(bars()).calculate_drawdown_analysis()


def test_bars_out_of_order_or_twice_are_refused() -> None:
    known = bars()["SOL"]
    for at in (known.at[::-1], np.repeat(known.at[:1], len(known))):
        with pytest.raises(BadSeries, match="bars of SOL must be sorted by time without duplicates"):
            replace(known, at=at)
