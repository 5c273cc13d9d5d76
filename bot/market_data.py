"""MarketDataManager: price history from a source into the store, complete bars out of it.

History warms up in the background; who asks meanwhile is told how far it is. Whatever the source does, what is stored
stays good: bars that have not closed are left out, holes are asked for again a few times and then known as holes.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import structlog

from risk.errors import BadSeries, ReadFailed
from risk.model.candles import Candles, Interval
from risk.ports import CandleSource, Clock
from storage import CandleLog, StorageError

log = structlog.get_logger()

WANTED_DAYS = 1_000
ENOUGH_DAYS = 500  # what a back-test takes, and GARCH
_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How much history of an asset is at hand.

    Attributes:
        missing: Bars between the first and the last that are not there.
        error: Why the source gave none lately; empty where it did, or where there is no source.
    """

    asset: str
    interval: Interval
    bars: int
    missing: int
    last_close: datetime | None
    sources: tuple[str, ...]
    error: str = ""

    @property
    def sentence(self) -> str:
        """As it stands in an answer, such as ``history of SOL: 212 of 500 days``."""
        unit = "days" if self.interval is Interval.DAY else "hours"
        wanted = ENOUGH_DAYS if self.interval is Interval.DAY else ENOUGH_DAYS * 24
        holes = f", {self.missing} missing in between" if self.missing else ""
        why = f" ({self.error})" if self.error else ""
        return f"history of {self.asset}: {self.bars} of {wanted} {unit}{holes}{why}"


class MarketDataManager:
    """Joins a source of candles to the store. Implements risk.ports.CandleStore.

    Args:
        source: None where there is none; what was imported still serves.
    """

    def __init__(self, log_: CandleLog, clock: Clock, *, source: CandleSource | None = None) -> None:
        self._log, self._clock, self._source = log_, clock, source
        self._errors: dict[tuple[str, Interval], str] = {}
        self._known: dict[tuple[str, Interval], Candles] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @property
    def has_source(self) -> bool:
        return self._source is not None

    async def candles(self, asset: str, interval: Interval) -> Candles:
        """Every complete bar that is stored; empty for an asset without history."""
        key = (asset, interval)
        if key not in self._known:
            self._known[key] = await self._log.candles(asset, interval)
        return self._complete(self._known[key])

    async def progress(self, asset: str, interval: Interval = Interval.DAY) -> Progress:
        """How far the history of an asset is."""
        found = await self.candles(asset, interval)
        last = _moment(found.at[-1]) + interval.span if len(found) else None
        return Progress(
            asset=asset, interval=interval, bars=len(found), missing=found.missing, last_close=last,
            sources=found.sources, error=self._errors.get((asset, interval), ""),
        )  # fmt: skip

    async def store(self, candles: Candles, source: str) -> int:
        """Take in bars from elsewhere, such as a file; returns how many."""
        stored = await self._log.save(candles, source, self._clock.now())
        self._known.pop((candles.asset, candles.interval), None)
        return stored

    async def refresh(self, assets: Sequence[str]) -> None:
        """Ask the source for what is missing of every asset, days and hours. Failures are remembered, never raised."""
        if self._source is None:
            return
        wanted = [(asset, interval) for interval in (Interval.DAY, Interval.HOUR) for asset in assets]
        await asyncio.gather(*(self._refresh_one(asset, interval) for asset, interval in wanted))

    async def _refresh_one(self, asset: str, interval: Interval) -> None:
        source = self._source
        if source is None:
            return
        now = self._clock.now()
        since = await self._since(asset, interval, now)
        if since + interval.span > now:
            return
        async with self._slots:
            try:
                fetched = self._complete(await source.fetch(asset, interval, since, now))
                if len(fetched):
                    await self.store(fetched, source.name)
                self._errors.pop((asset, interval), None)
            except (ReadFailed, BadSeries, StorageError, ValueError) as exc:
                self._errors[asset, interval] = str(exc)
                log.warning("history.failed", asset=asset, interval=interval.value, error=str(exc))

    async def _since(self, asset: str, interval: Interval, now: datetime) -> datetime:
        """The bar after the newest one, or the beginning of the history that is wanted."""
        start = now - timedelta(days=WANTED_DAYS)
        last = await self._log.last_open(asset, interval)
        return start if last is None else max(start, last + interval.span)

    def _complete(self, candles: Candles) -> Candles:
        """Without bars that are still open."""
        span = np.timedelta64(int(candles.interval.span.total_seconds()), "s")
        now = np.datetime64(self._clock.now().replace(tzinfo=None), "s")
        closed = int(np.searchsorted(candles.at + span, now, "right"))
        return candles if closed == len(candles) else candles.first(closed)


def _moment(at: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(at.astype("datetime64[s]").astype(np.int64)), UTC)
