"""Liquidation as a simulation: flagged below maintenance, then reduced step by step until healthy with a buffer.

A simplification of the venue's auction of liquidators: positions close at the oracle price, minus a fee.
"""

import numpy as np

from risk.margin.evaluate import Evaluation
from venues.paper.booking import book_fill
from venues.paper.ledger import FillReason, PaperAccount
from venues.paper.margin import assess
from venues.paper.settlement import settle, value_1e6
from venues.paper.units import ceil_div
from venues.paper.world import World

MAX_SHARE_PER_STEP = 4  # a position loses at most a quarter a second
WHOLE_BELOW_USD = 500.0  # what is smaller than this is closed at once
SPOT_FEE_BPS = 100


def update_flag(world: World, account: PaperAccount) -> Evaluation:
    """Raises the flag below maintenance, lowers it when the buffer is regained; returns what it was decided on."""
    evaluation = assess(world, account)
    totals = evaluation.maintenance
    if account.being_liquidated:
        account.being_liquidated = bool(evaluation.full.exit_shortfall_usd[0] > 0)
    else:
        account.being_liquidated = bool(totals.collateral_usd[0] < totals.requirement_usd[0])
    return evaluation


def liquidate(world: World) -> None:
    """One second of it for every account; accounts are only flagged where the world does not liquidate."""
    for account in world.accounts.values():
        if account.bankrupt:
            continue
        evaluation = update_flag(world, account)
        if account.being_liquidated and world.liquidates:
            _reduce(world, account, evaluation)


def _reduce(world: World, account: PaperAccount, evaluation: Evaluation) -> None:
    """The venue's order: cancel orders, close positions, settle what they leave, repay borrows from deposits."""
    if account.orders:
        for order_id in list(account.orders):
            world.end_order(account, order_id, "a liquidation cancelled it")
    elif any(slot.base_1e9 for slot in account.perps.values()):
        _reduce_largest(world, account, evaluation)
    elif account.perps:
        for market_index in list(account.perps):
            settle(world, account, market_index)
    else:
        _repay(world, account)
    update_flag(world, account)


def _reduce_largest(world: World, account: PaperAccount, evaluation: Evaluation) -> None:
    """Closes a part of the position with the largest requirement: what restores margin, at most a quarter."""
    rows, detail = evaluation.book.perps, evaluation.full
    row = int(np.argmax(np.where(rows.base_1e9 != 0, detail.perp_requirement_usd, -1.0)))
    listing = world.universe.perp_at[int(evaluation.book.perp_markets.market_index[rows.market[row]])]
    held = account.base_1e9(listing.terms.market_index)
    price_1e6 = world.price_1e6(listing.terms.oracle_id)
    notional_usd = float(detail.perp_notional_usd[row])
    freed_frac = (
        float(detail.perp_requirement_usd[row]) / notional_usd
        + evaluation.book.liquidation_buffer_1e4 / 1e4
        - listing.liquidation_fee_bps / 1e4
    )
    size = abs(held)
    if notional_usd > WHOLE_BELOW_USD:
        size = ceil_div(size, MAX_SHARE_PER_STEP)
        if freed_frac > 0:
            enough_frac = float(detail.exit_shortfall_usd[0]) / freed_frac / notional_usd
            size = min(size, int(abs(held) * enough_frac))
        size = min(abs(held), ceil_div(max(size, 1), listing.step_1e9) * listing.step_1e9)
    world.fills.append(
        book_fill(
            world,
            account,
            listing,
            base_1e9=-size if held > 0 else size,
            price_1e6=price_1e6,
            fee_bps=listing.liquidation_fee_bps,
            reason=FillReason.LIQUIDATION,
        )
    )


def _repay(world: World, account: PaperAccount) -> None:
    """Swaps the largest deposit for the largest borrow, at oracle prices and a fee; without a deposit: bankrupt."""
    values = {index: value_1e6(world, world.universe.spot_at[index], raw) for index, raw in account.tokens_raw.items()}
    deposit = max(values, key=lambda index: values[index], default=None)
    borrow = min(values, key=lambda index: values[index], default=None)
    if deposit is None or borrow is None or values[deposit] <= 0 or values[borrow] >= 0:
        account.bankrupt = bool(values) and min(values.values()) < 0
        return
    cost_1e6 = ceil_div(-values[borrow] * (10_000 + SPOT_FEE_BPS), 10_000)
    if cost_1e6 <= values[deposit]:
        given_raw = min(account.tokens_raw[deposit], _amount_raw(world, deposit, cost_1e6))
        repaid_raw = -account.tokens_raw[borrow]
    else:
        given_raw = account.tokens_raw[deposit]
        repaid_raw = _amount_raw(world, borrow, values[deposit] * 10_000 // (10_000 + SPOT_FEE_BPS))
    account.add_tokens(deposit, -given_raw)
    account.add_tokens(borrow, min(repaid_raw, -account.tokens_raw[borrow]))


def _amount_raw(world: World, market_index: int, value_1e6: int) -> int:
    market = world.universe.spot_at[market_index]
    return ceil_div(value_1e6 * 10**market.decimals, world.price_1e6(market.oracle_id))
