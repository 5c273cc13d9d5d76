"""Funding rates by market, each hour once, with where they came from."""

from datetime import datetime
from typing import TYPE_CHECKING

from risk.model.funding import FundingHistory, FundingRate
from storage.columns import ReadRow, encodable, finite, maybe_real, moment, real, to_us
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


class FundingLog:
    """What holding each market has cost. A rate learnt later replaces the one of the same moment."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def history(self, market: str, since: datetime | None = None) -> FundingHistory:
        """Everything stored of a market; empty for one without history."""
        begin = 0 if since is None else to_us(since)
        return await self._store.run(lambda db: _history(db, market, begin))

    async def save(self, history: FundingHistory, source: str, now: datetime) -> int:
        """Store rates in one transaction; returns how many. Raises: ValueError for one that is not finite."""
        rows = [
            (
                encodable(history.market), to_us(rate.at), finite(rate.hourly_frac),
                None if rate.oracle_usd is None else finite(rate.oracle_usd), encodable(source), to_us(now),
            )
            for rate in history.rates
        ]  # fmt: skip
        if rows:
            await self._store.atomic(lambda db: db.conn.executemany(_SAVE, rows))
        return len(rows)

    async def markets(self) -> tuple[str, ...]:
        """Markets that have any rate."""
        return await self._store.run(
            lambda db: tuple(
                str(row[0])
                for row in db.execute("SELECT DISTINCT market FROM funding_rates ORDER BY market").fetchall()
            )
        )


_SAVE = """
    INSERT INTO funding_rates (market, paid_at, rate_hourly_frac, oracle_usd, source, stored_at)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (market, paid_at) DO UPDATE SET
        rate_hourly_frac = excluded.rate_hourly_frac, oracle_usd = excluded.oracle_usd, source = excluded.source,
        stored_at = excluded.stored_at
"""


def _history(db: "Database", market: str, begin: int) -> FundingHistory:
    rows = list(
        db.query("SELECT * FROM funding_rates WHERE market = ? AND paid_at >= ? ORDER BY paid_at", [market, begin])
    )
    sources = dict.fromkeys(str(row["source"]) for row in reversed(rows))
    return FundingHistory(market=market, rates=tuple(map(_rate, rows)), sources=tuple(sources))


def _rate(row: ReadRow) -> FundingRate:
    return FundingRate(
        at=moment(row, "paid_at"), hourly_frac=real(row, "rate_hourly_frac"), oracle_usd=maybe_real(row, "oracle_usd")
    )
