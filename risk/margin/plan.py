"""What does not depend on prices: ratios, weights and worst cases of every row, computed once for a book.

Size premiums and discounts depend on size, the worse of two order sides of a perp on size alone, high-leverage mode and
custom ratios on the account. So a plan is made once and re-priced as often as scenarios ask.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from risk.margin import rules
from risk.margin.book import (
    NO_QUOTE_MARKET,
    BoolArray,
    FleetBook,
    FloatArray,
    IntArray,
    PerpMarketTable,
    SpotMarketTable,
)
from risk.model.account import MarginMode
from risk.model.market import ContractType, MarketStatus

ORDER_FEE_1E6 = 10_000.0  # each open order adds one cent to the requirement
_ONE_BASE = 1e9


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Rows summed by account: ``rows`` picks them, ``starts`` marks the first of each account in ``accounts``."""

    rows: IntArray
    account: IntArray
    starts: IntArray
    accounts: IntArray
    n_accounts: int

    @classmethod
    def of(cls, account: IntArray, rows: IntArray, n_accounts: int) -> "Groups":
        """Rows must be sorted by account, as in the book."""
        owner = account[rows]
        if n_accounts == 1:
            return cls(rows, owner, owner[:1], owner[:1], 1)  # one sum needs no starts, only whether there are rows
        first = np.ones(owner.size, np.bool_)
        np.not_equal(owner[1:], owner[:-1], out=first[1:])
        starts = first.nonzero()[0]
        return cls(rows, owner, starts, owner[starts], n_accounts)

    def total(self, values: FloatArray) -> FloatArray:
        """Sums of values[rows] by account, shape (n_accounts, ...)."""
        if self.rows.size != values.shape[0]:
            values = values[self.rows]
        if self.n_accounts == 1:
            return np.add.reduce(values, axis=0, keepdims=True)
        if values.ndim == 1:
            return np.bincount(self.account, values, self.n_accounts).astype(np.float64, copy=False)
        totals = np.zeros((self.n_accounts, values.shape[1]))
        if self.rows.size:
            totals[self.accounts] = np.add.reduceat(values, self.starts, axis=0)
        return totals


@dataclass(frozen=True, slots=True, eq=False)
class PerpPlan:
    """Constants of the perp rows. ``worst_1e9`` is the larger of both order sides, unsigned."""

    oracle: IntArray
    quote_oracle: IntArray
    base_1e9: FloatArray
    fixed_pnl_1e6: FloatArray
    worst_1e9: FloatArray
    maintenance_1e4: FloatArray
    initial_1e4: FloatArray
    order_fee_1e6: FloatArray
    maintenance_weight_1e4: FloatArray
    initial_weight_1e4: FloatArray
    pnl_imf_1e6: FloatArray
    settling: IntArray
    expiry_price_1e6: FloatArray
    predictions: "PredictionPlan | None"
    cross: Groups
    isolated: IntArray
    isolated_tokens_raw: FloatArray
    isolated_unit: FloatArray
    weighted_maintenance: bool


@dataclass(frozen=True, slots=True, eq=False)
class PredictionPlan:
    """Rows of prediction contracts: which side is worse depends on the price."""

    rows: IntArray
    bids_1e9: FloatArray
    asks_1e9: FloatArray
    bids: tuple[FloatArray, FloatArray]
    asks: tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class SpotSide:
    """Weights of spot rows as if one side of their orders were filled; ``orders_raw`` is minus the open amount."""

    orders_raw: FloatArray
    asset_maintenance_1e4: FloatArray
    liability_maintenance_1e4: FloatArray
    asset_initial_cap_1e4: FloatArray
    liability_initial_1e4: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SpotPlan:
    """Constants of the spot rows. Bids are those of ``ordered``, the rows with resting orders; without any, unused."""

    oracle: IntArray
    market: IntArray
    tokens_raw: FloatArray
    unit: FloatArray
    asks: SpotSide
    bids: SpotSide
    ordered: IntArray
    order_fee_1e6: FloatArray
    custom_1e4: FloatArray
    has_custom: bool
    scaled_markets: IntArray
    by_account: Groups


