"""Executions, each once, from wherever they were learnt. Implements risk.ports.FillHistory."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from risk.model.account import Side
from risk.model.performance import Fill
from storage.columns import ReadRow, Row, encodable, finite, maybe_moment, member, moment, real, text, to_us
from storage.store import Store

if TYPE_CHECKING:
    from sqlite_utils import Database

# Venues count in whole seconds, files may say more, and one source rounds what another does not.
_SAME_MOMENT_US = 1_500_000
_SAME_SIZE_FRAC = 1e-6


class FillLog:
    """Fills by account. The same one learnt twice is stored once: of one source, two are the same if they have one
    reference, or all that is told of them is the same; of two sources, if order, side, size and second are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def fills(self, account_id: str, since: datetime | None = None) -> tuple[Fill, ...]:
        """In order of time; those of one moment in the order in which they were told."""
        begin = 0 if since is None else to_us(since)
        return await self._store.run(
            lambda db: tuple(
                _fill_of(row)
                for row in db.query(
                    "SELECT * FROM fills WHERE account_id = ? AND filled_at >= ? ORDER BY filled_at, rowid",
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
        rows = fill_rows(account_id, fills, source)
        return await self._store.atomic(lambda db: save_fills(db, rows))

    async def newest(self, account_id: str, source: str) -> datetime | None:
        """When the last fill happened that a source told of; None without one."""
        return await self._store.run(
            lambda db: next(
                maybe_moment(row, "newest")
                for row in db.query(
                    "SELECT max(filled_at) AS newest FROM fills WHERE account_id = ? AND source = ?",
                    [account_id, source],
                )
            )
        )

    async def counts(self) -> Mapping[str, int]:
        """How many are known of each account."""
        return await self._store.run(
            lambda db: {
                str(row["account_id"]): int(row["n"])
                for row in db.query("SELECT account_id, count(*) AS n FROM fills GROUP BY account_id ORDER BY 1")
            }
        )


_SAVE = """
    INSERT INTO fills (
        fill_id, account_id, filled_at, market, side, size_base, price_usd, fee_usd, funding_usd, order_id, source
    ) VALUES (
        :fill_id, :account_id, :filled_at, :market, :side, :size_base, :price_usd, :fee_usd, :funding_usd, :order_id,
        :source
    ) ON CONFLICT (fill_id) DO NOTHING
"""

_TOLD_BY_ANOTHER = """
    SELECT fill_id FROM fills
    WHERE account_id = :account_id AND filled_at BETWEEN :filled_at - :moment_us AND :filled_at + :moment_us
        AND market = :market AND side = :side AND order_id = :order_id AND source <> :source
        AND abs(size_base - :size_base) <= :size_base * :size_frac
    ORDER BY rowid
"""


def save_fills(db: "Database", rows: Sequence[Row]) -> int:
    """In the caller's transaction: store those that are not there yet; how many were new."""
    new, taken = 0, set[str]()
    for row in rows:
        there = db.execute("SELECT 1 FROM fills WHERE fill_id = ?", [row["fill_id"]]).fetchone()
        if there is not None or _told_by_another(db, row, taken):
            continue
        db.execute(_SAVE, row)
        new += 1
    return new


def _told_by_another(db: "Database", row: Row, taken: set[str]) -> bool:
    """Whether another source told of it. Each of its fills stands for one of ours, which ``taken`` remembers."""
    if not row["order_id"]:
        return False
    bounds: Row = {"moment_us": _SAME_MOMENT_US, "size_frac": _SAME_SIZE_FRAC}
    for found in db.query(_TOLD_BY_ANOTHER, row | bounds):
        if found["fill_id"] not in taken:
            taken.add(found["fill_id"])
            return True
    return False


def fill_rows(account_id: str, fills: Collection[Fill], source: str) -> list[Row]:
    """Fills of one account as save_fills() takes them. Raises: ValueError for a figure that is not finite."""
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
        if fill.reference:
            name = repr((account_id, source, fill.reference))
        fill_id = hashlib.sha256(encodable(name).encode()).hexdigest()
        rows.append(row | {"fill_id": fill_id, "source": encodable(source)})
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
