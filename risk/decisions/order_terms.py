"""From a trade somebody wants to an order that can be sent: whole numbers, rounded toward less risk. Pure.

A size is rounded down to the market's step. A buy's limit is rounded down to the tick and a sell's up, so that nobody
pays more than was said. A trigger is rounded so that a stop fires no later and a profit is no smaller than was said.
"""

import math
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from risk.decisions.depth import Walk, walk
from risk.model.account import Side
from risk.model.market import MarketStatus
from risk.model.proposal import LegQuote, PlannedTrade, Refusal
from risk.model.trading import BASE_UNITS, PRICE_UNITS, MarketDepth, OrderStyle, OrderTerms

_CLOSED = {
    MarketStatus.DELISTED: "is delisted",
    MarketStatus.SETTLEMENT: "is being settled",
    MarketStatus.FILL_PAUSED: "is paused: no order is filled now",
    MarketStatus.INITIALIZED: "is not open yet",
}


class Untradeable(Exception):
    """A trade that cannot be made into an order. ``refusal`` says why, and what would work."""

    def __init__(self, reason: str, nearest: str = "") -> None:
        self.refusal = Refusal(reason=reason, nearest=nearest)
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """An order, what it would get now, and what is to be known about it.

    Attributes:
        quote: None for an order that waits for a trigger.
        notes: Sentences.
    """

    terms: OrderTerms
    quote: LegQuote | None
    notes: tuple[str, ...] = ()


def exact(
    trade: PlannedTrade,
    depth: MarketDepth,
    *,
    account_id: str,
    held_raw_1e9: int,
    slippage_frac: float,
    expires_at_s: int,
) -> Exact:
    """The order of a trade.

    Args:
        held_raw_1e9: Signed size held now, orders before this one taken into account.
        slippage_frac: How much worse than the worst price of the quote an order may still be filled.
        expires_at_s: Of orders that are to be filled now, and of resting ones without a trigger.

    Raises: Untradeable.
    """
    _require_open(trade, depth)
    size = _size_raw_1e9(trade, depth, held_raw_1e9)
    terms = OrderTerms(
        account_id=account_id,
        market=trade.market,
        market_index=depth.market_index,
        side=trade.side,
        style=trade.style,
        size_raw_1e9=size,
        limit_raw_1e6=0,
        reduce_only=trade.reduce_only,
        expires_at_s=0 if trade.style.is_trigger else expires_at_s,
        trigger_raw_1e6=0,
        triggers_above=None,
    )
    if trade.style.is_trigger:
        return _triggered(trade, depth, terms)
    return _now(trade, depth, terms, slippage_frac)


def _now(trade: PlannedTrade, depth: MarketDepth, terms: OrderTerms, slippage_frac: float) -> Exact:
    got = walk(depth, trade.side, terms.size_base)
    if trade.style is OrderStyle.IOC:
        notes = _require_depth(trade, depth, terms, got)
        limit = trade.limit_usd if trade.limit_usd is not None else _worst(got, trade.side, slippage_frac)
    else:
        notes = ()
        if trade.limit_usd is None:
            raise Untradeable(f"an order that rests in {trade.market} needs a price", "name its limit")
        limit = trade.limit_usd
    limit_raw = _price_raw_1e6(limit, depth, up=trade.side is Side.SELL)
    if limit_raw <= 0:
        raise Untradeable(f"a limit of ${limit:g} is below the smallest price of {trade.market}", "name a higher one")
    return Exact(terms=replace(terms, limit_raw_1e6=limit_raw), quote=_quote(depth, got), notes=notes)


def _triggered(trade: PlannedTrade, depth: MarketDepth, terms: OrderTerms) -> Exact:
    if trade.trigger_usd is None or trade.triggers_above is None or not trade.trigger_usd > 0:
        raise Untradeable(f"a trigger in {trade.market} needs a price above zero to wait for", "name it")
    # A sale below or a purchase above stops a loss, and is to fire no later than was said. The others take a profit,
    # and no smaller one. A seller's trigger is rounded up and a buyer's down, whichever of the two it is.
    trigger = _price_raw_1e6(trade.trigger_usd, depth, up=trade.side is Side.SELL)
    crossed = depth.oracle_usd > trade.trigger_usd if trade.triggers_above else depth.oracle_usd < trade.trigger_usd
    if crossed:
        raise Untradeable(
            f"{trade.market} stands past ${trade.trigger_usd:,.6g} at ${depth.oracle_usd:,.6g}: it would fire at once",
            "name another price, or close the position now",
        )
    if trigger <= 0:
        raise Untradeable(f"a trigger of ${trade.trigger_usd:g} is below the smallest price of {trade.market}")
    limit = 0
    if trade.style is OrderStyle.TRIGGER_LIMIT:
        if trade.limit_usd is None:
            raise Untradeable(f"a trigger-limit order in {trade.market} needs a limit", "name it, or leave it a market")
        limit = _price_raw_1e6(trade.limit_usd, depth, up=trade.side is Side.SELL)
    found = replace(
        terms, trigger_raw_1e6=trigger, triggers_above=trade.triggers_above, limit_raw_1e6=limit, reduce_only=True
    )
    return Exact(terms=found, quote=None)


