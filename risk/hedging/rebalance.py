"""Target shares of equity, reached by the fewest trades: only what is outside its tolerance moves, reducing first."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from risk.errors import BadParameter, CannotAssess
from risk.hedging.assemble import assemble
from risk.hedging.exposures import Exposures, exposures
from risk.hedging.markets import Wanted, perps_of, spread_over_perps
from risk.hedging.planning import planned
from risk.margin.assets import asset_of, is_dollar
from risk.margin.book import FleetBook
from risk.margin.plan import MarginPlan
from risk.model.hedge import HedgeTrade
from risk.model.limits import RiskLimits
from risk.model.proposal import PlannedTrade
from risk.model.trading import MarketDepth

QUOTE = "USDC"
TOLERANCE_FRAC = 0.02
_MOST_SHARE = 100.0
_SUMS_TO_ONE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebalancing:
    """Trades, and the shares of equity around them; QUOTE is what is left. See RebalanceResult."""

    trades: tuple[HedgeTrade, ...]
    before: Mapping[str, float]
    target: Mapping[str, float]
    after: Mapping[str, float]
    within_tolerance: bool
    tolerance_frac: float
    estimated_cost: float
    unhedged: tuple[str, ...]

    @property
    def planned(self) -> tuple[PlannedTrade, ...]:
        """As the trade desk takes them."""
        return planned(self.trades)


def target_shares(allocations: Mapping[str, float]) -> dict[str, float]:
    """Shares by asset, QUOTE as what is left of 1. Markets are read as their assets.

    Raises: BadParameter for shares that make no sense, saying what would.

    >>> target_shares({"SOL-PERP": 0.5, "BTC": 0.25})
    {'SOL': 0.5, 'BTC': 0.25, 'USDC': 0.25}
    """
    if not allocations:
        raise BadParameter("name at least one share, such as SOL 0.4 and USDC 0.6")
    found: dict[str, float] = {}
    quote: float | None = None
    for name, share in allocations.items():
        if not (math.isfinite(share) and abs(share) <= _MOST_SHARE):
            raise BadParameter(f"the share of {name} must be a fraction of equity, such as 0.4, not {share}")
        if is_dollar(name):
            quote = (quote or 0.0) + share
            continue
        asset = asset_of(name)
        if asset in found:
            raise BadParameter(f"{asset} stands there twice; give each asset one share")
        found[asset] = float(share)
    rest = 1.0 - math.fsum(found.values())
    if quote is not None and abs(quote - rest) > _SUMS_TO_ONE:
        total = quote + math.fsum(found.values())
        raise BadParameter(f"the shares sum to {total:.4g}, not to 1; {QUOTE} {rest:.4g} would make them fit")
    return {**found, QUOTE: rest}


def rebalance(
    book: FleetBook, allocations: Mapping[str, float], depths: Mapping[str, MarketDepth], *, limits: RiskLimits,
    tolerance_frac: float = TOLERANCE_FRAC, hours: float = 24.0,
) -> Rebalancing:  # fmt: skip
    """Of the one account of a book. An asset that is held and not named is to have no share.

    Raises: BadParameter, also for an asset without a perp; CannotAssess without equity.
    """
    if not 0 < tolerance_frac < 1:
        raise BadParameter("a tolerance is a fraction of equity between 0 and 1, such as 0.02")
    given = target_shares(allocations)
    now = exposures(MarginPlan.of(book))
    if not now.equity_usd > 0:
        raise CannotAssess(["the account has no equity to take shares of; deposit first"])
    for asset in given:
        if asset != QUOTE and not perps_of(book, asset):
            known = ", ".join(dict.fromkeys(asset_of(name) for name in book.perp_markets.names)) or "none"
            raise BadParameter(f"no perp on {asset} was read, so its share cannot be traded; there is {known}")
    target = {**{asset: 0.0 for asset in now.assets if asset not in given}, **given}
    before = shares_of(now)
    moved = chosen(before, target, tolerance_frac)
    wanted: list[Wanted] = []
    left: list[str] = []
    for asset in moved:
        change = (target[asset] - before.get(asset, 0.0)) * now.equity_usd
        markets = spread_over_perps(book, asset, change)
        if not markets:
            left.append(f"{before.get(asset, 0.0):.1%} in {asset} stays: no perp on it was read")
        wanted += [
            Wanted(
                market=market, asset=asset, change_usd=part, ratio=abs(part) / now.equity_usd, help=abs(part),
                why=f"{asset} from {before.get(asset, 0.0):.1%} to {target[asset]:.1%} of equity", own=False,
            )
            for market, part in markets
        ]  # fmt: skip
    done = assemble(book, wanted, depths, limits=limits, hours=hours)
    after = shares_of(exposures(MarginPlan.of(done.book)))
    return Rebalancing(
        trades=done.trades, before=before, target=target, after=after,
        within_tolerance=all(abs(after.get(asset, 0.0) - share) <= tolerance_frac for asset, share in target.items()),
        tolerance_frac=tolerance_frac, estimated_cost=done.cost_usd, unhedged=(*left, *done.left),
    )  # fmt: skip


def shares_of(found: Exposures) -> dict[str, float]:
    """Deltas over equity, QUOTE what is left of 1."""
    shares = {
        asset: float(delta) / found.equity_usd for asset, delta in zip(found.assets, found.delta_usd, strict=True)
    }
    return {**shares, QUOTE: 1.0 - math.fsum(shares.values())}


def chosen(before: Mapping[str, float], target: Mapping[str, float], tolerance_frac: float) -> tuple[str, ...]:
    """The fewest assets whose move brings every share, that of the quote asset too, into its tolerance.

    Those outside must move. Where what the others are off adds up to too much in the quote asset, the ones farthest off
    in that direction move as well.
    """
    off = {asset: before.get(asset, 0.0) - share for asset, share in target.items() if asset != QUOTE}
    moved = [asset for asset, much in off.items() if abs(much) > tolerance_frac]
    while True:
        open_sum = math.fsum(much for asset, much in off.items() if asset not in moved)
        if abs(open_sum) <= tolerance_frac:
            return tuple(moved)
        rest = {asset: much for asset, much in off.items() if asset not in moved}
        moved.append(max(rest, key=lambda asset: rest[asset] * math.copysign(1.0, open_sum)))
