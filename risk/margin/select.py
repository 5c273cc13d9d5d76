"""Parts and variants of a book: one account of many, or one account in many guises."""

from dataclasses import fields, replace
from typing import TypeVar

import numpy as np

from risk.margin.book import AccountTable, FleetBook, IntArray, OrderRows, PerpRows, SpotRows

Rows = TypeVar("Rows", PerpRows, SpotRows, OrderRows)


def only(book: FleetBook, account_id: str) -> FleetBook:
    """The book of one account, with all its markets and oracles. Raises: UnknownAccount."""
    return row_of(book, book.position_of(account_id))


def row_of(book: FleetBook, at: int) -> FleetBook:
    """The book of the account in row ``at``, with all its markets and oracles."""
    return replace(
        book,
        accounts=_accounts(book.accounts, np.array([at])),
        perps=_pick(book.perps, at),
        spots=_pick(book.spots, at),
        orders=None if book.orders is None else _pick(book.orders, at),
    )


def rows_of(rows: PerpRows | SpotRows | OrderRows, at: int) -> slice:
    """Where the rows of one account stand: they are sorted by account, so they are one slice."""
    first, last = np.searchsorted(rows.account, (at, at + 1))
    return slice(int(first), int(last))


def variants(book: FleetBook, count: int) -> FleetBook:
    """The single account of a book, ``count`` times, without orders; the caller changes rows of the copies."""
    if book.n_accounts != 1:
        raise ValueError("variants are made of a book of one account")
    return replace(
        book,
        accounts=_accounts(book.accounts, np.zeros(count, np.int64)),
        perps=_repeat(book.perps, count),
        spots=_repeat(book.spots, count),
        orders=None,
    )


def _accounts(table: AccountTable, at: IntArray) -> AccountTable:
    return AccountTable(
        ids=[table.ids[int(i)] for i in at],
        authorities=[table.authorities[int(i)] for i in at],
        names=[table.names[int(i)] for i in at],
        sub_account=table.sub_account[at],
        margin_mode=table.margin_mode[at],
        max_ratio_1e4=table.max_ratio_1e4[at],
        net_deposits_1e6=table.net_deposits_1e6[at],
        settled_pnl_1e6=table.settled_pnl_1e6[at],
        being_liquidated=table.being_liquidated[at],
        bankrupt=table.bankrupt[at],
        pool_id=table.pool_id[at],
        last_active_slot=table.last_active_slot[at],
        funding_booked_1e6=table.funding_booked_1e6[at],
        delegates=[table.delegates[int(i)] for i in at] if table.delegates else (),
        problems={new: table.problems[int(old)] for new, old in enumerate(at) if int(old) in table.problems},
    )


def _pick(rows: Rows, account: int) -> Rows:
    own = rows_of(rows, account)
    columns = {field.name: getattr(rows, field.name)[own] for field in fields(rows)}
    columns["account"] = np.zeros(own.stop - own.start, np.int64)
    return type(rows)(**columns)


def _repeat(rows: Rows, count: int) -> Rows:
    columns = {field.name: np.tile(getattr(rows, field.name), count) for field in fields(rows)}
    columns["account"] = np.repeat(np.arange(count), rows.account.size)
    return type(rows)(**columns)