def _require_open(trade: PlannedTrade, depth: MarketDepth) -> None:
    if depth.status in _CLOSED:
        raise Untradeable(f"{trade.market} {_CLOSED[depth.status]}", "wait until it opens, or hedge in another market")
    if depth.status is MarketStatus.REDUCE_ONLY and not trade.reduce_only:
        raise Untradeable(f"{trade.market} takes only orders that reduce a position", "close what is held in it")
    if depth.problem:
        raise Untradeable(f"{trade.market} cannot be traded on now: {depth.problem}", "try again later")
    if not (math.isfinite(depth.oracle_usd) and depth.oracle_usd > 0):
        raise Untradeable(f"the oracle of {trade.market} shows no positive price", "try again when it does")


def _size_raw_1e9(trade: PlannedTrade, depth: MarketDepth, held_raw_1e9: int) -> int:
    if not (math.isfinite(trade.size_base) and trade.size_base > 0):
        raise Untradeable(f"a size of {trade.size_base:g} {trade.market} is none", "name one above zero")
    size = int((Decimal(str(trade.size_base)) * BASE_UNITS).to_integral_value(ROUND_FLOOR))
    if trade.reduce_only:
        reducible = -held_raw_1e9 if trade.side is Side.BUY else held_raw_1e9
        if reducible <= 0:
            raise Untradeable(f"no {trade.market} is held that a reduce-only {trade.side.value} could reduce")
        size = min(size, reducible)
    size -= size % depth.step_raw_1e9
    least = max(depth.minimum_raw_1e9, depth.step_raw_1e9)
    if size < least:
        raise Untradeable(
            f"{trade.size_base:.10g} {trade.market} is less than the market's smallest order",
            f"{least / BASE_UNITS:.10g} is the smallest, about ${least / BASE_UNITS * depth.oracle_usd:,.2f}",
        )
    return size


def _require_depth(trade: PlannedTrade, depth: MarketDepth, terms: OrderTerms, got: Walk) -> tuple[str, ...]:
    if not depth.side(trade.side):
        raise Untradeable(f"{trade.market} has nothing on offer to {trade.side.value} now", "try again, or use a limit")
    missing = terms.size_base - got.filled_base
    if missing <= depth.step_raw_1e9 / BASE_UNITS / 2:
        return ()
    offered = f"{got.filled_base:.6g} {trade.market}"
    if not trade.reduce_only:
        raise Untradeable(
            f"only {offered} of {terms.size_base:.6g} can be had now", f"{trade.side.value} {offered} or less"
        )
    # Getting out of a part of it is better than of nothing; what stays open is reported.
    return (f"only {offered} of {terms.size_base:.6g} are on offer now: the rest may stay open",)


def _worst(got: Walk, side: Side, slippage_frac: float) -> float:
    return got.worst_usd * (1 + slippage_frac if side is Side.BUY else 1 - slippage_frac)


def _price_raw_1e6(price_usd: float, depth: MarketDepth, *, up: bool) -> int:
    if not (math.isfinite(price_usd) and price_usd > 0):
        raise Untradeable(f"${price_usd:g} is no price for {depth.market}", "name one above zero")
    ticks = Decimal(str(price_usd)) * PRICE_UNITS / depth.tick_raw_1e6
    return int(ticks.to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)) * depth.tick_raw_1e6


def _quote(depth: MarketDepth, got: Walk) -> LegQuote:
    return LegQuote(
        oracle_usd=depth.oracle_usd,
        average_usd=got.average_usd,
        fee_usd=got.fee_usd,
        impact_frac=got.impact_frac,
        source=depth.source,
        slot=depth.slot,
        observed_at=depth.observed_at,
    )
