"""Batches of exact orders at the exchange: checked, tried, and executed whole or not at all."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from risk.model.account import OrderKind, Side
from risk.model.trading import OrderStyle, OrderTerms
from venues.errors import VenueError, VenueRejected
from venues.paper.booking import book_fill, keep, may_trade, reducible_1e9, require_margin
from venues.paper.depth import best_price_usd, taker_price_1e6, within_1e9
from venues.paper.ledger import Fill, FillReason, PaperAccount, RestingOrder
from venues.paper.markets import PerpListing
from venues.paper.post import Arrival, Delivery, Landing
from venues.paper.resting import crosses
from venues.paper.units import BASE, PRICE
from venues.paper.world import World

MOST_ORDERS = 32  # that rest for one account, as at the venue
_KINDS = {OrderStyle.TRIGGER_MARKET: OrderKind.TRIGGER_MARKET, OrderStyle.TRIGGER_LIMIT: OrderKind.TRIGGER_LIMIT}


def simulate(world: World, delivery: Delivery) -> None:
    """What would happen if a batch came now, and nothing changes. Raises: VenueRejected, VenueUnavailable."""
    with contextlib.suppress(_Enough), _whole(world, delivery.account_id):
        _execute(world, delivery)
        raise _Enough


def land(world: World, arrival: Arrival) -> None:
    """A batch reaches the exchange at the present second. One that is too late leaves no trace."""
    delivery = arrival.delivery
    if world.now_slot > delivery.last_valid_slot or delivery.signature in world.post.landings:
        return
    order_ids: tuple[int, ...] = ()
    failure = arrival.failure
    if not failure:
        try:
            with _whole(world, delivery.account_id):
                order_ids = _execute(world, delivery)
        except VenueError as exc:
            failure = str(exc)
    world.post.landings[delivery.signature] = Landing(slot=world.now_slot, order_ids=order_ids, failure=failure)


def land_due(world: World) -> None:
    """Every batch whose second has come, in the order they were sent."""
    due = [one for one in world.post.arrivals if one.at_s <= world.now_s]
    if due:
        world.post.arrivals = [one for one in world.post.arrivals if one.at_s > world.now_s]
        for arrival in sorted(due, key=lambda one: one.at_s):
            land(world, arrival)


class _Enough(VenueError):
    """Ends a simulation."""


@contextlib.contextmanager
def _whole(world: World, account_id: str) -> Iterator[None]:
    """Undoes everything that was done for an account where not all of it can be."""
    before, fills = world.account(account_id).copy(), len(world.fills)
    taken, endings, next_order_id = dict(world.taken_1e9), dict(world.post.endings), world.next_order_id
    try:
        yield
    except VenueError:
        world.accounts[account_id] = before
        del world.fills[fills:]
        world.taken_1e9, world.post.endings, world.next_order_id = taken, endings, next_order_id
        raise


def _execute(world: World, delivery: Delivery) -> tuple[int, ...]:
    account = world.account(delivery.account_id)
    for order_id in delivery.cancels:
        if not 0 < order_id < world.next_order_id:
            raise VenueRejected(f"there never was an order {order_id}; name one of account {delivery.account_id}")
        # An order that is gone already needs no cancelling; the venue does not mind either.
        if order_id in account.orders:
            world.end_order(account, order_id, "it was cancelled")
    return tuple(_place(world, terms) for terms in delivery.terms)


def _place(world: World, terms: OrderTerms) -> int:
    account, listing = may_trade(world, terms.account_id), world.universe.perp(terms.market)
    world.conditions.require_open(listing, reduce_only=terms.reduce_only)
    _require_sound(world, listing, terms)
    order = _order(world, account, listing, terms)
    if order.remaining_1e9 < terms.size_raw_1e9:
        world.post.endings[order.order_id] = "the position was smaller than the order"
    after, fill, left = account.copy(), None, order.remaining_1e9
    if not terms.style.is_trigger and terms.style is not OrderStyle.POST_ONLY:
        fill = _taken(world, after, listing, order)
        left -= abs(fill.base_1e9) if fill else 0
    act = f"this order to {terms.side} {order.remaining_1e9 / BASE:.10g} {terms.market}"
    if left:
        _rest(world, after, listing, order, left)
    require_margin(world, account, after, listing, act)
    if left and not terms.style.rests:
        del after.orders[order.order_id]
        filled = order.remaining_1e9 - left
        world.post.endings[order.order_id] = (
            f"only {filled / BASE:.10g} of {order.remaining_1e9 / BASE:.10g} {terms.market} could be had within its "
            "limit, and the rest is gone"
        )
    world.next_order_id += 1
    keep(world, after, fill)
    return order.order_id


def _order(world: World, account: PaperAccount, listing: PerpListing, terms: OrderTerms) -> RestingOrder:
    size = terms.size_raw_1e9
    if terms.reduce_only:
        reducible = reducible_1e9(account, listing, terms.side)
        # A trigger keeps its size: what it may reduce is looked at when it is executed.
        size = size if terms.style.is_trigger else min(size, reducible)
    return RestingOrder(
        order_id=world.next_order_id,
        market_index=terms.market_index,
        side=terms.side,
        remaining_1e9=size,
        price_1e6=terms.limit_raw_1e6,
        reduce_only=terms.reduce_only,
        kind=_KINDS.get(terms.style, OrderKind.LIMIT),
        taking=terms.style in (OrderStyle.IOC, OrderStyle.LIMIT),
        trigger_1e6=terms.trigger_raw_1e6,
        triggers_above=terms.triggers_above,
        expires_unix_s=terms.expires_at_s,
    )


def _taken(world: World, after: PaperAccount, listing: PerpListing, order: RestingOrder) -> Fill | None:
    size = min(order.remaining_1e9, within_1e9(world, listing, order.side, order.price_1e6))
    if size <= 0:
        return None
    return book_fill(
        world,
        after,
        listing,
        base_1e9=size if order.side is Side.BUY else -size,
        price_1e6=taker_price_1e6(listing, order.side, size, world.price_1e6(listing.terms.oracle_id)),
        fee_bps=listing.taker_fee_bps,
        reason=FillReason.TAKER,
        order_id=order.order_id,
    )


def _rest(world: World, after: PaperAccount, listing: PerpListing, order: RestingOrder, left_1e9: int) -> None:
    if len(after.orders) >= MOST_ORDERS:
        raise VenueRejected(f"account {after.account_id} has {MOST_ORDERS} resting orders, the most; cancel one first")
    best_usd = best_price_usd(world, listing, order.side)
    at_once = not order.is_trigger and crosses(order, best_usd)
    if at_once and not order.taking:
        bound = "below" if order.side is Side.BUY else "above"
        raise VenueRejected(
            f"a post-only {order.side} must be {bound} ${best_usd:,.6f}; change the price, or let it take"
        )
    after.orders[order.order_id] = replace(order, remaining_1e9=left_1e9, taking=order.taking and at_once)


def _require_sound(world: World, listing: PerpListing, terms: OrderTerms) -> None:
    """Raises: VenueRejected for what is no order of this market, whoever sends it."""
    name, is_trigger = listing.terms.name, terms.style.is_trigger
    if terms.market_index != listing.terms.market_index:
        raise VenueRejected(f"{name} is market {listing.terms.market_index}, not {terms.market_index}; read it again")
    least, step, tick = listing.least_1e9, listing.step_1e9, listing.tick_1e6
    if terms.size_raw_1e9 < least:
        raise VenueRejected(f"a size of {terms.size_base:.10g} {name} is too small; the least is {least / BASE:.10g}")
    if terms.size_raw_1e9 % step:
        nearest = (terms.size_raw_1e9 - terms.size_raw_1e9 % step) / BASE
        raise VenueRejected(f"a size of {terms.size_base:.10g} {name} is no multiple of its step; use {nearest:.10g}")
    needed = {"limit": terms.limit_raw_1e6} if terms.style is not OrderStyle.TRIGGER_MARKET else {}
    needed |= {"trigger": terms.trigger_raw_1e6} if is_trigger else {}
    for what, price in needed.items():
        if price <= 0 or price % tick:
            raise VenueRejected(
                f"a {what} of ${price / PRICE:.10g} is no price of {name}; use a multiple of ${tick / PRICE:g} above 0"
            )
    if world.price_1e6(listing.terms.oracle_id) <= 0:
        raise VenueRejected(f"the oracle of {name} shows no positive price; trade it when it does")
    if is_trigger and (not terms.reduce_only or terms.triggers_above is None):
        raise VenueRejected(f"a trigger in {name} must be reduce-only and say what side of its price it waits for")
    if not is_trigger and (terms.trigger_raw_1e6 or terms.triggers_above is not None):
        raise VenueRejected(f"an order of style {terms.style.value} in {name} has no trigger; use a trigger order")
    if terms.expires_at_s <= 0 and not is_trigger:
        raise VenueRejected(f"an order in {name} without a trigger must say when it expires; give it a time")
    if terms.expires_at_s and world.second_of(terms.expires_at_s) <= world.now_s:
        raise VenueRejected(f"the order in {name} has expired; make it again with a later time")
    if terms.style is OrderStyle.IOC and listing.terms.market_index in world.conditions.bookless:
        raise VenueRejected(f"{name} has no book now: nothing can be taken at once; rest a limit order, or try later")
