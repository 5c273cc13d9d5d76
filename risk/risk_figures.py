"""What the risk desk computes, as plain functions of a book and its history; slow ones are cached by their data."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from risk.errors import NotEnoughData
from risk.fleet import FleetView
from risk.liquidation_probability import hourly_funding_usd
from risk.margin.book import FloatArray
from risk.margin.linear import LinearMargin
from risk.model.candles import Candles
from risk.model.changes import RiskSnapshot
from risk.model.metrics import (
    AssetBeta,
    AssetVolatility,
    BacktestVerdict,
    BetaAnalysis,
    CorrelationMatrix,
    DrawdownAnalysis,
    DrawdownPeriod,
    RiskMetrics,
    VaRMethod,
    VaRResult,
    VolatilityMetrics,
)
from risk.model.performance import EquityCurve, PerformanceMetrics
from risk.portfolio_manager import summarise
from risk.stats.backtest import BASEL_CONFIDENCE, BASEL_DAYS, basel_light
from risk.stats.beta import MINIMUM_OBSERVATIONS as LEAST_FOR_BETA
from risk.stats.beta import Beta, beta_of
from risk.stats.book_task import Model
from risk.stats.book_var import MINIMUM_DAYS, default_model, estimate
from risk.stats.contributions import es_contributions
from risk.stats.correlation import sample_correlation
from risk.stats.dcc import MINIMUM_OBSERVATIONS as LEAST_FOR_DCC
from risk.stats.dcc import fit_dcc
from risk.stats.drawdown import drawdowns, underwater
from risk.stats.ewma import ewma_variances
from risk.stats.fits import FitCache
from risk.stats.garch import MINIMUM_OBSERVATIONS as LEAST_FOR_GARCH
from risk.stats.garch import GarchFit, fit_garch
from risk.stats.history import BookHistory
from risk.stats.matrices import nearest_correlation
from risk.stats.moves import Filtered, filtered_moves
from risk.stats.realized import realized_volatility, volatility_cone
from risk.stats.rolling import MINIMUM_FORECASTS, WINDOW, Choice, choose, roll
from risk.stats.series import (
    DAYS_PER_YEAR,
    Closes,
    align,
    checked_confidence,
    checked_days,
    checked_seed,
    stands_still,
)

_CONFIDENCES = (0.95, 0.99)
_MONTH = 30
_WORST_FALLS = 5
_SHAPE_STEP = 0.02


def shape_of(book: BookHistory) -> FloatArray:
    """The share of each asset in the gross exposure, signed, to a fiftieth.

    What takes seconds is computed of this shape, so that it is the same number, found at once, while prices move
    positions by a little.
    """
    slope = book.margin.equity_slope_usd
    gross = float(np.abs(slope).sum())
    rough = np.round(slope / gross / _SHAPE_STEP) * _SHAPE_STEP if gross > 0 else np.zeros_like(slope)
    return np.asarray(rough if rough.any() or not gross > 0 else slope / gross)


def key_of(book: BookHistory) -> Hashable:
    """What a back-test of this book depends on: its assets, its days, and the shape of its positions."""
    returns = book.returns
    last = str(returns.at[-1]) if returns.n else ""
    return returns.assets, returns.n, last, tuple(round(float(part), 6) for part in shape_of(book))


def _content_of(book: BookHistory) -> Hashable:
    """All that an estimate is made of: two books that share it have one answer."""
    margin, returns = book.margin, book.returns
    last = str(returns.at[-1]) if returns.n else ""
    return margin.assets, margin.equity_slope_usd.tobytes(), margin.equity_usd, returns.n, last


def verdicts(book: BookHistory, cache: FitCache) -> Mapping[VaRMethod, BacktestVerdict]:
    """Back-tests of every method on today's positions, their shares to a fiftieth; empty where history is too short.

    The light is that of the newest 250 days at 99 %, whatever confidence is asked for.
    """
    if book.returns.n < WINDOW + MINIMUM_FORECASTS or not book.margin.equity_slope_usd.any():
        return {}

    def make() -> Mapping[VaRMethod, BacktestVerdict]:
        gross = float(np.abs(book.margin.equity_slope_usd).sum())
        rolled = roll(book.returns.log_returns, shape_of(book) * gross, confidences=_CONFIDENCES)
        found: dict[VaRMethod, BacktestVerdict] = {}
        for method in VaRMethod:
            strict = rolled[method, BASEL_CONFIDENCE]
            light = basel_light(strict.judged(BASEL_DAYS).violations) if strict.pnl.size >= BASEL_DAYS else None
            found[method] = BacktestVerdict(
                method=method, results=tuple(rolled[method, one].judged() for one in _CONFIDENCES), light=light
            )
        return found

    return cache.get(("verdicts", key_of(book)), make)


def default_method(judged: Mapping[VaRMethod, BacktestVerdict]) -> VaRMethod:
    """The method that is shown where nobody asks for one."""
    return choice(judged).method if judged else VaRMethod.FILTERED


def choice(judged: Mapping[VaRMethod, BacktestVerdict]) -> Choice:
    """What the back-tests say of the method to show; there must be some."""
    return choose({method: verdict.results for method, verdict in judged.items()})


def value_at_risk(
    book: BookHistory, *, method: VaRMethod, confidence: float, days: int, seed: int, cache: FitCache,
    verdict: BacktestVerdict | None,
) -> VaRResult:  # fmt: skip
    """One estimate with its provenance. Raises: NotEnoughData, BadParameter."""
    confidence, days, seed = checked_confidence(confidence), checked_days(days), checked_seed(seed)
    if book.returns.assets:
        _require(book, MINIMUM_DAYS)
    model = monte_carlo_model(book, days, cache) if method is VaRMethod.MONTE_CARLO and book.returns.assets else None
    found = cache.get(
        ("var", _content_of(book), method, confidence, days, seed),
        lambda: estimate(
            book.margin, book.returns.log_returns, method=method, confidence=confidence, days=days, seed=seed,
            model=model,
        ),
    )  # fmt: skip
    equity = equity_usd(book)
    start, end = book.window if book.returns.n else (None, None)
    over = equity if equity > 0 else math.nan
    return VaRResult(
        var_usd=found.var_usd, var_frac=found.var_usd / over, es_usd=found.es_usd, es_frac=found.es_usd / over,
        ci_low_usd=found.interval_usd[0], ci_high_usd=found.interval_usd[1], equity_usd=equity, method=found.method,
        confidence=confidence, days=days, n=book.returns.n, simulations=found.simulations, window_start=start,
        window_end=end, data_age_s=book.data_age_s, seed=seed, warnings=(*book.warnings, *found.warnings),
        backtest=verdict if found.method is method else None, pnl_usd=found.pnl_usd,
    )  # fmt: skip


def monte_carlo_model(book: BookHistory, days: int, cache: FitCache) -> Model | None:
    """GARCH and DCC where they can be fitted, exponential averages where not; None without enough days for either."""
    returns = book.returns.log_returns
    if book.returns.n < MINIMUM_DAYS:
        return None
    plain = default_model(returns, book.margin.equity_slope_usd, days)
    notes, volatilities, last = [], plain.volatilities.copy(), str(book.returns.at[-1])
    for at, asset in enumerate(book.returns.assets):
        fit = _garch(asset, returns[:, at], last, cache)
        if fit is not None and fit.converged:
            volatilities[:, at] = np.sqrt(fit.horizon_variances(days))
        else:
            why = fit.problem if fit is not None else f"{book.returns.n} of {LEAST_FOR_GARCH} days for GARCH"
            notes.append(f"{asset}: {why}, so an average is used")
    return Model(
        volatilities=volatilities, correlation=correlation_matrix(book, cache).values,
        degrees_of_freedom=plain.degrees_of_freedom, notes=tuple(notes),
    )  # fmt: skip


def equity_usd(book: BookHistory) -> float:
    """Total equity of the account now."""
    return float(book.margin.equity(np.ones((len(book.margin.assets), 1)))[0])


def contributions(book: BookHistory) -> dict[str, float]:
    """Of each asset to the one-day expected shortfall at 95 % by filtered history, fractions of equity.

    Raises: NotEnoughData.
    """
    if not book.returns.assets:
        return {}
    moves = filtered_moves(Filtered.of(book.returns.log_returns))
    parts = es_contributions(book.margin.equity_slope_usd, np.expm1(moves.T), 0.95)
    equity = equity_usd(book)
    over = equity if equity > 0 else math.nan
    return {asset: float(part) / over for asset, part in zip(book.returns.assets, parts, strict=True)}


def _garch(asset: str, returns: FloatArray, last: str, cache: FitCache) -> GarchFit | None:
    if returns.size < LEAST_FOR_GARCH:
        return None
    return cache.get(("garch", asset, returns.size, last), lambda: fit_garch(returns))


def volatility_metrics(book: BookHistory, cache: FitCache) -> VolatilityMetrics:
    """Of the account and each asset, annualised. Raises: NotEnoughData without assets or below 31 days."""
    matrix, yearly = book.returns.log_returns, math.sqrt(DAYS_PER_YEAR)
    _require(book, _MONTH + 1)
    notes, assets = list(book.warnings), []
    last = str(book.returns.at[-1])
    for asset, column in zip(book.returns.assets, matrix.T, strict=True):
        fit = _garch(asset, column, last, cache)
        if fit is None:
            notes.append(f"{asset}: {column.size} of {LEAST_FOR_GARCH} days for GARCH")
        elif not fit.converged:
            notes.append(f"{asset}: {fit.problem}")
        row = volatility_cone(column, (_MONTH,))[0]
        assets.append(
            AssetVolatility(
                asset=asset,
                ewma=math.sqrt(float(ewma_variances(column)[-1])) * yearly,
                garch=math.sqrt(fit.next_variance) * yearly if fit is not None and fit.converged else None,
                realized_30d=realized_volatility(column[-_MONTH:]) / math.sqrt(_MONTH) * yearly,
                percentile_frac=row.percentile_frac,
            )
        )
    start, end = book.window
    return VolatilityMetrics(
        portfolio_annualized=portfolio_volatility(book), assets=tuple(assets), n=book.returns.n, window_start=start,
        window_end=end, warnings=tuple(notes),
    )  # fmt: skip


def portfolio_volatility(book: BookHistory) -> float:
    """Annualised, of the account's PnL over its equity."""
    equity = equity_usd(book)
    if not equity > 0 or not book.returns.n:
        return math.nan
    pnl = book.returns.log_returns @ book.margin.equity_slope_usd
    return math.sqrt(float(ewma_variances(pnl)[-1]) * DAYS_PER_YEAR) / equity


