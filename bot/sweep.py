"""keel sweep: every account of the venue, the least healthy first."""

import json
import math
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bot.text import numbers
from risk.fleet import FleetView, data_problems, doubtful_accounts
from risk.margin.health import health_percent, ratio_percent
from risk.margin.select import row_of
from risk.ports import AccountReader

Json = dict[str, object]


def number(value: float | None) -> float | None:
    """JSON has neither NaN nor infinity: both are null."""
    return None if value is None or not math.isfinite(value) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One account of a sweep. ``worst_ratio_percent`` is NaN where it could not be assessed."""

    worst_ratio_percent: float
    fields: Json


async def sweep(reader: AccountReader, progress: Callable[[int], object] | None = None) -> list[Swept]:
    """Every account, least healthy first; those that cannot be assessed come before all others.

    Raises: VenueUnavailable, VenueRejected.
    """
    found: list[Swept] = []
    async for view in _views(reader):
        found += rows_of(view)
        if progress is not None:
            progress(view.book.n_accounts)
    found.sort(key=lambda row: -math.inf if math.isnan(row.worst_ratio_percent) else row.worst_ratio_percent)
    return found


async def _views(reader: AccountReader) -> AsyncIterator[FleetView]:
    async for book in reader.sweep():
        yield FleetView.of(book)


def rows_of(view: FleetView) -> Iterator[Swept]:
    """The accounts of one book."""
    book, totals, initial = view.book, view.evaluation.maintenance, view.evaluation.full.initial
    health = health_percent(totals.collateral_usd, totals.requirement_usd, book.accounts.being_liquidated)
    ratio = ratio_percent(totals.collateral_usd, totals.requirement_usd)
    isolated, doubtful = _isolated(view), doubtful_accounts(book)
    for at, account_id in enumerate(book.accounts.ids):
        fields: Json = {
            "account": account_id,
            "authority": book.accounts.authorities[at],
            "sub_account": int(book.accounts.sub_account[at]),
            "total_collateral_usd": number(float(totals.collateral_usd[at])),
            "maintenance_requirement_usd": number(float(totals.requirement_usd[at])),
            "initial_collateral_usd": number(float(initial.collateral_usd[at])),
            "initial_requirement_usd": number(float(initial.requirement_usd[at])),
            "health_percent": number(float(health[at])),
            "health_ratio_percent": number(float(ratio[at])) if totals.requirement_usd[at] > 0 else None,
            "isolated": isolated.get(at, []),
            "problems": list(data_problems(row_of(book, at))) if at in doubtful else [],
        }
        yield Swept(worst_ratio_percent=float(view.worst_ratio_percent[at]), fields=fields)


def _isolated(view: FleetView) -> dict[int, list[Json]]:
    book, totals, initial = view.book, view.evaluation.maintenance, view.evaluation.full.initial
    rows = view.evaluation.isolated_rows
    health = health_percent(
        totals.isolated_collateral_usd, totals.isolated_requirement_usd, book.perps.being_liquidated[rows]
    )
    found: dict[int, list[Json]] = {}
    for place, row in enumerate(rows):
        found.setdefault(int(book.perps.account[row]), []).append(
            {
                "market": book.perp_markets.names[int(book.perps.market[row])],
                "total_collateral_usd": number(float(totals.isolated_collateral_usd[place])),
                "maintenance_requirement_usd": number(float(totals.isolated_requirement_usd[place])),
                "initial_collateral_usd": number(float(initial.isolated_collateral_usd[place])),
                "initial_requirement_usd": number(float(initial.isolated_requirement_usd[place])),
                "health_percent": number(float(health[place])),
            }
        )
    return found


def as_json(row: Swept) -> str:
    """One line of JSON Lines."""
    return json.dumps(row.fields)


def as_text(rows: list[Swept]) -> Iterator[str]:
    """A table for a terminal."""
    yield f"{'account':44}  {'ratio':>10}  {'health':>7}  {'collateral':>16}  {'maintenance':>16}"
    for row in rows:
        fields = row.fields
        isolated = "  isolated" if fields["isolated"] else ""
        yield (
            f"{fields['account']:44}  {numbers.health_ratio(row.worst_ratio_percent):>10}"
            f"  {numbers.health_percent(_float(fields['health_percent'])):>7}"
            f"  {numbers.usd(_float(fields['total_collateral_usd'])):>16}"
            f"  {numbers.usd(_float(fields['maintenance_requirement_usd'])):>16}{isolated}"
        )
    unknown = int(np.sum([math.isnan(row.worst_ratio_percent) for row in rows]))
    yield f"{len(rows):,} accounts, {unknown:,} could not be assessed"


def _float(value: object) -> float | None:
    return value if isinstance(value, float) else None
