"""How assets are forecast to move together tomorrow: DCC where it can be fitted, exponential averages where not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from risk.errors import NotEnoughData
from risk.margin.book import FloatArray
from risk.stats.beta import MINIMUM_OBSERVATIONS as LEAST_DAYS
from risk.stats.dcc import MINIMUM_OBSERVATIONS as LEAST_FOR_DCC
from risk.stats.dcc import fit_dcc
from risk.stats.ewma import ewma_covariance
from risk.stats.fits import FitCache
from risk.stats.history import BookHistory
from risk.stats.matrices import correlation_of, nearest_correlation
from risk.stats.series import Aligned, stands_still


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecast:
    """Covariance of tomorrow's log returns.

    Attributes:
        values: Squared daily fractions, shape (n_assets, n_assets), positive semi-definite.
        method: In words.
        n: Days behind it.
    """

    assets: tuple[str, ...]
    values: FloatArray
    method: str
    n: int
    notes: tuple[str, ...] = ()

    @property
    def correlation(self) -> FloatArray:
        return correlation_of(self.values)

    @property
    def volatilities(self) -> FloatArray:
        """Daily."""
        return np.asarray(np.sqrt(np.maximum(np.diag(self.values), 0.0)))

    def vector(self, by_asset: Mapping[str, float]) -> FloatArray:
        """Amounts in the order of the assets, 0 for what is missing; what is not among them counts nothing."""
        return np.array([by_asset.get(asset, 0.0) for asset in self.assets])

    def variance(self, by_asset: Mapping[str, float]) -> float:
        """Of the daily PnL of these deltas, squared USD."""
        amounts = self.vector(by_asset)
        return max(0.0, float(amounts @ self.values @ amounts))

    def betas(self, reference: str) -> dict[str, float]:
        """Of every asset to one of them; 0 to one that does not move."""
        at = self.assets.index(reference)
        own = float(self.values[at, at])
        return {asset: (float(self.values[row, at]) / own if own > 0 else 0.0) for row, asset in enumerate(self.assets)}

    def with_correlations(self, assets: Sequence[str], correlations: FloatArray) -> "Forecast":
        """The same volatilities under other correlations; assets they do not know keep the ones they have."""
        known = [asset for asset in self.assets if asset in assets]
        mixed = self.correlation
        rows = [self.assets.index(asset) for asset in known]
        theirs = [list(assets).index(asset) for asset in known]
        mixed[np.ix_(rows, rows)] = correlations[np.ix_(theirs, theirs)]
        values = nearest_correlation(mixed) * np.outer(self.volatilities, self.volatilities)
        return Forecast(
            assets=self.assets, values=values, method="given correlations", n=self.n, notes=self.notes
        )  # fmt: skip


def averaged(history: BookHistory) -> Forecast:
    """Exponential averages: at once. Raises: NotEnoughData below 60 days."""
    _require(history)
    return _averaged(history.returns)


def _averaged(returns: Aligned) -> Forecast:
    return Forecast(
        assets=returns.assets, values=ewma_covariance(returns.log_returns), method="exponential averages", n=returns.n
    )


def sampled(history: BookHistory) -> Forecast:
    """Of all days alike, what betas are slopes of. Raises: NotEnoughData below 60 days."""
    _require(history)
    return sampled_of(history.returns)


def sampled_of(returns: Aligned) -> Forecast:
    """The same of returns without an account."""
    values = np.atleast_2d(np.cov(returns.log_returns, rowvar=False))
    return Forecast(assets=returns.assets, values=values, method="sample covariance", n=returns.n)


def forecast(history: BookHistory, cache: FitCache) -> Forecast:
    """DCC with GARCH volatilities. Takes a second when nobody fitted these assets yet. Raises: NotEnoughData."""
    _require(history)
    return forecast_of(history.returns, cache)


def forecast_of(returns: Aligned, cache: FitCache) -> Forecast:
    """The same of returns without an account."""
    plain = _averaged(returns)
    moving = all(not stands_still(column) for column in returns.log_returns.T)
    if returns.n < LEAST_FOR_DCC or len(returns.assets) < 2 or not moving:
        why = f"{returns.n} of {LEAST_FOR_DCC} days for DCC: " if returns.n < LEAST_FOR_DCC else ""
        return plain if not why else _noted(plain, f"{why}correlations are exponential averages")
    # The key under which the risk desk keeps the same fit.
    fit = cache.get(("dcc", returns.assets, returns.n, str(returns.at[-1])), lambda: fit_dcc(returns.log_returns))
    if not fit.converged:
        return _noted(plain, f"{fit.problem}: correlations are exponential averages")
    usual, notes, volatilities = plain.volatilities, [], plain.volatilities.copy()
    for at, (asset, single) in enumerate(zip(returns.assets, fit.univariate, strict=True)):
        if single.converged and single.next_variance > 0:
            volatilities[at] = np.sqrt(single.next_variance)
        else:
            volatilities[at] = usual[at]
            notes.append(f"{asset}: {single.problem}, so its volatility is an exponential average")
    values = nearest_correlation(fit.forecast()) * np.outer(volatilities, volatilities)
    return Forecast(assets=returns.assets, values=values, method="DCC", n=returns.n, notes=tuple(notes))


def _noted(plain: Forecast, note: str) -> Forecast:
    return Forecast(
        assets=plain.assets, values=plain.values, method=plain.method, n=plain.n, notes=(*plain.notes, note)
    )


def _require(history: BookHistory) -> None:
    if history.returns.n < LEAST_DAYS:
        what = history.what if history.returns.assets else "assets that move with a price"
        raise NotEnoughData(what, found=history.returns.n, needed=LEAST_DAYS)
