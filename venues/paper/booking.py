"""What every trade of an account goes through: may it, is the margin there, and what it does to the ledger.

Prices are rounded against the account, fees up.
"""

from risk.model.account import Side
from venues.errors import VenueRejected
from venues.paper import margin
from venues.paper.ledger import Fill, FillReason, PaperAccount, PerpSlot
from venues.paper.markets import PerpListing
from venues.paper.units import QUOTE_PER_BASE_PRICE, ceil_div
from venues.paper.world import World

_FEE_UNITS_PER_BPS = 1_000  # fees are whole numbers of 1e-7
_FEE_ONE = 10**7


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


def keep(world: World, after: PaperAccount, fill: Fill | None) -> None:
    """Makes an account that was tried the real one, and its fill a fact."""
    world.accounts[after.account_id] = after
    if fill is None:
        return
    world.fills.append(fill)
    side = Side.BUY if fill.base_1e9 > 0 else Side.SELL
    key = (fill.market_index, side)
    world.taken_1e9[key] = world.taken_1e9.get(key, 0) + abs(fill.base_1e9)


def may_trade(world: World, account_id: str) -> PaperAccount:
    """Raises: VenueRejected."""
    account = world.account(account_id)
    if account.being_liquidated or account.bankrupt:
        raise VenueRejected(f"account {account_id} is being liquidated and cannot place orders; deposit to free it")
    return account


def held_against_1e9(account: PaperAccount, market_index: int, side: Side) -> int:
    """What an order of a side can reduce; 0 or less for nothing."""
    held = account.base_1e9(market_index)
    return -held if side is Side.BUY else held


def reducible_1e9(account: PaperAccount, listing: PerpListing, side: Side) -> int:
    """Likewise. Raises: VenueRejected for nothing."""
    reducible = held_against_1e9(account, listing.terms.market_index, side)
    if reducible <= 0:
        raise VenueRejected(f"a reduce-only {side} has no {listing.terms.name} position to reduce; place it without")
    return reducible


def require_margin(world: World, before: PaperAccount, after: PaperAccount, listing: PerpListing, act: str) -> None:
    """Raises: VenueRejected, VenueUnavailable."""
    index = listing.terms.market_index
    if after.worst_1e9(index) > before.worst_1e9(index):
        margin.require_initial(world, after, act)
    else:
        margin.require_maintenance_strict(world, after, act)
