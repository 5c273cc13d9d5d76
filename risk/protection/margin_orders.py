"""Resting orders that are in the way of safety: they would enlarge what is held, or take up margin. Pure."""

import numpy as np

from risk.after_plan import without_orders
from risk.margin.book import FleetBook
from risk.margin.evaluate import evaluate
from risk.margin.trade import with_trade
from risk.model.trading import BASE_UNITS

# Every order costs a cent, a waiting trigger nothing else; what costs less than this is not in the way.
_FREE_USD = 0.5


def risk_increasing_orders(book: FleetBook) -> tuple[int, ...]:
    """Resting orders of the one account each of which, were it filled alone, would leave more of something."""
    orders = book.orders
    if orders is None:
        return ()
    found = []
    for row in range(orders.order_id.size):
        if orders.reduce_only[row]:
            continue
        table = book.perps if orders.is_perp[row] else book.spots
        rows = np.flatnonzero(table.market == orders.market[row])
        if orders.is_perp[row]:
            held = float(book.perps.base_1e9[rows].sum()) / BASE_UNITS
        else:
            unit = 10.0 ** int(book.spot_markets.decimals[orders.market[row]])
            held = float(book.spots.tokens_raw[rows].sum()) / unit
        size = float(orders.size_base[row]) * (1.0 if orders.is_buy[row] else -1.0)
        if abs(held + size) > abs(held):
            found.append(int(orders.order_id[row]))
    return tuple(found)


def costly_orders(book: FleetBook) -> tuple[int, ...]:
    """Resting perp orders of the one account without which less margin is required: the fewest of each market.

    A reduce-only order is among them where it is larger than its position. Triggers that wait never are.
    """
    orders = book.orders
    if orders is None:
        return ()
    counting = orders.is_perp & ((orders.trigger_price_1e6 == 0) | (orders.triggered == 1))
    found: list[int] = []
    for market in np.unique(orders.market[counting]):
        rows = np.flatnonzero(counting & (orders.market == market))
        # Those that only reduce are the first that may stay.
        own = [int(orders.order_id[row]) for row in sorted(rows, key=lambda row: not orders.reduce_only[row])]
        least = _needed_usd(without_orders(book, own))
        if _needed_usd(book) - least <= _FREE_USD:
            continue
        gone = list(own)
        for one in own:
            fewer = [other for other in gone if other != one]
            if _needed_usd(without_orders(book, fewer)) - least <= _FREE_USD:
                gone = fewer
        found += gone
    return tuple(found)


def without_positions(book: FleetBook) -> FleetBook:
    """The one account of a book with every perp closed at its oracle's price."""
    for row in np.flatnonzero(book.perps.base_1e9):
        market = book.perp_markets.names[int(book.perps.market[row])]
        book = with_trade(book, market, -float(book.perps.base_1e9[row]) / BASE_UNITS)
    return book


def _needed_usd(book: FleetBook) -> float:
    """Maintenance margin of all scopes."""
    totals = evaluate(book, maintenance_only=True).maintenance
    return float(totals.requirement_usd[0] + totals.isolated_requirement_usd.sum())
