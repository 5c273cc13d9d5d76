"""The fastest way out of danger: whole positions closed, those first that bring the most margin for what they cost."""

from collections.abc import Mapping

import numpy as np

from risk.hedging.assemble import Assembled, assemble
from risk.hedging.exposures import usd_per_base
from risk.hedging.markets import Wanted, position_base
from risk.margin.assets import asset_of
from risk.margin.book import FleetBook
from risk.margin.evaluate import evaluate
from risk.margin.health import ratio_percent
from risk.margin.plan import MarginPlan
from risk.model.limits import RiskLimits
from risk.model.trading import MarketDepth

_OTHER_SCOPE = 1e-6  # margin of a scope that is not in danger counts, but only after all that is


def held_perps(book: FleetBook) -> tuple[str, ...]:
    """Perps the one account of a book has a position in."""
    return tuple(name for name in book.perp_markets.names if position_base(book, name))


def emergency(
    book: FleetBook, depths: Mapping[str, MarketDepth], *, limits: RiskLimits, most: int, hours: float
) -> Assembled:
    """At most so many trades, every one of them reducing.

    What counts as help is the maintenance margin that closing sets free in the scope whose health is worst.
    """
    found = evaluate(MarginPlan.of(book), maintenance_only=True)
    totals = found.maintenance
    cross = float(ratio_percent(totals.collateral_usd, totals.requirement_usd)[0])
    isolated = ratio_percent(totals.isolated_collateral_usd, totals.isolated_requirement_usd)
    ratios = {-1: cross, **{int(row): float(ratio) for row, ratio in zip(found.isolated_rows, isolated, strict=True)}}
    worst = min(ratios.values())
    requirement = evaluate(MarginPlan.of(book)).full.perp_requirement_usd
    wanted = []
    for market in held_perps(book):
        row = int(np.flatnonzero(book.perps.market == book.perp_markets.names.index(market))[0])
        own = ratios.get(row, cross)
        freed = float(requirement[row])
        change = -position_base(book, market) * usd_per_base(book, market)
        wanted.append(
            Wanted(
                market=market, asset=asset_of(market), change_usd=change, ratio=1.0,
                help=freed if own <= worst else freed * _OTHER_SCOPE,
                why=f"closing it sets {freed:,.2f} USD of maintenance margin free",
            )
        )  # fmt: skip
    return assemble(book, wanted, depths, limits=limits, hours=hours, most=most, reducing_only=True)
