"""One account of a book as dataclasses: the account a person looks at."""

import math
from datetime import UTC, datetime

from risk.margin.book import NO_QUOTE_MARKET, UNSTATED, FleetBook
from risk.margin.select import only, row_of
from risk.model.account import (
    AccountSnapshot,
    MarginMode,
    MarketKind,
    OpenOrder,
    OrderKind,
    PerpPosition,
    Side,
    SpotBalance,
)
from risk.model.market import (
    AssetTier,
    ContractTier,
    ContractType,
    MarketStatus,
    OracleReading,
    OracleValidity,
    PerpMarket,
    SpotMarket,
)

_ORDER_KINDS = tuple(OrderKind)
_LAST_MOMENT_S = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def snapshot_of(book: FleetBook, account_id: str) -> AccountSnapshot:
    """One account of a book with the markets it touches. Raises: UnknownAccount."""
    return _snapshot(only(book, account_id))


def snapshot_at(book: FleetBook, at: int) -> AccountSnapshot:
    """The account in row ``at`` likewise."""
    return _snapshot(row_of(book, at))


def _snapshot(own: FleetBook) -> AccountSnapshot:
    """The one account of a book."""
    accounts, perps, spots = own.accounts, own.perps, own.spots
    perp_rows = sorted({int(market) for market in perps.market})
    quotes = {int(own.perp_markets.quote[row]) for row in perp_rows} - {NO_QUOTE_MARKET}
    spot_rows = sorted({int(market) for market in spots.market} | quotes)
    oracle_rows = {int(own.perp_markets.oracle[row]) for row in perp_rows} | {
        int(own.spot_markets.oracle[row]) for row in spot_rows
    }
    return AccountSnapshot(
        account_id=accounts.ids[0],
        authority=accounts.authorities[0],
        delegate=accounts.delegates[0] if accounts.delegates else "",
        sub_account=int(accounts.sub_account[0]),
        name=accounts.names[0],
        perp_positions=tuple(_perp_position(own, row) for row in range(perps.account.size)),
        spot_balances=tuple(_spot_balance(own, row) for row in range(spots.account.size)),
        open_orders=open_orders_of(own),
        perp_markets={int(own.perp_markets.market_index[row]): _perp_market(own, row) for row in perp_rows},
        spot_markets={int(own.spot_markets.market_index[row]): _spot_market(own, row) for row in spot_rows},
        oracles={own.oracles.ids[column]: _oracle(own, column) for column in sorted(oracle_rows)},
        margin_mode=MarginMode(int(accounts.margin_mode[0])),
        max_margin_ratio=float(accounts.max_ratio_1e4[0]) / 1e4,
        net_deposits_usd=float(accounts.net_deposits_1e6[0]) / 1e6,
        settled_pnl_usd=float(accounts.settled_pnl_1e6[0]) / 1e6,
        being_liquidated=bool(accounts.being_liquidated[0]),
        bankrupt=bool(accounts.bankrupt[0]),
        pool_id=int(accounts.pool_id[0]),
        last_active_slot=int(accounts.last_active_slot[0]),
        funding_booked_usd=_stated_usd(float(accounts.funding_booked_1e6[0])),
        slot=own.slot,
        observed_at=own.observed_at,
    )


def open_orders_of(book: FleetBook) -> tuple[OpenOrder, ...]:
    """Resting orders of the one account of a book; empty where orders were not read."""
    orders = book.orders
    if orders is None:
        return ()

    def price(raw_1e6: float) -> float | None:
        return raw_1e6 / 1e6 if raw_1e6 else None

    return tuple(
        OpenOrder(
            order_id=int(orders.order_id[row]),
            market_kind=MarketKind.PERP if orders.is_perp[row] else MarketKind.SPOT,
            market_index=int(
                (book.perp_markets if orders.is_perp[row] else book.spot_markets).market_index[orders.market[row]]
            ),
            side=Side.BUY if orders.is_buy[row] else Side.SELL,
            kind=_ORDER_KINDS[int(orders.kind[row])],
            size_base=float(orders.size_base[row]),
            price_usd=price(float(orders.price_1e6[row])),
            reduce_only=bool(orders.reduce_only[row]),
            trigger_price_usd=price(float(orders.trigger_price_1e6[row])),
            expires_at=_moment(int(orders.expires_at_s[row])),
            triggers_above=_stated(int(orders.triggers_above[row])),
            triggered=_stated(int(orders.triggered[row])),
        )
        for row in range(orders.account.size)
    )


def _stated_usd(amount_1e6: float) -> float | None:
    return None if math.isnan(amount_1e6) else amount_1e6 / 1e6


def _stated(code: int) -> bool | None:
    return None if code == UNSTATED else bool(code)


def _rate(annual_1e6: float) -> float | None:
    return None if annual_1e6 == UNSTATED else float(annual_1e6) / 1e6


def _moment(seconds: int) -> datetime | None:
    """A moment; None for never, and for one no calendar has."""
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < _LAST_MOMENT_S else None


