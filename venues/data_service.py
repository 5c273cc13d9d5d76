"""A venue's public data service over HTTPS: candles, funding and fills, for statistics and never for health.

docs/market-data.md names the pages the formats were found on, and when.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import quote, urlsplit

import httpx
import numpy as np
import stamina

from risk.model.candles import Candles, Interval, no_candles
from risk.model.funding import FundingHistory
from risk.model.performance import Fill
from risk.ports import Clock
from venues.data_records import Bar, CandlePage, candle_page, fill_page, funding_rates
from venues.errors import VenueRejected, VenueUnavailable

_RESOLUTIONS = {Interval.HOUR: "60", Interval.DAY: "D"}
_PAGE = 1_000
_FUNDING_PAGE = 750
_MOST_PAGES = 60
_MOST_BYTES = 8 * 2**20
_TIMEOUT_S = 10.0
_PAUSE_S = 60.0  # after a 429 that does not say how long
_LONGEST_PAUSE_S = 3_600.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
# How a venue may list an asset: as a perp, as a perp of a thousand or a million of them, as a token.
_LISTED = (("{}-PERP", 1.0), ("1M{}-PERP", 1e6), ("1K{}-PERP", 1e3), ("{}", 1.0))


class _Hiccup(VenueUnavailable):
    """Worth asking again at once."""


class UnknownMarket(VenueRejected):
    """The service has no such market."""


class DataService:
    """Asks one service. Implements risk.ports.CandleSource, FundingSource and FillRecords; used as ``async with``.

    Where it asks to come back later, it is left alone for as long as it says.

    Args:
        url: Without a slash at its end; https, or http on this machine.
        name: As it is shown beside the numbers.
    """

    def __init__(self, url: str, *, clock: Clock, name: str = "data service") -> None:
        self._url, self._clock, self._name = url, clock, name
        loopback = (urlsplit(url).hostname or "") in _LOOPBACK
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=not loopback)
        self._paused_until_s = -1.0
        self._listed: dict[str, tuple[str, float]] = {}

    @property
    def name(self) -> str:
        return self._name

    @property
    def host(self) -> str:
        return urlsplit(self._url).hostname or ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def fetch(self, asset: str, interval: Interval, since: datetime, until: datetime) -> Candles:
        """Bars of the oracle price of an asset that open in [since, until), oldest first, in USD a unit.

        Raises: VenueUnavailable when asking again may help; VenueRejected for an asset the service has no market of.
        """
        first, before = int(since.timestamp()), int(until.timestamp())
        known = self._listed.get(asset)
        refused: UnknownMarket | None = None
        for pattern, units in (known,) if known else _LISTED:
            symbol = pattern if known else pattern.format(asset)
            try:
                found = await self._bars(symbol, interval, first, before)
            except UnknownMarket as exc:
                refused = exc
                continue
            if found or known:
                self._listed[asset] = symbol, units
                return self._candles(asset, interval, found, units)
        if refused is not None:
            self._listed.pop(asset, None)
            raise UnknownMarket(f"the {self._name} has no {asset}; keel history import takes files") from refused
        return no_candles(asset, interval)

    async def funding(self, market: str) -> FundingHistory:
        """The last month of hourly rates. Raises: as fetch()."""
        try:
            body = await self._get("/fundingRates", {"marketName": market})
        except UnknownMarket:
            path = f"/market/{quote(market, safe='')}/fundingRates"
            body = await self._get(path, {"limit": str(_FUNDING_PAGE)})
        return FundingHistory(market=market, rates=funding_rates(body), sources=(self._name,))

    async def fills_since(self, account_id: str, since: datetime) -> tuple[Fill, ...]:
        """Perp fills of an account in the last month at most, oldest first. Raises: as fetch()."""
        found: dict[str, Fill] = {}
        page = ""
        for _ in range(_MOST_PAGES):
            path = f"/user/{quote(account_id, safe='')}/trades"
            read = fill_page(await self._get(path, {"page": page} if page else {}), account_id)
            found |= {fill.reference: fill for fill in read.fills}
            if not read.next_page or read.next_page == page or (read.oldest is not None and read.oldest < since):
                break
            page = read.next_page
        return tuple(sorted((fill for fill in found.values() if fill.at >= since), key=lambda fill: fill.at))

    async def _bars(self, symbol: str, interval: Interval, first: int, before: int) -> dict[int, Bar]:
        """Page by page, backwards, as the service tells them."""
        step = int(interval.span.total_seconds())
        found: dict[int, Bar] = {}
        cursor = before - 1
        for _ in range(_MOST_PAGES):
            # One more than are missing, for a page begins where the last one ended.
            limit = min(_PAGE, max(2, (cursor - first) // step + 2))
            page = await self._page(symbol, interval, cursor, limit)
            found = {**page.bars, **found}
            if page.oldest is None or page.oldest <= first or page.oldest >= cursor:
                break
            cursor = page.oldest
        return {at: bar for at, bar in sorted(found.items()) if first <= at < before}

    async def _page(self, symbol: str, interval: Interval, cursor: int, limit: int) -> CandlePage:
        path = f"/market/{quote(symbol, safe='')}/candles/{_RESOLUTIONS[interval]}"
        return candle_page(await self._get(path, {"limit": str(limit), "startTs": str(cursor)}), interval)

    def _candles(self, asset: str, interval: Interval, bars: Mapping[int, Bar], units: float) -> Candles:
        if not bars:
            return no_candles(asset, interval)
        columns = np.array(list(bars.values()), np.float64).T
        prices = columns[:4] / units
        return Candles(
            asset=asset, interval=interval, at=np.array(list(bars), np.int64).view("datetime64[s]"),
            open_usd=prices[0], high_usd=prices[1], low_usd=prices[2], close_usd=prices[3], volume=columns[4] * units,
            sources=(self._name,),
        )  # fmt: skip

    async def _get(self, path: str, params: dict[str, str]) -> object:
        async for attempt in stamina.retry_context(on=_Hiccup, attempts=3, wait_initial=0.5, wait_max=5.0):
            with attempt:
                return await self._ask(path, params)
        raise AssertionError("stamina either returns or raises")

    async def _ask(self, path: str, params: dict[str, str]) -> object:
        left_s = self._paused_until_s - self._clock.monotonic_s()
        if left_s > 0:
            raise VenueUnavailable(f"the {self._name} wants to be left alone for another {left_s:.0f} s")
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._http.stream("GET", self._url + path, params=params) as answer:
                self._check(answer, path)
                parts, size = [], 0
                async for part in answer.aiter_bytes():
                    parts.append(part)
                    size += len(part)
                    if size > _MOST_BYTES:
                        raise VenueRejected(f"the {self._name} answers without end; set another DATA_URL")
        except (httpx.HTTPError, TimeoutError) as exc:
            raise _Hiccup(f"the {self._name} could not be asked ({type(exc).__name__})") from exc
        try:
            body: object = httpx.Response(200, content=b"".join(parts)).json()
        except (ValueError, RecursionError) as exc:
            raise VenueUnavailable(f"the {self._name} answered something that is no JSON") from exc
        if isinstance(body, dict) and body.get("success") is False:
            raise UnknownMarket(f"the {self._name} says no to {path}")
        return body

    def _check(self, answer: httpx.Response, path: str) -> None:
        """Raises: for every answer that is not 200."""
        status = answer.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            pause_s = self._pause_s(answer.headers.get("retry-after", ""))
            self._paused_until_s = self._clock.monotonic_s() + pause_s
            raise VenueUnavailable(f"the {self._name} wants to be left alone for {pause_s:.0f} s (429)")
        if status >= 500:
            raise _Hiccup(f"the {self._name} is in trouble ({status})")
        if status in (httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND):
            raise UnknownMarket(f"the {self._name} does not know {path} ({status})")
        if not answer.is_success:
            raise VenueRejected(f"the {self._name} refuses to be asked ({status}): set another DATA_URL, or off")

    def _pause_s(self, text: str) -> float:
        """Retry-After, in seconds or as a date."""
        try:
            seconds = float(text)
        except ValueError:
            try:
                seconds = (parsedate_to_datetime(text).astimezone(UTC) - self._clock.now()).total_seconds()
            except (ValueError, TypeError):
                seconds = _PAUSE_S
        return min(max(seconds, 1.0), _LONGEST_PAUSE_S) if seconds == seconds else _PAUSE_S
