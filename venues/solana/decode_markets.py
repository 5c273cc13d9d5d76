"""Everything of a reading but the accounts: State, markets and oracles, decoded once for all accounts of a slot."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from solders.pubkey import Pubkey

from risk.margin.book import NO_QUOTE_MARKET, CodeArray, IntArray, OracleTable, PerpMarketTable, SpotMarketTable
from risk.model.market import OracleValidity
from venues.errors import VenueRejected
from venues.solana.accounts import Fetched, RawAccount, checked_record, program_key
from venues.solana.addresses import state_address
from venues.solana.feeds import Columns, Prices
from venues.solana.interest import interest_rates
from venues.solana.market_records import MarketRecords, find_perps, find_spots
from venues.solana.oracles import (
    LOOSEST_CONFIDENCE_FACTOR,
    PERP_CONFIDENCE_FACTORS,
    SPOT_CONFIDENCE_FACTORS,
    GuardRails,
)
from venues.solana.profiles import Profile

_SCALE_DECIMALS = 19  # a scaled balance has 9 decimals, interest 10
_NO_ORACLES = OracleTable(
    ids=(), feeds=np.zeros(0, np.int64), price_1e6=np.zeros(0), confidence_1e6=np.zeros(0),
    slots_behind=np.zeros(0, np.int64),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueState:
    """What the venue's State account says."""

    rails: GuardRails
    liquidation_buffer_1e4: float
    perp_count: int
    spot_count: int
    exchange_status: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarketRows:
    """Where the markets of one family stand in their table.

    Attributes:
        rows: Row by market index, one longer than the highest index; -1 where a market was not read.
        paused: Bits of its paused operations, by row.
        unreadable: Why a market that was asked for could not be read, by index.
    """

    rows: IntArray
    paused: IntArray
    unreadable: Mapping[int, str]

    def of(self, market_index: NDArray[np.unsignedinteger]) -> IntArray:
        """Rows of market indices, -1 for those that were not read."""
        found: IntArray = self.rows[np.minimum(market_index, self.rows.size - 1)]
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Markets:
    """Markets and oracles of one reading.

    Attributes:
        funding_long_1e9: Cumulative funding of longs by perp row, int64; likewise ``funding_short_1e9``.
        deposit_interest_1e10: By spot row; likewise ``borrow_interest_1e10``.
        scale_divisors: By spot row: scaled balance times interest over this is tokens in their own decimals.
        quote_indexes: Spot markets the perp markets settle in.
        feed_keys: Accounts of the oracles that price the markets.
        unreadable_feeds: Why a price could not be read, by oracle column.
    """

    state: VenueState
    slot: int
    perps: PerpMarketTable
    spots: SpotMarketTable
    oracles: OracleTable
    perp_rows: MarketRows
    spot_rows: MarketRows
    funding_long_1e9: IntArray
    funding_short_1e9: IntArray
    deposit_interest_1e10: NDArray[np.uint64]
    borrow_interest_1e10: NDArray[np.uint64]
    scale_divisors: NDArray[np.uint64]
    quote_indexes: frozenset[int]
    feed_keys: frozenset[Pubkey]
    unreadable_feeds: Mapping[int, str]


