"""The job that keeps history up to date: prices, funding and fills of whatever the watched accounts touch."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from bot.history.gaps import Backoff
from bot.market_data import MarketDataManager
from risk.errors import ReadFailed
from risk.fleet import Fleet
from risk.margin.linear import held_assets
from risk.ports import Clock, FillRecords
from risk.risk_engine import REFERENCES
from storage import FillLog, StorageError

log = structlog.get_logger()

LOOK_EVERY_S = 10.0
_FILLS_EVERY = timedelta(minutes=5)
_RECORDS_A_LOOK = 8
_FILLS_FROM = timedelta(days=31)
_READ_AGAIN = timedelta(hours=1)  # what a record lists late
_LONGEST_WAIT = timedelta(hours=6)


class HistoryWatch:
    """Looks every few seconds; nothing is asked for that is there.

    Args:
        records: Who keeps records of fills.
    """

    def __init__(
        self, *, fleet: Fleet, history: MarketDataManager, fills: FillLog, records: Sequence[FillRecords], clock: Clock
    ) -> None:
        self._fleet, self._history, self._fills = fleet, history, fills
        self._records, self._clock = tuple(records), clock
        self._read_at: dict[tuple[str, str], datetime] = {}
        self._failures = Backoff(_LONGEST_WAIT)

    async def look(self) -> None:
        """One look at what the accounts hold now, and what is missing of its past."""
        view = self._fleet.latest
        if view is None:
            return
        book = view.book
        due = [
            (record, account_id)
            for account_id in book.accounts.ids
            for record in self._records
            if self._due(record, account_id)
        ]
        for record, account_id in due[:_RECORDS_A_LOOK]:
            await self._read_fills(record, account_id)
        markets = sorted({book.perp_markets.names[row] for row in book.perps.market.tolist()})
        await self._history.refresh(tuple(dict.fromkeys((*held_assets(book), *REFERENCES))))
        await self._history.refresh_funding(markets)

    def _due(self, record: FillRecords, account_id: str) -> bool:
        key, now = (record.name, account_id), self._clock.now()
        read_at = self._read_at.get(key)
        return not self._failures.early(key, now) and (read_at is None or now - read_at >= _FILLS_EVERY)

    async def _read_fills(self, record: FillRecords, account_id: str) -> None:
        """Failures are logged, never raised: a later look tries again, later and later."""
        key, now = (record.name, account_id), self._clock.now()
        try:
            newest = await self._fills.newest(account_id, record.name)
            since = now - _FILLS_FROM if newest is None else newest - _READ_AGAIN
            new = await self._fills.save(account_id, await record.fills_since(account_id, since), record.name)
        except (ReadFailed, StorageError, ValueError) as exc:
            self._failures.in_vain(key, now)
            log.warning("history.fills_failed", account_id=account_id, source=record.name, error=str(exc))
            return
        self._failures.answered(key)
        self._read_at[key] = now
        if new:
            log.info("history.fills", account_id=account_id, source=record.name, new=new)
