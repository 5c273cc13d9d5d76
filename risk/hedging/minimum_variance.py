"""The amounts in some instruments that leave a book least variance: h* = -cov(P, H) / var(H), for several at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from risk.hedging.covariance import Forecast
from risk.margin.book import FloatArray

LEAST_CORRELATION = 0.5
_RIDGE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceHedge:
    """A hedge of a book's variance.

    Attributes:
        amounts_usd: Signed, by asset of the instrument; none through a correlation below the threshold.
        correlations: Of every instrument that was asked for with the book.
        r2: Share of the book's variance that the amounts take away.
        residual_usd: Daily standard deviation of what stays.
        refused: Sentences for instruments that were left out.
    """

    amounts_usd: Mapping[str, float]
    correlations: Mapping[str, float]
    r2: float
    residual_usd: float
    refused: tuple[str, ...]


def minimum_variance(
    forecast: Forecast, deltas_usd: Mapping[str, float], instruments: Sequence[str], *,
    least_correlation: float = LEAST_CORRELATION,
) -> VarianceHedge:  # fmt: skip
    """Of deltas by asset, through instruments that are assets of the forecast too."""
    book, covariance = forecast.vector(deltas_usd), forecast.values
    before = float(book @ covariance @ book)
    found = {asset: _correlation(forecast, book, asset, before) for asset in instruments}
    usable = [asset for asset in instruments if abs(found[asset]) >= least_correlation]
    refused = tuple(
        f"no hedge through {asset}: its correlation with the account is {found[asset]:+.2f}, and below"
        f" {least_correlation:g} a hedge is mostly a new bet"
        for asset in instruments
        if asset not in usable
    )
    if not usable or before <= 0:
        return VarianceHedge(
            amounts_usd={}, correlations=found, r2=0.0, residual_usd=float(np.sqrt(max(before, 0.0))), refused=refused
        )
    at = [forecast.assets.index(asset) for asset in usable]
    amounts = solve(covariance[np.ix_(at, at)], covariance[at] @ book)
    hedged = book.copy()
    hedged[at] += amounts
    after = max(0.0, float(hedged @ covariance @ hedged))
    return VarianceHedge(
        amounts_usd={asset: float(amount) for asset, amount in zip(usable, amounts, strict=True)},
        correlations=found, r2=min(1.0, max(0.0, 1.0 - after / before)), residual_usd=float(np.sqrt(after)),
        refused=refused,
    )  # fmt: skip


def solve(of_instruments: FloatArray, with_book: FloatArray) -> FloatArray:
    """-C_HH^-1 C_HP. Instruments that move as one share the amount: the smallest solution is taken."""
    scale = np.sqrt(np.maximum(np.diag(of_instruments), np.finfo(np.float64).tiny))
    scaled = of_instruments / np.outer(scale, scale)
    return np.asarray(-np.linalg.pinv(scaled, rcond=_RIDGE, hermitian=True) @ (with_book / scale) / scale)


def _correlation(forecast: Forecast, book: FloatArray, asset: str, variance: float) -> float:
    at = forecast.assets.index(asset)
    spread = np.sqrt(variance * forecast.values[at, at]) if variance > 0 else 0.0
    return float(np.clip(forecast.values[at] @ book / spread, -1.0, 1.0)) if spread > 0 else 0.0
