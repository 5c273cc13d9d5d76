"""Series before anything is computed of them: checked, turned into returns, aligned by time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import numpy.typing as npt

from risk.errors import BadParameter, BadSeries, NotEnoughData
from risk.margin.book import FloatArray

DAYS_PER_YEAR = 365.0
MOST_DAYS_AHEAD = 30
_STILL = 1e-12
TimeArray = npt.NDArray[np.datetime64]


def checked(values: npt.ArrayLike, *, minimum: int = 2, what: str = "returns") -> FloatArray:
    """One series as float64, shape (n,).

    Raises: NotEnoughData for fewer than ``minimum``; BadSeries for anything but finite numbers in one dimension.
    """
    try:
        series = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadSeries(f"{what} must be numbers; leave out text and empty fields") from None
    if series.ndim != 1:
        raise BadSeries(f"{what} must be one series, not an array of shape {series.shape}")
    if not np.isfinite(series).all():
        bad = int(np.flatnonzero(~np.isfinite(series))[0])
        raise BadSeries(f"{what}: observation {bad} is not a finite number; drop that date for all assets")
    if series.size < minimum:
        raise NotEnoughData(what, found=int(series.size), needed=minimum)
    return series


def checked_matrix(values: npt.ArrayLike, *, minimum: int = 2, what: str = "returns") -> FloatArray:
    """Several series side by side, shape (n_periods, n_assets). Raises: as checked()."""
    try:
        matrix = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadSeries(f"{what} must be numbers in rows of one length") from None
    if matrix.ndim != 2 or not matrix.shape[1]:
        raise BadSeries(f"{what} must have shape (periods, assets), not {matrix.shape}")
    if not np.isfinite(matrix).all():
        row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
        raise BadSeries(f"{what}: row {row} holds something that is no finite number; drop that date for all assets")
    if matrix.shape[0] < minimum:
        raise NotEnoughData(what, found=int(matrix.shape[0]), needed=minimum)
    return matrix


def alpha_of(confidence: float) -> float:
    """1 - confidence. Raises: BadParameter outside 50 % to 99.99 %, both included.

    >>> round(alpha_of(0.95), 10)
    0.05
    """
    if not isinstance(confidence, Real) or not 0.5 <= confidence <= 0.9999:
        raise BadParameter(f"a confidence of {confidence} has no quantile here; give one from 0.5 to 0.9999")
    return 1.0 - float(confidence)


def checked_confidence(confidence: float) -> float:
    """Of an account's VaR. Raises: BadParameter outside 90 to 99.9 %, both included."""
    if not isinstance(confidence, Real) or not 0.9 <= confidence <= 0.999:
        raise BadParameter(f"a confidence of {confidence} is not supported; give 0.90 to 0.999")
    return float(confidence)


def checked_days(days: int) -> int:
    """A horizon. Raises: BadParameter for anything but a whole number from 1 to 30."""
    if not isinstance(days, Real) or not 1 <= days <= MOST_DAYS_AHEAD or days != int(days):
        raise BadParameter(
            f"a horizon of {days} days is not supported; give a whole number from 1 to {MOST_DAYS_AHEAD}"
        )
    return int(days)


def checked_count(value: int, *, least: int, most: int, what: str) -> int:
    """A whole number within bounds. Raises: BadParameter.

    >>> checked_count(10_000, least=100, most=1_000_000, what="paths")
    10000
    """
    if not isinstance(value, Integral) or not least <= value <= most:
        raise BadParameter(f"{value} {what} are not supported; give a whole number from {least:,} to {most:,}")
    return int(value)


def checked_seed(seed: int) -> int:
    """What a random generator starts from. Raises: BadParameter for anything but a whole number from 0 on."""
    if not isinstance(seed, Integral) or seed < 0:
        raise BadParameter(f"a seed of {seed} starts no generator; give a whole number from 0 on")
    return int(seed)


