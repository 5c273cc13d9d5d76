"""What a question of a hedge means: strategy, reference, horizon, target, and the perps to hedge with. Pure."""

import math
from collections.abc import Sequence

from risk.errors import BadParameter, CannotAssess
from risk.hedging.band import HORIZON_HOURS
from risk.hedging.beta import REFERENCES
from risk.hedging.exposures import Exposures
from risk.hedging.markets import perps_of
from risk.hedging.volatility import MOST_VOLATILITY
from risk.margin.assets import asset_of
from risk.margin.book import FleetBook
from risk.model.hedge import HedgeStrategy
from risk.model.limits import RiskLimits
from risk.stats.series import DAYS_PER_YEAR

MAJORS = ("SOL", "BTC", "ETH")
DEFAULT_HOURS = 24.0
OWN_PERPS = frozenset({HedgeStrategy.DELTA, HedgeStrategy.VOLATILITY})
_MOST_HOURS = 24.0 * 365.0
_Z_95 = 1.6449


def strategy_of(strategy: HedgeStrategy | str) -> HedgeStrategy:
    """Raises: BadParameter for one there is none of, naming those there are."""
    try:
        return HedgeStrategy(strategy)
    except ValueError:
        known = ", ".join(one.value for one in HedgeStrategy)
        raise BadParameter(f"there is no strategy {strategy}; strategies are {known}") from None


def reference_of(reference: str, strategy: HedgeStrategy) -> str:
    """The asset a delta is stated in; empty for none. Raises: BadParameter."""
    name = reference.strip().upper().removesuffix("-PERP")
    if not name:
        return REFERENCES[0] if strategy is HedgeStrategy.BETA else ""
    if name not in REFERENCES:
        raise BadParameter(f"a delta is stated in {' or '.join(REFERENCES)}, not in {reference}")
    if strategy is HedgeStrategy.VOLATILITY:
        raise BadParameter("a volatility target has no reference; leave it out")
    return name


def hours_of(wanted: float | None, strategy: HedgeStrategy) -> float:
    """The horizon. Raises: BadParameter."""
    if wanted is None:
        return HORIZON_HOURS if strategy is HedgeStrategy.DYNAMIC else DEFAULT_HOURS
    if not 0 < wanted <= _MOST_HOURS:
        raise BadParameter("a horizon is a number of hours above 0 and at most a year's, such as 24")
    return float(wanted)


def target_of(target: float | None, strategy: HedgeStrategy, limits: RiskLimits) -> float:
    """The target as a number. Raises: BadParameter for one that is none."""
    if target is None:
        if strategy is not HedgeStrategy.VOLATILITY:
            return 0.0
        return min(MOST_VOLATILITY, limits.max_var_1d_percent / _Z_95 * math.sqrt(DAYS_PER_YEAR))
    if not math.isfinite(target):
        raise BadParameter("a target is a finite number, such as 0 or 2500 USD of delta, or 50% of volatility")
    return float(target)


def instruments_of(
    book: FleetBook, found: Exposures, strategy: HedgeStrategy, reference: str, wanted: Sequence[str]
) -> tuple[str, ...]:
    """Perps that may be hedged with, one for each asset: those asked for, or the majors, of which the strategy takes
    those that are not what is hedged. Empty where every asset is hedged in its own.

    Raises: BadParameter for one that was not read; CannotAssess where none about the reference was.
    """
    names = book.perp_markets.names
    if unknown := [market for market in wanted if market not in names]:
        raise BadParameter(
            f"{unknown[0]} is not among the markets that were read: {', '.join(names) or 'none'}; name one of those"
        )
    if strategy in OWN_PERPS:
        return ()
    if strategy is HedgeStrategy.BETA:
        if not (perps := perps_of(book, reference)):
            raise CannotAssess([f"no perp on {reference} was read, so nothing can be hedged with it"])
        return perps[:1]
    if wanted:
        return tuple({asset_of(market): market for market in wanted}.values())
    return tuple(perps_of(book, asset)[0] for asset in MAJORS if perps_of(book, asset))


def own_perps(book: FleetBook, found: Exposures) -> tuple[str, ...]:
    """Every perp about an asset there is exposure to."""
    return tuple(market for asset in found.assets for market in perps_of(book, asset))
