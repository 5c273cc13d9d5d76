"""What accounts were worth: one batch a minute, thinned with age, extremes kept.

Samples stay as recorded for 2 days. Of older ones each quarter of an hour keeps its highest and its lowest unit value,
after 30 days each hour does, and after 2 years only the high-water mark stays. So a drawdown measured on what is left
is the drawdown that was, except for falls that began and ended within one of those spans.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from risk.model.performance import EquityCurve
from storage.columns import to_us
from storage.records import EquitySample, EquitySeries
from storage.rows import equity_of, equity_row
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class _Band:
    """Samples older than ``after`` keep two in each ``span``."""

    after: timedelta
    span: timedelta


_BANDS = (
    _Band(after=timedelta(days=2), span=timedelta(minutes=15)),
    _Band(after=timedelta(days=30), span=timedelta(hours=1)),
)
_KEPT_FOR = timedelta(days=730)


class EquityLog:
    """Equity, flows, unit value and health over time. Implements risk.ports.EquityHistory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def record(self, samples: Sequence[EquitySample]) -> None:
        """Store a batch in one transaction. A second sample of an account at the same moment replaces the first.

        Raises: ValueError for an amount that is NaN or infinite; then nothing of the batch is stored.
        """
        if not samples:
            return
        rows = [equity_row(sample) for sample in samples]
        await self._store.atomic(lambda db: db.table("equity").upsert_all(rows, pk=("account_id", "sampled_at")))

    async def series(self, account_id: str, since: datetime, until: datetime) -> EquitySeries:
        """Samples with since <= sampled_at < until, oldest first; columns of length 0 where there are none."""
        return await self._store.run(lambda db: _series(db, account_id, since, until))

    async def curve(self, account_id: str) -> EquityCurve:
        """Everything that was recorded of an account; empty for one nobody watched. Implements EquityCurves."""
        return await self._store.run(lambda db: _curve(db, account_id))

    async def latest(self, account_id: str) -> EquitySample | None:
        """The newest sample: where unitising continues after a restart."""
        return await self._store.run(lambda db: _one(db, _LATEST, account_id))

    async def high_water_mark(self, account_id: str) -> EquitySample | None:
        """The sample with the highest unit value, the earliest of equals."""
        return await self._store.run(lambda db: _one(db, _HIGHEST, account_id))

    async def drawdown_frac(self, account_id: str) -> float | None:
        """Fall of the newest unit value from the high-water mark, a positive fraction; None without history."""

        def measure(db: "Database") -> float | None:
            top, last = _one(db, _HIGHEST, account_id), _one(db, _LATEST, account_id)
            if top is None or last is None or top.unit_value_usd <= 0:
                return None
            # Rounded, so that a fall to exactly a limit is that limit and no breach.
            return round(1 - last.unit_value_usd / top.unit_value_usd, 12)

        return await self._store.run(measure)

    async def thin(self, now: datetime) -> int:
        """Drop what its age no longer justifies, account by account, so that nobody waits long behind it.

        Doing it twice, or late, leaves the same samples as doing it once.

        Returns: How many samples were dropped.
        """
        accounts = await self._store.run(
            lambda db: [str(found[0]) for found in db.execute("SELECT DISTINCT account_id FROM equity").fetchall()]
        )
        dropped = 0
        for account_id in accounts:
            dropped += await self._store.atomic(partial(_thin, account_id=account_id, now=now))
        return dropped


_LATEST = "SELECT * FROM equity WHERE account_id = ? ORDER BY sampled_at DESC LIMIT 1"
_HIGHEST = "SELECT * FROM equity WHERE account_id = ? ORDER BY unit_value_usd DESC, sampled_at LIMIT 1"


def _curve(db: "Database", account_id: str) -> EquityCurve:
    found = _series(db, account_id, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    return EquityCurve(
        at=found.sampled_at, equity_usd=found.equity_usd, unit_value_usd=found.unit_value_usd,
        net_flow_usd=found.net_flow_usd, funding_usd=found.funding_usd, fees_usd=found.fees_usd,
    )  # fmt: skip


def _one(db: "Database", sql: str, account_id: str) -> EquitySample | None:
    return next((equity_of(row) for row in db.query(sql, [account_id])), None)


def _series(db: "Database", account_id: str, since: datetime, until: datetime) -> EquitySeries:
    rows = db.execute(
        "SELECT sampled_at, equity_usd, net_flow_usd, unit_value_usd, shares, health_ratio_percent, funding_usd,"
        " fees_usd FROM equity"
        " WHERE account_id = ? AND sampled_at >= ? AND sampled_at < ? ORDER BY sampled_at",
        [account_id, to_us(since), to_us(until)],
    ).fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * 8
    health, funding, fees = ([math.nan if one is None else one for one in column] for column in columns[5:])
    return EquitySeries(
        account_id=account_id,
        sampled_at=np.array(columns[0], dtype=np.int64).view("datetime64[us]"),
        equity_usd=np.array(columns[1], dtype=np.float64),
        net_flow_usd=np.array(columns[2], dtype=np.float64),
        unit_value_usd=np.array(columns[3], dtype=np.float64),
        shares=np.array(columns[4], dtype=np.float64),
        health_ratio_percent=np.array(health, dtype=np.float64),
        funding_usd=np.array(funding, dtype=np.float64),
        fees_usd=np.array(fees, dtype=np.float64),
    )


def _thin(db: "Database", account_id: str, now: datetime) -> int:
    dropped = sum(
        db.execute(
            _KEEP_EXTREMES,
            {
                "account_id": account_id,
                "before": to_us(now - band.after),
                "span": band.span // timedelta(microseconds=1),
            },
        ).rowcount
        for band in _BANDS
    )
    forgotten = db.execute(_FORGET, {"account_id": account_id, "before": to_us(now - _KEPT_FOR)}).rowcount
    return dropped + forgotten


# Extremes of extremes are the extremes of the whole, the earliest of equals each time: that makes it idempotent.
_KEEP_EXTREMES = """
    DELETE FROM equity
    WHERE account_id = :account_id AND sampled_at < :before AND sampled_at NOT IN (
        SELECT sampled_at FROM (
            SELECT
                sampled_at,
                row_number() OVER (
                    PARTITION BY sampled_at / :span ORDER BY unit_value_usd DESC, sampled_at
                ) AS from_top,
                row_number() OVER (
                    PARTITION BY sampled_at / :span ORDER BY unit_value_usd, sampled_at
                ) AS from_bottom
            FROM equity WHERE account_id = :account_id AND sampled_at < :before
        )
        WHERE from_top = 1 OR from_bottom = 1
    )
"""

_FORGET = """
    DELETE FROM equity
    WHERE account_id = :account_id AND sampled_at < :before AND sampled_at <> (
        SELECT sampled_at FROM equity
        WHERE account_id = :account_id ORDER BY unit_value_usd DESC, sampled_at LIMIT 1
    )
"""
