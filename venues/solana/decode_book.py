"""Accounts and markets put together: a FleetBook, and the reasons why an account in it cannot be assessed."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from risk.margin.book import (
    UNSTATED,
    AccountTable,
    BoolArray,
    CodeArray,
    FleetBook,
    FloatArray,
    IntArray,
    OrderRows,
    PerpRows,
    SpotRows,
)
from risk.model.account import OrderKind
from venues.solana.addresses import Addresses, Delegates, Names
from venues.solana.decode_markets import MarketRows, Markets
from venues.solana.decode_users import Records, Users
from venues.solana.integers import magnitude, multiply_divide
from venues.solana.notices import notices, pauses
from venues.solana.profiles import Profile

Number = TypeVar("Number", np.uint8, np.int64, np.uint64)

_FUNDING_SCALE = np.uint64(10**12)  # rate 1e9 times base 1e9 to quote 1e6
_LARGEST_RATE = 2**62
_BORROW = 1
_BUY = 0
_BASE_UNIT = 1e9
_TRIGGERS = (OrderKind.TRIGGER_MARKET, OrderKind.TRIGGER_LIMIT)


class _Problems:
    """Reasons by account, collected while rows are checked."""

    def __init__(self) -> None:
        self._reasons: dict[int, list[str]] = {}

    def add(self, account: int, reason: str) -> None:
        reasons = self._reasons.setdefault(account, [])
        if reason not in reasons:
            reasons.append(reason)

    def add_each(self, accounts: IntArray, bad: BoolArray, reason: str) -> None:
        for account in accounts[bad].tolist():
            self.add(account, reason)

    def add_missing(
        self, kind: str, accounts: IntArray, indexes: NDArray[np.uint16], rows: MarketRows, known: int
    ) -> None:
        for account, index in zip(accounts.tolist(), indexes.tolist(), strict=True):
            if index >= known:
                self.add(account, f"{kind} market {index} is beyond the {known} there are; the bytes are damaged")
            elif index in rows.unreadable:
                self.add(account, rows.unreadable[index])
            else:
                self.add(account, f"{kind} market {index} was not read; try again")

    def table(self) -> dict[int, tuple[str, ...]]:
        return {account: tuple(reasons) for account, reasons in sorted(self._reasons.items())}


def build_book(profile: Profile, users: Users, markets: Markets, *, observed_at: datetime) -> FleetBook:
    """The book of all accounts. A refused account, or one that touches what could not be read, has ``problems``."""
    problems = _Problems()
    for position, refusal in users.refused.items():
        problems.add(position, str(refusal))
    perps = _perp_rows(profile, users, markets, problems)
    spots = _spot_rows(profile, users, markets, problems)
    orders = None if users.orders is None else _order_rows(profile, users, users.orders, markets, problems)
    perp_rows, spot_rows = set(perps.market.tolist()), set(spots.market.tolist())
    return FleetBook(
        slot=markets.slot,
        observed_at=observed_at,
        accounts=_account_table(profile, users, problems),
        perp_markets=markets.perps,
        spot_markets=markets.spots,
        oracles=markets.oracles,
        perps=perps,
        spots=spots,
        orders=orders,
        liquidation_buffer_1e4=markets.state.liquidation_buffer_1e4,
        notices=notices(profile, markets, perp_rows, spot_rows),
        pauses=pauses(profile, markets, perp_rows, spot_rows),
    )


def _column(records: Records, name: str, kind: type[Number]) -> NDArray[Number]:
    """A field; zeros where the venue does not have it."""
    return records[name] if name in (records.dtype.names or ()) else np.zeros(records.size, kind)


def _amounts(records: Records, name: str) -> FloatArray:
    """A signed amount; NaN where the venue does not state it."""
    stated = name in (records.dtype.names or ())
    return records[name].astype(np.float64) if stated else np.full(records.size, np.nan)


def _codes(records: Records, name: str) -> NDArray[np.uint8]:
    """A field of one byte; zeros where the venue does not have it."""
    return _column(records, name, np.uint8)


@lru_cache
def _unknown_codes(known: tuple[int, ...]) -> BoolArray:
    table = np.ones(256, np.bool_)
    table[list(known)] = False
    return table


def _unknown(known: Mapping[int, object], codes: NDArray[np.uint8]) -> BoolArray:
    """Which codes of one byte are not in a table of the profile."""
    return _unknown_codes(tuple(known))[codes]


def _account_table(profile: Profile, users: Users, problems: _Problems) -> AccountTable:
    accounts, everyone = users.accounts, np.arange(users.accounts.size)
    liquidated, bankrupt, known_bits = profile.status_bits
    status, mode = accounts["status"], _codes(accounts, "margin_mode")
    unknown_mode, unknown_status = _unknown(profile.margin_modes, mode), (status & ~np.uint8(known_bits)) != 0
    if unknown_mode.any() or unknown_status.any():
        problems.add_each(everyone, unknown_mode, "its margin mode is not known; update this program")
        problems.add_each(everyone, unknown_status, "its status is not known; update this program")
    deposits, withdrawals = accounts["total_deposits"], accounts["total_withdraws"]
    return AccountTable(
        ids=Addresses(users.addresses),
        authorities=Addresses(accounts["authority"]),
        delegates=Delegates(accounts["delegate"]) if "delegate" in (accounts.dtype.names or ()) else (),
        names=Names(accounts["name"]),
        sub_account=accounts["sub_account_id"].astype(np.int64),
        margin_mode=np.where(unknown_mode, 0, mode).astype(np.int8),
        max_ratio_1e4=accounts["max_margin_ratio"].astype(np.float64),
        net_deposits_1e6=(deposits - withdrawals).view(np.int64).astype(np.float64),
        settled_pnl_1e6=accounts["settled_perp_pnl"].astype(np.float64),
        last_active_slot=_column(accounts, "last_active_slot", np.uint64).astype(np.int64),
        funding_booked_1e6=_amounts(accounts, "cumulative_perp_funding"),
        being_liquidated=(status & np.uint8(liquidated)) != 0,
        bankrupt=(status & np.uint8(bankrupt)) != 0,
        pool_id=accounts["pool_id"].astype(np.int64),
        problems=problems.table(),
    )


def _unpriced(markets: Markets, oracle: IntArray) -> BoolArray:
    return np.isnan(markets.oracles.price_1e6[oracle])


def _add_unpriced(problems: _Problems, markets: Markets, accounts: IntArray, oracle: IntArray) -> None:
    for account, column in zip(accounts.tolist(), oracle.tolist(), strict=True):
        if column in markets.unreadable_feeds:
            problems.add(account, markets.unreadable_feeds[column])


def _perp_rows(profile: Profile, users: Users, markets: Markets, problems: _Problems) -> PerpRows:
    slots, account = users.perps, users.perp_account
    market = markets.perp_rows.of(slots["market_index"])
    absent = market < 0
    if absent.any():
        problems.add_missing(
            "perp", account[absent], slots["market_index"][absent], markets.perp_rows, markets.state.perp_count
        )
        slots, account, market = slots[~absent], account[~absent], market[~absent]
    isolated_bit, liquidated_bit, known_bits = profile.position_bits
    flags, table = slots["position_flag"], markets.perps
    isolated = (flags & np.uint8(isolated_bit)) != 0
    quote = table.quote[market]
    _check_perps(profile, users, markets, problems, slots, account, market, flags & ~np.uint8(known_bits))
    base = slots["base_asset_amount"]
    return PerpRows(
        account=account,
        market=market,
        base_1e9=base.astype(np.float64),
        quote_1e6=slots["quote_asset_amount"].astype(np.float64),
        quote_entry_1e6=slots["quote_entry_amount"].astype(np.float64),
        funding_1e6=_funding(markets, slots, market),
        open_bids_1e9=slots["open_bids"].astype(np.float64),
        open_asks_1e9=slots["open_asks"].astype(np.float64),
        open_orders=slots["open_orders"].astype(np.float64),
        isolated=isolated,
        isolated_tokens_raw=_isolated_tokens(markets, slots, isolated & (quote >= 0), quote),
        max_ratio_1e4=slots["max_margin_ratio"].astype(np.float64),
        settled_pnl_1e6=slots["settled_pnl"].astype(np.float64),
        being_liquidated=(flags & np.uint8(liquidated_bit)) != 0,
    )


def _check_perps(
    profile: Profile,
    users: Users,
    markets: Markets,
    problems: _Problems,
    slots: Records,
    account: IntArray,
    market: IntArray,
    unknown_flags: NDArray[np.uint8],
) -> None:
    table, rate = markets.perps, slots["last_cumulative_funding_rate"]
    quote = table.quote[market]
    damaged = (slots["open_bids"] < 0) | (slots["open_asks"] > 0) | (rate > _LARGEST_RATE) | (rate < -_LARGEST_RATE)
    other_pool = users.accounts["pool_id"][account] != table.pool_id[market]
    unpriced = _unpriced(markets, table.oracle[market])
    no_quote = quote < 0
    if not no_quote.any():
        unpriced |= _unpriced(markets, markets.spots.oracle[quote])
    elif no_quote.all():
        unpriced |= no_quote
    bad = damaged | other_pool | unpriced | no_quote | (unknown_flags != 0)
    if not bad.any():
        return
    problems.add_each(account, unknown_flags != 0, "a perp position has flags that are not known; update this program")
    problems.add_each(account, damaged, "a perp position holds numbers that cannot be; its bytes are damaged")
    problems.add_each(account, other_pool, "a perp position is in another lending pool than the account")
    problems.add_each(account, no_quote, "the spot market in which a perp position settles could not be read")
    _add_unpriced(problems, markets, account, table.oracle[market])
    priced = ~no_quote
    _add_unpriced(problems, markets, account[priced], markets.spots.oracle[quote[priced]])


def _funding(markets: Markets, slots: Records, market: IntArray) -> FloatArray:
    """Unsettled funding, > 0 owed to the account: the product of rate and size is exact before it is a float."""
    base, last = slots["base_asset_amount"], slots["last_cumulative_funding_rate"]
    cumulative = np.where(base > 0, markets.funding_long_1e9[market], markets.funding_short_1e9[market])
    paid = cumulative - last
    amount = multiply_divide(magnitude(base), magnitude(paid), np.full(base.size, _FUNDING_SCALE))
    return np.where((paid > 0) == (base > 0), -amount, amount) + 0.0


def _isolated_tokens(markets: Markets, slots: Records, has: BoolArray, quote: IntArray) -> FloatArray:
    tokens = np.zeros(slots.size)
    if has.any():
        rows = quote[has]
        tokens[has] = multiply_divide(
            slots["isolated_position_scaled_balance"][has],
            markets.deposit_interest_1e10[rows],
            markets.scale_divisors[rows],
        )
    return tokens


def _spot_rows(profile: Profile, users: Users, markets: Markets, problems: _Problems) -> SpotRows:
    slots, account = users.spots, users.spot_account
    market = markets.spot_rows.of(slots["market_index"])
    absent = market < 0
    if absent.any():
        problems.add_missing(
            "spot", account[absent], slots["market_index"][absent], markets.spot_rows, markets.state.spot_count
        )
        slots, account, market = slots[~absent], account[~absent], market[~absent]
    table, borrow = markets.spots, slots["balance_type"] == _BORROW
    pool, market_pool = users.accounts["pool_id"][account], table.pool_id[market]
    damaged = (slots["balance_type"] > _BORROW) | (slots["open_bids"] < 0) | (slots["open_asks"] > 0)
    other_pool = (pool != market_pool) & ~_quoteless(profile, pool, slots["market_index"], borrow)
    bad = damaged | other_pool | _unpriced(markets, table.oracle[market])
    if bad.any():
        problems.add_each(account, damaged, "a spot position holds numbers that cannot be; its bytes are damaged")
        problems.add_each(account, other_pool, "a spot position is in another lending pool than the account")
        _add_unpriced(problems, markets, account, table.oracle[market])
    interest = np.where(borrow, markets.borrow_interest_1e10[market], markets.deposit_interest_1e10[market])
    tokens = multiply_divide(slots["scaled_balance"], interest, markets.scale_divisors[market], round_up=borrow)
    return SpotRows(
        account=account,
        market=market,
        tokens_raw=np.where(borrow, -tokens, tokens) + 0.0,
        shares_1e9=np.where(borrow, -1.0, 1.0) * slots["scaled_balance"].astype(np.float64) + 0.0,
        open_bids_raw=slots["open_bids"].astype(np.float64),
        open_asks_raw=slots["open_asks"].astype(np.float64),
        open_orders=slots["open_orders"].astype(np.float64),
    )


def _quoteless(
    profile: Profile, pool: NDArray[np.uint8], market_index: NDArray[np.uint16], borrow: BoolArray
) -> BoolArray:
    """Deposits of market 0 that the program tolerates in a pool where they count nothing."""
    if profile.quoteless_pool is None:
        return np.zeros(pool.size, np.bool_)
    tolerated: BoolArray = (pool == profile.quoteless_pool) & (market_index == 0) & ~borrow
    return tolerated


def _order_rows(profile: Profile, users: Users, slots: Records, markets: Markets, problems: _Problems) -> OrderRows:
    account, is_perp = users.order_account, slots["market_type"] == 1
    market = np.where(is_perp, markets.perp_rows.of(slots["market_index"]), markets.spot_rows.of(slots["market_index"]))
    unknown = _unknown(profile.order_kinds, slots["order_type"]) | (slots["market_type"] > 1) | (slots["direction"] > 1)
    overfilled = slots["base_asset_amount_filled"] > slots["base_asset_amount"]
    bad = (market < 0) | unknown | overfilled
    if bad.any():
        problems.add_each(account, bad, "an open order names no known market, kind or size; its bytes are damaged")
        slots, account, is_perp, market = slots[~bad], account[~bad], is_perp[~bad], market[~bad]
    unit = np.full(slots.size, _BASE_UNIT)
    unit[~is_perp] = 10.0 ** markets.spots.decimals[market[~is_perp]]
    kinds = list(profile.order_kinds.values())
    order_of = {code: list(type(kinds[0])).index(kind) for code, kind in profile.order_kinds.items()}
    above, triggered = _triggers(profile, slots)
    return OrderRows(
        account=account,
        market=market,
        is_perp=is_perp,
        order_id=slots["order_id"].astype(np.int64),
        is_buy=slots["direction"] == _BUY,
        kind=np.array([order_of[code] for code in slots["order_type"].tolist()], np.int8),
        size_base=(slots["base_asset_amount"] - slots["base_asset_amount_filled"]).astype(np.float64) / unit,
        price_1e6=slots["price"].astype(np.float64),
        trigger_price_1e6=slots["trigger_price"].astype(np.float64),
        reduce_only=slots["reduce_only"] != 0,
        expires_at_s=np.maximum(_column(slots, "max_ts", np.int64), 0),
        triggers_above=above,
        triggered=triggered,
    )


def _triggers(profile: Profile, slots: Records) -> tuple[CodeArray, CodeArray]:
    """For every order whether it triggers above and whether it has; UNSTATED for those without a trigger."""
    conditions = _codes(slots, "trigger_condition")
    above, triggered = (np.full(slots.size, UNSTATED, np.int8) for _ in range(2))
    has_one = np.isin(slots["order_type"], [code for code, kind in profile.order_kinds.items() if kind in _TRIGGERS])
    for code, condition in profile.trigger_conditions.items():
        at = has_one & (conditions == code)
        above[at], triggered[at] = condition.above, condition.triggered
    return above, triggered
