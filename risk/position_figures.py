"""What the risk desk knows of each position, and of the limits on statistics: plain functions of a book's history."""

import math
from datetime import datetime

import numpy as np

from risk import risk_figures
from risk.model.candles import Candles
from risk.model.limits import LimitFigures, LimitName
from risk.model.metrics import VaRResult
from risk.model.portfolio import AssetStatistics, BookStatistics
from risk.stats.contributions import es_contributions
from risk.stats.ewma import ewma_covariance
from risk.stats.exposure import correlated_exposure
from risk.stats.fits import FitCache
from risk.stats.history import BookHistory
from risk.stats.moves import Filtered, filtered_moves
from risk.stats.series import DAYS_PER_YEAR

TAIL_CONFIDENCE = 0.95
METHOD = "exponential averages"


def book_statistics(book: BookHistory, reference: Candles, now: datetime) -> BookStatistics:
    """Of every asset of a book.

    Args:
        reference: What betas are to: SOL.

    Raises: NotEnoughData below 76 common days, or without assets.
    """
    returns, weights = book.returns.log_returns, book.margin.equity_slope_usd
    moves = np.expm1(filtered_moves(Filtered.of(returns)).T)
    # With weights of 1 the parts are what one dollar long loses while the book is in its tail.
    parts = es_contributions(weights, moves, TAIL_CONFIDENCE)
    lost = np.divide(parts, weights, out=np.zeros_like(parts), where=weights != 0)
    covariance = ewma_covariance(returns)
    sigmas, pull = np.sqrt(np.diag(covariance)), covariance @ weights
    sigma = math.sqrt(max(0.0, float(weights @ pull)))
    betas = {row.asset: row.beta_sol for row in risk_figures.beta_analysis(book, {"SOL": reference}).assets}
    return BookStatistics(
        assets=tuple(
            AssetStatistics(
                asset=asset,
                volatility=float(sigmas[at]) * math.sqrt(DAYS_PER_YEAR),
                beta=betas[asset],
                correlation_to_portfolio=(
                    float(np.clip(pull[at] / (sigmas[at] * sigma), -1.0, 1.0)) if sigma > 0 < sigmas[at] else math.nan
                ),
                tail_loss_frac=float(lost[at]),
            )
            for at, asset in enumerate(book.returns.assets)
        ),
        equity_usd=risk_figures.equity_usd(book),
        method=METHOD,
        n=book.returns.n,
        data_age_s=book.data_age_s,
        made_at=now,
        warnings=book.warnings,
    )


def exposure_of(book: BookHistory, cache: FitCache) -> float | None:
    """Correlated exposure with the correlations that /corr shows; None where it does not apply.

    Raises: NotEnoughData.
    """
    weights = book.margin.equity_slope_usd
    if np.count_nonzero(weights) < 2:
        return None
    matrix = risk_figures.correlation_matrix(book, cache).values
    return correlated_exposure(weights, matrix, np.sqrt(np.diag(ewma_covariance(book.returns.log_returns))))


def limit_figures(var: VaRResult | str, exposure: float | str | None, now: datetime) -> LimitFigures:
    """What limits are held against. A text instead of a figure says why there is none."""
    unknown: dict[LimitName, str] = {}
    frac, method = None, ""
    if isinstance(var, str):
        unknown[LimitName.MAX_VAR_1D_PERCENT] = var
    elif math.isnan(var.var_frac):
        unknown[LimitName.MAX_VAR_1D_PERCENT] = "the account has no equity to hold a loss against"
    else:
        frac, method = var.var_frac, var.method.value
    if isinstance(exposure, str):
        unknown[LimitName.MAX_CORRELATION_EXPOSURE] = exposure
        exposure = None
    return LimitFigures(
        var_1d_frac=frac, var_method=method, correlation_exposure=exposure, unknown=unknown, made_at=now
    )
