"""What cutting a leg gains and costs, found with the margin engine at what the market offers now. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from risk.after_plan import TradeStep
from risk.closing import closing_raw_1e9
from risk.decisions.depth import walk
from risk.decisions.order_terms import Untradeable, exact
from risk.margin.book import FleetBook
from risk.margin.evaluate import evaluate
from risk.margin.health import worst_ratio_percent
from risk.margin.trade import with_trade
from risk.model.account import Side
from risk.model.proposal import PlannedTrade
from risk.model.trading import BASE_UNITS, MarketDepth


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One leg, or a part of it, closed at what the market offers."""

    market: str
    side: Side
    size_base: float
    step: TradeStep
    book: FleetBook
    ratio: float
    gain: float
    cost_usd: float
    held_base: float

    @property
    def cost_frac(self) -> float:
        return self.cost_usd / (self.size_base * self.step.oracle_usd)


def offers(book: FleetBook, depth: Mapping[str, MarketDepth], target: float) -> list[Cut]:
    """For each leg of the worst scope the smallest cut that reaches the target, or all that can be cut."""
    perps = book.perps
    worst = worst_scope(book)
    found = []
    for row in np.flatnonzero(perps.base_1e9 != 0):
        if (bool(perps.isolated[row]), int(row)) != (True, worst) and (worst >= 0 or perps.isolated[row]):
            continue
        leg = cut_of(book, int(row), depth, target)
        if leg is not None and leg.gain > 0:
            found.append(leg)
    return found


def cut_of(book: FleetBook, row: int, depth: Mapping[str, MarketDepth], target: float) -> Cut | None:
    """The smallest cut of one leg that reaches the target, or all of it that can be cut; None where nothing can."""
    market = book.perp_markets.names[int(book.perps.market[row])]
    offer, held_raw = depth.get(market), round(float(book.perps.base_1e9[row]))
    if offer is None:
        return None
    step, least = max(1, offer.step_raw_1e9), max(offer.minimum_raw_1e9, offer.step_raw_1e9)
    side = Side.SELL if held_raw > 0 else Side.BUY
    whole = closing_raw_1e9(held_raw, 1.0, step)
    on_offer = int(walk(offer, side, abs(held_raw) / BASE_UNITS).filled_base * BASE_UNITS + 0.5)
    most = min(whole, on_offer // step * step)
    if most < least or not _takes(market, side, most, held_raw, offer):
        return None
    cut = _try(book, market, side, most, held_raw, offer, target)
    if cut.ratio < target:
        return cut
    low, high = 0, most // step
    while high - low > 1:
        middle = (low + high) // 2
        tried = _try(book, market, side, max(middle * step, least), held_raw, offer, target)
        if tried.ratio >= target:
            high, cut = middle, tried
        else:
            low = middle
    return cut


def _try(book: FleetBook, market: str, side: Side, raw: int, held_raw: int, offer: MarketDepth, target: float) -> Cut:
    size = raw / BASE_UNITS
    got = walk(offer, side, size)
    step = TradeStep(
        market=market, base=size if side is Side.BUY else -size, price_usd=got.average_usd, fee_usd=got.fee_usd,
        oracle_usd=offer.oracle_usd,
    )  # fmt: skip
    after = with_trade(book, market, step.base, price_usd=step.price_usd, fee_usd=step.fee_usd)
    ratio, before = ratio_of(after), ratio_of(book)
    # Without any requirement left a ratio is infinite; more than the target is no gain.
    gain = min(ratio, max(target, before)) - before
    return Cut(
        market=market, side=side, size_base=size, step=step, book=after, ratio=ratio, gain=gain,
        cost_usd=max(got.cost_usd, 0.0), held_base=held_raw / BASE_UNITS,
    )  # fmt: skip


def ratio_of(book: FleetBook) -> float:
    """Health ratio of the worst scope, percent."""
    return float(worst_ratio_percent(evaluate(book, maintenance_only=True))[0])


def worst_scope(book: FleetBook) -> int:
    """Row of the isolated position that is worst; -1 for the cross account."""
    found = evaluate(book, maintenance_only=True)
    totals, rows = found.maintenance, found.isolated_rows
    worst, least = -1, math.inf
    if totals.requirement_usd[0] > 0:
        least = float(totals.collateral_usd[0] / totals.requirement_usd[0])
    for at, row in enumerate(rows):
        needed = float(totals.isolated_requirement_usd[at])
        if needed > 0 and float(totals.isolated_collateral_usd[at]) / needed < least:
            worst, least = int(row), float(totals.isolated_collateral_usd[at]) / needed
    return worst


def _takes(market: str, side: Side, raw: int, held_raw: int, offer: MarketDepth) -> bool:
    trade = PlannedTrade(market=market, side=side, size_base=raw / BASE_UNITS, reduce_only=True)
    try:
        exact(trade, offer, account_id="", held_raw_1e9=held_raw, slippage_frac=0.0, expires_at_s=0)
    except Untradeable:
        return False
    return True
