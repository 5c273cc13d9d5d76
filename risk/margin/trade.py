"""The book as it would be after a trade: what limits, sizes and hedges are checked on before anything is sent."""

from dataclasses import replace

import numpy as np

from risk.errors import BadParameter, CannotAssess
from risk.margin.book import FleetBook, PerpRows

TAKER_FEE_FRAC = 0.001  # the venue's highest tier; an estimate may only be too careful


def with_trade(
    book: FleetBook, market: str, base: float, *, price_usd: float | None = None, fee_usd: float = 0.0
) -> FleetBook:
    """The one account of a book after buying (> 0) or selling (< 0) ``base`` units of a perp.

    Args:
        price_usd: What was paid; None for the oracle price.
        fee_usd: Taken from the position's quote amount, as the venue does.

    Raises: BadParameter for several accounts or a size that is no number; CannotAssess for a market the reading lacks.
    """
    if book.n_accounts != 1:
        raise BadParameter("a trade is tried on one account at a time")
    if not np.isfinite(base):
        raise BadParameter("a size must be a finite number")
    names = book.perp_markets.names
    if market not in names:
        raise CannotAssess([f"{market} is not among the markets that were read: {', '.join(names) or 'none'}"])
    at = names.index(market)
    price = float(book.oracles.price_1e6[book.perp_markets.oracle[at]]) / 1e6 if price_usd is None else price_usd
    rows = np.flatnonzero(book.perps.market == at)
    perps = book.perps if rows.size else _with_row(book.perps, at)
    row = int(rows[0]) if rows.size else int(np.flatnonzero(perps.market == at)[0])
    base_1e9, quote_1e6 = perps.base_1e9.copy(), perps.quote_1e6.copy()
    base_1e9[row] += np.round(base * 1e9)
    quote_1e6[row] -= np.round(base * price * 1e6) + np.round(fee_usd * 1e6)
    return replace(book, perps=replace(perps, base_1e9=base_1e9, quote_1e6=quote_1e6))


def _with_row(perps: PerpRows, market: int) -> PerpRows:
    """An empty slot at the end: rows are sorted by account, and there is one."""
    empty = {
        "account": 0, "market": market, "isolated": False, "being_liquidated": False,
    }  # fmt: skip
    columns = {}
    for name in PerpRows.__dataclass_fields__:
        column = getattr(perps, name)
        columns[name] = np.concatenate([column, np.array([empty.get(name, 0)], column.dtype)])
    return PerpRows(**columns)
