"""Recorded accounts with the real bars of their assets, from the material beside the project."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from risk.margin.book import FleetBook
from risk.margin.linear import held_assets
from risk.margin.plan import MarginPlan
from risk.model.candles import Candles, Interval
from risk.stats.history import BookHistory, book_history
from tests.support.reading import book_of
from tests.support.recorded import recorded_world
from venues.replay.bars import read_file

LAST_DAY = np.datetime64("2025-11-11")


def daily_bars(material: Path, asset: str) -> Candles:
    """Real daily bars; the last one of the files is incomplete and left out."""
    bars = read_file(material / "data" / "prices" / "daily_bybit_perp" / f"{asset}.csv.gz", asset)
    at, prices = bars.opened_s.view("datetime64[s]")[:-1], bars.prices_usd[:-1]
    return Candles(
        asset=asset, interval=Interval.DAY, at=at, open_usd=prices[:, 0], high_usd=prices[:, 1],
        low_usd=prices[:, 2], close_usd=prices[:, 3], volume=np.full(len(at), np.nan), sources=(f"{asset}.csv.gz",),
    )  # fmt: skip


def recorded_book(material: Path, name: str = "hlm_btc_jup") -> FleetBook:
    """The first user of a recorded world."""
    recorded = recorded_world(material, name)
    return book_of(recorded.world, [next(iter(recorded.expected))])


def history_of(material: Path, book: FleetBook, also: Sequence[str] = ()) -> BookHistory:
    """As the risk desk puts it together, just after the last bar."""
    plan = MarginPlan.of(book)
    assets = tuple(sorted({*held_assets(book), *also}))
    candles = {asset: daily_bars(material, asset) for asset in assets}
    last = max(series.at[-1] for series in candles.values()).astype("datetime64[s]").astype(np.int64)
    now = datetime.fromtimestamp(int(last) + 86_400, UTC)
    return book_history(plan, candles, now=now, days=1_000, assets=assets)