def correlation_matrix(book: BookHistory, cache: FitCache) -> CorrelationMatrix:
    """DCC's forecast for tomorrow where it can be fitted, the sample's otherwise. Raises: NotEnoughData."""
    _require(book, _MONTH)
    returns, assets = book.returns.log_returns, book.returns.assets
    notes = list(book.warnings)
    values, method = sample_correlation(returns), "sample"
    still = [asset for asset, column in zip(assets, returns.T, strict=True) if stands_still(column)]
    if still:
        notes.append(f"{', '.join(still)} did not move, and correlates with nothing; the rest is the sample's")
    elif len(assets) > 1 and book.returns.n >= LEAST_FOR_DCC:
        fit = cache.get(("dcc", assets, book.returns.n, str(book.returns.at[-1])), lambda: fit_dcc(returns))
        if fit.converged:
            values, method = fit.forecast(), "dcc"
        else:
            notes.append(fit.problem)
    elif len(assets) > 1:
        notes.append(f"{book.returns.n} of {LEAST_FOR_DCC} days for a dynamic correlation; this is the sample's")
    values = nearest_correlation(values)
    start, end = book.window
    off = values[~np.eye(len(assets), dtype=bool)]
    return CorrelationMatrix(
        assets=assets, values=values, method=method, average=float(off.mean()) if off.size else math.nan,
        n=book.returns.n, window_start=start, window_end=end, warnings=tuple(notes),
    )  # fmt: skip


