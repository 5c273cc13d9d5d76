"""What happens to orders that wait: they trigger, are executed by keepers, take, are come to, and expire.

An order that rests fills at its limit, never better. One that came, or was triggered, at a price at which it can trade
takes from the curve, second by second, until it is filled or its limit is passed; then it rests.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from risk.margin.book import BoolArray, IntArray
from risk.model.account import Side
from venues.paper import margin
from venues.paper.booking import book_fill, held_against_1e9, keep
from venues.paper.depth import best_price_usd, taker_price_1e6, touch_factor, within_1e9
from venues.paper.ledger import FillReason, PaperAccount, RestingOrder
from venues.paper.markets import PerpListing
from venues.paper.units import PRICE, ceil_div
from venues.paper.world import World

_BPS = 10_000


def crosses(order: RestingOrder, best_usd: float) -> bool:
    """Whether the exchange's quote has come to an order's limit; ``best_usd`` is best_price_usd for its side."""
    limit_usd = order.price_1e6 / PRICE
    return best_usd <= limit_usd if order.side is Side.BUY else best_usd >= limit_usd


def stirs(world: World, order: RestingOrder, seconds: IntArray, prices_1e6: IntArray) -> BoolArray:
    """In which seconds something may happen to an order, were all before them as it is now; its expiry apart.

    Args:
        prices_1e6: Of the order's oracle in these seconds.
    """
    listing = world.universe.perp_at[order.market_index]
    none = np.zeros(len(seconds), dtype=np.bool_)
    if not _is_served(world, order, listing):
        return none
    if order.works_from_s is None:
        passed = prices_1e6 > order.trigger_1e6 if order.triggers_above else prices_1e6 < order.trigger_1e6
        return np.asarray(passed)
    works = seconds >= order.works_from_s
    if order.taking:
        return np.asarray(works)
    best_usd = prices_1e6 / PRICE * touch_factor(listing, order.side)
    limit_usd = order.price_1e6 / PRICE
    return np.asarray(works & (best_usd <= limit_usd if order.side is Side.BUY else best_usd >= limit_usd))


def expire(world: World) -> None:
    """Ends the orders whose time is up this second."""
    for account in world.accounts.values():
        for order in list(account.orders.values()):
            if order.expires_unix_s and world.second_of(order.expires_unix_s) <= world.now_s:
                world.end_order(account, order.order_id, "its time was up")


def trigger(world: World) -> None:
    """Marks the orders whose trigger the price of this second has passed; a keeper comes for them later."""
    for account, order in _served(world):
        if not order.waits:
            continue
        price_1e6 = world.price_1e6(world.universe.perp_at[order.market_index].terms.oracle_id)
        if price_1e6 > order.trigger_1e6 if order.triggers_above else price_1e6 < order.trigger_1e6:
            due_s = world.now_s + world.conditions.keeper_delay_s
            account.orders[order.order_id] = replace(order, keeper_due_s=due_s, taking=True)


def fill_taking(world: World) -> None:
    """Fills what takes from the curve, oldest first."""
    taking = [(order.order_id, account.account_id) for account, order in _served(world) if order.taking]
    for order_id, account_id in sorted(taking):
        account = world.accounts[account_id]
        order = account.orders[order_id]
        if order.works_from_s is None or order.works_from_s > world.now_s:
            continue
        _take(world, account, order)


def fill_crossed(world: World) -> None:
    """Fills what the quote of this second reaches, best price first, then oldest, as far as size is available."""
    crossed: list[tuple[float, int, str]] = []
    for account, order in _served(world):
        if order.taking or order.waits:
            continue
        listing = world.universe.perp_at[order.market_index]
        if crosses(order, best_price_usd(world, listing, order.side)):
            rank = -order.price_1e6 if order.side is Side.BUY else order.price_1e6
            crossed.append((rank, order.order_id, account.account_id))
    for _, order_id, account_id in sorted(crossed):
        account = world.accounts[account_id]
        order = account.orders[order_id]
        listing = world.universe.perp_at[order.market_index]
        size = min(order.remaining_1e9, world.available_1e9(listing, order.side))
        _fill(world, account, order, size, taker=False)


def _served(world: World) -> Iterator[tuple[PaperAccount, RestingOrder]]:
    for account in list(world.accounts.values()):
        if account.being_liquidated:
            continue
        for order in list(account.orders.values()):
            if _is_served(world, order, world.universe.perp_at[order.market_index]):
                yield account, order


def _is_served(world: World, order: RestingOrder, listing: PerpListing) -> bool:
    """Whether anything can happen to an order at all, its expiry apart."""
    if world.board.is_halted(listing.terms.oracle_id) or not world.conditions.fills(listing):
        return False
    needs_keeper = order.is_trigger and (order.waits or order.taking)
    return world.conditions.keepers_work or not needs_keeper


def _take(world: World, account: PaperAccount, order: RestingOrder) -> None:
    listing = world.universe.perp_at[order.market_index]
    limit_1e6 = order.price_1e6 or _bound_1e6(listing, order.side, world.price_1e6(listing.terms.oracle_id))
    offered = within_1e9(world, listing, order.side, limit_1e6)
    if order.price_1e6 and not offered and world.available_1e9(listing, order.side):
        account.orders[order.order_id] = replace(order, taking=False)
        return
    _fill(world, account, order, min(order.remaining_1e9, offered), taker=True)


def _bound_1e6(listing: PerpListing, side: Side, oracle_1e6: int) -> int:
    """Worst price of an order that has no limit, by the venue's own rule."""
    bound = round(listing.market_bound_bps * 100)
    if side is Side.BUY:
        return oracle_1e6 * (_BPS * 100 + bound) // (_BPS * 100)
    return ceil_div(oracle_1e6 * (_BPS * 100 - bound), _BPS * 100)


def _fill(world: World, account: PaperAccount, order: RestingOrder, size_1e9: int, *, taker: bool) -> None:
    """Fills an order by a size, or ends it where it may not be filled any more."""
    listing = world.universe.perp_at[order.market_index]
    reducible = held_against_1e9(account, order.market_index, order.side)
    if order.reduce_only and reducible <= 0:
        world.end_order(account, order.order_id, "no position was left that it could reduce")
        return
    if order.reduce_only or world.conditions.is_reduce_only(listing):
        size_1e9 = min(size_1e9, reducible)
    if size_1e9 <= 0:
        return
    after = account.copy()
    left = order.remaining_1e9 - size_1e9
    if left:
        after.orders[order.order_id] = replace(order, remaining_1e9=left)
    else:
        del after.orders[order.order_id]
    oracle_1e6 = world.price_1e6(listing.terms.oracle_id)
    fill = book_fill(
        world,
        after,
        listing,
        base_1e9=size_1e9 if order.side is Side.BUY else -size_1e9,
        price_1e6=taker_price_1e6(listing, order.side, size_1e9, oracle_1e6) if taker else order.price_1e6,
        fee_bps=listing.taker_fee_bps if taker else listing.maker_fee_bps,
        reason=FillReason.TAKER if taker else FillReason.MAKER,
        order_id=order.order_id,
    )
    grows = abs(after.base_1e9(order.market_index)) > abs(account.base_1e9(order.market_index))
    if grows and not margin.keeps_maintenance(world, after):
        # The venue cancels a maker's order rather than fill it into a liquidation.
        world.end_order(account, order.order_id, "filling it would have led to a liquidation")
        return
    keep(world, after, fill)
