"""Orders of whoever holds the exchange itself: a market order against its quote, and a post-only limit order."""

from dataclasses import dataclass

from risk.model.account import Side
from venues.errors import VenueRejected, VenueUnavailable
from venues.paper.booking import book_fill, keep, may_trade, reducible_1e9, require_margin
from venues.paper.depth import best_price_usd, taker_price_1e6
from venues.paper.ledger import FillReason, RestingOrder
from venues.paper.markets import PerpListing
from venues.paper.resting import crosses
from venues.paper.units import BASE, PRICE, QUOTE, ceil_div, whole_units
from venues.paper.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What became of a market order. ``unfilled_base`` was not available and is gone."""

    order_id: int
    filled_base: float
    unfilled_base: float
    price_usd: float
    fee_usd: float


def market_order(
    world: World, account_id: str, market: str, side: Side, size_base: float, *, reduce_only: bool = False
) -> OrderReport:
    """Trades at once as much as this second offers; see PaperExchange.market_order."""
    account, listing = may_trade(world, account_id), world.universe.perp(market)
    world.conditions.require_open(listing, reduce_only=reduce_only)
    size = whole_units(size_base, BASE, step=listing.step_1e9, what="size")
    if reduce_only:
        size = min(size, reducible_1e9(account, listing, side))
    filled = min(size, world.available_1e9(listing, side))
    if filled == 0:
        raise VenueUnavailable(f"nothing more of {market} can trade this second; try again later")
    order_id = world.next_order_id
    after = account.copy()
    price_1e6 = taker_price_1e6(listing, side, filled, world.price_1e6(listing.terms.oracle_id))
    fill = book_fill(
        world,
        after,
        listing,
        base_1e9=filled if side is Side.BUY else -filled,
        price_1e6=price_1e6,
        fee_bps=listing.taker_fee_bps,
        reason=FillReason.TAKER,
        order_id=order_id,
    )
    require_margin(world, account, after, listing, f"this {side} of {filled / BASE:.10g} {market}")
    world.next_order_id += 1
    keep(world, after, fill)
    return OrderReport(
        order_id=order_id,
        filled_base=filled / BASE,
        unfilled_base=(size - filled) / BASE,
        price_usd=price_1e6 / PRICE,
        fee_usd=fill.fee_1e6 / QUOTE,
    )


def limit_order(
    world: World, account_id: str, market: str, side: Side, size_base: float, price_usd: float, *, reduce_only: bool
) -> int:
    """Puts an order into the book and returns its id; see PaperExchange.limit_order."""
    account, listing = may_trade(world, account_id), world.universe.perp(market)
    world.conditions.require_open(listing, reduce_only=reduce_only)
    size = whole_units(size_base, BASE, step=listing.step_1e9, what="size")
    if reduce_only:
        size = min(size, reducible_1e9(account, listing, side))
    price = whole_units(price_usd, PRICE, what="price")
    order = RestingOrder(
        order_id=world.next_order_id,
        market_index=listing.terms.market_index,
        side=side,
        remaining_1e9=size,
        price_1e6=_to_tick(listing, side, price),
        reduce_only=reduce_only,
    )
    best_usd = best_price_usd(world, listing, side)
    if order.price_1e6 == 0 or crosses(order, best_usd):
        bound = "below" if side is Side.BUY else "above"
        raise VenueRejected(
            f"a resting {side} must be {bound} ${best_usd:,.6f}; change the price or use a market order"
        )
    after = account.copy()
    after.orders[order.order_id] = order
    require_margin(world, account, after, listing, f"this order to {side} {size / BASE:.10g} {market}")
    world.next_order_id += 1
    world.accounts[account_id] = after
    return order.order_id


def cancel(world: World, account_id: str, order_id: int) -> None:
    """Takes an order out of the book. Raises: VenueRejected when it is not there."""
    account = world.account(account_id)
    if order_id not in account.orders:
        raise VenueRejected(f"account {account_id} has no resting order {order_id}; it was filled or cancelled before")
    world.end_order(account, order_id, "it was cancelled")


def _to_tick(listing: PerpListing, side: Side, price_1e6: int) -> int:
    """A limit price moved away from the market to a multiple of the tick: a bid down, an ask up."""
    ticks = price_1e6 // listing.tick_1e6 if side is Side.BUY else ceil_div(price_1e6, listing.tick_1e6)
    return ticks * listing.tick_1e6
