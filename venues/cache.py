"""CacheManager: what was just asked is not asked again. It has the interface of what it wraps, and never goes back.

A book serves for its time to live, and an answer of an older slot than one that was handed out is dropped. Bars that
have closed never change, so a window of the past is kept for good; one that reaches into the present has its time.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from risk.margin.book import FleetBook
from risk.model.candles import Candles, Interval
from risk.ports import AccountReader, AddressGrammar, CandleSource, Clock

_MOST_BOOKS = 64
_MOST_WINDOWS = 512


K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[V]):
    """An answer and the monotonic second from which it is too old; None for never."""

    value: V
    until_s: float | None


class _Shelf(Generic[K, V]):
    """Answers by question, the least recently stored making way."""

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock, self._most = clock, most
        self._kept: OrderedDict[K, _Kept[V]] = OrderedDict()

    def last(self, key: K) -> V | None:
        """However old."""
        kept = self._kept.get(key)
        return None if kept is None else kept.value

    def fresh(self, key: K) -> V | None:
        kept = self._kept.get(key)
        if kept is None or (kept.until_s is not None and self._clock.monotonic_s() >= kept.until_s):
            return None
        return kept.value

    def keep(self, key: K, value: V, ttl: timedelta | None) -> None:
        until_s = None if ttl is None else self._clock.monotonic_s() + ttl.total_seconds()
        self._kept[key] = _Kept(value, until_s)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


class CacheManager:
    """A reader, a source of candles, or both, remembered.

    Args:
        reader: None where only candles are asked for, and the other way round.
        book_ttl: How long a book serves.
        candle_ttl: How long a window that reaches into the present serves.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        reader: AccountReader | None = None,
        source: CandleSource | None = None,
        book_ttl: timedelta = timedelta(seconds=1),
        candle_ttl: timedelta = timedelta(minutes=1),
    ) -> None:
        self._clock, self._reader, self._source = clock, reader, source
        self._book_ttl, self._candle_ttl = book_ttl, candle_ttl
        self._books: _Shelf[tuple[tuple[str, ...], bool], FleetBook] = _Shelf(clock, _MOST_BOOKS)
        self._windows: _Shelf[tuple[str, Interval, datetime, datetime], Candles] = _Shelf(clock, _MOST_WINDOWS)

    @property
    def name(self) -> str:
        """Of the source of candles."""
        return self._candles_from().name

    async def read(self, account_ids: Sequence[str], *, with_orders: bool = True) -> FleetBook:
        """See AccountReader.read. A failed reading is not remembered."""
        key = (tuple(account_ids), with_orders)
        known = self._books.fresh(key)
        if known is not None:
            return known
        book = await self._books_from().read(account_ids, with_orders=with_orders)
        last = self._books.last(key)
        if last is not None and book.slot < last.slot:
            return last  # an endpoint that lags behind; how old this one is stands in it
        self._books.keep(key, book, self._book_ttl)
        return book

    def sweep(self, *, batch_accounts: int = 10_000) -> AsyncIterator[FleetBook]:
        """See AccountReader.sweep. Too large to be kept."""
        return self._books_from().sweep(batch_accounts=batch_accounts)

    async def resolve(self, reference: str) -> str:
        """See AccountReader.resolve."""
        return await self._books_from().resolve(reference)

    def require_address(self, text: str) -> None:
        """See AddressGrammar; a venue without one refuses nothing."""
        if isinstance(self._reader, AddressGrammar):
            self._reader.require_address(text)

    async def sub_accounts(self, authority: str) -> list[str]:
        """See AccountReader.sub_accounts."""
        return await self._books_from().sub_accounts(authority)

    async def close(self) -> None:
        """Close what is wrapped."""
        if self._reader is not None:
            await self._reader.close()

    async def fetch(self, asset: str, interval: Interval, since: datetime, until: datetime) -> Candles:
        """See CandleSource.fetch."""
        key = (asset, interval, since, until)
        known = self._windows.fresh(key)
        if known is not None:
            return known
        found = await self._candles_from().fetch(asset, interval, since, until)
        closed = until + interval.span <= self._clock.now()
        self._windows.keep(key, found, None if closed else self._candle_ttl)
        return found

    def _books_from(self) -> AccountReader:
        if self._reader is None:
            raise TypeError("this cache wraps no reader of accounts")
        return self._reader

    def _candles_from(self) -> CandleSource:
        if self._source is None:
            raise TypeError("this cache wraps no source of candles")
        return self._source
