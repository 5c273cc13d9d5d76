"""What the paper venue lists: facts, no logic. Terms are rounded versions of what a perp venue of this kind asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from risk.model.market import AssetTier, ContractTier, PerpMarket, SpotMarket
from venues.errors import VenueRejected

QUOTE_TOKEN_INDEX = 0

USDC_ORACLE = "USDC/USD"
SOL_ORACLE = "SOL/USD"
BTC_ORACLE = "BTC/USD"
ETH_ORACLE = "ETH/USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleListing:
    """A price feed and when its price stops being good enough to state margin.

    Attributes:
        confidence_frac: Half width of the feed's confidence interval as a fraction of the price.
        slots_before_stale: A reading older than this many slots is stale.
        confidence_max_frac: Wider confidence than this, times a factor by market tier, is too uncertain.
        too_volatile_ratio: Price and hourly average may not be apart by more than this factor.
    """

    oracle_id: str
    confidence_frac: float = 0.0005
    slots_before_stale: int = 120
    confidence_max_frac: float = 0.02
    too_volatile_ratio: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpListing:
    """A perp market: its margin terms and how it trades.

    Attributes:
        terms: Margin terms; average price, funding and oracle validity in it are filled in at each reading.
        step_1e9: Sizes are multiples of this.
        tick_1e6: Limit prices are multiples of this.
        maker_fee_bps: < 0 is a rebate.
        half_spread_bps: From the oracle price to the best bid and to the best ask.
        impact_bps_per_musd: What a market order pays beyond the best price, for each million USD of its size.
        available_usd_per_s: Size that can trade on one side within a second.
        liquidation_fee_bps: Taken from an account whose position is reduced by force.
        premium_bps_per_musd: How far the mark stands above the oracle for each million USD the accounts are net long.
        minimum_1e9: Smallest order; one step where it is less.
        market_bound_bps: From the oracle price to the worst price of an order without a limit of its own.
    """

    terms: PerpMarket
    step_1e9: int
    tick_1e6: int
    taker_fee_bps: float = 3.5
    maker_fee_bps: float = -0.25
    half_spread_bps: float = 1.0
    impact_bps_per_musd: float = 20.0
    available_usd_per_s: float = 100_000.0
    liquidation_fee_bps: float = 100.0
    premium_bps_per_musd: float = 50.0
    minimum_1e9: int = 0
    market_bound_bps: float = 100.0

    @property
    def least_1e9(self) -> int:
        """Smallest size that is taken."""
        return max(self.minimum_1e9, self.step_1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Universe:
    """Everything listed, also by market index. Spot market 0 is the quote token."""

    perps: tuple[PerpListing, ...]
    spots: tuple[SpotMarket, ...]
    oracles: tuple[OracleListing, ...]
    perp_at: Mapping[int, PerpListing] = field(init=False)
    spot_at: Mapping[int, SpotMarket] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "perp_at", {listing.terms.market_index: listing for listing in self.perps})
        object.__setattr__(self, "spot_at", {market.market_index: market for market in self.spots})

    def perp(self, name: str) -> PerpListing:
        """A perp market by name. Raises: VenueRejected."""
        for listing in self.perps:
            if listing.terms.name == name:
                return listing
        known = ", ".join(listing.terms.name for listing in self.perps)
        raise VenueRejected(f"there is no perp market {name} here; choose one of {known}")

    def token(self, name: str) -> SpotMarket:
        """A spot market by the name of its token. Raises: VenueRejected."""
        for market in self.spots:
            if market.name == name:
                return market
        known = ", ".join(market.name for market in self.spots)
        raise VenueRejected(f"there is no token {name} here; choose one of {known}")

    def oracle_of(self, market: str) -> str:
        """The feed that prices a perp market or token. Raises: VenueRejected."""
        feeds = {listing.terms.name: listing.terms.oracle_id for listing in self.perps}
        feeds |= {token.name: token.oracle_id for token in self.spots}
        if market not in feeds:
            raise VenueRejected(f"there is no market {market} here; choose one of {', '.join(feeds)}")
        return feeds[market]


def _perp(name: str, market_index: int, oracle_id: str, *, imf_factor: float) -> PerpMarket:
    return PerpMarket(
        name=name,
        market_index=market_index,
        oracle_id=oracle_id,
        initial_ratio=0.05,
        maintenance_ratio=0.03,
        imf_factor=imf_factor,
        contract_tier=ContractTier.A,
    )


# The size premium of requirements starts near 180 SOL, 15 BTC and 60 ETH.
DEFAULT_UNIVERSE = Universe(
    perps=(
        PerpListing(terms=_perp("SOL-PERP", 0, SOL_ORACLE, imf_factor=0.00045), step_1e9=10_000_000, tick_1e6=100),
        PerpListing(terms=_perp("BTC-PERP", 1, BTC_ORACLE, imf_factor=0.00155), step_1e9=100_000, tick_1e6=100_000),
        PerpListing(terms=_perp("ETH-PERP", 2, ETH_ORACLE, imf_factor=0.00078), step_1e9=1_000_000, tick_1e6=10_000),
    ),
    spots=(
        SpotMarket(
            name="USDC",
            market_index=QUOTE_TOKEN_INDEX,
            oracle_id=USDC_ORACLE,
            decimals=6,
            initial_asset_weight=1.0,
            maintenance_asset_weight=1.0,
            initial_liability_weight=1.0,
            maintenance_liability_weight=1.0,
        ),
        SpotMarket(
            name="SOL",
            market_index=1,
            oracle_id=SOL_ORACLE,
            decimals=9,
            initial_asset_weight=0.8,
            maintenance_asset_weight=0.9,
            initial_liability_weight=1.2,
            maintenance_liability_weight=1.1,
            imf_factor=0.0001,
        ),
        SpotMarket(
            name="wBTC",
            market_index=2,
            oracle_id=BTC_ORACLE,
            decimals=8,
            initial_asset_weight=0.8,
            maintenance_asset_weight=0.9,
            initial_liability_weight=1.2,
            maintenance_liability_weight=1.1,
            imf_factor=0.0003,
            asset_tier=AssetTier.CROSS,
        ),
    ),
    oracles=(
        OracleListing(oracle_id=USDC_ORACLE, confidence_frac=0.0001),
        OracleListing(oracle_id=SOL_ORACLE),
        OracleListing(oracle_id=BTC_ORACLE),
        OracleListing(oracle_id=ETH_ORACLE),
    ),
)
