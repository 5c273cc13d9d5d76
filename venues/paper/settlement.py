"""What a position and a token are worth at the oracle price, and PnL turned into the quote token."""

from risk.model.market import SpotMarket
from venues.paper.ledger import PaperAccount
from venues.paper.markets import QUOTE_TOKEN_INDEX
from venues.paper.units import ceil_div
from venues.paper.world import World


def settle(world: World, account: PaperAccount, market_index: int) -> int:
    """Books funding and moves all PnL of one slot into the quote token, without asking; returns the PnL in 1e6."""
    slot, price_1e6 = account.perps[market_index], world.price_1e6(world.universe.perp_at[market_index].terms.oracle_id)
    account.funding_1e6 += slot.book_funding(world.funding[market_index].index_1e9)
    pnl_1e6 = slot.pnl_1e6(price_1e6)
    slot.quote_1e6 -= pnl_1e6
    slot.settled_pnl_1e6 += pnl_1e6
    account.add_tokens(QUOTE_TOKEN_INDEX, pnl_1e6)
    if slot.is_empty:
        del account.perps[market_index]
    return pnl_1e6


def value_1e6(world: World, market: SpotMarket, amount_raw: int) -> int:
    """Value at the oracle price, rounded away from zero, so that a deposit and the same withdrawal cancel."""
    size = ceil_div(abs(amount_raw) * world.price_1e6(market.oracle_id), 10**market.decimals)
    return size if amount_raw >= 0 else -size
