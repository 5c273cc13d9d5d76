"""Tokens in and out, and PnL turned into tokens. Balances bear no interest here."""

from venues.errors import VenueRejected
from venues.paper import liquidation, margin
from venues.paper.settlement import settle, value_1e6
from venues.paper.units import QUOTE, whole_units
from venues.paper.world import World


def deposit(world: World, account_id: str, token: str, amount_tokens: float) -> None:
    """Adds tokens; see PaperExchange.deposit."""
    account, market = world.account(account_id), world.universe.token(token)
    if account.bankrupt:
        raise VenueRejected(f"account {account_id} is bankrupt and takes no deposits; open another sub-account")
    amount_raw = whole_units(amount_tokens, 10**market.decimals, what="deposit")
    account.add_tokens(market.market_index, amount_raw)
    account.net_deposits_1e6 += value_1e6(world, market, amount_raw)
    liquidation.update_flag(world, account)


def withdraw(world: World, account_id: str, token: str, amount_tokens: float) -> None:
    """Takes tokens out; see PaperExchange.withdraw."""
    account, market = world.account(account_id), world.universe.token(token)
    if account.being_liquidated or account.bankrupt:
        raise VenueRejected(f"account {account_id} is being liquidated and cannot withdraw; deposit to free it")
    amount_raw = whole_units(amount_tokens, 10**market.decimals, what="withdrawal")
    after = account.copy()
    after.add_tokens(market.market_index, -amount_raw)
    after.net_deposits_1e6 -= value_1e6(world, market, amount_raw)
    margin.require_initial(world, after, f"withdrawing {amount_tokens:.10g} {token}")
    world.accounts[account_id] = after


def settle_pnl(world: World, account_id: str, market: str) -> float:
    """Moves a position's PnL into USDC; see PaperExchange.settle_pnl."""
    account, listing = world.account(account_id), world.universe.perp(market)
    if account.being_liquidated:
        raise VenueRejected(f"account {account_id} is being liquidated and cannot settle; deposit to free it")
    if listing.terms.market_index not in account.perps:
        raise VenueRejected(f"account {account_id} has no {market} position; there is nothing to settle")
    after = account.copy()
    pnl_1e6 = settle(world, after, listing.terms.market_index)
    if pnl_1e6 < 0:
        margin.require_maintenance_strict(world, account, f"settling a loss in {market}")
    world.accounts[account_id] = after
    return pnl_1e6 / QUOTE
