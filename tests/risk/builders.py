"""Markets and accounts with defaults, for tests that care about one fact of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from risk.decisions.tiers import TierThresholds
from risk.margin.book import FleetBook
from risk.margin.build import book_of
from risk.margin.evaluate import Evaluation, evaluate
from risk.model.account import AccountSnapshot, PerpPosition, SpotBalance
from risk.model.market import OracleReading, PerpMarket, SpotMarket

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SLOT = 400_000_000
# Without daily moves, for tests that put an account at a health ratio and let nothing else count.
RATIO_ALONE = TierThresholds(distance_sigmas={})
PRICES_USD = {"usdc": 1.0, "sol": 100.0, "btc": 50_000.0}


def make_perp_market(**changes: Any) -> PerpMarket:
    """SOL-PERP at 10 % initial and 5 % maintenance, without size effects or high-leverage mode."""
    market = PerpMarket(
        name="SOL-PERP", market_index=0, oracle_id="sol", initial_ratio=0.10, maintenance_ratio=0.05,
        oracle_twap_usd=100.0,
    )  # fmt: skip
    return replace(market, **changes)


def make_btc_market(**changes: Any) -> PerpMarket:
    """BTC-PERP at the same ratios."""
    return make_perp_market(
        **{"name": "BTC-PERP", "market_index": 1, "oracle_id": "btc", "oracle_twap_usd": 50_000.0, **changes}
    )


def make_spot_market(**changes: Any) -> SpotMarket:
    """SOL at 80/90 % as an asset and 120/110 % as a liability."""
    market = SpotMarket(
        name="SOL", market_index=1, oracle_id="sol", decimals=9,
        initial_asset_weight=0.8, maintenance_asset_weight=0.9,
        initial_liability_weight=1.2, maintenance_liability_weight=1.1,
        oracle_twap_usd=100.0,
    )  # fmt: skip
    return replace(market, **changes)


def make_usdc_market(**changes: Any) -> SpotMarket:
    """The quote market."""
    market = SpotMarket(
        name="USDC", market_index=0, oracle_id="usdc", decimals=6,
        initial_asset_weight=1.0, maintenance_asset_weight=1.0,
        initial_liability_weight=1.0, maintenance_liability_weight=1.0,
        oracle_twap_usd=1.0,
    )  # fmt: skip
    return replace(market, **changes)


def make_position(
    size_base: float = 1.0, *, entry_usd: float = 100.0, market_index: int = 0, **rest: Any
) -> PerpPosition:
    """A perp position bought or sold at ``entry_usd``."""
    cost_usd = -size_base * entry_usd
    return PerpPosition(
        **{
            "market_index": market_index, "size_base": size_base, "quote_usd": cost_usd, "quote_entry_usd": cost_usd,
            **rest,
        }
    )  # fmt: skip


def make_balance(amount_tokens: float = 10.0, *, market_index: int = 1, **rest: Any) -> SpotBalance:
    """A deposit of SOL, or a borrow when negative."""
    return SpotBalance(market_index=market_index, amount_tokens=amount_tokens, **rest)


def make_account(
    *positions: PerpPosition,
    usdc: float = 0.0,
    balances: Sequence[SpotBalance] = (),
    perp_markets: Sequence[PerpMarket] | None = None,
    spot_markets: Sequence[SpotMarket] | None = None,
    prices: Mapping[str, float] | None = None,
    **changes: Any,
) -> AccountSnapshot:
    """An account on the given markets; by default SOL-PERP, BTC-PERP, USDC and SOL at 100 and 50,000 USD.

    Args:
        usdc: Balance of the quote market, < 0 a borrow; no row at all when 0.
        prices: Oracle id -> USD, over the default prices.
    """
    perps = [make_perp_market(), make_btc_market()] if perp_markets is None else list(perp_markets)
    spots = [make_usdc_market(), make_spot_market()] if spot_markets is None else list(spot_markets)
    prices_usd = PRICES_USD | dict(prices or {})
    feeds = dict.fromkeys([market.oracle_id for market in perps] + [market.oracle_id for market in spots])
    quote = [SpotBalance(market_index=0, amount_tokens=usdc)] if usdc else []
    account = AccountSnapshot(
        account_id="main",
        perp_positions=positions,
        spot_balances=(*quote, *balances),
        perp_markets={market.market_index: market for market in perps},
        spot_markets={market.market_index: market for market in spots},
        oracles={feed: OracleReading(oracle_id=feed, price_usd=prices_usd[feed]) for feed in feeds},
        slot=SLOT,
        observed_at=NOW,
    )
    return replace(account, **changes)


def repriced(account: AccountSnapshot, **prices_usd: float) -> AccountSnapshot:
    """The same account with other prices, by oracle id."""
    moved = {feed: replace(account.oracles[feed], price_usd=price) for feed, price in prices_usd.items()}
    return replace(account, oracles={**account.oracles, **moved})


def scaled(account: AccountSnapshot, feed: str, factor: float) -> AccountSnapshot:
    """The same account with one price multiplied."""
    return repriced(account, **{feed: account.oracles[feed].price_usd * factor})


def evaluated(account: AccountSnapshot, *, strict: bool = False) -> Evaluation:
    return evaluate(book_of([account]), strict=strict)


def cross(account: AccountSnapshot) -> tuple[float, float]:
    """Maintenance collateral and requirement of the cross account, USD."""
    totals = evaluated(account).maintenance
    return float(totals.collateral_usd[0]), float(totals.requirement_usd[0])


def excess_usd(account: AccountSnapshot) -> float:
    """Maintenance collateral minus requirement of the cross account."""
    collateral, requirement = cross(account)
    return collateral - requirement


def ratio_of(account: AccountSnapshot) -> float:
    """Health ratio of the cross account in percent, written out here; infinite without a requirement."""
    collateral, requirement = cross(account)
    if requirement == 0:
        return math.inf if collateral >= 0 else 0.0
    return 100 * collateral / requirement


def fleet_book(*accounts: AccountSnapshot) -> FleetBook:
    """Accounts side by side under names of their own."""
    return book_of([replace(account, account_id=f"account {at}") for at, account in enumerate(accounts)])
