"""Executions, each once, from wherever they were learnt. Implements risk.ports.FillHistory."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from risk.model.account import Side
from risk.model.performance import Fill
from storage.columns import ReadRow, Row, encodable, finite, member, moment, real, text, to_us
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database


class FillLog:
    """Fills by account. The same one learnt twice is stored once: two are the same if all that is told of them is."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def fills(self, account_id: str, since: datetime | None = None) -> tuple[Fill, ...]:
        """In order of time."""
        begin = 0 if since is None else to_us(since)
        return await self._store.run(
            lambda db: tuple(
                _fill_of(row)
                for row in db.query(
                    "SELECT * FROM fills WHERE account_id = ? AND filled_at >= ? ORDER BY filled_at, fill_id",
                    [account_id, begin],
                )
            )
        )

    async def save(self, account_id: str, fills: Sequence[Fill], source: str) -> int:
        """Store those that are not there yet, in one transaction; returns how many were new.

        Two that look alike within one call are two: an order can fill twice in a moment at one price.
        """
        if not fills:
            return 0
        rows = _rows(account_id, fills, source)
        return await self._store.atomic(lambda db: _save(db, rows))


_SAVE = """
    INSERT INTO fills (
        fill_id, account_id, filled_at, market, side, size_base, price_usd, fee_usd, funding_usd, order_id, source
    ) VALUES (
        :fill_id, :account_id, :filled_at, :market, :side, :size_base, :price_usd, :fee_usd, :funding_usd, :order_id,
        :source
    ) ON CONFLICT (fill_id) DO NOTHING
"""


def _save(db: "Database", rows: Sequence[Row]) -> int:
    return sum(db.execute(_SAVE, row).rowcount for row in rows)


def _rows(account_id: str, fills: Sequence[Fill], source: str) -> list[Row]:
    seen: Counter[str] = Counter()
    rows: list[Row] = []
    for fill in fills:
        row: Row = {
            "account_id": account_id,
            "filled_at": to_us(fill.at),
            "market": encodable(fill.market),
            "side": fill.side.value,
            "size_base": finite(fill.size_base),
            "price_usd": finite(fill.price_usd),
            "fee_usd": finite(fill.fee_usd),
            "funding_usd": finite(fill.funding_usd),
            "order_id": encodable(fill.order_id),
        }
        content = repr(sorted(row.items()))
        name = f"{content}#{seen[content]}"
        seen[content] += 1
        rows.append(row | {"fill_id": hashlib.sha256(name.encode()).hexdigest(), "source": encodable(source)})
    return rows


def _fill_of(row: ReadRow) -> Fill:
    return Fill(
        at=moment(row, "filled_at"),
        market=text(row, "market"),
        side=member(Side, row, "side"),
        size_base=real(row, "size_base"),
        price_usd=real(row, "price_usd"),
        fee_usd=real(row, "fee_usd"),
        funding_usd=real(row, "funding_usd"),
        order_id=text(row, "order_id"),
    )
