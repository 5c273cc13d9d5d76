"""Delta hedging: every asset in its own perp. The same share of each delta goes, so that nothing changes sides."""

import math
from collections.abc import Mapping

from risk.errors import BadParameter
from risk.hedging.exposures import Exposures
from risk.hedging.markets import Wanted, spread_over_perps
from risk.margin.book import FleetBook

_LEAST_USD = 1e-9


def kept_share(current_usd: float, target_usd: float) -> float:
    """The share of a delta that is to stay: 1 where the target lies beyond it, for a hedge never enlarges.

    Raises: BadParameter for a target that is no number.

    >>> kept_share(1_000.0, 250.0), kept_share(1_000.0, 2_000.0), kept_share(1_000.0, -500.0), kept_share(0.0, 0.0)
    (0.25, 1.0, -0.5, 0.0)
    """
    if not math.isfinite(target_usd):
        raise BadParameter("a target delta is an amount in USD, such as 0 or 2500")
    if target_usd == 0.0:
        return 0.0
    return target_usd / current_usd if abs(target_usd) < abs(current_usd) else 1.0


def beyond(current_usd: float, target_usd: float) -> str:
    """One sentence where the target lies beyond what there is; empty where it can be hedged to."""
    if target_usd and abs(target_usd) >= abs(current_usd):
        return (
            f"a delta of {target_usd:,.0f} USD is no less than the {current_usd:,.0f} there are: a hedge only takes"
            " exposure away; open a position instead"
        )
    return ""


def delta_hedge(book: FleetBook, found: Exposures, keep: float) -> tuple[tuple[Wanted, ...], tuple[str, ...]]:
    """(trades wanted, sentences for assets that have no perp).

    Args:
        keep: Share of every asset's delta that stays.
    """
    wanted: list[Wanted] = []
    left: list[str] = []
    for asset, delta in zip(found.assets, found.delta_usd, strict=True):
        change = -float(delta) * (1.0 - keep)
        if abs(change) <= _LEAST_USD:
            continue
        markets = spread_over_perps(book, asset, change)
        if not markets:
            left.append(f"{abs(float(delta)):,.2f} USD of {asset} stays open: no perp on it was read")
        wanted += [
            Wanted(
                market=market, asset=asset, change_usd=part, ratio=abs(part / float(delta)), help=abs(part),
                why=f"takes {abs(part):,.0f} of {abs(float(delta)):,.0f} USD of {asset} away",
            )
            for market, part in markets
        ]  # fmt: skip
    return tuple(wanted), tuple(left)


def gross_after(found: Exposures, changes: Mapping[str, float]) -> float:
    """Sum of the sizes of all deltas after trades: what delta hedging must not enlarge."""
    return sum(abs(found.of(asset) + changes.get(asset, 0.0)) for asset in {*found.assets, *changes})
