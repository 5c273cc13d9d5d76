"""Price history as bars: columns of equal length, oldest first, with where they came from."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import numpy as np

from risk.errors import BadSeries
from risk.margin.book import FloatArray
from risk.stats.realized import Bars
from risk.stats.series import Closes, TimeArray

_HOURS, _HOUR_S = 24, 3_600  # of a day, of an hour


class Interval(Enum):
    """Length of a bar; the value is how people write it."""

    HOUR = "1h"
    DAY = "1d"

    @property
    def span(self) -> timedelta:
        return timedelta(hours=1) if self is Interval.HOUR else timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candles:
    """Bars of one asset.

    Attributes:
        at: Opening of each bar, UTC, datetime64[s], strictly rising; not every bar need be there.
        volume: In base units; NaN where unknown.
        sources: Where the bars came from, each once, newest first; empty for none.
    """

    asset: str
    interval: Interval
    at: TimeArray
    open_usd: FloatArray
    high_usd: FloatArray
    low_usd: FloatArray
    close_usd: FloatArray
    volume: FloatArray
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lengths = {self.at.size, *(column.size for column in self._columns)}
        if len(lengths) != 1:
            raise BadSeries(f"bars of {self.asset}: columns of different lengths")
        if self.at.size and not (np.diff(self.at).astype(np.int64) > 0).all():
            raise BadSeries(f"bars of {self.asset} must be sorted by time without duplicates")

    @property
    def _columns(self) -> tuple[FloatArray, ...]:
        return self.open_usd, self.high_usd, self.low_usd, self.close_usd, self.volume

    def __len__(self) -> int:
        return int(self.at.size)

    @property
    def closes(self) -> Closes:
        """The last price of each bar. Raises: BadSeries for one that is not a positive number."""
        bad = np.flatnonzero(~(np.isfinite(self.close_usd) & (self.close_usd > 0)))
        if bad.size:
            raise BadSeries(
                f"bars of {self.asset}: the close of {self.at[bad[0]]} is no positive number; import these bars again"
            )
        return Closes(at=self.at, price_usd=self.close_usd)

    @property
    def bars(self) -> Bars:
        """Without times. Raises: BadSeries for a bar whose prices contradict each other."""
        return Bars(open_usd=self.open_usd, high_usd=self.high_usd, low_usd=self.low_usd, close_usd=self.close_usd)

    @property
    def missing(self) -> int:
        """Bars between the first and the last that are not there."""
        if not self.at.size:
            return 0
        span = np.timedelta64(int(self.interval.span.total_seconds()), "s")
        return int((self.at[-1] - self.at[0]) // span) + 1 - len(self)

    def last(self, n: int) -> "Candles":
        """The newest ``n`` bars."""
        return self._rows(slice(max(0, len(self) - n), None))

    def first(self, n: int) -> "Candles":
        """The oldest ``n`` bars."""
        return self._rows(slice(0, n))

    def daily(self) -> "Candles":
        """Bars of the UTC days of which every hour is there; daily bars as they are. ``sources`` say "from hours"."""
        if self.interval is Interval.DAY:
            return self
        days, first, hours = np.unique(self.at.astype("datetime64[D]"), return_index=True, return_counts=True)
        # Twenty-four bars of one day are its hours only where each opens at a whole one.
        whole = (self.at.astype("datetime64[s]").astype(np.int64) % _HOUR_S == 0).astype(np.int64)
        complete = (hours == _HOURS) & (np.add.reduceat(whole, first) == _HOURS) if days.size else np.empty(0, bool)
        begin = first[complete]
        if not begin.size:
            return no_candles(self.asset, Interval.DAY)
        rows = begin[:, None] + np.arange(_HOURS)
        return Candles(
            asset=self.asset, interval=Interval.DAY, at=days[complete].astype("datetime64[s]"),
            open_usd=self.open_usd[begin], high_usd=self.high_usd[rows].max(axis=1),
            low_usd=self.low_usd[rows].min(axis=1), close_usd=self.close_usd[begin + _HOURS - 1],
            volume=self.volume[rows].sum(axis=1), sources=tuple(f"{source} from hours" for source in self.sources),
        )  # fmt: skip

    def filled(self, others: "Candles") -> "Candles":
        """With bars of others where it has none itself."""
        wanted = np.flatnonzero(~np.isin(others.at, self.at))
        if not wanted.size:
            return self
        at = np.concatenate([self.at, others.at[wanted]])
        order = np.argsort(at, kind="stable")
        columns = [
            np.concatenate([mine, theirs[wanted]])[order]
            for mine, theirs in zip(self._columns, others._columns, strict=True)
        ]
        newest_is_mine = len(self) > 0 and self.at[-1] == at.max()
        first, second = (self.sources, others.sources) if newest_is_mine else (others.sources, self.sources)
        return Candles(
            asset=self.asset, interval=self.interval, at=at[order], open_usd=columns[0], high_usd=columns[1],
            low_usd=columns[2], close_usd=columns[3], volume=columns[4],
            sources=tuple(dict.fromkeys((*first, *second))),
        )  # fmt: skip

    def _rows(self, rows: slice) -> "Candles":
        return Candles(
            asset=self.asset, interval=self.interval, at=self.at[rows], open_usd=self.open_usd[rows],
            high_usd=self.high_usd[rows], low_usd=self.low_usd[rows], close_usd=self.close_usd[rows],
            volume=self.volume[rows], sources=self.sources,
        )  # fmt: skip


def no_candles(asset: str, interval: Interval) -> Candles:
    """Bars of an asset nobody has any of."""
    nothing = np.empty(0)
    return Candles(
        asset=asset, interval=interval, at=np.empty(0, "datetime64[s]"), open_usd=nothing, high_usd=nothing,
        low_usd=nothing, close_usd=nothing, volume=nothing,
    )  # fmt: skip