def decode_state(profile: Profile, account: RawAccount | None) -> VenueState:
    """The venue's State. Raises: VenueRejected when there is none, BadAccountData when it is not one."""
    address = state_address(profile)
    if account is None:
        raise VenueRejected(
            f"there is no {profile.name} State at {address}; the RPC serves another cluster, or the venue has moved"
        )
    fields = checked_record(f"the {profile.name} State {address}", account, profile.state, program_key(profile))
    values = np.frombuffer(account.data, fields, 1)[0]
    return VenueState(
        rails=GuardRails(
            slots_before_stale=int(values["slots_before_stale_for_margin"]),
            confidence_max_1e6=int(values["confidence_interval_max_size"]),
            too_volatile_ratio=int(values["too_volatile_ratio"]),
        ),
        liquidation_buffer_1e4=float(values["liquidation_margin_buffer_ratio"]),
        perp_count=int(values["number_of_markets"]),
        spot_count=int(values["number_of_spot_markets"]),
        exchange_status=int(values["exchange_status"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pricing:
    """How the markets of one family are priced, by row."""

    columns: Sequence[int]
    twaps_1e6: Sequence[int]
    confidence_factors: Sequence[int]

    @classmethod
    def of(cls, found: MarketRecords, columns: Columns, factors: Sequence[int]) -> "_Pricing":
        sources = found.integers("oracle_source").tolist()
        return cls(
            columns=[columns.of(key, source) for key, source in zip(found.keys("oracle"), sources, strict=True)],
            twaps_1e6=found.integers("last_oracle_price_twap").tolist(),
            confidence_factors=factors,
        )

    def validities(self, prices: Prices, rails: GuardRails) -> CodeArray:
        rows = zip(self.columns, self.twaps_1e6, self.confidence_factors, strict=True)
        return np.array([prices.validity(*row, rails).value for row in rows], np.int8)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """State and markets before they are priced: what stays the same while only feeds move.

    Attributes:
        asked: Perp and spot market indexes these are.
        columns: Feeds that price them.
    """

    asked: tuple[frozenset[int], frozenset[int]]
    columns: Columns
    unpriced: Markets
    perp_pricing: _Pricing
    spot_pricing: _Pricing

    @property
    def quote_indexes(self) -> frozenset[int]:
        return self.unpriced.quote_indexes


def decode_markets(profile: Profile, fetched: Fetched, perps: Iterable[int], spots: Iterable[int]) -> Markets:
    """Tables of the given market indices. What fails a check is named in ``unreadable``, never guessed.

    Raises: VenueRejected or BadAccountData for the State, without which nothing can be said.
    """
    terms = market_terms(profile, fetched, perps, spots)
    return priced(terms, Prices.of(profile, terms.columns, fetched))


def market_terms(profile: Profile, fetched: Fetched, perps: Iterable[int], spots: Iterable[int]) -> Terms:
    """Everything of the given market indices but their prices. Raises: as decode_markets."""
    state = decode_state(profile, fetched.accounts.get(state_address(profile)))
    asked = frozenset(perps), frozenset(spots)
    perp, spot = find_perps(profile, fetched, asked[0]), find_spots(profile, fetched, asked[1])
    columns = Columns(profile)
    spot_pricing, spot_table = _spot_table(profile, spot, columns)
    spot_rows = _rows(spot)
    perp_pricing, perp_table = _perp_table(profile, perp, columns, spot_rows)
    unpriced = Markets(
        state=state,
        slot=fetched.slot,
        perps=perp_table,
        spots=spot_table,
        oracles=_NO_ORACLES,
        perp_rows=_rows(perp),
        spot_rows=spot_rows,
        funding_long_1e9=np.array(perp.wide("cumulative_funding_rate_long"), np.int64),
        funding_short_1e9=np.array(perp.wide("cumulative_funding_rate_short"), np.int64),
        deposit_interest_1e10=np.array(spot.wide("cumulative_deposit_interest"), np.uint64),
        borrow_interest_1e10=np.array(spot.wide("cumulative_borrow_interest"), np.uint64),
        scale_divisors=np.array(_divisors(spot), np.uint64),
        quote_indexes=frozenset(perp.integers("quote_spot_market_index").tolist()),
        feed_keys=columns.keys,
        unreadable_feeds={},
    )
    return Terms(
        asked=asked, columns=columns, unpriced=unpriced, perp_pricing=perp_pricing, spot_pricing=spot_pricing
    )  # fmt: skip


def priced(terms: Terms, prices: Prices) -> Markets:
    """The markets at these prices. Columns that no price changes are the very same arrays every time."""
    markets = terms.unpriced
    rails = markets.state.rails
    return replace(
        markets,
        slot=prices.slot,
        perps=replace(markets.perps, validity=terms.perp_pricing.validities(prices, rails)),
        spots=replace(markets.spots, validity=terms.spot_pricing.validities(prices, rails)),
        oracles=prices.table(),
        unreadable_feeds=prices.unreadable,
    )


def _rows(found: MarketRecords) -> MarketRows:
    indexes = found.integers("market_index")
    rows = np.full(int(indexes.max(initial=-1)) + 2, -1, np.int64)
    rows[indexes] = np.arange(indexes.size)
    return MarketRows(rows=rows, paused=found.integers("paused_operations"), unreadable=found.unreadable)


def _divisors(spot: MarketRecords) -> list[int]:
    return [10 ** (_SCALE_DECIMALS - decimals) for decimals in spot.integers("decimals").tolist()]


def _unknown_validity(found: MarketRecords) -> CodeArray:
    return np.full(len(found.names), OracleValidity.MISSING.value, np.int8)


def _perp_table(
    profile: Profile, found: MarketRecords, columns: Columns, spot_rows: MarketRows
) -> tuple[_Pricing, PerpMarketTable]:
    tiers = [profile.contract_tiers[code] for code in found.integers("contract_tier").tolist()]
    factors = [PERP_CONFIDENCE_FACTORS.get(tier, LOOSEST_CONFIDENCE_FACTOR) for tier in tiers]
    pricing = _Pricing.of(found, columns, factors)
    quote = spot_rows.of(found.column("quote_spot_market_index").astype(np.uint64))
    statuses = [profile.market_statuses[code].value for code in found.integers("status").tolist()]
    kinds = [profile.contract_types[code].value for code in found.integers("contract_type").tolist()]
    return pricing, PerpMarketTable(
        names=found.names,
        market_index=found.integers("market_index"),
        oracle=np.array(pricing.columns, np.int64),
        quote=np.where(quote < 0, NO_QUOTE_MARKET, quote),
        initial_1e4=found.floats("margin_ratio_initial"),
        maintenance_1e4=found.floats("margin_ratio_maintenance"),
        high_leverage_initial_1e4=found.floats("high_leverage_margin_ratio_initial"),
        high_leverage_maintenance_1e4=found.floats("high_leverage_margin_ratio_maintenance"),
        imf_1e6=found.floats("imf_factor"),
        pnl_initial_weight_1e4=found.floats("unrealized_pnl_initial_asset_weight"),
        pnl_maintenance_weight_1e4=found.floats("unrealized_pnl_maintenance_asset_weight"),
        pnl_imf_1e6=found.floats("unrealized_pnl_imf_factor"),
        pnl_max_imbalance_1e6=found.floats("unrealized_pnl_max_imbalance"),
        net_user_pnl_1e6=np.array(_net_user_pnl(found), np.float64),
        funding_long_1e9=found.floats("last_funding_rate_long"),
        funding_short_1e9=found.floats("last_funding_rate_short"),
        expiry_price_1e6=found.floats("expiry_price"),
        twap_1e6=found.floats("last_oracle_price_twap_5min"),
        pool_id=found.integers("pool_id"),
        status=np.array(statuses, np.int8),
        contract_type=np.array(kinds, np.int8),
        contract_tier=np.array([tier.value for tier in tiers], np.int8),
        validity=_unknown_validity(found),
    )


def _net_user_pnl(found: MarketRecords) -> list[float]:
    """Net PnL of all users of each perp market at the price its curve last saw, 1e6; exact until it is a float."""
    pnl = []
    for base, unsettled, quote, rest, price in zip(
        found.wide("base_asset_amount_with_amm"),
        found.wide("base_asset_amount_with_unsettled_lp"),
        found.wide("quote_asset_amount"),
        found.integers("quote_asset_amount_with_unsettled_lp").tolist(),
        found.integers("last_oracle_price").tolist(),
        strict=True,
    ):
        value = (base + unsettled) * price
        pnl.append((abs(value) // 10**9) * (1 if value >= 0 else -1) + quote + rest)
    funding = found.integers("net_unsettled_funding_pnl").tolist()
    return [float(before + owed) for before, owed in zip(pnl, funding, strict=True)]


def _spot_table(profile: Profile, found: MarketRecords, columns: Columns) -> tuple[_Pricing, SpotMarketTable]:
    tiers = [profile.asset_tiers[code] for code in found.integers("asset_tier").tolist()]
    factors = [SPOT_CONFIDENCE_FACTORS.get(tier, LOOSEST_CONFIDENCE_FACTOR) for tier in tiers]
    pricing = _Pricing.of(found, columns, factors)
    rates = interest_rates(found)
    deposits = zip(
        found.wide("deposit_balance"), found.wide("cumulative_deposit_interest"), _divisors(found), strict=True
    )
    statuses = [profile.market_statuses[code].value for code in found.integers("status").tolist()]
    return pricing, SpotMarketTable(
        names=found.names,
        market_index=found.integers("market_index"),
        oracle=np.array(pricing.columns, np.int64),
        decimals=found.integers("decimals"),
        initial_asset_1e4=found.floats("initial_asset_weight"),
        maintenance_asset_1e4=found.floats("maintenance_asset_weight"),
        initial_liability_1e4=found.floats("initial_liability_weight"),
        maintenance_liability_1e4=found.floats("maintenance_liability_weight"),
        imf_1e6=found.floats("imf_factor"),
        scale_start_1e6=found.floats("scale_initial_asset_weight_start"),
        deposits_raw=np.array([float(scaled * interest // by) for scaled, interest, by in deposits], np.float64),
        deposit_rate_1e6=np.array([rate.deposit_1e6 for rate in rates], np.float64),
        borrow_rate_1e6=np.array([rate.borrow_1e6 for rate in rates], np.float64),
        twap_1e6=found.floats("last_oracle_price_twap_5min"),
        pool_id=found.integers("pool_id"),
        status=np.array(statuses, np.int8),
        asset_tier=np.array([tier.value for tier in tiers], np.int8),
        validity=_unknown_validity(found),
    )