@dataclass(frozen=True, slots=True, eq=False)
class MarginPlan:
    """A book with everything that stays the same while prices move."""

    book: FleetBook
    perps: PerpPlan
    spots: SpotPlan
    unassessable: IntArray

    @classmethod
    def of(cls, book: FleetBook, like: "MarginPlan | None" = None) -> "MarginPlan":
        """Plan a book. Costs about as much as one evaluation; keep it to re-price.

        Args:
            like: A plan of an earlier book. Where both share all columns but those that move with prices, it is the
                plan of this one too; where they are equal but not the same, it is made anew.
        """
        if like is not None and _only_prices_moved(book, like.book):
            return replace(like, book=book)
        problems = np.fromiter(book.accounts.problems, np.int64, len(book.accounts.problems))
        return cls(book, _perp_plan(book), _spot_plan(book), problems)


# What a plan takes of the markets: not the two columns that change with prices alone.
_PRICED = frozenset({"validity", "twap_1e6"})
_PERP_COLUMNS = tuple(column.name for column in fields(PerpMarketTable) if column.name not in _PRICED)
_SPOT_COLUMNS = tuple(column.name for column in fields(SpotMarketTable) if column.name not in _PRICED)


def _only_prices_moved(book: FleetBook, before: FleetBook) -> bool:
    if book.perps is not before.perps or book.spots is not before.spots or book.accounts is not before.accounts:
        return False
    perps, spots = (book.perp_markets, before.perp_markets), (book.spot_markets, before.spot_markets)
    return all(getattr(perps[0], name) is getattr(perps[1], name) for name in _PERP_COLUMNS) and all(
        getattr(spots[0], name) is getattr(spots[1], name) for name in _SPOT_COLUMNS
    )


def units(decimals: IntArray) -> FloatArray:
    """10**decimals: raw units in one token."""
    return np.power(10.0, decimals.astype(np.float64))


