"""Snapshots of single accounts into the book of a fleet, for venues that think in dataclasses, notebooks and tests.

Floats become the venue's integer units by rounding, so a snapshot made from a book gives the same book back.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from risk.errors import BadBook
from risk.margin.book import (
    UNSTATED,
    AccountTable,
    CodeArray,
    FleetBook,
    FloatArray,
    IntArray,
    OracleTable,
    OrderRows,
    Pause,
    PerpMarketTable,
    PerpRows,
    SpotMarketTable,
    SpotRows,
)
from risk.model.account import (
    AccountSnapshot,
    MarketKind,
    OpenOrder,
    OrderKind,
    PerpPosition,
    Side,
)
from risk.model.market import (
    OracleReading,
    PerpMarket,
    SpotMarket,
)

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
_ORDER_KINDS = tuple(OrderKind)


def book_of(
    snapshots: Sequence[AccountSnapshot], *, notices: tuple[str, ...] = (), pauses: tuple[Pause, ...] = ()
) -> FleetBook:
    """A book of accounts that were read together.

    Raises: BadBook when there is none, when they are of different slots, or when a position names a market, or a market
        an oracle, that no snapshot brings.
    """
    if not snapshots:
        raise BadBook("a book needs at least one account")
    if len({snapshot.slot for snapshot in snapshots}) > 1:
        raise BadBook("accounts of one book must be read at one slot")
    perps = _merged(snapshot.perp_markets for snapshot in snapshots)
    spots = _merged(snapshot.spot_markets for snapshot in snapshots)
    oracles = _merged(snapshot.oracles for snapshot in snapshots)
    columns = {oracle_id: column for column, oracle_id in enumerate(oracles)}
    perp_at = {index: row for row, index in enumerate(perps)}
    spot_at = {index: row for row, index in enumerate(spots)}
    return FleetBook(
        slot=snapshots[0].slot,
        observed_at=max(snapshot.observed_at for snapshot in snapshots),
        accounts=_account_table(snapshots),
        perp_markets=_perp_table(list(perps.values()), columns, spot_at),
        spot_markets=_spot_table(list(spots.values()), columns),
        oracles=_oracle_table(list(oracles.values())),
        perps=_perp_rows(snapshots, perp_at, perps, spots),
        spots=_spot_rows(snapshots, spot_at, spots),
        orders=_order_rows(snapshots, perp_at, spot_at),
        notices=notices,
        pauses=pauses,
    ).checked()


def _merged(parts: Iterable[Mapping[K, T]]) -> dict[K, T]:
    whole: dict[K, T] = {}
    for part in parts:
        whole.update(part)
    return dict(sorted(whole.items(), key=lambda item: repr(item[0]).rjust(20)))


def _floats(items: Iterable[T], value: Callable[[T], float], scale: float = 1.0) -> FloatArray:
    raw = np.array([value(item) for item in items], dtype=np.float64)
    return np.rint(raw * scale) if scale != 1.0 else raw


def _ints(items: Iterable[T], value: Callable[[T], int]) -> IntArray:
    return np.array([value(item) for item in items], dtype=np.int64)


def _codes(items: Iterable[T], value: Callable[[T], int]) -> CodeArray:
    return np.array([value(item) for item in items], dtype=np.int8)


def _found(table: Mapping[K, int], key: K, what: str) -> int:
    try:
        return table[key]
    except KeyError:
        raise BadBook(f"{what} {key} is named by a position or market but was not brought along") from None


def _account_table(snapshots: Sequence[AccountSnapshot]) -> AccountTable:
    return AccountTable(
        ids=[s.account_id for s in snapshots],
        authorities=[s.authority for s in snapshots],
        delegates=[s.delegate for s in snapshots],
        names=[s.name for s in snapshots],
        sub_account=_ints(snapshots, lambda s: s.sub_account),
        margin_mode=_codes(snapshots, lambda s: s.margin_mode.value),
        max_ratio_1e4=_floats(snapshots, lambda s: s.max_margin_ratio, 1e4),
        net_deposits_1e6=_floats(snapshots, lambda s: s.net_deposits_usd, 1e6),
        settled_pnl_1e6=_floats(snapshots, lambda s: s.settled_pnl_usd, 1e6),
        being_liquidated=np.array([s.being_liquidated for s in snapshots], dtype=np.bool_),
        bankrupt=np.array([s.bankrupt for s in snapshots], dtype=np.bool_),
        pool_id=_ints(snapshots, lambda s: s.pool_id),
        last_active_slot=_ints(snapshots, lambda s: s.last_active_slot),
        funding_booked_1e6=_floats(
            snapshots, lambda s: np.nan if s.funding_booked_usd is None else s.funding_booked_usd, 1e6
        ),
    )


def _oracle_table(oracles: Sequence[OracleReading]) -> OracleTable:
    return OracleTable(
        ids=tuple(o.oracle_id for o in oracles),
        feeds=np.arange(len(oracles)),
        price_1e6=_floats(oracles, lambda o: o.price_usd, 1e6),
        confidence_1e6=_floats(oracles, lambda o: o.confidence_usd, 1e6),
        slots_behind=_ints(oracles, lambda o: o.slots_behind),
    )


def _perp_table(
    markets: Sequence[PerpMarket], columns: Mapping[str, int], spot_at: Mapping[int, int]
) -> PerpMarketTable:
    return PerpMarketTable(
        names=tuple(m.name for m in markets),
        market_index=_ints(markets, lambda m: m.market_index),
        oracle=_ints(markets, lambda m: _found(columns, m.oracle_id, "oracle")),
        quote=_ints(markets, lambda m: _found(spot_at, m.quote_market_index, "quote market")),
        initial_1e4=_floats(markets, lambda m: m.initial_ratio, 1e4),
        maintenance_1e4=_floats(markets, lambda m: m.maintenance_ratio, 1e4),
        high_leverage_initial_1e4=_floats(markets, lambda m: m.high_leverage_initial_ratio, 1e4),
        high_leverage_maintenance_1e4=_floats(markets, lambda m: m.high_leverage_maintenance_ratio, 1e4),
        imf_1e6=_floats(markets, lambda m: m.imf_factor, 1e6),
        pnl_initial_weight_1e4=_floats(markets, lambda m: m.pnl_initial_weight, 1e4),
        pnl_maintenance_weight_1e4=_floats(markets, lambda m: m.pnl_maintenance_weight, 1e4),
        pnl_imf_1e6=_floats(markets, lambda m: m.pnl_imf_factor, 1e6),
        pnl_max_imbalance_1e6=_floats(markets, lambda m: m.pnl_max_imbalance_usd, 1e6),
        net_user_pnl_1e6=_floats(markets, lambda m: m.net_user_pnl_usd, 1e6),
        funding_long_1e9=_floats(markets, lambda m: m.funding_long_usd, 1e9),
        funding_short_1e9=_floats(markets, lambda m: m.funding_short_usd, 1e9),
        expiry_price_1e6=_floats(markets, lambda m: m.expiry_price_usd, 1e6),
        twap_1e6=_floats(markets, lambda m: m.oracle_twap_usd, 1e6),
        pool_id=_ints(markets, lambda m: m.pool_id),
        status=_codes(markets, lambda m: m.status.value),
        contract_type=_codes(markets, lambda m: m.contract_type.value),
        contract_tier=_codes(markets, lambda m: m.contract_tier.value),
        validity=_codes(markets, lambda m: m.oracle_validity.value),
    )


def _spot_table(markets: Sequence[SpotMarket], columns: Mapping[str, int]) -> SpotMarketTable:
    return SpotMarketTable(
        names=tuple(m.name for m in markets),
        market_index=_ints(markets, lambda m: m.market_index),
        oracle=_ints(markets, lambda m: _found(columns, m.oracle_id, "oracle")),
        decimals=_ints(markets, lambda m: m.decimals),
        initial_asset_1e4=_floats(markets, lambda m: m.initial_asset_weight, 1e4),
        maintenance_asset_1e4=_floats(markets, lambda m: m.maintenance_asset_weight, 1e4),
        initial_liability_1e4=_floats(markets, lambda m: m.initial_liability_weight, 1e4),
        maintenance_liability_1e4=_floats(markets, lambda m: m.maintenance_liability_weight, 1e4),
        imf_1e6=_floats(markets, lambda m: m.imf_factor, 1e6),
        scale_start_1e6=_floats(markets, lambda m: m.scale_initial_weight_start_usd, 1e6),
        deposits_raw=_floats(markets, lambda m: np.rint(m.deposits_tokens * 10.0**m.decimals)),
        deposit_rate_1e6=_floats(markets, lambda m: _rate_1e6(m.deposit_rate_annual_frac)),
        borrow_rate_1e6=_floats(markets, lambda m: _rate_1e6(m.borrow_rate_annual_frac)),
        twap_1e6=_floats(markets, lambda m: m.oracle_twap_usd, 1e6),
        pool_id=_ints(markets, lambda m: m.pool_id),
        status=_codes(markets, lambda m: m.status.value),
        asset_tier=_codes(markets, lambda m: m.asset_tier.value),
        validity=_codes(markets, lambda m: m.oracle_validity.value),
    )


def _perp_rows(
    snapshots: Sequence[AccountSnapshot],
    perp_at: Mapping[int, int],
    perps: Mapping[int, PerpMarket],
    spots: Mapping[int, SpotMarket],
) -> PerpRows:
    owned = [(at, p) for at, s in enumerate(snapshots) for p in s.perp_positions]
    positions = [p for _, p in owned]
    market = _ints(positions, lambda p: _found(perp_at, p.market_index, "perp market"))

    def isolated_raw(p: PerpPosition) -> float:
        unit = 10.0 ** spots[perps[p.market_index].quote_market_index].decimals
        return float(np.rint(p.isolated_collateral_tokens * unit))

    return PerpRows(
        account=np.array([at for at, _ in owned], dtype=np.int64),
        market=market,
        base_1e9=_floats(positions, lambda p: p.size_base, 1e9),
        quote_1e6=_floats(positions, lambda p: p.quote_usd, 1e6),
        quote_entry_1e6=_floats(positions, lambda p: p.quote_entry_usd, 1e6),
        funding_1e6=_floats(positions, lambda p: p.funding_usd, 1e6),
        open_bids_1e9=_floats(positions, lambda p: p.open_bids_base, 1e9),
        open_asks_1e9=_floats(positions, lambda p: p.open_asks_base, 1e9),
        open_orders=_floats(positions, lambda p: p.open_orders),
        isolated=np.array([p.isolated for p in positions], dtype=np.bool_),
        isolated_tokens_raw=_floats(positions, isolated_raw),
        max_ratio_1e4=_floats(positions, lambda p: p.max_margin_ratio, 1e4),
        settled_pnl_1e6=_floats(positions, lambda p: p.settled_pnl_usd, 1e6),
        being_liquidated=np.array([p.being_liquidated for p in positions], dtype=np.bool_),
    )


def _spot_rows(
    snapshots: Sequence[AccountSnapshot], spot_at: Mapping[int, int], spots: Mapping[int, SpotMarket]
) -> SpotRows:
    owned = [(at, b) for at, s in enumerate(snapshots) for b in s.spot_balances]
    balances = [b for _, b in owned]
    market = _ints(balances, lambda b: _found(spot_at, b.market_index, "spot market"))
    unit = np.array([10.0 ** spots[b.market_index].decimals for b in balances])
    return SpotRows(
        account=np.array([at for at, _ in owned], dtype=np.int64),
        market=market,
        tokens_raw=np.rint(_floats(balances, lambda b: b.amount_tokens) * unit),
        shares_1e9=_floats(balances, lambda b: b.shares or 0.0, 1e9),
        open_bids_raw=np.rint(_floats(balances, lambda b: b.open_bids_tokens) * unit),
        open_asks_raw=np.rint(_floats(balances, lambda b: b.open_asks_tokens) * unit),
        open_orders=_floats(balances, lambda b: b.open_orders),
    )


def _order_rows(
    snapshots: Sequence[AccountSnapshot], perp_at: Mapping[int, int], spot_at: Mapping[int, int]
) -> OrderRows:
    owned = [(at, o) for at, s in enumerate(snapshots) for o in s.open_orders]
    orders = [o for _, o in owned]

    def market(order: OpenOrder) -> int:
        perp = order.market_kind is MarketKind.PERP
        return _found(perp_at if perp else spot_at, order.market_index, f"{order.market_kind} market")

    return OrderRows(
        account=np.array([at for at, _ in owned], dtype=np.int64),
        market=_ints(orders, market),
        is_perp=np.array([o.market_kind is MarketKind.PERP for o in orders], dtype=np.bool_),
        order_id=_ints(orders, lambda o: o.order_id),
        is_buy=np.array([o.side is Side.BUY for o in orders], dtype=np.bool_),
        kind=_codes(orders, lambda o: _ORDER_KINDS.index(o.kind)),
        size_base=_floats(orders, lambda o: o.size_base),
        price_1e6=_floats(orders, lambda o: o.price_usd or 0.0, 1e6),
        trigger_price_1e6=_floats(orders, lambda o: o.trigger_price_usd or 0.0, 1e6),
        reduce_only=np.array([o.reduce_only for o in orders], dtype=np.bool_),
        expires_at_s=_ints(orders, lambda o: 0 if o.expires_at is None else int(o.expires_at.timestamp())),
        triggers_above=_codes(orders, lambda o: _stated(o.triggers_above)),
        triggered=_codes(orders, lambda o: _stated(o.triggered)),
    )


def _rate_1e6(annual_frac: float | None) -> float:
    return UNSTATED if annual_frac is None else float(np.rint(annual_frac * 1e6))


def _stated(answer: bool | None) -> int:
    return UNSTATED if answer is None else int(answer)