def beta_analysis(book: BookHistory, references: Mapping[str, Candles]) -> BetaAnalysis:
    """Of each asset against SOL and BTC, and of the whole. Raises: NotEnoughData without assets."""
    _require(book, LEAST_FOR_BETA)
    notes, rows = list(book.warnings), []
    series = _closes(book)
    totals = {"SOL": 0.0, "BTC": 0.0}
    for asset, notional in zip(book.returns.assets, book.margin.equity_slope_usd, strict=True):
        found = {name: _beta(asset, series[asset], name, references.get(name), notes) for name in totals}
        for name, beta in found.items():
            totals[name] += float(notional) * (beta.beta if beta else math.nan)
        sol, btc = found["SOL"], found["BTC"]
        rows.append(
            AssetBeta(
                asset=asset, notional_usd=float(notional),
                beta_sol=sol.beta if sol else math.nan, beta_sol_se=sol.se if sol else math.nan,
                r2_sol=sol.r2 if sol else math.nan,
                beta_btc=btc.beta if btc else math.nan, beta_btc_se=btc.se if btc else math.nan,
                r2_btc=btc.r2 if btc else math.nan,
            )
        )  # fmt: skip
    equity = equity_usd(book)
    over = equity if equity > 0 else math.nan
    return BetaAnalysis(
        beta_sol=totals["SOL"] / over, beta_btc=totals["BTC"] / over, delta_sol_usd=totals["SOL"],
        delta_btc_usd=totals["BTC"], assets=tuple(rows), n=book.returns.n, warnings=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _closes(book: BookHistory) -> dict[str, Closes]:
    """Relative prices of the common bars, good for returns alone."""
    at = np.concatenate([[book.returns.at[0] - np.timedelta64(1, "D")], book.returns.at])
    levels = np.exp(np.vstack([np.zeros(len(book.returns.assets)), np.cumsum(book.returns.log_returns, axis=0)]))
    return {asset: Closes(at=at, price_usd=levels[:, column]) for column, asset in enumerate(book.returns.assets)}


def _beta(asset: str, closes: Closes, name: str, reference: Candles | None, notes: list[str]) -> Beta | None:
    if asset == name:
        return Beta(beta=1.0, se=0.0, r2=1.0, n=int(closes.at.size) - 1)
    if reference is None or len(reference) < 2:
        notes.append(f"no history of {name}: betas to it are unknown")
        return None
    try:
        both = align({"asset": closes, "market": reference.closes}, ("asset", "market"))
        return beta_of(both.log_returns[:, 0], both.log_returns[:, 1])
    except NotEnoughData as problem:
        notes.append(f"beta of {asset} to {name}: {problem}")
        return None


def drawdown_analysis(curve: EquityCurve) -> DrawdownAnalysis:
    """Falls of unit value. Raises: NotEnoughData below two samples."""
    if len(curve) < 2:
        raise NotEnoughData("equity history", found=len(curve), needed=2)
    below = underwater(curve.unit_value_usd)
    found = drawdowns(curve.unit_value_usd)
    times = [_moment(at) for at in curve.at]
    lasted = np.diff(curve.at.astype(np.int64)) / 86_400e6
    return DrawdownAnalysis(
        current_frac=float(below[-1]),
        max_frac=float(below.max()),
        average_frac=float(np.mean([fall.depth_frac for fall in found])) if found else 0.0,
        days_underwater=float(lasted[below[1:] > 0].sum()),
        worst=tuple(
            DrawdownPeriod(
                depth_frac=fall.depth_frac, peak_at=times[fall.peak], trough_at=times[fall.trough],
                recovered_at=None if fall.recovery is None else times[fall.recovery],
            )
            for fall in found[:_WORST_FALLS]
        ),
        since=times[0],
        n=len(curve),
    )  # fmt: skip


def risk_metrics(
    *, day: object, week: object, performance: object, falls: object, volatility: object, beta: object, matrix: object,
    parts: object, now: datetime, notes: Sequence[str],
) -> RiskMetrics:  # fmt: skip
    """Figures that are there, NaN for those that are not."""
    one = day if isinstance(day, VaRResult) else None
    seven = week if isinstance(week, VaRResult) else None
    record = performance if isinstance(performance, PerformanceMetrics) else None
    fall = falls if isinstance(falls, DrawdownAnalysis) else None
    pace = volatility if isinstance(volatility, VolatilityMetrics) else None
    slope = beta if isinstance(beta, BetaAnalysis) else None
    found = matrix if isinstance(matrix, CorrelationMatrix) else None
    warned = [*notes, *(one.warnings if one else ()), *(record.warnings if record else ())]
    nan = math.nan
    return RiskMetrics(
        var_1d=one.var_frac if one else nan,
        var_7d=seven.var_frac if seven else nan,
        expected_shortfall_1d=one.es_frac if one else nan,
        max_drawdown=fall.max_frac if fall else nan,
        current_drawdown=fall.current_frac if fall else nan,
        sharpe_ratio=record.sharpe_ratio if record else nan,
        sortino_ratio=record.sortino_ratio if record else nan,
        calmar_ratio=record.calmar_ratio if record else nan,
        volatility_annualized=pace.portfolio_annualized if pace else nan,
        beta_sol=slope.beta_sol if slope else nan,
        beta_btc=slope.beta_btc if slope else nan,
        correlation_matrix=found,
        risk_contribution=_shares(parts, one.es_frac if one else nan),
        calculated_at=now,
        warnings=tuple(dict.fromkeys(warned)),
    )


def _shares(parts: object, total: float) -> dict[str, float]:
    """Contributions in proportion to those of filtered history, summing to the expected shortfall that is shown."""
    if not isinstance(parts, dict):
        return {}
    whole = math.fsum(parts.values())
    if not (whole > 0 and math.isfinite(total)):
        return dict(parts)
    return {asset: part * total / whole for asset, part in parts.items()}


def snapshot(
    view: FleetView,
    account_id: str,
    book: BookHistory,
    references: Mapping[str, Candles],
    cache: FitCache,
    now: datetime,
) -> RiskSnapshot:
    """Figures of today, by filtered history and exponential averages: fast, and the same every day."""
    bare = snapshot_without_history(view, account_id, now)
    if not book.returns.assets:
        return replace(bare, var_1d_frac=0.0, volatility=0.0, beta_sol=0.0)  # nothing in it moves with a price
    try:
        var = value_at_risk(
            book, method=VaRMethod.FILTERED, confidence=0.95, days=1, seed=0, cache=cache, verdict=None
        ).var_frac
        correlation = correlation_matrix(book, cache).average
        beta = beta_analysis(book, references).beta_sol
    except NotEnoughData:
        return bare
    return RiskSnapshot(
        at=now, var_1d_frac=var, volatility=portfolio_volatility(book), correlation=correlation, beta_sol=beta,
        leverage=bare.leverage, funding_daily_frac=bare.funding_daily_frac,
    )  # fmt: skip


def snapshot_without_history(view: FleetView, account_id: str, now: datetime) -> RiskSnapshot:
    """What can be said of an account whose assets have no price history."""
    summary = summarise(view, account_id)
    funding = float(hourly_funding_usd(LinearMargin.of(view.single(account_id))).sum()) * 24.0
    equity = summary.total_value
    return RiskSnapshot(
        at=now, var_1d_frac=math.nan, volatility=math.nan, correlation=math.nan, beta_sol=math.nan,
        leverage=summary.leverage, funding_daily_frac=funding / equity if equity > 0 else math.nan,
    )  # fmt: skip


def _require(book: BookHistory, days: int) -> None:
    if book.returns.n < days:
        what = book.what if book.returns.assets else "assets that move with a price"
        raise NotEnoughData(what, found=book.returns.n, needed=days)


def _moment(at: np.datetime64) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(at.astype("datetime64[us]").astype(np.int64)))