def _perp_ratios(book: FleetBook, at: IntArray | slice, size_1e9: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Maintenance and initial ratio of the perp rows ``at`` at a size."""
    rows, markets, accounts = book.perps, book.perp_markets, book.accounts
    market, account = rows.market[at], rows.account[at]
    root, imf = rules.size_root(size_1e9), markets.imf_1e6[market]
    base_m, base_i = markets.maintenance_1e4[market], markets.initial_1e4[market]
    mode = accounts.margin_mode[account]
    if mode.any():
        high_m, high_i = markets.high_leverage_maintenance_1e4[market], markets.high_leverage_initial_1e4[market]
        offered = (high_m > 0) & (high_i > 0)
        maintenance = rules.size_premium(np.where(offered & (mode > 0), high_m, base_m), root, imf)
        initial = np.where(
            offered & (mode == MarginMode.HIGH_LEVERAGE.value),
            rules.high_leverage_initial(base_i, high_i, root, imf),
            rules.size_premium(base_i, root, imf),
        )
    else:
        maintenance = rules.size_premium(base_m, root, imf)
        initial = rules.size_premium(base_i, root, imf)
    initial = np.maximum(initial, np.maximum(accounts.max_ratio_1e4[account], rows.max_ratio_1e4[at]))
    settling = markets.status[market] == MarketStatus.SETTLEMENT.value
    if settling.any():
        maintenance, initial = np.where(settling, 0.0, maintenance), np.where(settling, 0.0, initial)
    return maintenance, initial


def _initial_pnl_weight(book: FleetBook) -> FloatArray:
    """Initial weight of positive PnL for every perp market, reduced while its users' net PnL is out of balance."""
    markets = book.perp_markets
    weight, limit, net = markets.pnl_initial_weight_1e4, markets.pnl_max_imbalance_1e6, markets.net_user_pnl_1e6
    out_of_balance = (weight > 0) & (limit > 0) & (net > limit)
    if not out_of_balance.any():
        return weight
    return np.where(out_of_balance, np.floor(weight * limit / np.where(out_of_balance, net, 1.0)), weight)


def _perp_plan(book: FleetBook) -> PerpPlan:
    rows, markets = book.perps, book.perp_markets
    market = rows.market
    bids, asks = rows.base_1e9 + rows.open_bids_1e9, rows.base_1e9 + rows.open_asks_1e9
    worst = np.maximum(np.abs(bids), np.abs(asks))
    maintenance, initial = _perp_ratios(book, slice(None), worst)
    prediction = (markets.contract_type[market] == ContractType.PREDICTION.value).nonzero()[0]
    predictions = None
    if prediction.size:
        bid, ask = bids[prediction], asks[prediction]
        predictions = PredictionPlan(
            prediction, bid, ask,
            _perp_ratios(book, prediction, np.abs(bid)), _perp_ratios(book, prediction, np.abs(ask)),
        )  # fmt: skip
    isolated = rows.isolated.nonzero()[0]
    quote = markets.quote[market]
    known = quote != NO_QUOTE_MARKET
    quote_oracle = np.where(known, book.spot_markets.oracle[quote], 0) if len(book.spot_markets.names) else quote
    weight = markets.pnl_maintenance_weight_1e4[market]
    settling = (markets.status[market] == MarketStatus.SETTLEMENT.value).nonzero()[0]
    return PerpPlan(
        oracle=markets.oracle[market],
        quote_oracle=quote_oracle,
        base_1e9=rows.base_1e9,
        fixed_pnl_1e6=rows.quote_1e6 + rows.funding_1e6,
        worst_1e9=worst,
        maintenance_1e4=maintenance,
        initial_1e4=initial,
        order_fee_1e6=rows.open_orders * ORDER_FEE_1E6,
        maintenance_weight_1e4=weight,
        initial_weight_1e4=_initial_pnl_weight(book)[market],
        pnl_imf_1e6=markets.pnl_imf_1e6[market],
        settling=settling,
        expiry_price_1e6=markets.expiry_price_1e6[market[settling]],
        predictions=predictions,
        cross=Groups.of(rows.account, (~rows.isolated).nonzero()[0], book.n_accounts),
        isolated=isolated,
        isolated_tokens_raw=rows.isolated_tokens_raw[isolated],
        isolated_unit=units(book.spot_markets.decimals[quote[isolated]]),
        weighted_maintenance=bool((weight != rules.RATIO_ONE).any()),
    )


def _spot_side(book: FleetBook, rows: IntArray, open_raw: FloatArray, is_quote: BoolArray) -> SpotSide:
    spots, markets = book.spots, book.spot_markets
    market = spots.market[rows]
    after = np.abs(spots.tokens_raw[rows] + open_raw)
    root = rules.size_root(np.floor(after * _ONE_BASE / units(markets.decimals[market])))
    imf = markets.imf_1e6[market]
    bound = rules.size_discount(root, imf)
    one = rules.RATIO_ONE
    in_pool_1 = is_quote & (book.accounts.pool_id[spots.account[rows]] == 1)
    quote_weight = np.where(in_pool_1, 0.0, one)
    return SpotSide(
        orders_raw=-open_raw,
        asset_maintenance_1e4=np.where(
            is_quote, quote_weight, np.minimum(markets.maintenance_asset_1e4[market], bound)
        ),
        liability_maintenance_1e4=np.where(
            is_quote, one, rules.size_premium(markets.maintenance_liability_1e4[market], root, imf)
        ),
        asset_initial_cap_1e4=np.where(is_quote, quote_weight, bound),
        liability_initial_1e4=np.where(
            is_quote, one, rules.size_premium(markets.initial_liability_1e4[market], root, imf)
        ),
    )


def _spot_plan(book: FleetBook) -> SpotPlan:
    spots, markets = book.spots, book.spot_markets
    market = spots.market
    every = np.arange(market.size)
    # The quote market counts fully, and the venue does not look at its orders.
    is_quote = markets.market_index[market] == 0
    open_bids = np.where(is_quote, 0.0, spots.open_bids_raw)
    open_asks = np.where(is_quote, 0.0, spots.open_asks_raw)
    ordered = ((open_bids != 0.0) | (open_asks != 0.0)).nonzero()[0]
    asks = _spot_side(book, every, open_asks, is_quote)
    custom = np.where(is_quote, 0.0, book.accounts.max_ratio_1e4[spots.account])
    return SpotPlan(
        oracle=markets.oracle[market],
        market=market,
        tokens_raw=spots.tokens_raw,
        unit=units(markets.decimals[market]),
        asks=asks,
        bids=_spot_side(book, ordered, open_bids[ordered], is_quote[ordered]) if ordered.size else asks,
        ordered=ordered,
        order_fee_1e6=np.where(is_quote, 0.0, spots.open_orders * ORDER_FEE_1E6),
        custom_1e4=custom,
        has_custom=bool(custom.any()),
        scaled_markets=(markets.scale_start_1e6 > 0.0).nonzero()[0],
        by_account=Groups.of(spots.account, every, book.n_accounts),
    )
