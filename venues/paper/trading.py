"""Orders: market orders against the exchange's quote, and post-only limit orders that fill when the quote crosses them.

Prices are rounded against the account, fees up. A limit order fills at its limit, never better.
"""

import math
from dataclasses import dataclass, replace

from risk.model.account import Side
from venues.errors import VenueRejected, VenueUnavailable
from venues.paper import margin
from venues.paper.ledger import Fill, FillReason, PaperAccount, PerpSlot, RestingOrder
from venues.paper.markets import PerpListing
from venues.paper.units import BASE, PRICE, QUOTE, QUOTE_PER_BASE_PRICE, ceil_div, whole_units
from venues.paper.world import World

_BPS = 1e4
_FEE_UNITS_PER_BPS = 1_000  # fees are whole numbers of 1e-7
_FEE_ONE = 10**7


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What became of a market order. ``unfilled_base`` was not available and is gone."""

    order_id: int
    filled_base: float
    unfilled_base: float
    price_usd: float
    fee_usd: float


def touch_factor(listing: PerpListing, side: Side) -> float:
    """Price of the first unit for one who buys or sells at once, as a multiple of the oracle price."""
    half_spread = listing.half_spread_bps / _BPS
    return 1 + half_spread if side is Side.BUY else 1 - half_spread


def best_price_usd(world: World, listing: PerpListing, side: Side) -> float:
    """That price now."""
    return world.price_1e6(listing.terms.oracle_id) / PRICE * touch_factor(listing, side)


def fee_1e6(quote_1e6: int, fee_bps: float) -> int:
    """Fee on an amount of quote, rounded up: a rebate is rounded toward zero."""
    return ceil_div(abs(quote_1e6) * round(fee_bps * _FEE_UNITS_PER_BPS), _FEE_ONE)


def book_fill(
    world: World,
    account: PaperAccount,
    listing: PerpListing,
    *,
    base_1e9: int,
    price_1e6: int,
    fee_bps: float,
    reason: FillReason,
    order_id: int | None = None,
) -> Fill:
    """Changes the account's slot by a trade; the caller decides whether the account is kept, and records the fill."""
    index = listing.terms.market_index
    funding_index = world.funding[index].index_1e9
    slot = account.perps.setdefault(index, PerpSlot(funding_index_1e9=funding_index))
    account.funding_1e6 += slot.book_funding(funding_index)
    # Rounding up what is paid and down what is received is one floor of the signed amount.
    quote_1e6 = -base_1e9 * price_1e6 // QUOTE_PER_BASE_PRICE
    fee = fee_1e6(quote_1e6, fee_bps)
    slot.trade(base_1e9, quote_1e6)
    slot.quote_1e6 -= fee
    account.fees_1e6 += fee
    return Fill(
        at_s=world.now_s,
        account_id=account.account_id,
        market_index=index,
        base_1e9=base_1e9,
        quote_1e6=quote_1e6,
        price_1e6=price_1e6,
        fee_1e6=fee,
        reason=reason,
        order_id=order_id,
    )


def market_order(
    world: World, account_id: str, market: str, side: Side, size_base: float, *, reduce_only: bool = False
) -> OrderReport:
    """Trades at once as much as this second offers; see PaperExchange.market_order."""
    account, listing = _may_trade(world, account_id), world.universe.perp(market)
    size = whole_units(size_base, BASE, step=listing.step_1e9, what="size")
    if reduce_only:
        size = min(size, _reducible_1e9(account, listing, side))
    filled = min(size, world.available_1e9(listing, side))
    if filled == 0:
        raise VenueUnavailable(f"nothing more of {market} can trade this second; try again later")
    order_id = world.next_order_id
    after = account.copy()
    price_1e6 = _taker_price_1e6(listing, side, filled, world.price_1e6(listing.terms.oracle_id))
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
    _require_margin(world, account, after, listing, f"this {side} of {filled / BASE:.10g} {market}")
    world.next_order_id += 1
    _keep(world, after, fill)
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
    account, listing = _may_trade(world, account_id), world.universe.perp(market)
    size = whole_units(size_base, BASE, step=listing.step_1e9, what="size")
    if reduce_only:
        size = min(size, _reducible_1e9(account, listing, side))
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
    _require_margin(world, account, after, listing, f"this order to {side} {size / BASE:.10g} {market}")
    world.next_order_id += 1
    world.accounts[account_id] = after
    return order.order_id


def cancel(world: World, account_id: str, order_id: int) -> None:
    """Takes an order out of the book. Raises: VenueRejected when it is not there."""
    if world.account(account_id).orders.pop(order_id, None) is None:
        raise VenueRejected(f"account {account_id} has no resting order {order_id}; it was filled or cancelled before")


