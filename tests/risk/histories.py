"""Price histories made by hand: deterministic, with the volatility and correlation they are asked for."""

from collections.abc import Mapping, Sequence

import numpy as np

from risk.margin.book import FloatArray
from risk.model.candles import Candles, Interval, no_candles
from tests.risk.builders import NOW


def daily_candles(asset: str, log_returns: FloatArray, *, last_close_usd: float = 100.0, ends: str = "") -> Candles:
    """Complete daily bars whose last one closed at midnight before NOW."""
    closes = last_close_usd * np.exp(np.cumsum(np.concatenate([[0.0], log_returns])) - log_returns.sum())
    last = np.datetime64(ends or NOW.date().isoformat(), "D") - np.timedelta64(1, "D")
    at = (last - np.arange(closes.size - 1, -1, -1)).astype("datetime64[s]")
    opens = np.concatenate([closes[:1], closes[:-1]])
    return Candles(
        asset=asset, interval=Interval.DAY, at=at, open_usd=opens, high_usd=np.maximum(opens, closes) * 1.01,
        low_usd=np.minimum(opens, closes) * 0.99, close_usd=closes, volume=np.ones(closes.size), sources=("a test",),
    )  # fmt: skip


def correlated(days: int, volatilities: Sequence[float], correlation: float, *, seed: int = 1) -> FloatArray:
    """Student t returns with a common factor, shape (days, n_assets)."""
    random = np.random.default_rng(seed)
    k = len(volatilities)
    matrix = np.full((k, k), correlation) + (1 - correlation) * np.eye(k)
    draws = random.standard_normal((days, k)) @ np.linalg.cholesky(matrix).T
    draws *= np.sqrt(3.0 / random.chisquare(5, days))[:, None]
    return np.asarray(draws * np.array(volatilities))


class Shelf:
    """A candle store in memory."""

    def __init__(self, candles: Mapping[str, Candles]) -> None:
        self.candles_by_asset = dict(candles)

    async def candles(self, asset: str, interval: Interval) -> Candles:
        found = self.candles_by_asset.get(asset)
        return found if found is not None and found.interval is interval else no_candles(asset, interval)


def shelf(days: int = 700, *, correlation: float = 0.7, seed: int = 1) -> Shelf:
    """SOL at 4 % a day and BTC at 2 %."""
    returns = correlated(days, (0.04, 0.02), correlation, seed=seed)
    return Shelf({asset: daily_candles(asset, returns[:, at]) for at, asset in enumerate(("SOL", "BTC"))})