def stands_still(series: FloatArray) -> bool:
    """Whether a series has one value throughout, but for what rounding leaves of its mean.

    >>> stands_still(np.full(100, 0.01)), stands_still(np.array([0.01, 0.0]))
    (True, False)
    """
    spread = float(np.ptp(series)) if series.size else 0.0
    return spread <= _STILL * float(np.max(np.abs(series), initial=0.0))


def log_returns(prices: npt.ArrayLike) -> FloatArray:
    """Log returns of prices, newest last, shape (n - 1,). Raises: BadSeries for a price that is not positive."""
    series = checked(prices, what="prices")
    if not (series > 0).all():
        bad = int(np.flatnonzero(series <= 0)[0])
        raise BadSeries(f"prices: observation {bad} is not positive; a price of zero or less is a damaged bar")
    return np.diff(np.log(series))


def simple_returns(prices: npt.ArrayLike) -> FloatArray:
    """Simple returns of prices, newest last, shape (n - 1,). Raises: as log_returns()."""
    return np.expm1(log_returns(prices))


def zero_share_frac(returns: FloatArray) -> float:
    """Share of returns that are exactly zero: prices that stood still bias a correlation towards zero."""
    return float(np.mean(returns == 0.0)) if returns.size else 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Closes:
    """Closing prices of one asset at the opening times of its bars, oldest first.

    Attributes:
        at: UTC, datetime64[s], strictly rising.
        price_usd: Same length, > 0.
    """

    at: TimeArray
    price_usd: FloatArray

    def __post_init__(self) -> None:
        if self.at.shape != self.price_usd.shape or self.at.ndim != 1:
            raise BadSeries("closes: times and prices must be of one length")
        if self.at.size and not (np.diff(self.at).astype(np.int64) > 0).all():
            raise BadSeries("closes: bars must be sorted by time without duplicates")
        if not (np.isfinite(self.price_usd) & (self.price_usd > 0)).all():
            raise BadSeries("closes: every price must be a positive number; drop damaged bars")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Aligned:
    """Log returns of several assets over the same bars.

    Attributes:
        assets: Columns, in the order asked for.
        at: Opening time of the bar that a row ends with, shape (n,).
        log_returns: Shape (n, n_assets).
        dropped: Bars that at least one asset has and another one misses, within the common window.
    """

    assets: tuple[str, ...]
    at: TimeArray
    log_returns: FloatArray
    dropped: int = 0

    @property
    def n(self) -> int:
        return int(self.at.size)

    def last(self, n: int) -> "Aligned":
        """The newest ``n`` rows."""
        return Aligned(assets=self.assets, at=self.at[-n:], log_returns=self.log_returns[-n:], dropped=self.dropped)


def align(closes: Mapping[str, Closes], assets: Sequence[str]) -> Aligned:
    """Returns over bars that all assets have. A bar missing in one is dropped for all, never filled forward.

    Raises: NotEnoughData, naming the assets without history or the shortest one.
    """
    if not assets:
        raise BadParameter("name at least one asset")
    for asset in assets:
        if asset not in closes or closes[asset].at.size < 2:
            found = int(closes[asset].at.size) if asset in closes else 0
            raise NotEnoughData(f"history of {asset}", found=found, needed=2)
    common = closes[assets[0]].at
    for asset in assets[1:]:
        common = np.intersect1d(common, closes[asset].at, assume_unique=True)
    if common.size < 2:
        raise NotEnoughData(f"bars that {', '.join(assets)} have in common", found=int(common.size), needed=2)
    within = [series.at[(series.at >= common[0]) & (series.at <= common[-1])] for series in (closes[a] for a in assets)]
    dropped = int(np.unique(np.concatenate(within)).size - common.size)
    prices = np.column_stack([closes[asset].price_usd[np.searchsorted(closes[asset].at, common)] for asset in assets])
    return Aligned(assets=tuple(assets), at=common[1:], log_returns=np.diff(np.log(prices), axis=0), dropped=dropped)
