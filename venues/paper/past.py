"""The past of the paper market: bars and funding drawn from a seed, which lead up to the prices the market starts with.

From its start on the bars are those of its own prices. Every hour of the past is drawn for itself, from the seed and
its date, so the same seed gives the same returns whenever it is asked and however much of it.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from risk.margin.book import FloatArray
from risk.model.candles import Candles, Interval, no_candles
from risk.model.funding import FundingHistory, FundingRate
from risk.ports import Clock
from venues.errors import VenueRejected
from venues.paper.markets import BTC_ORACLE, ETH_ORACLE, SOL_ORACLE
from venues.paper.prices import PricePath

_HOUR_S, _DAY_S = 3_600, 86_400
_DAYS = 1_100
_STEPS = 6  # within an hour
_FUNDING_DAYS = 30
_FUNDING_MEAN, _FUNDING_SD = 8e-6, 2e-5  # a fraction of the notional an hour
_VOLATILITY_MEMORY, _VOLATILITY_SD = 0.9, 0.15  # of a day's log volatility
_DAILY_PULL = 0.01  # toward one level, or a price would wander off in a thousand days
_SHOCKS = 20  # days a day's liveliness depends on


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAsset:
    """How an asset moved before the market began.

    Attributes:
        oracle_id: Where its price goes on.
        volatility_annual_frac: Standard deviation of its log return a year.
        loading: Correlation with what moves all of them, 0 to 1.
    """

    oracle_id: str
    start_usd: float
    volatility_annual_frac: float
    loading: float


class PaperPast:
    """Implements risk.ports.CandleSource and FundingSource.

    Args:
        path: Prices from second 0 on.
        started_at: When second 0 was.
        days: How far back it goes.
    """

    def __init__(
        self, assets: Mapping[str, PastAsset], path: PricePath, *, seed: int, started_at: datetime, clock: Clock,
        days: int = _DAYS,
    ) -> None:  # fmt: skip
        self._assets, self._path, self._seed, self._clock = dict(assets), path, seed, clock
        self._started_s = int(started_at.timestamp())
        self._first_s = self._started_s // _DAY_S * _DAY_S - days * _DAY_S
        self._past: dict[str, FloatArray] = {}
        self._drawing = asyncio.Lock()
        self._since: dict[str, list[tuple[float, float, float, float]]] = {}

    @property
    def name(self) -> str:
        return f"paper market, seed {self._seed}"

    async def fetch(self, asset: str, interval: Interval, since: datetime, until: datetime) -> Candles:
        """See CandleSource.fetch. The hour that still runs has no bar yet. Raises: VenueRejected."""
        hours = await self._hours(asset)
        step = int(interval.span.total_seconds()) // _HOUR_S
        whole = len(hours) // step * step
        bars = _joined(hours[:whole], step)
        at = self._first_s + np.arange(len(bars), dtype=np.int64) * step * _HOUR_S
        kept = (at >= since.timestamp()) & (at < until.timestamp())
        if not kept.any():
            return no_candles(asset, interval)
        opened, high, low, close = bars[kept].T
        return Candles(
            asset=asset, interval=interval, at=at[kept].view("datetime64[s]"), open_usd=opened, high_usd=high,
            low_usd=low, close_usd=close, volume=np.full(int(kept.sum()), math.nan), sources=(self.name,),
        )  # fmt: skip

    async def funding(self, market: str) -> FundingHistory:
        """A month of rates before the start. Raises: VenueRejected."""
        asset = market.removesuffix("-PERP")
        self._known(asset)
        last = self._started_s // _HOUR_S
        random = np.random.default_rng([self._seed, 2, *asset.encode()])
        drawn = random.normal(_FUNDING_MEAN, _FUNDING_SD, _FUNDING_DAYS * 24)
        rates = tuple(
            FundingRate(
                at=datetime.fromtimestamp((last - len(drawn) + 1 + number) * _HOUR_S, UTC), hourly_frac=float(rate)
            )
            for number, rate in enumerate(drawn)
        )
        return FundingHistory(market=market, rates=rates, sources=(self.name,))

    def _known(self, asset: str) -> PastAsset:
        if asset not in self._assets:
            raise VenueRejected(f"the paper market lists no {asset}; it has {', '.join(sorted(self._assets))}")
        return self._assets[asset]

    async def _hours(self, asset: str) -> FloatArray:
        """Open, high, low and close of every whole hour from the first to the last that is over."""
        known = self._known(asset)
        async with self._drawing:
            if not self._past:
                # They are drawn together, for they move together.
                drawn = await asyncio.to_thread(self._drawn)
                self._past = dict(zip(self._assets, drawn, strict=True))
        since = self._since.setdefault(asset, [])
        first_hour = self._started_s // _HOUR_S
        now_hour = int(self._clock.now().timestamp()) // _HOUR_S
        for hour in range(first_hour + len(since), now_hour):
            since.append(self._lived(known, hour))
        return np.concatenate([self._past[asset], np.array(since).reshape(-1, 4)])

    def _lived(self, asset: PastAsset, hour: int) -> tuple[float, float, float, float]:
        """An hour of which the market lived at least the last second."""
        begin = max(0, hour * _HOUR_S - self._started_s)
        count = (hour + 1) * _HOUR_S - self._started_s - begin
        prices = self._path.prices_usd(begin, max(1, count))[:, self._path.oracle_ids.index(asset.oracle_id)]
        return float(prices[0]), float(prices.max()), float(prices.min()), float(prices[-1])

    def _drawn(self) -> FloatArray:
        """Hours before the start, shape (n_assets, n_hours, 4); the last close is the price the market starts with."""
        assets = list(self._assets.values())
        n_hours = self._started_s // _HOUR_S - self._first_s // _HOUR_S
        days = range(self._first_s // _DAY_S, self._started_s // _DAY_S + 1)
        moves = self._moves(days, len(assets))[: n_hours * _STEPS]
        loading = np.array([asset.loading for asset in assets])
        shared, own = moves[:, :1], moves[:, 1:]
        deviation = np.array([asset.volatility_annual_frac for asset in assets]) / math.sqrt(365 * 24 * _STEPS)
        steps = (shared * loading + own * np.sqrt(1 - loading**2)) * deviation
        levels = np.vstack([np.zeros(len(assets)), np.cumsum(_pulled(steps), axis=0)])
        prices = np.exp(levels - levels[-1]) * [asset.start_usd for asset in assets]
        grid = np.lib.stride_tricks.sliding_window_view(prices, _STEPS + 1, axis=0)[::_STEPS]
        bars = np.stack([grid[..., 0], grid.max(-1), grid.min(-1), grid[..., -1]], axis=-1)
        return np.asarray(bars.transpose(1, 0, 2))

    def _moves(self, days: range, n_assets: int) -> FloatArray:
        """Standard moves of some days, shape (steps, 1 + n_assets); some days are livelier than others."""
        before = range(days.start - _SHOCKS + 1, days.stop)
        shocks = [np.random.default_rng([self._seed, 3, day]).standard_normal() for day in before]
        weights = _VOLATILITY_SD * _VOLATILITY_MEMORY ** np.arange(_SHOCKS)
        # Their square is 1 on average.
        liveliness = np.exp(np.convolve(shocks, weights, "valid") - (weights**2).sum())
        shape = (24 * _STEPS, 1 + n_assets)
        drawn = [np.random.default_rng([self._seed, 1, day]).standard_normal(shape) for day in days]
        return np.concatenate([scale * moves for scale, moves in zip(liveliness, drawn, strict=True)])


def _pulled(steps: FloatArray) -> FloatArray:
    """Log moves, shape (steps, n_assets), which lean back a little every day toward where the first one began."""
    out, level = steps.copy(), np.zeros(steps.shape[1])
    for first in range(0, len(out), 24 * _STEPS):
        day = out[first : first + 24 * _STEPS]
        day -= _DAILY_PULL * level / (24 * _STEPS)
        level = level + day.sum(axis=0)
    return out


def _joined(hours: FloatArray, step: int) -> FloatArray:
    """Bars of ``step`` hours from bars of one."""
    if step == 1:
        return hours
    parts = hours.reshape(-1, step, 4)
    return np.stack([parts[:, 0, 0], parts[:, :, 1].max(axis=1), parts[:, :, 2].min(axis=1), parts[:, -1, 3]], axis=1)


# What the paper market trades. SOL and BTC move together by 0.75, ETH with either by a little more.
_CHARACTER = {"SOL": (SOL_ORACLE, 0.85, 0.85), "BTC": (BTC_ORACLE, 0.50, 0.88), "ETH": (ETH_ORACLE, 0.70, 0.95)}


def market_past(
    path: PricePath, start_usd: Mapping[str, float], *, seed: int, clock: Clock, days: int = _DAYS
) -> PaperPast:
    """The past of a market that starts now, at these prices by oracle, so many days long."""
    assets = {
        asset: PastAsset(
            oracle_id=oracle_id, start_usd=start_usd[oracle_id], volatility_annual_frac=volatility, loading=loading
        )
        for asset, (oracle_id, volatility, loading) in _CHARACTER.items()
    }
    return PaperPast(assets, path, seed=seed, started_at=clock.now(), clock=clock, days=days)
