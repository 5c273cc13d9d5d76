"""Time passes: the world moves from second to second, skipping those in which nothing happens.

What can happen in a second is decided by its prices and the state before it alone, so the result does not depend on how
often, or in how large steps, the world is advanced.
"""

import numpy as np

from risk.margin.book import BoolArray, FloatArray, IntArray
from risk.margin.evaluate import evaluate
from venues.paper.funding import PERIOD_S
from venues.paper.liquidation import liquidate
from venues.paper.orders import land_due
from venues.paper.resting import expire, fill_crossed, fill_taking, stirs, trigger
from venues.paper.units import BASE, PRICE
from venues.paper.world import World

_SHORTEST_LOOK_S = 64
_LONGEST_LOOK_S = 1_024


def advance(world: World, to_s: int) -> None:
    """Moves the world to a second; a second that has passed changes nothing."""
    look_s = _SHORTEST_LOOK_S
    while world.now_s < to_s:
        count = min(look_s, to_s - world.now_s, PERIOD_S - world.now_s % PERIOD_S)
        eventful = _eventful(world, count)
        eventful[-1] |= (world.now_s + count) % PERIOD_S == 0
        if not eventful.any():
            world.move_to(world.now_s + count)
            look_s = min(2 * look_s, _LONGEST_LOOK_S)
            continue
        world.move_to(world.now_s + 1 + int(np.argmax(eventful)))
        _happen(world)
        look_s = _SHORTEST_LOOK_S


def _happen(world: World) -> None:
    if world.now_s % PERIOD_S == 0:
        _accrue_funding(world)
    expire(world)
    trigger(world)
    fill_taking(world)
    fill_crossed(world)
    liquidate(world)
    # Last, as for a batch that somebody hands over within this second.
    land_due(world)


def _accrue_funding(world: World) -> None:
    for market_index, state in world.funding.items():
        listing = world.universe.perp_at[market_index]
        price_1e6 = world.price_1e6(listing.terms.oracle_id)
        net_1e9 = sum(account.base_1e9(market_index) for account in world.accounts.values())
        net_musd = net_1e9 / BASE * price_1e6 / PRICE / 1e6
        state.accrue(price_1e6, listing.premium_bps_per_musd * net_musd / 1e4)


def _eventful(world: World, count: int) -> BoolArray:
    """Which of the next ``count`` seconds may change an account, were the state before it the present one."""
    seconds = np.arange(world.now_s + 1, world.now_s + 1 + count, dtype=np.int64)
    prices_1e6 = world.board.prices_1e6(world.now_s + 1, count)
    return _times_up(world, seconds) | _orders_stir(world, seconds, prices_1e6) | _flag_changes(world, prices_1e6)


def _times_up(world: World, seconds: IntArray) -> BoolArray:
    """Seconds at which an order expires or a batch arrives."""
    ends = [
        world.second_of(order.expires_unix_s)
        for account in world.accounts.values()
        for order in account.orders.values()
        if order.expires_unix_s
    ]
    ends += [arrival.at_s for arrival in world.post.arrivals]
    return seconds >= min(ends) if ends else np.zeros(len(seconds), dtype=np.bool_)


def _orders_stir(world: World, seconds: IntArray, prices_1e6: IntArray) -> BoolArray:
    stir = np.zeros(len(seconds), dtype=np.bool_)
    for account in world.accounts.values():
        for order in () if account.being_liquidated else account.orders.values():
            oracle_id = world.universe.perp_at[order.market_index].terms.oracle_id
            stir |= stirs(world, order, seconds, prices_1e6[:, world.board.oracle_ids.index(oracle_id)])
    return stir


def _flag_changes(world: World, prices_1e6: IntArray) -> BoolArray:
    none = np.zeros(len(prices_1e6), dtype=np.bool_)
    accounts = [a for a in world.accounts.values() if not a.bankrupt and (a.perps or a.orders or a.tokens_raw)]
    if not accounts:
        return none
    flagged = np.array([account.being_liquidated for account in accounts])
    if world.liquidates and flagged.any():
        return ~none
    book = world.book(accounts)
    columns = [world.board.oracle_ids.index(oracle_id) for oracle_id in book.oracles.ids]
    prices_usd: FloatArray = prices_1e6[:, columns] / PRICE
    evaluation = evaluate(book, prices_usd, maintenance_only=not flagged.any())
    totals = evaluation.maintenance
    changes = (totals.collateral_usd < totals.requirement_usd) & ~flagged
    if flagged.any():
        changes |= (evaluation.full.exit_shortfall_usd <= 0) & flagged
    return np.asarray(changes.any(axis=1))
