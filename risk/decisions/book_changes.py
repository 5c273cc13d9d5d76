"""Which accounts of a fleet may have news: two books in, rows out, without an object per account. Pure.

Prices move every book and are no news of an account. What counts is its own state, as the venue keeps it: positions,
shares of balances, orders, flags, the slot it was last active in; and of the markets it is in what an account pays for
being there, its funding and the rate of its borrows. A row too many costs a comparison, a row too few an event.
"""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from risk.margin.book import UNSTATED, BoolArray, FleetBook, FloatArray, IntArray, OrderRows, PerpRows, SpotRows

# What time and prices change by themselves, and what says where a row stands rather than what is in it.
_NOT_ITS_OWN = frozenset({"account", "market", "funding_1e6", "tokens_raw", "isolated_tokens_raw"})


def changed_rows(previous: FleetBook, current: FleetBook, *, dear_borrow_annual_frac: float) -> IntArray:
    """Rows of the accounts of ``current`` that may have news since ``previous``; all of them for other accounts.

    Args:
        dear_borrow_annual_frac: A borrow rate that passes this, either way, is news to whoever borrows.
    """
    old, new = previous.accounts, current.accounts
    if previous.n_accounts != current.n_accounts or not (old.ids is new.ids or old.ids == new.ids):
        return np.arange(current.n_accounts)
    changed = _accounts(previous, current)
    changed |= _rows(previous.perps, current.perps, _perp_index(previous), _perp_index(current), current.n_accounts)
    changed |= _rows(previous.spots, current.spots, _spot_index(previous), _spot_index(current), current.n_accounts)
    changed |= _token_rows(previous, current)
    if previous.orders is not None and current.orders is not None:
        before, after = (_order_index(book, book.orders) for book in (previous, current) if book.orders is not None)
        changed |= _rows(previous.orders, current.orders, before, after, current.n_accounts)
    changed |= _by_funding(previous, current) | _by_borrow_rate(previous, current, dear_borrow_annual_frac * 1e6)
    return np.flatnonzero(changed)


def _accounts(previous: FleetBook, current: FleetBook) -> BoolArray:
    old, new = previous.accounts, current.accounts
    changed = old.net_deposits_1e6 != new.net_deposits_1e6
    changed |= old.settled_pnl_1e6 != new.settled_pnl_1e6
    changed |= old.last_active_slot != new.last_active_slot
    changed |= (old.being_liquidated != new.being_liquidated) | (old.bankrupt != new.bankrupt)
    changed |= (old.margin_mode != new.margin_mode) | (old.max_ratio_1e4 != new.max_ratio_1e4)
    changed |= _delegates(old.delegates, new.delegates, current.n_accounts)
    changed[list(set(old.problems) ^ set(new.problems))] = True
    return np.asarray(changed, np.bool_)


def _delegates(old: Sequence[str], new: Sequence[str], n_accounts: int) -> BoolArray:
    if old is new or old == new:
        return np.zeros(n_accounts, np.bool_)
    if len(old) != len(new):
        return np.ones(n_accounts, np.bool_)
    return np.array([one != other for one, other in zip(old, new, strict=True)], np.bool_)


def _perp_index(book: FleetBook) -> IntArray:
    return book.perp_markets.market_index[book.perps.market]


def _spot_index(book: FleetBook) -> IntArray:
    return book.spot_markets.market_index[book.spots.market]


def _order_index(book: FleetBook, orders: OrderRows) -> IntArray:
    """Perp markets as they are, spot markets below zero."""
    found = np.empty(orders.market.size, np.int64)
    found[orders.is_perp] = book.perp_markets.market_index[orders.market[orders.is_perp]]
    found[~orders.is_perp] = -1 - book.spot_markets.market_index[orders.market[~orders.is_perp]]
    return found


def _rows(
    old: PerpRows | SpotRows | OrderRows,
    new: PerpRows | SpotRows | OrderRows,
    old_market: IntArray,
    new_market: IntArray,
    n_accounts: int,
) -> BoolArray:
    """Accounts whose rows of one table are not what they were. Rows are sorted by account."""
    counts, before = (np.bincount(rows.account, minlength=n_accounts) for rows in (new, old))
    changed: BoolArray = counts != before
    # Of accounts with as many rows as before, row stands beside row.
    kept_new, kept_old = ~changed[new.account], ~changed[old.account]
    differs = new_market[kept_new] != old_market[kept_old]
    for column in fields(new):
        if column.name not in _NOT_ITS_OWN:
            differs |= getattr(new, column.name)[kept_new] != getattr(old, column.name)[kept_old]
    changed[new.account[kept_new][differs]] = True
    return changed


def _token_rows(previous: FleetBook, current: FleetBook) -> BoolArray:
    """Balances of venues that keep no shares, where interest and everything else are one."""
    changed = np.zeros(current.n_accounts, np.bool_)
    old, new = previous.spots, current.spots
    if old.account.size == new.account.size and np.array_equal(old.account, new.account):
        bare = (old.shares_1e9 == 0) & (new.shares_1e9 == 0)
        changed[new.account[bare & (old.tokens_raw != new.tokens_raw)]] = True
    return changed


def _by_funding(previous: FleetBook, current: FleetBook) -> BoolArray:
    """Accounts in perp markets whose funding is not what it was."""
    old, new = previous.perp_markets, current.perp_markets
    before = {
        index: (long, short)
        for index, long, short in zip(
            old.market_index.tolist(), old.funding_long_1e9.tolist(), old.funding_short_1e9.tolist(), strict=True
        )
    }
    now = zip(new.market_index.tolist(), new.funding_long_1e9.tolist(), new.funding_short_1e9.tolist(), strict=True)
    moved = np.array([before.get(index, (long, short)) != (long, short) for index, long, short in now], np.bool_)
    changed = np.zeros(current.n_accounts, np.bool_)
    if moved.any():
        changed[current.perps.account[moved[current.perps.market]]] = True
    return changed


def _by_borrow_rate(previous: FleetBook, current: FleetBook, dear_1e6: float) -> BoolArray:
    """Accounts that borrow what has become dear, or is so no longer."""
    old, new = previous.spot_markets, current.spot_markets
    before = dict(zip(old.market_index.tolist(), _dear(old.borrow_rate_1e6, dear_1e6).tolist(), strict=True))
    now = zip(new.market_index.tolist(), _dear(new.borrow_rate_1e6, dear_1e6).tolist(), strict=True)
    passed = np.array([before.get(index, dear) != dear for index, dear in now], np.bool_)
    changed = np.zeros(current.n_accounts, np.bool_)
    if passed.any():
        borrows = current.spots.tokens_raw < 0
        changed[current.spots.account[borrows & passed[current.spots.market]]] = True
    return changed


def _dear(rate_1e6: FloatArray, dear_1e6: float) -> BoolArray:
    known = rate_1e6 != UNSTATED
    dear: BoolArray = known & (rate_1e6 >= dear_1e6)
    return dear
