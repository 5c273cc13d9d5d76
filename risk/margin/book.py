"""FleetBook: every watched account at one slot, as structure of arrays.

Amounts stand in the venue's integer units, held exactly in float64 (``_1e6`` is millionths, ``_raw`` is the token's
own decimals). The margin rules floor and truncate in these units, so the engine stays in them and gives USD at its end.

Rows are the *used* slots only, sorted by account. ``account`` and ``market`` columns are positions in the tables of the
same book, not the venue's indices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray

from risk.errors import BadBook, UnknownAccount

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
CodeArray = NDArray[np.int8]

NO_QUOTE_MARKET = -1
UNSTATED = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OracleTable:
    """Price columns. Two markets with one feed share a column, so a scenario moves both.

    Attributes:
        ids: Address or name of each feed, shape (n_oracles,). A feed read under two multiples has two columns.
        feeds: Group of each column: columns of one group are one feed and move by the same factor.
        price_1e6: NaN where the feed could not be read.
        confidence_1e6: The feed's confidence half width.
        slots_behind: Slots since the feed's update.
    """

    ids: tuple[str, ...]
    feeds: IntArray
    price_1e6: FloatArray
    confidence_1e6: FloatArray
    slots_behind: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PerpMarketTable:
    """Perp markets, shape (n_perp_markets,). Ratios and weights in 1e4; see model.market.PerpMarket for meanings.

    ``oracle`` is a column of OracleTable, ``quote`` a row of SpotMarketTable or NO_QUOTE_MARKET.
    ``funding_long_1e9`` and ``funding_short_1e9`` are the last hourly rates of either side: USD per base unit in 1e-9,
    > 0 when longs pay. ``status``, ``contract_type``, ``contract_tier`` and ``validity`` hold the values of the enums
    in model.market.
    """

    names: tuple[str, ...]
    market_index: IntArray
    oracle: IntArray
    quote: IntArray
    initial_1e4: FloatArray
    maintenance_1e4: FloatArray
    high_leverage_initial_1e4: FloatArray
    high_leverage_maintenance_1e4: FloatArray
    imf_1e6: FloatArray
    pnl_initial_weight_1e4: FloatArray
    pnl_maintenance_weight_1e4: FloatArray
    pnl_imf_1e6: FloatArray
    pnl_max_imbalance_1e6: FloatArray
    net_user_pnl_1e6: FloatArray
    funding_long_1e9: FloatArray
    funding_short_1e9: FloatArray
    expiry_price_1e6: FloatArray
    twap_1e6: FloatArray
    pool_id: IntArray
    status: CodeArray
    contract_type: CodeArray
    contract_tier: CodeArray
    validity: CodeArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpotMarketTable:
    """Spot markets, shape (n_spot_markets,). Weights in 1e4; ``unit`` is 10**decimals.

    ``deposit_rate_1e6`` and ``borrow_rate_1e6`` are the interest of either side a year in millionths, UNSTATED where
    the venue does not say.
    """

    names: tuple[str, ...]
    market_index: IntArray
    oracle: IntArray
    decimals: IntArray
    initial_asset_1e4: FloatArray
    maintenance_asset_1e4: FloatArray
    initial_liability_1e4: FloatArray
    maintenance_liability_1e4: FloatArray
    imf_1e6: FloatArray
    scale_start_1e6: FloatArray
    deposits_raw: FloatArray
    deposit_rate_1e6: FloatArray
    borrow_rate_1e6: FloatArray
    twap_1e6: FloatArray
    pool_id: IntArray
    status: CodeArray
    asset_tier: CodeArray
    validity: CodeArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccountTable:
    """Accounts, shape (n_accounts,).

    Attributes:
        ids: Addresses; any sequence, so a venue may encode them only when looked at.
        max_ratio_1e4: Custom initial ratio, 0 for none.
        net_deposits_1e6: Deposits minus withdrawals so far, valued when they were made.
        settled_pnl_1e6: Perp PnL realised and settled over the account's life.
        funding_booked_1e6: Funding booked over the account's life, > 0 received; NaN where the venue does not state it.
        margin_mode: Values of model.account.MarginMode.
        last_active_slot: When each last took part in anything, as the venue notes it; 0 where it does not.
        problems: Reasons why an account cannot be assessed, by position; such an account evaluates to NaN.
        delegates: Who may trade for each owner, "" for nobody; empty where the venue knows no delegates.
    """

    ids: Sequence[str]
    authorities: Sequence[str]
    names: Sequence[str]
    sub_account: IntArray
    margin_mode: CodeArray
    max_ratio_1e4: FloatArray
    net_deposits_1e6: FloatArray
    settled_pnl_1e6: FloatArray
    being_liquidated: BoolArray
    bankrupt: BoolArray
    pool_id: IntArray
    last_active_slot: IntArray
    funding_booked_1e6: FloatArray
    problems: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    delegates: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PerpRows:
    """Used perp slots, shape (n_perp_rows,), sorted by account. Signs as in model.account.PerpPosition."""

    account: IntArray
    market: IntArray
    base_1e9: FloatArray
    quote_1e6: FloatArray
    quote_entry_1e6: FloatArray
    funding_1e6: FloatArray
    open_bids_1e9: FloatArray
    open_asks_1e9: FloatArray
    open_orders: FloatArray
    isolated: BoolArray
    isolated_tokens_raw: FloatArray
    max_ratio_1e4: FloatArray
    settled_pnl_1e6: FloatArray
    being_liquidated: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpotRows:
    """Used spot slots, shape (n_spot_rows,), sorted by account. ``tokens_raw`` < 0 is a borrow.

    ``shares_1e9`` is the balance as the venue keeps it, which interest does not change; 0 where it has no such count.
    """

    account: IntArray
    market: IntArray
    tokens_raw: FloatArray
    shares_1e9: FloatArray
    open_bids_raw: FloatArray
    open_asks_raw: FloatArray
    open_orders: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrderRows:
    """Resting orders, shape (n_orders,), sorted by account. They do not enter margin; open bids and asks do.

    ``is_perp`` tells which table ``market`` points into; ``price_1e6`` and ``trigger_price_1e6`` are 0 for none;
    ``kind`` counts in the order of model.account.OrderKind; ``size_base`` is the unfilled rest in whole units;
    ``expires_at_s`` is in seconds since 1970, 0 for never; ``triggers_above`` and ``triggered`` are 1 for yes, 0 for no
    and UNSTATED where the venue does not say or the order has no trigger.
    """

    account: IntArray
    market: IntArray
    is_perp: BoolArray
    order_id: IntArray
    is_buy: BoolArray
    kind: CodeArray
    size_base: FloatArray
    price_1e6: FloatArray
    trigger_price_1e6: FloatArray
    reduce_only: BoolArray
    expires_at_s: IntArray
    triggers_above: CodeArray
    triggered: CodeArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Something the venue has stopped: ``what``, such as "withdraw", in a market, or everywhere where that is empty."""

    market: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FleetBook:
    """Accounts, their used slots, and the markets and oracles they touch, all at one slot.

    Attributes:
        slot: Ledger slot of the reading.
        observed_at: When it arrived, UTC.
        liquidation_buffer_1e4: Extra margin an account must regain before a running liquidation stops.
        orders: None where the reader was not asked for them (a sweep).
        notices: What the venue says of itself, such as "exchange paused: withdraw", for people.
        pauses: What it has stopped, in these markets and everywhere, beside what the status of a market says.
    """

    slot: int
    observed_at: datetime
    accounts: AccountTable
    perp_markets: PerpMarketTable
    spot_markets: SpotMarketTable
    oracles: OracleTable
    perps: PerpRows
    spots: SpotRows
    orders: OrderRows | None = None
    liquidation_buffer_1e4: float = 200.0
    notices: tuple[str, ...] = ()
    pauses: tuple[Pause, ...] = ()

    @property
    def n_accounts(self) -> int:
        return len(self.accounts.ids)

    def position_of(self, account_id: str) -> int:
        """Row of an account in this book. Raises: UnknownAccount when it was not read."""
        try:
            return list(self.accounts.ids).index(account_id)
        except ValueError:
            raise UnknownAccount(f"account {account_id} was not part of this reading") from None

    def checked(self) -> Self:
        """The book itself, if its columns fit together. Raises: BadBook, naming the first that does not."""
        for name, rows, limits in (
            ("perps", self.perps, (self.n_accounts, len(self.perp_markets.names))),
            ("spots", self.spots, (self.n_accounts, len(self.spot_markets.names))),
        ):
            for column, limit in zip((rows.account, rows.market), limits, strict=True):
                if column.size and (column.min() < 0 or column.max() >= limit):
                    raise BadBook(f"{name}: a row points outside its table of {limit}")
            if rows.account.size and np.any(np.diff(rows.account) < 0):
                raise BadBook(f"{name}: rows are not sorted by account")
        return self