def crosses(order: RestingOrder, best_usd: float) -> bool:
    """Whether the exchange's quote has come to an order's limit; ``best_usd`` is best_price_usd for its side."""
    limit_usd = order.price_1e6 / PRICE
    return best_usd <= limit_usd if order.side is Side.BUY else best_usd >= limit_usd


def fill_crossed(world: World) -> None:
    """Fills what the quote of this second reaches, best price first, then oldest, as far as size is available."""
    crossed: list[tuple[float, int, str]] = []
    for account in world.accounts.values():
        if account.being_liquidated:
            continue
        for order in account.orders.values():
            listing = world.universe.perp_at[order.market_index]
            if world.board.is_halted(listing.terms.oracle_id):
                continue
            if crosses(order, best_price_usd(world, listing, order.side)):
                rank = -order.price_1e6 if order.side is Side.BUY else order.price_1e6
                crossed.append((rank, order.order_id, account.account_id))
    for _, order_id, account_id in sorted(crossed):
        _fill_resting(world, world.accounts[account_id], order_id)


def _fill_resting(world: World, account: PaperAccount, order_id: int) -> None:
    order = account.orders[order_id]
    listing = world.universe.perp_at[order.market_index]
    size = min(order.remaining_1e9, world.available_1e9(listing, order.side))
    if order.reduce_only:
        held = account.base_1e9(order.market_index)
        reducible = -held if order.side is Side.BUY else held
        if reducible <= 0:
            del account.orders[order_id]
            return
        size = min(size, reducible)
    if size == 0:
        return
    after = account.copy()
    left = order.remaining_1e9 - size
    if left:
        after.orders[order_id] = replace(order, remaining_1e9=left)
    else:
        del after.orders[order_id]
    fill = book_fill(
        world,
        after,
        listing,
        base_1e9=size if order.side is Side.BUY else -size,
        price_1e6=order.price_1e6,
        fee_bps=listing.maker_fee_bps,
        reason=FillReason.MAKER,
        order_id=order_id,
    )
    grows = abs(after.base_1e9(order.market_index)) > abs(account.base_1e9(order.market_index))
    if grows and not margin.keeps_maintenance(world, after):
        # The venue cancels a maker's order rather than fill it into a liquidation.
        del account.orders[order_id]
        return
    _keep(world, after, fill)


def _may_trade(world: World, account_id: str) -> PaperAccount:
    account = world.account(account_id)
    if account.being_liquidated or account.bankrupt:
        raise VenueRejected(f"account {account_id} is being liquidated and cannot place orders; deposit to free it")
    return account


def _reducible_1e9(account: PaperAccount, listing: PerpListing, side: Side) -> int:
    held = account.base_1e9(listing.terms.market_index)
    reducible = -held if side is Side.BUY else held
    if reducible <= 0:
        raise VenueRejected(f"a reduce-only {side} has no {listing.terms.name} position to reduce; place it without")
    return reducible


def _to_tick(listing: PerpListing, side: Side, price_1e6: int) -> int:
    """A limit price moved away from the market to a multiple of the tick: a bid down, an ask up."""
    ticks = price_1e6 // listing.tick_1e6 if side is Side.BUY else ceil_div(price_1e6, listing.tick_1e6)
    return ticks * listing.tick_1e6


def _taker_price_1e6(listing: PerpListing, side: Side, size_1e9: int, oracle_1e6: int) -> int:
    size_musd = size_1e9 / BASE * oracle_1e6 / PRICE / 1e6
    worse = (listing.half_spread_bps + listing.impact_bps_per_musd * size_musd) / _BPS
    if side is Side.BUY:
        return math.ceil(oracle_1e6 * (1 + worse))
    return max(1, math.floor(oracle_1e6 * (1 - worse)))


def _require_margin(world: World, before: PaperAccount, after: PaperAccount, listing: PerpListing, act: str) -> None:
    index = listing.terms.market_index
    if after.worst_1e9(index) > before.worst_1e9(index):
        margin.require_initial(world, after, act)
    else:
        margin.require_maintenance_strict(world, after, act)


def _keep(world: World, after: PaperAccount, fill: Fill) -> None:
    world.accounts[after.account_id] = after
    world.fills.append(fill)
    side = Side.BUY if fill.base_1e9 > 0 else Side.SELL
    key = (fill.market_index, side)
    world.taken_1e9[key] = world.taken_1e9.get(key, 0) + abs(fill.base_1e9)
