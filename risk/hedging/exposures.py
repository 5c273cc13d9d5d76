"""What an account gains or loses when prices move, by asset, from the margin engine's own equity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from risk.margin.book import FleetBook, FloatArray
from risk.margin.linear import LinearMargin, held_assets
from risk.margin.plan import MarginPlan

DUST_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exposures:
    """Deltas of one account: USD of equity gained when an asset's price doubles.

    Perp positions, spot deposits and borrows of one asset are one delta: collateral that moves is exposure too.

    Attributes:
        delta_usd: Signed, in the order of ``assets``.
    """

    assets: tuple[str, ...]
    delta_usd: FloatArray
    equity_usd: float

    @property
    def net_usd(self) -> float:
        return float(self.delta_usd.sum())

    @property
    def gross_usd(self) -> float:
        return float(np.abs(self.delta_usd).sum())

    def of(self, asset: str) -> float:
        """Delta of an asset, 0 for one that is not held."""
        return float(self.delta_usd[self.assets.index(asset)]) if asset in self.assets else 0.0

    def held(self) -> tuple[str, ...]:
        """Assets with more than 1 % of the gross exposure."""
        least = DUST_SHARE * self.gross_usd
        return tuple(
            asset for asset, delta in zip(self.assets, self.delta_usd, strict=True) if delta and abs(delta) > least
        )

    def weighted(self, betas: Mapping[str, float]) -> float:
        """Sum of the deltas, each times its beta; an asset without one counts nothing."""
        return float(
            sum(delta * betas.get(asset, 0.0) for asset, delta in zip(self.assets, self.delta_usd, strict=True))
        )


def exposures(plan: MarginPlan, assets: Sequence[str] = ()) -> Exposures:
    """Of the one account of a plan.

    Args:
        assets: To be there beside those that are held, such as one to hedge with; those no market is about are not.
    """
    book = plan.book
    names = tuple(sorted({*held_assets(book), *assets}))
    linear = LinearMargin.of(plan, names)
    equity = float(linear.equity(np.ones((len(names), 1)))[0])
    return Exposures(assets=names, delta_usd=np.asarray(linear.equity_slope_usd), equity_usd=equity)


def usd_per_base(book: FleetBook, market: str) -> float:
    """What one unit of a perp adds to the delta of its asset: the oracle price, in USD of its quote token."""
    at = book.perp_markets.names.index(market)
    price = float(book.oracles.price_1e6[book.perp_markets.oracle[at]]) / 1e6
    quote = int(book.perp_markets.quote[at])
    if quote < 0:
        return price
    return price * float(book.oracles.price_1e6[book.spot_markets.oracle[quote]]) / 1e6
