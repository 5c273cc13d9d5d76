"""MarketDataManager: price and funding history from a source into the store, complete bars out of it.

History warms up in the background, the newest first; who asks meanwhile is told how far it is. Whatever the source
does, what is stored stays good: bars that have not closed are left out, holes are asked for again ever less often, and
a source that fails is left alone for a while.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import structlog

from bot.history.gaps import Backoff, Window, missing_windows
from bot.history.progress import ENOUGH_DAYS, Progress
from risk.errors import BadSeries, ReadFailed
from risk.model.candles import Candles, Interval
from risk.model.funding import FundingHistory
from risk.ports import CandleSource, Clock, FundingSource
from storage import CandleLog, FundingLog, StorageError

__all__ = ["ENOUGH_DAYS", "WANTED_DAYS", "MarketDataManager", "Progress"]

log = structlog.get_logger()

WANTED_DAYS = {Interval.DAY: 1_000, Interval.HOUR: 510}
_PART_BARS = 1_000  # of one question, and of one transaction
_AT_ONCE = 4
_AT_A_TIME_S = 6.0  # then others have their turn; the next run goes on
_LONGEST_WAIT = timedelta(hours=1)  # for a source that fails
_HOLE_ASKED_EVERY = timedelta(days=1)  # at last, for it may be filled some day
_FUNDING_EVERY = timedelta(hours=1)
# A bar that closed this very moment may still be counted at the source.
_SETTLES_WITHIN = timedelta(minutes=2)
_Key = tuple[str, Interval]


class MarketDataManager:
    """Joins a source of candles to the store. Implements risk.ports.CandleStore.

    Args:
        source: None where there is none; what was imported still serves.
        funding: Where rates are kept; None where nobody asks for any.
        rates: Where they come from.
    """

    def __init__(
        self,
        log_: CandleLog,
        clock: Clock,
        *,
        source: CandleSource | None = None,
        funding: FundingLog | None = None,
        rates: FundingSource | None = None,
    ) -> None:
        self._log, self._clock, self._source = log_, clock, source
        self._funding, self._rates = funding, rates
        self._errors: dict[_Key, str] = {}
        self._known: dict[_Key, Candles] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._holes, self._failures = Backoff(_HOLE_ASKED_EVERY), Backoff(_LONGEST_WAIT)
        self._rates_asked: dict[str, datetime] = {}

    @property
    def has_source(self) -> bool:
        return self._source is not None

    async def candles(self, asset: str, interval: Interval) -> Candles:
        """Every complete bar; empty for an asset without history. A day that is not stored is made from its hours."""
        stored = await self._stored((asset, interval))
        if interval is Interval.HOUR:
            return stored
        return stored.filled((await self._stored((asset, Interval.HOUR))).daily())

    async def _stored(self, key: _Key) -> Candles:
        asset, interval = key
        if key not in self._known:
            self._known[key] = await self._log.candles(asset, interval)
        return _closed(self._known[key], self._clock.now())

    async def funding(self, market: str) -> FundingHistory:
        """Every rate that is stored; empty for a market without history."""
        return FundingHistory(market=market) if self._funding is None else await self._funding.history(market)

    async def progress(self, asset: str, interval: Interval = Interval.DAY) -> Progress:
        """How far the history of an asset is."""
        found = await self.candles(asset, interval)
        last = _moment(found.at[-1]) + interval.span if len(found) else None
        return Progress(
            asset=asset, interval=interval, bars=len(found), missing=found.missing, last_close=last,
            sources=found.sources, age_s=None if last is None else (self._clock.now() - last).total_seconds(),
            error=self._errors.get((asset, interval), ""),
        )  # fmt: skip

    async def store(self, candles: Candles, source: str) -> int:
        """Take in bars from elsewhere, such as a file; returns how many."""
        stored = await self._log.save(candles, source, self._clock.now())
        self._known.pop((candles.asset, candles.interval), None)
        return stored

    async def refresh(self, assets: Sequence[str], *, at_most_s: float = _AT_A_TIME_S) -> None:
        """Ask the source for what is missing of every asset, days and then hours. Failures are remembered, never
        raised.

        Args:
            at_most_s: Nothing more is begun after that; the next call goes on.
        """
        if self._source is None:
            return
        until_s = self._clock.monotonic_s() + at_most_s
        for interval in (Interval.DAY, Interval.HOUR):
            await asyncio.gather(
                *(self._refresh_one(self._source, (asset, interval), until_s) for asset in dict.fromkeys(assets))
            )

    async def refresh_funding(self, markets: Sequence[str]) -> None:
        """Ask for the rates of every market, once an hour. Failures are logged, never raised."""
        now = self._clock.now()
        for market in dict.fromkeys(markets):
            asked = self._rates_asked.get(market)
            if asked is None or now - asked >= _FUNDING_EVERY:
                await self._refresh_rates(market, now)

    async def _refresh_rates(self, market: str, now: datetime) -> None:
        if self._funding is None or self._rates is None or self._failures.early(market, now):
            return
        try:
            history = await self._rates.funding(market)
            await self._funding.save(history, self._rates.name, now)
            self._rates_asked[market] = now
            self._failures.answered(market)
        except (ReadFailed, StorageError, ValueError) as exc:
            self._failures.in_vain(market, now)
            log.warning("history.funding_failed", market=market, error=str(exc))

    async def _refresh_one(self, source: CandleSource, key: _Key, until_s: float) -> None:
        async with self._slots:
            for window in await self._missing(key):
                hole = (key, window.until) if await self._followed(key, window) else key
                if self._holes.early(hole, self._clock.now()):
                    continue
                filled = False
                for part in window.parts(_PART_BARS * key[1].span):
                    if self._clock.monotonic_s() > until_s or self._failures.early(key, self._clock.now()):
                        return
                    found = await self._fill(source, key, part)
                    if found is None:
                        return
                    filled |= found
                if filled:
                    self._holes.answered(hole)
                else:
                    self._holes.in_vain(hole, self._clock.now())

    async def _missing(self, key: _Key) -> tuple[Window, ...]:
        """Newest first."""
        _, interval = key
        end = self._clock.now() - _SETTLES_WITHIN
        begin = end - timedelta(days=WANTED_DAYS[interval])
        # What hours stand in for is asked for all the same: the source's own bars are better.
        return missing_windows((await self._stored(key)).at, begin=begin, end=end, span=interval.span)

    async def _followed(self, key: _Key, window: Window) -> bool:
        """Whether there are bars behind a window; else it grows with time, and is one question all the same."""
        at = (await self._stored(key)).at
        return bool(at.size) and _moment(at[-1]) >= window.until

    async def _fill(self, source: CandleSource, key: _Key, window: Window) -> bool | None:
        """Ask for a stretch; whether there was anything, None where nobody can tell."""
        asset, interval = key
        try:
            fetched = _within(await source.fetch(asset, interval, window.since, window.until), window)
            _ = fetched.bars  # a bar that contradicts itself is never stored
            if len(fetched):
                await self.store(fetched, source.name)
        except (ReadFailed, StorageError, ValueError) as exc:
            self._failures.in_vain(key, self._clock.now())
            self._errors[key] = str(exc)
            log.warning("history.failed", asset=asset, interval=interval.value, error=str(exc))
            return None
        self._errors.pop(key, None)
        self._failures.answered(key)
        return len(fetched) > 0


def _closed(candles: Candles, now: datetime) -> Candles:
    """Without bars that are still open."""
    span = np.timedelta64(int(candles.interval.span.total_seconds()), "s")
    closed = int(np.searchsorted(candles.at + span, _at(now), "right"))
    return candles if closed == len(candles) else candles.first(closed)


def _within(candles: Candles, window: Window) -> Candles:
    """Whatever a source gives beyond the question is not taken. Raises: BadSeries for bars of no whole span."""
    step = int(candles.interval.span.total_seconds())
    if (candles.at.astype("datetime64[s]").astype(np.int64) % step).any():
        raise BadSeries(f"bars of {candles.asset} do not open at whole ones in UTC; use another source")
    before, after = np.searchsorted(candles.at, [_at(window.since), _at(window.until)])
    return candles.first(int(after)).last(int(after - before))


def _at(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "s")


def _moment(at: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(at.astype("datetime64[s]").astype(np.int64)), UTC)
