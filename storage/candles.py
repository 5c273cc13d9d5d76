"""Price history: complete bars with where they came from. Implements risk.ports.CandleStore."""

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from risk.model.candles import Candles, Interval, no_candles
from storage.columns import finite, to_us
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


class CandleLog:
    """Bars by asset and interval. A bar of a later import or fetch replaces the one that is there."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def candles(self, asset: str, interval: Interval) -> Candles:
        """Everything stored of an asset; empty for one without history."""
        return await self._store.run(lambda db: _candles(db, asset, interval))

    async def save(self, candles: Candles, source: str, now: datetime) -> int:
        """Store bars in one transaction; returns how many. Raises: ValueError for a price that is not finite."""
        rows = _rows(candles, source, now)
        if rows:
            await self._store.atomic(lambda db: db.conn.executemany(_SAVE, rows))
        return len(rows)

    async def forget(self, source: str) -> int:
        """Drop every bar of a source; returns how many."""
        return await self._store.atomic(
            lambda db: db.execute("DELETE FROM candles WHERE source = ?", [source]).rowcount
        )

    async def last_open(self, asset: str, interval: Interval) -> datetime | None:
        """When the newest stored bar opened; None without one."""
        found = await self._store.run(
            lambda db: db.execute(
                "SELECT max(opened_at) FROM candles WHERE asset = ? AND interval = ?", [asset, interval.value]
            ).fetchone()
        )
        return None if found[0] is None else _moment(found[0])

    async def assets(self, interval: Interval) -> tuple[str, ...]:
        """Assets that have any bar."""
        return await self._store.run(
            lambda db: tuple(
                str(row[0])
                for row in db.execute(
                    "SELECT DISTINCT asset FROM candles WHERE interval = ? ORDER BY asset", [interval.value]
                ).fetchall()
            )
        )


_SAVE = """
    INSERT INTO candles (asset, interval, opened_at, open_usd, high_usd, low_usd, close_usd, volume, source, stored_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (asset, interval, opened_at) DO UPDATE SET
        open_usd = excluded.open_usd, high_usd = excluded.high_usd, low_usd = excluded.low_usd,
        close_usd = excluded.close_usd, volume = excluded.volume, source = excluded.source,
        stored_at = excluded.stored_at
"""


def _rows(candles: Candles, source: str, now: datetime) -> list[tuple[object, ...]]:
    stored_us, seconds = to_us(now), candles.at.astype("datetime64[s]").astype(np.int64).tolist()
    columns = (candles.open_usd, candles.high_usd, candles.low_usd, candles.close_usd)
    prices = list(zip(*(column.tolist() for column in columns), strict=True))
    return [
        (
            candles.asset, candles.interval.value, at, *(finite(price) for price in row),
            None if math.isnan(volume) else volume, source, stored_us,
        )
        for at, row, volume in zip(seconds, prices, candles.volume.tolist(), strict=True)
    ]  # fmt: skip


def _candles(db: "Database", asset: str, interval: Interval) -> Candles:
    key = [asset, interval.value]
    rows = db.execute(
        "SELECT opened_at, open_usd, high_usd, low_usd, close_usd, volume FROM candles"
        " WHERE asset = ? AND interval = ? ORDER BY opened_at",
        key,
    ).fetchall()
    if not rows:
        return no_candles(asset, interval)
    sources = db.execute(
        "SELECT source FROM candles WHERE asset = ? AND interval = ? GROUP BY source ORDER BY max(opened_at) DESC", key
    ).fetchall()
    at, opened, high, low, close, volume = zip(*rows, strict=True)
    return Candles(
        asset=asset,
        interval=interval,
        at=np.array(at, np.int64).view("datetime64[s]"),
        open_usd=np.array(opened, np.float64),
        high_usd=np.array(high, np.float64),
        low_usd=np.array(low, np.float64),
        close_usd=np.array(close, np.float64),
        volume=np.array([math.nan if one is None else one for one in volume], np.float64),
        sources=tuple(str(row[0]) for row in sources),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
