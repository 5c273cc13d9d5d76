"""Histories, the books that are tried on them, and what each method would have forecast for each book."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from risk.model.metrics import VaRMethod
from risk.stats.backtest import BacktestResult, backtest
from risk.stats.rolling import WINDOW, Forecasts, roll
from risk.stats.series import Closes, TimeArray, align
from venues.replay.bars import read_bars

CONFIDENCES = (0.95, 0.99)
_GROSS_USD = 10_000.0
_SHORTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Bars of eight assets; the first n of them make the book of n.

    Attributes:
        step_s: Length of a bar.
    """

    name: str
    folder: str
    step_s: int
    assets: tuple[str, ...]


SOURCES = (
    Source(
        name="daily bars", folder="daily_bybit_perp", step_s=86_400,
        assets=("SOL", "BTC", "ETH", "DOGE", "BNB", "LINK", "AVAX", "SUI"),
    ),
    Source(
        name="hourly bars", folder="hourly_binance_perp", step_s=3_600,
        assets=("SOL", "BTC", "ETH", "DOGE", "BNB", "LINK", "SUI", "WIF"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Signed shares of the gross exposure by asset."""

    name: str
    shares: Mapping[str, float]

    @property
    def size(self) -> int:
        return len(self.shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One book on one history.

    Attributes:
        days: That were forecast.
    """

    source: str
    book: Book
    days: TimeArray
    forecasts: Mapping[tuple[VaRMethod, float], Forecasts]

    def result(self, method: VaRMethod, confidence: float) -> BacktestResult:
        """Over all days."""
        return self.forecasts[method, confidence].judged()

    def within(self, method: VaRMethod, confidence: float, span: np.datetime64) -> BacktestResult | None:
        """Over a year or month alone; None where it has no two days."""
        forecast, rows = self.forecasts[method, confidence], self.rows(span)
        return backtest(forecast.pnl[rows], forecast.var[rows], confidence) if rows.sum() >= 2 else None

    def rows(self, span: np.datetime64) -> npt.NDArray[np.bool_]:
        """Which days lie in a year or month."""
        return np.asarray(self.days.astype(span.dtype) == span)


def books_of(assets: Sequence[str]) -> tuple[Book, ...]:
    """Each asset alone, the first of them short as well; one against another; the first two, three ... of them long;
    all of them, every other one short."""
    alone = [Book(name=f"{asset} long", shares={asset: 1.0}) for asset in assets]
    short = [Book(name=f"{asset} short", shares={asset: -1.0}) for asset in assets[:_SHORTS]]
    pair = Book(name=f"{assets[0]} against {assets[1]}", shares={assets[0]: 0.5, assets[1]: -0.5})
    together = [
        Book(name=f"{count} assets long", shares=dict.fromkeys(assets[:count], 1 / count))
        for count in range(2, len(assets) + 1)
    ]
    mixed = Book(
        name=f"{len(assets)} assets, every other one short",
        shares={asset: (1 if at % 2 == 0 else -1) / len(assets) for at, asset in enumerate(assets)},
    )
    return (*alone, *short, pair, *together, mixed)


def judge(source: Source, prices: Path) -> Iterator[Judged]:
    """Every book of a source by every method, over the days that all its assets have."""
    closes = {asset: _closes(prices / source.folder, asset, source.step_s) for asset in source.assets}
    for book in books_of(source.assets):
        returns = align(closes, tuple(book.shares))
        weights = np.array(list(book.shares.values())) * _GROSS_USD
        forecasts = roll(returns.log_returns, weights, confidences=CONFIDENCES)
        yield Judged(source=source.name, book=book, days=returns.at[WINDOW:], forecasts=forecasts)


def _closes(folder: Path, asset: str, step_s: int) -> Closes:
    """Closing price of each complete UTC day, at the day's opening."""
    bars = read_bars(folder, asset)
    closed_s = bars.opened_s + step_s
    day = (closed_s - 1) // 86_400
    last = np.flatnonzero(np.concatenate([day[1:] != day[:-1], [True]]))
    complete = last[(closed_s[last] % 86_400) == 0]
    complete = complete[:-1]  # the last bar of a recording may be partial
    return Closes(at=(day[complete] * 86_400).view("datetime64[s]"), price_usd=bars.prices_usd[complete, 3])
