"""Hourly bars as days of 24 hours, and what funding was in the year it is known of."""

import csv
import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from risk.margin.book import FloatArray
from risk.stats.series import Aligned, TimeArray
from venues.replay.bars import read_bars

ASSETS = ("SOL", "BTC", "ETH", "DOGE", "LINK")
_HOUR_S, _DAY_S, _HOURS = 3_600, 86_400, 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """Days on which every asset has all 24 bars.

    Attributes:
        days: Their openings.
        relative: Prices over that of the day's opening at each hour's end, shape (n_days, 24, n_assets).
        daily: Log returns from close to close.
        dropped: Days left out for a missing bar.
        funding_daily_frac: Paid by longs, the mean of the year it is recorded for, by asset.
    """

    days: TimeArray
    relative: FloatArray
    daily: Aligned
    dropped: int
    funding_daily_frac: Mapping[str, float]


def read_history(prices: Path) -> History:
    """Of the folder that holds hourly_binance_perp/ and funding_binance/."""
    closes = {asset: _hours(prices / "hourly_binance_perp", asset) for asset in ASSETS}
    common = sorted(set.intersection(*(set(found) for found in closes.values())))
    have = set(common)
    firsts = range((common[0] // _DAY_S + 1) * _DAY_S, common[-1] // _DAY_S * _DAY_S, _DAY_S)
    # A close stands at the end of its hour, so the price a day opens at is the one the day before closed at.
    whole = [day for day in firsts if all(day + hour * _HOUR_S in have for hour in range(_HOURS + 1))]
    relative = np.array([
        [[closes[asset][day + hour * _HOUR_S] / closes[asset][day] for asset in ASSETS] for hour in range(1, 25)]
        for day in whole
    ])  # fmt: skip
    days = np.array(whole, np.int64).view("datetime64[s]")
    daily = Aligned(assets=ASSETS, at=days, log_returns=np.log(relative[:, -1, :]))
    known = {asset: _funding(prices / "funding_binance" / f"{asset}.csv.gz") for asset in ("SOL", "BTC", "ETH")}
    usual = fmean(known.values())
    return History(
        days=days, relative=relative, daily=daily, dropped=len(firsts) - len(whole),
        funding_daily_frac={asset: known.get(asset, usual) for asset in ASSETS},
    )  # fmt: skip


def _hours(folder: Path, asset: str) -> dict[int, float]:
    """Closing price by the end of its hour, in Unix seconds."""
    bars = read_bars(folder, asset)
    ends = (bars.opened_s + bars.length_s).tolist()
    return dict(zip(ends, bars.prices_usd[:, 3].tolist(), strict=True))


def _funding(path: Path) -> float:
    """Mean a day, of rates of eight hours."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rates = [float(row["funding_rate_8h"]) for row in csv.DictReader(io.StringIO(file.read()))]
    return 3.0 * fmean(rates)
