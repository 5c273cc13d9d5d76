"""Risk figures of each account once a day. Implements risk.ports.RiskSnapshots."""

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from risk.model.changes import RiskSnapshot
from storage.columns import ReadRow, moment, real, to_us
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

_A_DAY_BEFORE = timedelta(hours=20)
_KEPT_FOR = timedelta(days=400)
_FOR_EVER_US = 2**62
_FIGURES = ("var_1d_frac", "volatility", "correlation", "beta_sol", "leverage", "funding_daily_frac")


class RiskSnapshotLog:
    """Figures by account and moment; a figure that is not known is stored as unknown."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def before(self, account_id: str, at: datetime) -> RiskSnapshot | None:
        """The newest that is at least 20 hours older than a moment; None without one."""
        return await self._newest(account_id, to_us(at - _A_DAY_BEFORE))

    async def latest(self, account_id: str) -> RiskSnapshot | None:
        """The newest; None without one."""
        return await self._newest(account_id, _FOR_EVER_US)

    async def _newest(self, account_id: str, until_us: int) -> RiskSnapshot | None:
        return await self._store.run(
            lambda db: next(
                (
                    _snapshot_of(row)
                    for row in db.query(
                        "SELECT * FROM risk_snapshots WHERE account_id = ? AND made_at <= ?"
                        " ORDER BY made_at DESC LIMIT 1",
                        [account_id, until_us],
                    )
                ),
                None,
            )
        )

    async def save(self, account_id: str, snapshot: RiskSnapshot) -> None:
        """Store one, and forget those older than 400 days."""
        row = {"account_id": account_id, "made_at": to_us(snapshot.at)} | {
            name: None if not math.isfinite(value := float(getattr(snapshot, name))) else value for name in _FIGURES
        }
        oldest = to_us(snapshot.at - _KEPT_FOR)

        def store(db: "Database") -> None:
            db.table("risk_snapshots").upsert(row, pk=("account_id", "made_at"))
            db.execute("DELETE FROM risk_snapshots WHERE account_id = ? AND made_at < ?", [account_id, oldest])

        await self._store.atomic(store)


def _snapshot_of(row: ReadRow) -> RiskSnapshot:
    def known(name: str) -> float:
        return math.nan if row[name] is None else real(row, name)

    return RiskSnapshot(
        at=moment(row, "made_at"), var_1d_frac=known("var_1d_frac"), volatility=known("volatility"),
        correlation=known("correlation"), beta_sol=known("beta_sol"), leverage=known("leverage"),
        funding_daily_frac=known("funding_daily_frac"),
    )  # fmt: skip
