"""Fills to closed round trips, by average cost: a trade through flat closes one trip and opens the next."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from risk.errors import BadSeries
from risk.model.account import Side
from risk.model.performance import Fill, RoundTrip

_FLAT_FRAC = 1e-9  # of the largest size: what is left by adding floats is no position


@dataclass(slots=True)
class _Open:
    opened_at: datetime
    size_base: float = 0.0
    largest: float = 0.0
    cash_usd: float = 0.0
    fees_usd: float = 0.0
    funding_usd: float = 0.0


def round_trips(fills: Iterable[Fill]) -> tuple[RoundTrip, ...]:
    """Closed trips in the order in which they closed. What is still open is none.

    Raises: BadSeries for fills out of order, or a size or price that is not positive.
    """
    standing: dict[str, _Open] = {}
    closed: list[RoundTrip] = []
    last: datetime | None = None
    for fill in fills:
        _check(fill, last)
        last = fill.at
        trip = standing.setdefault(fill.market, _Open(opened_at=fill.at))
        signed = fill.size_base if fill.side is Side.BUY else -fill.size_base
        trip.funding_usd += fill.funding_usd
        if trip.size_base * signed < 0 and abs(signed) > abs(trip.size_base) * (1 + _FLAT_FRAC):
            # Through flat: the fee belongs to both sides by size.
            share = abs(trip.size_base) / abs(signed)
            rest = signed + trip.size_base
            _add(trip, -trip.size_base, fill.price_usd, fill.fee_usd * share)
            closed.append(_closed(fill.market, trip, fill.at))
            trip = standing[fill.market] = _Open(opened_at=fill.at)
            _add(trip, rest, fill.price_usd, fill.fee_usd * (1 - share))
            continue
        _add(trip, signed, fill.price_usd, fill.fee_usd)
        if abs(trip.size_base) <= _FLAT_FRAC * abs(trip.largest):
            closed.append(_closed(fill.market, trip, fill.at))
            del standing[fill.market]
    return tuple(closed)


def _check(fill: Fill, last: datetime | None) -> None:
    if last is not None and fill.at < last:
        raise BadSeries(f"fills must be in order of time; {fill.at:%Y-%m-%d %H:%M:%S} comes after {last:%H:%M:%S}")
    figures = (fill.size_base, fill.price_usd, fill.fee_usd)
    if not all(math.isfinite(figure) for figure in figures) or fill.size_base <= 0 or fill.price_usd <= 0:
        raise BadSeries(f"the fill of {fill.market} at {fill.at:%Y-%m-%d %H:%M:%S} has no positive size and price")


def _add(trip: _Open, signed: float, price_usd: float, fee_usd: float) -> None:
    trip.size_base += signed
    trip.cash_usd -= signed * price_usd
    trip.fees_usd += fee_usd
    if abs(trip.size_base) > abs(trip.largest):
        trip.largest = trip.size_base


def _closed(market: str, trip: _Open, at: datetime) -> RoundTrip:
    return RoundTrip(
        market=market, opened_at=trip.opened_at, closed_at=at, size_base=trip.largest,
        pnl_usd=trip.cash_usd - trip.fees_usd + trip.funding_usd, fees_usd=trip.fees_usd, funding_usd=trip.funding_usd,
    )  # fmt: skip
