"""One account's margin as a function of asset prices alone, for tens of thousands of paths.

Size premiums, discounts and the worse order side depend on size, not on price. With dollar tokens held where they are,
equity and margin excess are then straight lines in each asset's price, bent only where positive PnL counts at a weight
below one. The engine itself stays the reference: both agree within a cent a row, and where an account has what does not
fit (prediction contracts), ``LinearMargin.of`` says so and the paths are priced by the engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from risk.errors import BadParameter
from risk.margin import rules
from risk.margin.assets import columns_of, is_dollar
from risk.margin.book import FleetBook, FloatArray, IntArray
from risk.margin.evaluate import evaluate
from risk.margin.plan import MarginPlan, SpotSide

_UNMOVED = -1
_STEP = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class _Bend:
    """A perp row whose gains count less than its losses: excess += share * max(pnl, 0)."""

    scope: int
    asset: int
    constant_usd: float
    slope_usd: float
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class LinearMargin:
    """Equity and margin excess of one account by price factors of its assets; a factor of 1 is today.

    Attributes:
        assets: What moves, in the order of the factors' rows.
        excess_usd: Constant part of maintenance collateral minus requirement: cross first, then isolated positions.
        excess_slope_usd: Shape (n_scopes, n_assets), per unit of a factor.
        scope_names: "" for cross, the market of an isolated position.
    """

    assets: tuple[str, ...]
    excess_usd: FloatArray
    excess_slope_usd: FloatArray
    equity_usd: float
    equity_slope_usd: FloatArray
    scope_names: tuple[str, ...]
    bends: tuple[_Bend, ...]
    plan: MarginPlan
    fits: bool

    @classmethod
    def of(cls, plan: MarginPlan, assets: Sequence[str] | None = None) -> "LinearMargin":
        """For the one account of a plan.

        Args:
            assets: What may move; None for everything held that is no dollar token.

        Raises: BadParameter for several accounts.
        """
        book = plan.book
        if book.n_accounts != 1:
            raise BadParameter("paths are simulated for one account at a time")
        names = held_assets(book) if assets is None else tuple(assets)
        by_oracle = _asset_of_oracles(book, names)
        k, isolated = len(names), plan.perps.isolated
        scopes = 1 + isolated.size
        excess, slope = np.zeros(scopes), np.zeros((scopes, k))
        bends: list[_Bend] = []
        scope_of = np.zeros(book.perps.market.size, np.int64)
        scope_of[isolated] = 1 + np.arange(isolated.size)
        prices = book.oracles.price_1e6 / 1e6

        def add(target: FloatArray, slopes: FloatArray, scope: int, asset: int, value: float) -> None:
            if asset == _UNMOVED:
                target[scope] += value
            else:
                slopes[scope, asset] += value

        perps = plan.perps
        totals, total_slopes = np.zeros(1), np.zeros((1, k))
        settling = dict(zip(perps.settling.tolist(), perps.expiry_price_1e6.tolist(), strict=True))
        for row in range(perps.base_1e9.size):
            scope, oracle = int(scope_of[row]), int(perps.oracle[row])
            price, quote = float(prices[oracle]), float(prices[perps.quote_oracle[row]])
            asset = int(by_oracle[oracle])
            fixed = float(perps.fixed_pnl_1e6[row]) / 1e6 * quote
            moving = float(perps.base_1e9[row]) / 1e9 * quote
            if row in settling:
                fixed, moving = fixed + moving * settling[row] / 1e6, 0.0
            moving *= price
            excess[scope] += fixed - float(perps.order_fee_1e6[row]) / 1e6
            add(excess, slope, scope, asset, moving)
            needed = float(perps.worst_1e9[row]) / 1e9 * price * quote * float(perps.maintenance_1e4[row]) / 1e4
            add(excess, slope, scope, asset, -needed)
            totals[0] += fixed
            add(totals, total_slopes, 0, asset, moving)
            share = float(perps.maintenance_weight_1e4[row]) / rules.RATIO_ONE - 1.0
            if share:
                unmoved = asset == _UNMOVED
                bends.append(
                    _Bend(
                        scope=scope, asset=0 if unmoved else asset, constant_usd=fixed + (moving if unmoved else 0.0),
                        slope_usd=0.0 if unmoved else moving, share=share,
                    )
                )  # fmt: skip
        own = perps.isolated_tokens_raw / perps.isolated_unit * prices[perps.quote_oracle[isolated]]
        excess[1:] += own
        totals[0] += float(own.sum())
        spots = plan.spots
        excess[0] -= float(spots.order_fee_1e6.sum()) / 1e6
        counted = _spot_counted_raw(plan)
        for row in range(spots.tokens_raw.size):
            oracle = int(spots.oracle[row])
            asset, price = int(by_oracle[oracle]), float(prices[oracle]) / float(spots.unit[row])
            add(excess, slope, 0, asset, float(counted[row]) * price)
            add(totals, total_slopes, 0, asset, float(spots.tokens_raw[row]) * price)
        equity, equity_slope = float(totals[0]), total_slopes[0]
        named = ("", *(book.perp_markets.names[book.perps.market[row]] for row in isolated))
        return cls(
            assets=names, excess_usd=excess, excess_slope_usd=slope, equity_usd=equity, equity_slope_usd=equity_slope,
            scope_names=named, bends=tuple(bends), plan=plan,
            fits=perps.predictions is None and not plan.unassessable.size,
        )  # fmt: skip

    def equity(self, factors: FloatArray) -> FloatArray:
        """Total equity in USD at factors of shape (n_assets, n_paths); shape (n_paths,)."""
        if not self.fits:
            return np.asarray(evaluate(self.plan, self._prices(factors)).full.equity_usd[:, 0])
        return np.asarray(self.equity_slope_usd @ factors + self.equity_usd)

    def excess(self, factors: FloatArray) -> FloatArray:
        """Maintenance collateral minus requirement, shape (n_scopes, n_paths); below 0 is liquidation."""
        if not self.fits:
            found = evaluate(self.plan, self._prices(factors), maintenance_only=True).maintenance
            cross = found.collateral_usd - found.requirement_usd
            isolated = found.isolated_collateral_usd - found.isolated_requirement_usd
            return np.concatenate([cross, isolated], axis=1).T
        out = self.excess_slope_usd @ factors
        out += self.excess_usd[:, None]
        for bend in self.bends:
            out[bend.scope] += bend.share * np.maximum(bend.constant_usd + bend.slope_usd * factors[bend.asset], 0.0)
        return np.asarray(out)

    def deltas(self, factors: FloatArray, scope: int) -> FloatArray:
        """Change of a scope's excess for a relative change of each asset's price, shape (n_assets, n_paths)."""
        if not self.fits:
            return self._differences(factors, scope)
        out = self.excess_slope_usd[scope][:, None] * factors
        for bend in self.bends:
            if bend.scope == scope and bend.slope_usd:
                moving = bend.slope_usd * factors[bend.asset]
                out[bend.asset] += bend.share * np.where(bend.constant_usd + moving > 0, moving, 0.0)
        return np.asarray(out)

    def _differences(self, factors: FloatArray, scope: int) -> FloatArray:
        out = np.empty_like(factors)
        for asset in range(len(self.assets)):
            up, down = factors.copy(), factors.copy()
            up[asset] *= 1.0 + _STEP
            down[asset] *= 1.0 - _STEP
            out[asset] = (self.excess(up)[scope] - self.excess(down)[scope]) / (2 * _STEP)
        return out

    def _prices(self, factors: FloatArray) -> FloatArray:
        book = self.plan.book
        by_oracle = _asset_of_oracles(book, self.assets)
        every = np.vstack([factors, np.ones(factors.shape[1])])  # the last row is what does not move
        return np.asarray((book.oracles.price_1e6 / 1e6)[:, None] * every[by_oracle]).T


def held_assets(book: FleetBook) -> tuple[str, ...]:
    """Assets that the accounts of a book have positions, balances or orders in, dollar tokens left out; sorted."""
    perps = {int(book.perp_markets.oracle[row]) for row in book.perps.market}
    spots = {int(book.spot_markets.oracle[row]) for row in book.spots.market}
    touched = perps | spots
    return tuple(
        sorted(
            asset
            for asset, mask in columns_of(book).items()
            if not is_dollar(asset) and any(int(column) in touched for column in np.flatnonzero(mask))
        )
    )


def _asset_of_oracles(book: FleetBook, assets: Sequence[str]) -> IntArray:
    """For each oracle column the row of its asset; -1 where it does not move."""
    out = np.full(len(book.oracles.ids), _UNMOVED, np.int64)
    columns = columns_of(book)
    for at, asset in enumerate(assets):
        if asset not in columns:
            raise BadParameter(f"the account holds no {asset}")
        out[columns[asset]] = at
    return out


def _spot_counted_raw(plan: MarginPlan) -> FloatArray:
    """For each spot row the tokens that enter the margin excess, weighted, at the worse order side.

    Both sides are proportional to one price, so which is worse does not depend on it.
    """
    spots = plan.spots

    def side(which: SpotSide, tokens: FloatArray) -> FloatArray:
        after = tokens - which.orders_raw
        weight = np.where(after > 0, which.asset_maintenance_1e4, which.liability_maintenance_1e4)
        return after * weight / rules.RATIO_ONE + which.orders_raw

    counted = np.asarray(side(spots.asks, spots.tokens_raw))
    if spots.ordered.size:
        other = side(spots.bids, spots.tokens_raw[spots.ordered])
        counted[spots.ordered] = np.minimum(counted[spots.ordered], other)
    return counted