def _perp_position(book: FleetBook, row: int) -> PerpPosition:
    rows = book.perps
    quote = int(book.perp_markets.quote[rows.market[row]])
    unit = 1.0 if quote == NO_QUOTE_MARKET else 10.0 ** int(book.spot_markets.decimals[quote])
    return PerpPosition(
        market_index=int(book.perp_markets.market_index[rows.market[row]]),
        size_base=float(rows.base_1e9[row]) / 1e9,
        quote_usd=float(rows.quote_1e6[row]) / 1e6,
        quote_entry_usd=float(rows.quote_entry_1e6[row]) / 1e6,
        funding_usd=float(rows.funding_1e6[row]) / 1e6,
        open_bids_base=float(rows.open_bids_1e9[row]) / 1e9,
        open_asks_base=float(rows.open_asks_1e9[row]) / 1e9,
        open_orders=int(rows.open_orders[row]),
        isolated=bool(rows.isolated[row]),
        isolated_collateral_tokens=float(rows.isolated_tokens_raw[row]) / unit,
        max_margin_ratio=float(rows.max_ratio_1e4[row]) / 1e4,
        settled_pnl_usd=float(rows.settled_pnl_1e6[row]) / 1e6,
        being_liquidated=bool(rows.being_liquidated[row]),
    )


def _spot_balance(book: FleetBook, row: int) -> SpotBalance:
    rows = book.spots
    unit = 10.0 ** int(book.spot_markets.decimals[rows.market[row]])
    return SpotBalance(
        market_index=int(book.spot_markets.market_index[rows.market[row]]),
        amount_tokens=float(rows.tokens_raw[row]) / unit,
        shares=float(rows.shares_1e9[row]) / 1e9 or None,
        open_bids_tokens=float(rows.open_bids_raw[row]) / unit,
        open_asks_tokens=float(rows.open_asks_raw[row]) / unit,
        open_orders=int(rows.open_orders[row]),
    )


def _perp_market(book: FleetBook, row: int) -> PerpMarket:
    table = book.perp_markets
    quote = int(table.quote[row])
    return PerpMarket(
        name=table.names[row],
        market_index=int(table.market_index[row]),
        oracle_id=book.oracles.ids[int(table.oracle[row])],
        quote_market_index=0 if quote == NO_QUOTE_MARKET else int(book.spot_markets.market_index[quote]),
        initial_ratio=float(table.initial_1e4[row]) / 1e4,
        maintenance_ratio=float(table.maintenance_1e4[row]) / 1e4,
        high_leverage_initial_ratio=float(table.high_leverage_initial_1e4[row]) / 1e4,
        high_leverage_maintenance_ratio=float(table.high_leverage_maintenance_1e4[row]) / 1e4,
        imf_factor=float(table.imf_1e6[row]) / 1e6,
        pnl_initial_weight=float(table.pnl_initial_weight_1e4[row]) / 1e4,
        pnl_maintenance_weight=float(table.pnl_maintenance_weight_1e4[row]) / 1e4,
        pnl_imf_factor=float(table.pnl_imf_1e6[row]) / 1e6,
        pnl_max_imbalance_usd=float(table.pnl_max_imbalance_1e6[row]) / 1e6,
        net_user_pnl_usd=float(table.net_user_pnl_1e6[row]) / 1e6,
        funding_long_usd=float(table.funding_long_1e9[row]) / 1e9,
        funding_short_usd=float(table.funding_short_1e9[row]) / 1e9,
        expiry_price_usd=float(table.expiry_price_1e6[row]) / 1e6,
        oracle_twap_usd=float(table.twap_1e6[row]) / 1e6,
        pool_id=int(table.pool_id[row]),
        status=MarketStatus(int(table.status[row])),
        contract_type=ContractType(int(table.contract_type[row])),
        contract_tier=ContractTier(int(table.contract_tier[row])),
        oracle_validity=OracleValidity(int(table.validity[row])),
    )


def _spot_market(book: FleetBook, row: int) -> SpotMarket:
    table = book.spot_markets
    decimals = int(table.decimals[row])
    return SpotMarket(
        name=table.names[row],
        market_index=int(table.market_index[row]),
        oracle_id=book.oracles.ids[int(table.oracle[row])],
        decimals=decimals,
        initial_asset_weight=float(table.initial_asset_1e4[row]) / 1e4,
        maintenance_asset_weight=float(table.maintenance_asset_1e4[row]) / 1e4,
        initial_liability_weight=float(table.initial_liability_1e4[row]) / 1e4,
        maintenance_liability_weight=float(table.maintenance_liability_1e4[row]) / 1e4,
        imf_factor=float(table.imf_1e6[row]) / 1e6,
        scale_initial_weight_start_usd=float(table.scale_start_1e6[row]) / 1e6,
        deposits_tokens=float(table.deposits_raw[row]) / 10.0**decimals,
        deposit_rate_annual_frac=_rate(table.deposit_rate_1e6[row]),
        borrow_rate_annual_frac=_rate(table.borrow_rate_1e6[row]),
        oracle_twap_usd=float(table.twap_1e6[row]) / 1e6,
        pool_id=int(table.pool_id[row]),
        status=MarketStatus(int(table.status[row])),
        asset_tier=AssetTier(int(table.asset_tier[row])),
        oracle_validity=OracleValidity(int(table.validity[row])),
    )


def _oracle(book: FleetBook, column: int) -> OracleReading:
    table = book.oracles
    return OracleReading(
        oracle_id=table.ids[column],
        price_usd=float(table.price_1e6[column]) / 1e6,
        confidence_usd=float(table.confidence_1e6[column]) / 1e6,
        slots_behind=int(table.slots_behind[column]),
    )
