"""Answers of a data service, read with suspicion: what contradicts itself is left out, a hole is known and a wrong
price is not. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from risk.model.account import Side
from risk.model.candles import Interval
from risk.model.funding import FundingRate
from risk.model.performance import Fill
from venues.errors import VenueUnavailable

_LAST_S = 253_402_300_799  # the end of the year 9999
_RATE, _PRICE = 1e9, 1e6


class Bar(NamedTuple):
    """One bar of the oracle price in USD; ``volume`` in base units, NaN where unknown."""

    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CandlePage:
    """Some candles.

    Attributes:
        bars: By opening second.
        oldest: Of all candles in the page, those left out included; None for a page without any.
    """

    bars: Mapping[int, Bar]
    oldest: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FillPage:
    """Some fills.

    Attributes:
        oldest: Of all trades in the page; None for a page without any.
        next_page: Where it goes on; empty at the end.
    """

    fills: tuple[Fill, ...]
    oldest: datetime | None
    next_page: str


def candle_page(body: object, interval: Interval) -> CandlePage:
    """Candles. Of two for one moment the first counts. Raises: VenueUnavailable for an answer of another shape."""
    step = int(interval.span.total_seconds())
    bars: dict[int, Bar] = {}
    oldest: int | None = None
    for record in _records(body, "records", "candles"):
        at = _second(record.get("ts"))
        if at is None:
            continue
        oldest = at if oldest is None else min(at, oldest)
        bar = _bar(record)
        if bar is not None and at % step == 0 and at not in bars:
            bars[at] = bar
    return CandlePage(bars=bars, oldest=oldest)


def funding_rates(body: object) -> tuple[FundingRate, ...]:
    """Rates, oldest first, one a moment. Raises: as candle_page().

    ``fundingRates`` holds whole numbers of 1e-9 USD and 1e-6 USD; ``records``, which later pages show, plain decimals.
    """
    scaled = isinstance(body, dict) and "fundingRates" in body
    key, rate_unit, price_unit = ("fundingRates", _RATE, _PRICE) if scaled else ("records", 1.0, 1.0)
    found: dict[int, FundingRate] = {}
    for record in _records(body, key, "funding rates"):
        at = _second(record.get("ts"))
        rate = _number(record.get("fundingRate")) / rate_unit
        price = _number(record.get("oraclePriceTwap")) / price_unit
        if at is None or not math.isfinite(rate) or not 0 < price < math.inf:
            continue
        found.setdefault(at, FundingRate(at=_moment(at), hourly_frac=rate / price, oracle_usd=price))
    return tuple(found[at] for at in sorted(found))


def fill_page(body: object, account_id: str) -> FillPage:
    """Perp fills of an account. Raises: as candle_page()."""
    fills: list[Fill] = []
    oldest: int | None = None
    for record in _records(body, "records", "trades"):
        at = _second(record.get("ts"))
        if at is None:
            continue
        oldest = at if oldest is None else min(at, oldest)
        fill = _fill(record, at, account_id)
        if fill is not None:
            fills.append(fill)
    meta = body.get("meta") if isinstance(body, dict) else None
    following = meta.get("nextPage") if isinstance(meta, dict) else None
    return FillPage(
        fills=tuple(fills), oldest=None if oldest is None else _moment(oldest),
        next_page=following if isinstance(following, str) else "",
    )  # fmt: skip


def _records(body: object, key: str, what: str) -> list[dict[str, object]]:
    records = body.get(key) if isinstance(body, dict) else None
    if not isinstance(records, list):
        raise VenueUnavailable(f"the data service answered something that holds no {what}")
    return [record for record in records if isinstance(record, dict)]


def _bar(record: Mapping[str, object]) -> Bar | None:
    opened, high, low, close = (_number(record.get(f"oracle{side}")) for side in ("Open", "High", "Low", "Close"))
    volume = _number(record.get("baseVolume"))
    if not all(0 < price < math.inf for price in (opened, high, low, close)):
        return None
    if low > min(opened, close) or high < max(opened, close):
        return None
    return Bar(opened, high, low, close, volume if 0 <= volume < math.inf else math.nan)


def _fill(record: Mapping[str, object], at: int, account_id: str) -> Fill | None:
    """A trade as the account sees it; None for another market, another's trade, and one that makes no sense."""
    role = next((role for role in ("taker", "maker") if record.get(role) == account_id), "")
    market, side = record.get("symbol"), _SIDES.get(str(record.get(f"{role}OrderDirection")).lower())
    size, quote = _number(record.get("baseAssetAmountFilled")), _number(record.get("quoteAssetAmountFilled"))
    fee = _number(record.get(f"{role}Fee"))
    if not role or side is None or not isinstance(market, str) or record.get("marketType") != "perp":
        return None
    if not (0 < size < math.inf and 0 < quote < math.inf and math.isfinite(fee)):
        return None
    order_id = record.get(f"{role}OrderId")
    return Fill(
        at=_moment(at), market=market, side=side, size_base=size, price_usd=quote / size, fee_usd=fee,
        order_id="" if order_id is None else str(order_id),
        reference=f"{market}/{record.get('fillRecordId')}/{role}",
    )  # fmt: skip


_SIDES = {"long": Side.BUY, "short": Side.SELL}


def _second(value: object) -> int | None:
    number = _number(value)
    return int(number) if 0 < number <= _LAST_S else None


def _number(value: object) -> float:
    """A number or a text of one; NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
