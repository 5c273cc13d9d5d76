"""The same markets with other parameters: prices, ratios, weights and limits drawn by a seed."""

from dataclasses import replace
from decimal import Decimal
from random import Random

from tests.support.catalogue import STANDARD
from tests.support.drift_enums import ContractType, MarketStatus, OracleSource
from tests.support.market_specs import Catalogue, FeedSpec, PerpSpec, SpotSpec

_STABLE = ("USDC", "USDT")
_STATUSES = (MarketStatus.SETTLEMENT, MarketStatus.DELISTED, MarketStatus.REDUCE_ONLY, MarketStatus.FILL_PAUSED)


def random_catalogue(seed: int, base: Catalogue = STANDARD) -> Catalogue:
    """Every feed, weight and ratio redrawn within what the venue allows; the same for the same seed."""
    random = Random(seed)
    return Catalogue(
        feeds=tuple(_feed(random, feed) for feed in base.feeds),
        spots=tuple(_spot(random, spot) for spot in base.spots),
        perps=tuple(_perp(random, perp) for perp in base.perps),
    )


def _feed(random: Random, feed: FeedSpec) -> FeedSpec:
    if feed.name in _STABLE:
        price = 1 + random.choice((0.0, 0.00005, -0.00009, 0.0004, -0.0011, -0.02, 0.003)) * random.uniform(0.9, 1.1)
    elif feed.name == "VOTE":
        price = random.uniform(0.02, 0.98)
    else:
        price = float(feed.price_usd) * random.choice((0.2, 1.0, 1.0, 1.0, 20.0)) * random.uniform(0.5, 1.8)
    return replace(feed, price_usd=Decimal(repr(price)))


def _spot(random: Random, spec: SpotSpec) -> SpotSpec:
    spec = replace(
        spec,
        deposit_interest=f"{random.uniform(1, 1.3):.10f}",
        borrow_interest=f"{random.uniform(1, 1.6):.10f}",
        deposits_usd=random.choice((1_000_000, 20_000_000, 180_000_000)),
        scale_start_usd=random.choice((0, 0, 500_000, 15_000_000)),
        imf_1e6=random.choice((0, 50, 1_250, 10_000, 105_000, 900_000)),
    )
    if spec.index == 0:
        source = random.choice((spec.source, spec.source, OracleSource.QUOTE_ASSET))
        return replace(spec, source=source, feed=None if source is OracleSource.QUOTE_ASSET else spec.feed)
    initial = random.choice((0, 2_000, 5_000, 8_000, 9_000))
    liability = random.choice((10_400, 11_000, 12_500, 16_000))
    return replace(
        spec,
        initial_asset=initial,
        maintenance_asset=min(10_000, initial + random.choice((0, 500, 1_000))),
        initial_liability=liability + random.choice((0, 500, 2_000)),
        maintenance_liability=liability,
    )


def _perp(random: Random, spec: PerpSpec) -> PerpSpec:
    maintenance = random.choice((200, 300, 500, 1_000, 3_300, 5_000))
    lowest = random.choice((0, 33, 66, maintenance // 3, maintenance + 50))
    kind = random.choices((spec.contract_type, ContractType.FUTURE, ContractType.PREDICTION), (0.8, 0.1, 0.1))[0]
    status = random.choices((spec.status, *_STATUSES), (12, *(1 for _ in _STATUSES)))[0]
    return replace(
        spec,
        initial=maintenance + random.choice((100, 200, 500, maintenance)),
        maintenance=maintenance,
        high_leverage=(lowest + lowest // 2, lowest) if lowest else (0, 0),
        imf_1e6=random.choice((0, 0, 50, 500, 4_000, 20_000, 900_000)),
        pnl_initial=random.choice((0, 5_000, 8_000, 10_000)),
        pnl_maintenance=random.choice((10_000, 10_000, 9_000)),
        pnl_imf_1e6=random.choice((0, 100, 2_000, 50_000)),
        max_imbalance_usd=random.choice((0, 100, 1_000_000)),
        net_user_pnl_usd=random.choice((-50_000, 0, 150, 2_345_678)),
        funding_usd=f"{random.uniform(-3, 3):.9f}",
        status=status,
        contract_type=kind,
        expiry_price_usd=f"{random.uniform(0.1, 200):.6f}",
        quote_index=random.choice((0, 0, 0, 5)) if spec.pool_id == 0 else 0,
    )
