"""A venue's public data service over HTTPS: candles and funding, for display and statistics, never for health.

Formats, as found in public documentation on 2026-11-22 (docs/market-data.md names the pages):

    GET /market/{symbol}/candles/{resolution}?limit=&startTs=   records, newest first, not later than startTs:
        ts, fillOpen/High/Close/Low, oracleOpen/High/Close/Low, quoteVolume, baseVolume
    GET /fundingRates?marketName=                               fundingRates: slot, ts, fundingRate in 1e-9 USD per base
        unit and hour, oraclePriceTwap in 1e-6 USD, as strings
"""

import asyncio
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from urllib.parse import quote, urlsplit

import httpx
import numpy as np
import stamina

from risk.model.candles import Candles, Interval, no_candles
from venues.errors import VenueRejected, VenueUnavailable

DRIFT_URL = "https://data.api.drift.trade"
_RESOLUTIONS = {Interval.HOUR: "60", Interval.DAY: "D"}
_PAGE = 1_000
_MOST_PAGES = 40
_MOST_BYTES = 8 * 2**20
_TIMEOUT_S = 10.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRate:
    """What longs paid for one hour, > 0, as a fraction of the notional."""

    at: datetime
    hourly_frac: float


def checked_data_url(url: str, *, allow_loopback: bool) -> str:
    """A base URL that may be asked. Raises: ValueError, saying what to set."""
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("DATA_URL may hold a scheme, a host and a path only")
    if parts.scheme == "https" and host:
        return url.strip().rstrip("/")
    if parts.scheme == "http" and host in _LOOPBACK and allow_loopback:
        return url.strip().rstrip("/")
    raise ValueError(f"DATA_URL must be https://, such as {DRIFT_URL}; leave it empty to do without")


class DataService:
    """Asks one service. Implements risk.ports.CandleSource; used as ``async with``.

    Args:
        url: As checked_data_url returns it.
        name: As it is shown beside the numbers.
    """

    def __init__(self, url: str, *, name: str = "venue data service") -> None:
        self._url, self._name = url, name
        loopback = (urlsplit(url).hostname or "") in _LOOPBACK
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=not loopback)

    @property
    def name(self) -> str:
        return self._name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def fetch(self, asset: str, interval: Interval, since: datetime, until: datetime) -> Candles:
        """Bars of the oracle price of ``asset``'s perp that open in [since, until), oldest first.

        Raises: VenueUnavailable when asking again may help; VenueRejected for a market the service does not know.
        """
        first, before = int(since.timestamp()), int(until.timestamp())
        found: dict[int, tuple[float, float, float, float, float]] = {}
        cursor = before
        for _ in range(_MOST_PAGES):
            path = f"/market/{quote(asset, safe='')}-PERP/candles/{_RESOLUTIONS[interval]}"
            page = _bars(await self._get(path, {"limit": str(_PAGE), "startTs": str(cursor)}), interval)
            fresh = {at: bar for at, bar in page.items() if at not in found}
            found |= fresh
            oldest = min(page, default=first)
            if not fresh or oldest <= first or oldest >= cursor:
                break
            cursor = oldest
        kept = sorted(at for at in found if first <= at < before)
        if not kept:
            return no_candles(asset, interval)
        columns = np.array([found[at] for at in kept], np.float64).T
        return Candles(
            asset=asset, interval=interval, at=np.array(kept, np.int64).view("datetime64[s]"), open_usd=columns[0],
            high_usd=columns[1], low_usd=columns[2], close_usd=columns[3], volume=columns[4], sources=(self._name,),
        )  # fmt: skip

    async def funding(self, market: str) -> tuple[FundingRate, ...]:
        """The last month of hourly rates, oldest first. Raises: as fetch()."""
        body = await self._get("/fundingRates", {"marketName": market})
        rows = body.get("fundingRates") if isinstance(body, dict) else None
        if not isinstance(rows, list):
            raise VenueUnavailable(f"the {self._name} answered something that is no list of funding rates")
        rates = {rate.at: rate for row in rows if (rate := _rate(row)) is not None}
        return tuple(rates[at] for at in sorted(rates))

    async def _get(self, path: str, params: dict[str, str]) -> object:
        async for attempt in stamina.retry_context(on=VenueUnavailable, attempts=3, wait_initial=0.5, wait_max=5.0):
            with attempt:
                return await self._ask(path, params)
        raise AssertionError("stamina either returns or raises")

    async def _ask(self, path: str, params: dict[str, str]) -> object:
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._http.stream("GET", self._url + path, params=params) as answer:
                if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.status_code >= 500:
                    raise VenueUnavailable(f"the {self._name} asks to come back later ({answer.status_code})")
                if not answer.is_success:
                    raise VenueRejected(f"the {self._name} refuses {path.split('?')[0]} ({answer.status_code})")
                parts, size = [], 0
                async for part in answer.aiter_bytes():
                    parts.append(part)
                    size += len(part)
                    if size > _MOST_BYTES:
                        raise VenueRejected(f"the {self._name} answered more than {_MOST_BYTES} bytes")
        except (httpx.HTTPError, TimeoutError) as exc:
            raise VenueUnavailable(f"the {self._name} could not be asked ({type(exc).__name__})") from exc
        try:
            return httpx.Response(200, content=b"".join(parts)).json()
        except ValueError as exc:
            raise VenueUnavailable(f"the {self._name} answered something that is no JSON") from exc


def _bars(body: object, interval: Interval) -> dict[int, tuple[float, float, float, float, float]]:
    """Oracle bars by opening second. A bar that contradicts itself is left out: a hole is known, a wrong price is not.

    Raises: VenueUnavailable for an answer of another shape.
    """
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list):
        raise VenueUnavailable("the data service answered something that holds no candles")
    step, found = int(interval.span.total_seconds()), {}
    for record in records:
        if not isinstance(record, dict):
            continue
        at = _number(record.get("ts"))
        prices = [_number(record.get(f"oracle{side}")) for side in ("Open", "High", "Low", "Close")]
        volume = _number(record.get("baseVolume"))
        opened, high, low, close = prices
        sane = all(math.isfinite(price) and price > 0 for price in prices) and low <= min(opened, close)
        if not (math.isfinite(at) and sane and high >= max(opened, close)):
            continue
        found[int(at) // step * step] = (opened, high, low, close, volume)
    return found


def _rate(row: object) -> FundingRate | None:
    if not isinstance(row, dict):
        return None
    at, rate, twap = (_number(row.get(key)) for key in ("ts", "fundingRate", "oraclePriceTwap"))
    if not (math.isfinite(at) and math.isfinite(rate) and math.isfinite(twap) and twap > 0):
        return None
    return FundingRate(at=datetime.fromtimestamp(int(at), UTC), hourly_frac=(rate / 1e9) / (twap / 1e6))


def _number(value: object) -> float:
    """A number or a text of one; NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except ValueError:
        return math.nan
