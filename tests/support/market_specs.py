"""Descriptions of markets and feeds from which a test world is built.

Feeds are named, and two markets naming one feed share its account, as SOL and SOL-PERP do on the venue.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from tests.support.drift_enums import AssetTier, ContractTier, ContractType, MarketStatus, OracleSource
from tests.support.drift_oracles import OracleKind

_MULTIPLES = {
    OracleSource.PYTH_1K: 1_000,
    OracleSource.PYTH_1K_PULL: 1_000,
    OracleSource.PYTH_LAZER_1K: 1_000,
    OracleSource.PYTH_1M: 10**6,
    OracleSource.PYTH_1M_PULL: 10**6,
    OracleSource.PYTH_LAZER_1M: 10**6,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSpec:
    """A price feed; ``price_usd`` is what the feed itself says, before any multiple."""

    name: str
    kind: OracleKind
    price_usd: Decimal
    exponent: int = -8


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotSpec:
    """A spot market. Weights in 1e4, ``scale_start_usd`` 0 for none; ``feed`` none for the quote asset itself."""

    index: int
    name: str
    decimals: int
    source: OracleSource
    feed: str | None
    initial_asset: int = 8_000
    maintenance_asset: int = 9_000
    initial_liability: int = 12_000
    maintenance_liability: int = 11_000
    imf_1e6: int = 0
    deposit_interest: str = "1.02"
    borrow_interest: str = "1.05"
    deposits_usd: int = 20_000_000
    scale_start_usd: int = 0
    pool_id: int = 0
    tier: AssetTier = AssetTier.COLLATERAL


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpSpec:
    """A perp market. Ratios and weights in 1e4; ``quote_index`` is the spot market it settles in."""

    index: int
    name: str
    source: OracleSource
    feed: str
    initial: int = 1_000
    maintenance: int = 500
    high_leverage: tuple[int, int] = (0, 0)
    imf_1e6: int = 0
    pnl_initial: int = 0
    pnl_maintenance: int = 10_000
    pnl_imf_1e6: int = 0
    max_imbalance_usd: int = 0
    net_user_pnl_usd: int = 0
    funding_usd: str = "1.5"
    status: MarketStatus = MarketStatus.ACTIVE
    contract_type: ContractType = ContractType.PERPETUAL
    tier: ContractTier = ContractTier.B
    expiry_price_usd: str = "0"
    quote_index: int = 0
    pool_id: int = 0


def multiple(source: OracleSource) -> int:
    """By how much a market's price exceeds its feed's."""
    return _MULTIPLES.get(source, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Everything an exchange lists; indices and names are unique within spots and within perps."""

    feeds: tuple[FeedSpec, ...]
    spots: tuple[SpotSpec, ...]
    perps: tuple[PerpSpec, ...]

    def feed(self, name: str) -> FeedSpec:
        return next(feed for feed in self.feeds if feed.name == name)

    def spot(self, name: str) -> SpotSpec:
        return next(spot for spot in self.spots if spot.name == name)

    def perp(self, name: str) -> PerpSpec:
        return next(perp for perp in self.perps if perp.name == name)

    def quote_of(self, perp: PerpSpec) -> SpotSpec:
        """The spot market a perp market settles in."""
        return next(spot for spot in self.spots if spot.index == perp.quote_index)

    def price_1e6(self, market: SpotSpec | PerpSpec) -> int:
        """What the venue reads for a market, before a stable coin's snap."""
        if market.feed is None:
            return 10**6
        feed = self.feed(market.feed)
        raw = int(feed.price_usd.scaleb(-feed.exponent))
        return int(Decimal(raw).scaleb(feed.exponent) * multiple(market.source) * 10**6)

    def repriced(self, prices_usd: Mapping[str, Decimal | str]) -> "Catalogue":
        """The same markets with other feed prices, by feed name."""
        feeds = tuple(replace(f, price_usd=Decimal(prices_usd.get(f.name, f.price_usd))) for f in self.feeds)
        return replace(self, feeds=feeds)
